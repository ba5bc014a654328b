package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A cgroup is the kernel's group of one actor: one directory on v2 (its name is
// ""), one for each controller on v1.
type cgroup struct {
	Version int               `json:"version"`
	Dirs    map[string]string `json:"dirs"`
}

// procsFiles are the files into which a process writes itself to join.
func (g cgroup) procsFiles() []string {
	var files []string
	for _, dir := range g.Dirs {
		files = append(files, filepath.Join(dir, "cgroup.procs"))
	}
	slices.Sort(files)
	return files
}

// kill ends all that is in the group, at once.
func (g cgroup) kill() {
	for _, dir := range g.Dirs {
		killIn(dir)
	}
}

// remove ends all that is in the group and takes its directories away.
func (g cgroup) remove(ctx context.Context) error {
	var errs []error
	for _, dir := range g.Dirs {
		errs = append(errs, clearCgroup(ctx, dir))
	}
	return errors.Join(errs...)
}

// clearCgroup kills all processes in dir and below it and removes the directories.
// It comes back when dir is gone, or with an error when ctx is done.
func clearCgroup(ctx context.Context, dir string) error {
	var last error
	err := poll(ctx, func() bool {
		killIn(dir)
		last = removeTree(dir)
		return last == nil
	})
	if err != nil {
		return fmt.Errorf("remove cgroup %s: %w", dir, last)
	}
	return nil
}

// killIn sends SIGKILL to every process in dir and below it but this one.
func killIn(dir string) {
	for _, d := range tree(dir) {
		// Linux 5.14 and later kill a v2 group at one stroke, forks included.
		if err := os.WriteFile(filepath.Join(d, "cgroup.kill"), []byte("1"), 0); err == nil {
			continue
		}
		for _, pid := range pidsIn(d) {
			if pid != os.Getpid() {
				killProcess(pid)
			}
		}
	}
}

// removeTree removes dir and what is below it, the lowest first.
func removeTree(dir string) error {
	dirs := tree(dir)
	for _, d := range slices.Backward(dirs) {
		// The files in a cgroup are the kernel's and go with it.
		if err := os.Remove(d); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// tree is dir and all directories below it, each before its children.
func tree(dir string) []string {
	var dirs []string
	// What vanishes meanwhile is passed over.
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	return dirs
}

// pidsIn are the processes in one directory. A process of another pid namespace
// reads as 0 and is left out.
func pidsIn(dir string) []int {
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return nil
	}
	var pids []int
	for _, field := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}

// poll asks until done or ctx is. The pause doubles from 1 ms to 50 ms.
func poll(ctx context.Context, done func() bool) error {
	for pause := time.Millisecond; !done(); pause = min(2*pause, 50*time.Millisecond) {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
		}
	}
	return nil
}
