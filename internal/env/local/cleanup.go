package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Leftover is something that a run whose tool has died did not take away.
type Leftover struct {
	Run  string `json:"run"`
	Kind string `json:"kind"` // process, cgroup or file
	Path string `json:"path,omitempty"`
	PID  int    `json:"pid,omitempty"`
	// Kept says why it was left where it is; empty means that it was removed, or
	// would be.
	Kept string `json:"kept,omitempty"`
}

func (l Leftover) String() string {
	s := l.Kind + " " + l.Path
	if l.Kind == "process" {
		s = fmt.Sprintf("process %d", l.PID)
	}
	s += " of run " + l.Run
	if l.Kept != "" {
		s += ": kept: " + l.Kept
	}
	return s
}

// Cleanup finds what dead runs left, by the registry and by the names of cgroups,
// and unless dryRun takes it away. It never touches a run whose tool lives.
func Cleanup(ctx context.Context, o Options, dryRun bool) ([]Leftover, error) {
	if o.Environ == nil {
		o.Environ = os.Environ()
	}
	if o.Registry == "" {
		o.Registry = registryDir(o.Environ)
	}
	var found []Leftover
	var errs []error
	entries, err := readEntries(o.Registry)
	errs = append(errs, err)
	known := map[string]bool{} // cgroups that an entry speaks for
	for _, e := range entries {
		for _, dir := range e.Cgroups {
			known[dir] = true
		}
		if e.owned() {
			continue
		}
		found = append(found, e.leftovers(o.Registry)...)
		if !dryRun {
			errs = append(errs, e.sweep(ctx), remove(entryPath(o.Registry, e.RunID)))
		}
	}
	lost, err := lostCgroups(known)
	errs = append(errs, err)
	for _, dir := range lost {
		more := cgroupLeftovers(dir)
		found = append(found, more...)
		if !dryRun && more[0].Kept == "" {
			errs = append(errs, clearCgroup(ctx, dir))
			removeParent(dir)
		}
	}
	stray := strayDirs(o.Registry)
	for _, dir := range stray {
		found = append(found, Leftover{Run: filepath.Base(dir), Kind: "file", Path: dir})
		if !dryRun {
			errs = append(errs, os.RemoveAll(dir))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return found, fmt.Errorf("clean up: %w", err)
	}
	return found, nil
}

// leftovers are the things of an entry that still exist.
func (e entry) leftovers(registry string) []Leftover {
	var found []Leftover
	same := e.Boot == bootID()
	for _, p := range e.Processes {
		if same && p.alive() {
			found = append(found, Leftover{Run: e.RunID, Kind: "process", PID: p.PID})
		}
	}
	for _, dir := range e.Cgroups {
		if _, err := os.Stat(dir); same && err == nil {
			found = append(found, Leftover{Run: e.RunID, Kind: "cgroup", Path: dir})
		}
	}
	for _, path := range e.Paths {
		if _, err := os.Stat(path); err == nil {
			found = append(found, Leftover{Run: e.RunID, Kind: "file", Path: path})
		}
	}
	if len(found) == 0 {
		found = append(found, Leftover{Run: e.RunID, Kind: "file", Path: entryPath(registry, e.RunID)})
	}
	return found
}

// lostCgroups are directories of runs of which no entry speaks, and whose tool, by
// the name they bear, has died.
func lostCgroups(known map[string]bool) ([]string, error) {
	all, err := readHierarchies("/proc/self")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // not a Linux
	}
	if err != nil {
		return nil, err
	}
	var lost []string
	for _, h := range all {
		for _, dir := range runDirsBelow(h.Mount) {
			_, owner, _ := strings.Cut(filepath.Base(dir), "@")
			p, err := parseProcess(owner)
			if err == nil && !known[dir] && !p.alive() && !slices.Contains(lost, dir) {
				lost = append(lost, dir)
			}
		}
	}
	return lost, nil
}

// runDirsBelow are the children of every cgroup that bears our name.
func runDirsBelow(mount string) []string {
	var dirs []string
	_ = filepath.WalkDir(mount, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil // vanished meanwhile, or not ours to read
		}
		if filepath.Base(filepath.Dir(path)) == parentName && strings.Contains(d.Name(), "@") {
			dirs = append(dirs, path)
			return filepath.SkipDir
		}
		return nil
	})
	return dirs
}

// cgroupLeftovers are a lost directory, first, and the processes in it. It is kept
// if one of them is of another pid namespace: then its tool may live there.
func cgroupLeftovers(dir string) []Leftover {
	run, _, _ := strings.Cut(filepath.Base(dir), "@")
	found := []Leftover{{Run: run, Kind: "cgroup", Path: dir}}
	mine, _ := os.Readlink("/proc/self/ns/pid")
	for _, d := range tree(dir) {
		if text, err := os.ReadFile(filepath.Join(d, "cgroup.procs")); err == nil &&
			slices.Contains(strings.Fields(string(text)), "0") {
			found[0].Kept = "it holds processes of another pid namespace; its run may live in a container"
		}
		for _, pid := range pidsIn(d) {
			theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
			if err != nil || theirs != mine {
				found[0].Kept = fmt.Sprintf("process %d in it is not of this pid namespace or not yours; "+
					"its run may live in a container", pid)
			}
			found = append(found, Leftover{Run: run, Kind: "process", PID: pid, Kept: found[0].Kept})
		}
	}
	return found
}

// strayDirs are directories of runs that have no entry.
func strayDirs(registry string) []string {
	items, err := os.ReadDir(registry)
	if err != nil {
		return nil
	}
	var stray []string
	for _, item := range items {
		if !item.IsDir() || !nameRule.MatchString(item.Name()) {
			continue
		}
		if _, err := os.Stat(entryPath(registry, item.Name())); errors.Is(err, fs.ErrNotExist) {
			stray = append(stray, filepath.Join(registry, item.Name()))
		}
	}
	return stray
}
