package image

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// defaultPath is where container engines look for a program when the image does not say.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Program is the path of what the image runs, on this machine. It must be able to run
// without a container: alone, as Go programs mostly do, or with a loader that this machine
// has.
func (u *Unpacked) Program() (string, error) {
	program, err := u.program()
	if err != nil {
		return "", fmt.Errorf("find the program of %s: %w: want an image whose entrypoint is the "+
			"collector itself, or its path below %s with --collector-bin", u.Image, err, u.Root)
	}
	return program, nil
}

func (u *Unpacked) program() (string, error) {
	root, err := os.OpenRoot(u.Root)
	if err != nil {
		return "", err
	}
	defer root.Close()
	at, err := entrypoint(root, u.Config)
	if err != nil {
		return "", err
	}
	f, err := root.Open(at)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if err := runnable(f, u.Platform); err != nil {
		return "", fmt.Errorf("/%s %w", at, err)
	}
	return filepath.Join(u.Root, filepath.FromSlash(at)), nil
}

// entrypoint is the program of an image, relative to its root.
func entrypoint(root *os.Root, c Config) (string, error) {
	var program string
	switch {
	case len(c.Entrypoint) > 1:
		return "", fmt.Errorf("found the entrypoint %q, whose arguments hold in its container only",
			c.Entrypoint)
	case len(c.Entrypoint) == 1:
		program = c.Entrypoint[0]
	case len(c.Cmd) > 0: // what follows are arguments, in whose place ours come
		program = c.Cmd[0]
	}
	if program == "" {
		return "", errors.New("found no entrypoint and no command")
	}
	var places []string
	if strings.Contains(program, "/") {
		if !path.IsAbs(program) {
			program = path.Join("/", c.WorkingDir, program)
		}
		places = []string{program}
	} else {
		for dir := range strings.SplitSeq(c.searchPath(), ":") {
			places = append(places, path.Join("/", dir, program))
		}
	}
	for _, place := range places {
		at, err := follow(root, place)
		if err != nil {
			return "", err
		}
		if info, err := root.Lstat(at); err == nil && info.Mode().IsRegular() &&
			info.Mode().Perm()&0o111 != 0 {
			return at, nil
		}
	}
	return "", fmt.Errorf("found no executable file at %s", strings.Join(places, ", "))
}

func (c Config) searchPath() string {
	found := defaultPath
	for _, pair := range c.Env {
		if value, ok := strings.CutPrefix(pair, "PATH="); ok && value != "" {
			found = value
		}
	}
	return found
}

// mostInterpreter is how long the path of a loader may be.
const mostInterpreter = 4096

// runnable tells why a program cannot run on this machine.
func runnable(file io.ReaderAt, platform string) error {
	var begin [2]byte
	if _, err := file.ReadAt(begin[:], 0); err == nil && bytes.Equal(begin[:], []byte("#!")) {
		return errors.New("is a script")
	}
	program, err := elf.NewFile(file)
	if err != nil {
		return fmt.Errorf("is no program for Linux (%w)", err)
	}
	_, arch, _ := strings.Cut(platform, "/")
	arch, _, _ = strings.Cut(arch, "/")
	if is, known := architectures[program.Machine]; known && is != arch {
		return fmt.Errorf("is a program for %s and not for %s", is, arch)
	}
	if program.Type != elf.ET_EXEC && program.Type != elf.ET_DYN {
		return fmt.Errorf("is no program, but %v", program.Type)
	}
	for _, p := range program.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(p.Open(), mostInterpreter))
		if err != nil {
			return fmt.Errorf("does not name its loader (%w)", err)
		}
		loader := string(bytes.TrimRight(text, "\x00"))
		if _, err := os.Stat(loader); err != nil {
			return fmt.Errorf("is linked dynamically and needs the loader %s, which this machine does "+
				"not have", loader)
		}
	}
	return nil
}
