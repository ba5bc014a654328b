// Package local is this machine as a place for trials: actors are child processes,
// each in a cgroup of its own, and nothing of them outlives the tool.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// Options say how a run lives on this machine. RunID alone is required.
type Options struct {
	// RunID names the run's cgroups and its entry in the registry.
	RunID string
	// LogPath is the file that takes an actor's output, as it is written; its
	// directory must exist. Without it the output goes with the run.
	LogPath func(actor string) string
	// GuardLog takes a line if the guardian had to clean up; empty means none.
	GuardLog string
	// Self is the tool's own binary, whose main must call Hidden; empty means the
	// running program.
	Self string
	// Registry is where runs note themselves and keep the actors' files; empty means
	// a directory of this user's.
	Registry string
	// Environ is what actors inherit, once scrubbed; nil means this process's.
	Environ []string
	// Grace is for actors that give none; 0 means 10 s.
	Grace time.Duration
	Log   *slog.Logger
}

// A Local is a run's hold on this machine. It is safe for concurrent use.
type Local struct {
	o        Options
	environ  []string
	scrubbed []string
	dir      string // for the actors' files
	fence    fence
	guard    *guardian
	spawner  *spawner

	life     context.Context // ends when Close begins
	end      context.CancelCauseFunc
	starting sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	entry     entry
	notes     []string
	instances []*Instance    // in the order of their start
	ports     map[int]bool   // handed out before
	starts    map[string]int // by actor
	// homes are where the actors listened that were ready once, by port.
	homes map[string]map[string]string

	closing  sync.Once
	closeErr error
}

var _ env.Environment = (*Local)(nil)

// nameRule holds for run ids and actors: both become names of files and cgroups.
var nameRule = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$`)

// New registers a run, starts its guardian and finds out by trying how limits can be
// enforced. That they cannot is no error: see Enforcement. Close must be called.
func New(o Options) (*Local, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	l := &Local{o: o, ports: map[int]bool{}, starts: map[string]int{}}
	l.homes = map[string]map[string]string{}
	l.life, l.end = context.WithCancelCause(context.Background())
	l.environ, l.scrubbed = scrub(o.Environ)
	if err := makeRegistry(o.Registry); err != nil {
		return nil, err
	}
	if err := l.inherit(); err != nil {
		return nil, err
	}
	l.dir = filepath.Join(o.Registry, o.RunID)
	l.entry = entry{RunID: o.RunID, Tool: self(), Boot: bootID(), Begun: time.Now().UTC()}
	if l.guard, err = startGuardian(o.Self, o.GuardLog, l.environ, o.Log); err != nil {
		return nil, err
	}
	l.spawner = newSpawner()
	if err := l.settle(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// inherit takes away what a run of the same id left, unless it still lives.
func (l *Local) inherit() error {
	e, err := readEntry(entryPath(l.o.Registry, l.o.RunID))
	if err != nil {
		return remove(entryPath(l.o.Registry, l.o.RunID))
	}
	if e.owned() {
		return fmt.Errorf("register run %s: it is running already, as process %d", e.RunID, e.Tool.PID)
	}
	ctx, cancel := context.WithTimeout(context.Background(), sweepTime)
	defer cancel()
	if err := e.sweep(ctx); err != nil {
		return fmt.Errorf("clean up after an earlier run %s: %w", e.RunID, err)
	}
	return nil
}

func (o Options) complete() (Options, error) {
	if !nameRule.MatchString(o.RunID) {
		return o, fmt.Errorf("use run id %q: want letters, digits, and _ . - within", o.RunID)
	}
	if o.Self == "" {
		path, err := os.Executable()
		if err != nil {
			return o, fmt.Errorf("find the tool's own program: %w", err)
		}
		o.Self = path
	}
	if o.Environ == nil {
		o.Environ = os.Environ()
	}
	if o.Registry == "" {
		o.Registry = registryDir(o.Environ)
	}
	if o.Grace == 0 {
		o.Grace = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return o, nil
}

// settle makes what the run has on disk, and finds its fence.
func (l *Local) settle() error {
	for _, path := range []string{entryPath(l.o.Registry, l.o.RunID), l.dir} {
		if err := l.hold(claim{Path: path}); err != nil {
			return err
		}
	}
	// What a dead run of this name left is not ours to read.
	if err := os.RemoveAll(l.dir); err != nil {
		return fmt.Errorf("make directory of run: %w", err)
	}
	if err := os.Mkdir(l.dir, 0o700); err != nil {
		return fmt.Errorf("make directory of run: %w", err)
	}
	all, err := readHierarchies("/proc/self")
	if err != nil {
		l.note("no cgroups: " + err.Error())
	}
	s := surveyor{
		run: runName(l.o.RunID, l.entry.Tool), self: l.o.Self, environ: l.environ,
		hold: func(dir string) { l.noteError(l.hold(claim{Cgroup: dir})) },
		drop: func(dir string) { l.noteError(l.drop(claim{Cgroup: dir})) },
	}
	l.fence = s.survey(context.Background(), all)
	l.o.Log.Debug("limits", "method", l.fence.how.Method, "reason", l.fence.how.Reason)
	return nil
}

// hold tells the guardian and the registry of something before it is made.
func (l *Local) hold(c claim) error { return l.claim("hold", c) }

// drop takes it back once it is gone.
func (l *Local) drop(c claim) error { return l.claim("drop", c) }

func (l *Local) claim(op string, c claim) error {
	c.Op = op
	l.guard.tell(c)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entry.apply(c)
	return writeEntry(l.o.Registry, l.entry)
}

func (l *Local) note(s string) {
	l.mu.Lock()
	l.notes = append(l.notes, s)
	l.mu.Unlock()
	l.o.Log.Warn(s)
}

func (l *Local) noteError(err error) {
	if err != nil {
		l.note(err.Error())
	}
}

// Transport dials: all addresses are of this machine. It asks for no compression, which an
// actor would pay for, and uses no proxy.
func (l *Local) Transport() http.RoundTripper {
	return &http.Transport{DisableCompression: true, Proxy: nil}
}

// Enforcement is how limits are enforced here, as a trial of it has shown.
func (l *Local) Enforcement() env.Enforcement { return l.fence.how }

// Scrubbed are the names of the variables that actors do not inherit, sorted.
func (l *Local) Scrubbed() []string { return slices.Clone(l.scrubbed) }

// Notes are what went wrong without being in the way of a trial, in sentences.
func (l *Local) Notes() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(slices.Clone(l.notes), l.guard.notes()...)
}

var errClosed = errors.New("this place has been closed")

// Close stops what runs, the last started first, and takes away the run's cgroups,
// files and entry. A second call returns the same.
func (l *Local) Close() error {
	l.closing.Do(func() { l.closeErr = l.close() })
	return l.closeErr
}

func (l *Local) close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.end(errClosed)
	l.starting.Wait()
	l.mu.Lock()
	instances := slices.Clone(l.instances)
	l.mu.Unlock()
	var errs []error
	for _, i := range slices.Backward(instances) {
		if _, err := i.Stop(context.Background()); err != nil {
			errs = append(errs, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), sweepTime)
	defer cancel()
	for _, dir := range l.fence.runDirs() {
		errs = append(errs, clearCgroup(ctx, dir))
		removeParent(dir)
	}
	errs = append(errs, os.RemoveAll(l.dir), remove(entryPath(l.o.Registry, l.o.RunID)))
	_ = os.Remove(l.o.Registry) // fails while another run is in it
	l.spawner.stop()
	l.guard.finish()
	return errors.Join(errs...)
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
