package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// A claim is one line that the tool writes to its guardian: something to be taken
// away should the tool not live to do it.
type claim struct {
	Op      string   `json:"op"` // hold, drop or done
	Cgroup  string   `json:"cgroup,omitempty"`
	Path    string   `json:"path,omitempty"`
	Process *process `json:"process,omitempty"`
}

// holdings is all that a run has to its name.
type holdings struct {
	Processes []process `json:"processes,omitempty"`
	Cgroups   []string  `json:"cgroups,omitempty"` // directories, with all below them
	Paths     []string  `json:"paths,omitempty"`   // files and directories
}

func (h *holdings) apply(c claim) {
	change(c.Op, &h.Cgroups, c.Cgroup, c.Cgroup != "")
	change(c.Op, &h.Paths, c.Path, c.Path != "")
	if c.Process != nil {
		change(c.Op, &h.Processes, *c.Process, true)
	}
}

func change[T comparable](op string, list *[]T, item T, given bool) {
	if !given {
		return
	}
	*list = slices.DeleteFunc(*list, func(x T) bool { return x == item })
	if op == "hold" {
		*list = append(*list, item)
	}
}

// sweep takes everything away: processes, then cgroups with what is still in them,
// then files, the last held first.
func (h *holdings) sweep(ctx context.Context) error {
	var errs []error
	for _, p := range h.Processes {
		p.kill()
	}
	for _, dir := range slices.Backward(h.Cgroups) {
		errs = append(errs, clearCgroup(ctx, dir))
		removeParent(dir)
	}
	for _, p := range h.Processes {
		if err := poll(ctx, func() bool { return !p.alive() }); err != nil {
			errs = append(errs, fmt.Errorf("kill process %d: %w", p.PID, err))
		}
	}
	for _, path := range slices.Backward(h.Paths) {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}

// sweepTime bounds how long a guardian tries.
const sweepTime = 30 * time.Second

// Guard reads claims from standard input until it ends. If the last word is not
// that the tool is done, the tool died, and Guard takes away what it held.
//
// args are the path of a log to which it appends a line when it had to act; it may
// be empty. It ignores the signals by which a terminal or a person ends the tool.
func Guard(args []string) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	if len(args) != 1 {
		return fmt.Errorf("%s: want one argument, the path of a log", guardCommand)
	}
	fmt.Println(guardReady)
	held, done := readClaims(os.Stdin)
	if done {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), sweepTime)
	defer cancel()
	err := held.sweep(ctx)
	return errors.Join(err, noteSweep(args[0], held, err))
}

const guardReady = "ready"

// readClaims follows the tool until it says that it is done, or says no more. A line
// that was cut off in the middle was never acted upon by the tool.
func readClaims(r io.Reader) (held holdings, done bool) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c claim
		if json.Unmarshal(lines.Bytes(), &c) != nil {
			continue
		}
		if c.Op == "done" {
			return held, true
		}
		held.apply(c)
	}
	return held, false
}

func noteSweep(path string, h holdings, sweepErr error) error {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("note the clean-up: %w", err)
	}
	defer f.Close()
	outcome := "all gone"
	if sweepErr != nil {
		outcome = sweepErr.Error()
	}
	_, err = fmt.Fprintf(f, "time=%s level=WARN msg=%q processes=%d cgroups=%d paths=%d outcome=%q\n",
		time.Now().UTC().Format(time.RFC3339), "the tool died; its guardian cleaned up",
		len(h.Processes), len(h.Cgroups), len(h.Paths), outcome)
	return err
}
