package envtest

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// An Instance is a program that runs. Its usage is what the test says.
type Instance struct {
	name   string // the actor's, or the member's
	actor  env.Actor
	addrs  map[string]string
	out    buffer
	ctx    context.Context // of the program
	cancel context.CancelFunc
	term   chan struct{}
	ended  chan struct{}
	once   sync.Once // closes term

	mu    sync.Mutex
	state env.State
	usage func(at time.Time) (env.Usage, error)
}

var (
	_ env.Instance    = (*Instance)(nil)
	_ env.CloseLooker = (*Instance)(nil)
)

func (i *Instance) run(program Program, p *Process) {
	code := program(i.ctx, p)
	i.end(env.State{ExitCode: code})
}

// end notes how it ended, the first time that it does.
func (i *Instance) end(s env.State) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.state.Running {
		return
	}
	s.Ended, s.Stopped = time.Now(), i.state.Stopped
	if s.OOMKilled == nil {
		killed := false
		s.OOMKilled = &killed
	}
	i.state = s
	i.cancel()
	close(i.ended)
}

// Kill ends it at once by a signal, SIGKILL or SIGSEGV say; oom makes it read as
// killed for want of memory.
func (i *Instance) Kill(signal string, oom bool) {
	i.end(env.State{ExitCode: -1, Signal: signal, OOMKilled: &oom})
}

// Take ends it at once as a place does that needs its room.
func (i *Instance) Take(reason string) {
	i.end(env.State{ExitCode: -1, Signal: "SIGTERM", Reason: reason})
}

// Exit ends it at once as if by itself.
func (i *Instance) Exit(code int) { i.end(env.State{ExitCode: code}) }

// SetUsage makes Usage return what f says; At is filled in.
func (i *Instance) SetUsage(f func(at time.Time) (env.Usage, error)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.usage = f
}

// Actor is what was started, its references expanded.
func (i *Instance) Actor() env.Actor { return i.actor }

// Name is the actor's name, or the member's of several.
func (i *Instance) Name() string { return i.name }

// Addr is host:port of a named port.
func (i *Instance) Addr(port string) string { return i.addrs[port] }

// Ended is closed once it has ended, whoever ended it.
func (i *Instance) Ended() <-chan struct{} { return i.ended }

// Usage is what SetUsage said; without that nothing is known but the time.
func (i *Instance) Usage(ctx context.Context) (env.Usage, error) {
	i.mu.Lock()
	running, f := i.state.Running, i.usage
	i.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return env.Usage{}, fmt.Errorf("read usage of %s: %w", i.name, err)
	}
	if !running {
		return env.Usage{}, fmt.Errorf("read usage of %s: it has ended", i.name)
	}
	at := time.Now()
	if f == nil {
		return env.Usage{At: at}, nil
	}
	u, err := f(at)
	u.At = at
	return u, err
}

// Resolution is that of a cgroup.
func (i *Instance) Resolution() time.Duration { return 100 * time.Millisecond }

// CloseUsage is Usage.
func (i *Instance) CloseUsage(ctx context.Context) (env.Usage, error) { return i.Usage(ctx) }

// State is how it is now.
func (i *Instance) State() env.State {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.state
}

// Logs is what it has written so far.
func (i *Instance) Logs() (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(i.out.String())), nil
}

// Stop asks it to end and kills it after its grace, or when ctx is done.
func (i *Instance) Stop(ctx context.Context) (env.State, error) {
	i.mu.Lock()
	if i.state.Running {
		i.state.Stopped = true
	}
	i.mu.Unlock()
	i.once.Do(func() { close(i.term) })
	grace := i.actor.Grace
	if grace == 0 {
		grace = 10 * time.Second
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-i.ended:
	case <-timer.C:
		i.Kill("SIGKILL", false)
	case <-ctx.Done():
		i.Kill("SIGKILL", false)
	}
	return i.State(), nil
}
