package main

import (
	"bufio"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/gateway"
)

// imageName is that of the tool's own image. It is written out in full: there nobody but
// Docker can put an image, so that one that was not loaded is never taken from a stranger.
const imageName = "docker.io/library/odigos-stress"

// imageTag is a version as a tag.
func imageTag(version string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_':
			return r
		}
		return '-'
	}, version)
}

// toolProgram is the file name of the tool's own program.
const toolProgram = "odigos-stress"

func imageCommand() *cobra.Command {
	var programs, tag string
	cmd := &cobra.Command{
		Use:   "image FILE",
		Short: "Write the tool's own image, without Docker and without a registry",
		Long: `Image writes an archive, as docker save does, of an image that holds odigos-stress and the
collector beside it, and nothing else. It is what the pods of --environment kubernetes run; where
the cluster has no registry it is loaded into its nodes. FILE - is the standard output.

The programs must be static ones for Linux; elsewhere --programs names where such are.`,
		Example: `  odigos-stress image odigos-stress.tar && kind load image-archive odigos-stress.tar
  odigos-stress image - | ctr --namespace k8s.io images import -
  odigos-stress image - | docker load`,
		Args: cobra.ExactArgs(1),
		RunE: command(func(cmd *cobra.Command, args []string) error {
			ref, err := name.NewTag(tag, name.StrictValidation)
			if err != nil {
				return usage(fmt.Errorf("--tag: found %q, want such as %s: %w", tag, ownImage(), err))
			}
			if programs == "" {
				if programs, err = besideTool(); err != nil {
					return err
				}
			}
			if args[0] == "-" {
				return writeImage(cmd.OutOrStdout(), ref, programs)
			}
			if err := imageFile(args[0], ref, programs); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s into %s\n", tag, args[0])
			return nil
		}),
	}
	cmd.Flags().StringVar(&programs, "programs", "", "the `directory` of "+toolProgram+" and "+
		gateway.Sibling+"; if not given that of this program")
	cmd.Flags().StringVar(&tag, "tag", ownImage(), "`name` of the image")
	return cmd
}

// besideTool is the directory of this program.
func besideTool() (string, error) {
	self, err := os.Executable()
	if err == nil {
		self, err = filepath.EvalSymlinks(self)
	}
	if err != nil {
		return "", fmt.Errorf("find the tool's own program: %w", err)
	}
	return filepath.Dir(self), nil
}

// imageFile writes the archive into a file; none is left if that fails.
func imageFile(path string, tag name.Tag, programs string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write image: %w", err)
	}
	buffered := bufio.NewWriterSize(f, 1<<20)
	err = writeImage(buffered, tag, programs)
	if err = errors.Join(err, buffered.Flush(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// A program is a file that goes into the image, at its root.
type program struct {
	name, path string
	size       int64
	arch       string // as images name it
}

// architectures are those of an ELF file as images name them.
var architectures = map[elf.Machine]string{
	elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64", elf.EM_S390: "s390x", elf.EM_PPC64: "ppc64le",
}

// staticProgram looks whether a file runs where there is nothing but itself.
func staticProgram(path string) (p program, err error) {
	const remedy = "a static program for Linux: CGO_ENABLED=0 GOOS=linux make build makes one"
	f, err := os.Open(path)
	if err != nil {
		return p, fmt.Errorf("read program: %w; want %s", err, remedy)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return p, fmt.Errorf("read program: %w", err)
	}
	file, err := elf.NewFile(f)
	if err != nil {
		return p, fmt.Errorf("read program %s: found no ELF file (%w), want %s", path, err, remedy)
	}
	for _, part := range file.Progs {
		if part.Type == elf.PT_INTERP {
			return p, fmt.Errorf("read program %s: found one that is linked dynamically, want %s", path,
				remedy)
		}
	}
	arch, ok := architectures[file.Machine]
	if !ok {
		return p, fmt.Errorf("read program %s: found one for %v, want one for amd64 or arm64", path,
			file.Machine)
	}
	return program{name: filepath.Base(path), path: path, size: info.Size(), arch: arch}, nil
}

// imagePrograms are both programs of an image.
func imagePrograms(dir string) ([]program, error) {
	var all []program
	for _, name := range []string{toolProgram, gateway.Sibling} {
		p, err := staticProgram(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		if len(all) > 0 && all[0].arch != p.arch {
			return nil, fmt.Errorf("read programs: found %s for %s and %s for %s, want both for one",
				all[0].name, all[0].arch, p.name, p.arch)
		}
		all = append(all, p)
	}
	return all, nil
}

// A strand is one stream after another, with what is to be closed.
type strand struct {
	io.Reader
	closers []io.Closer
}

// Close closes all of them.
func (s strand) Close() error {
	var errs []error
	for _, c := range s.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
