package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// The ends of the wire and the run as a whole weigh more than what else runs on the
// machine: a build in the background must not make the load late. The gateway weighs
// within its run what every cgroup weighs.
const (
	ownWeight     = 10 // times the usual
	usualSharesV1 = 1024
	usualWeightV2 = 100
)

// favour gives a cgroup's run its weight against the rest of the machine, and the
// cgroup its own within the run: more when it is an end of the wire.
func favour(g cgroup, end bool) error {
	dir, file, usual := g.Dirs["cpu"], "cpu.shares", usualSharesV1
	if g.Version == 2 {
		dir, file, usual = g.Dirs[""], "cpu.weight", usualWeightV2
	}
	if dir == "" {
		return nil
	}
	run := filepath.Dir(dir)
	favoured := []string{filepath.Dir(run), run}
	if end {
		favoured = append(favoured, dir)
	}
	for _, d := range favoured {
		err := put(filepath.Join(d, file), strconv.Itoa(ownWeight*usual))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the tree has no cpu controller here
		}
		if err != nil {
			return fmt.Errorf("give weight: %w", err)
		}
	}
	return nil
}

// put writes to a file that is there.
func put(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
