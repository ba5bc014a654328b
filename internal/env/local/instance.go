package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// reapTime bounds how long a killed process may take to be gone.
const reapTime = 20 * time.Second

// An Instance is a child process in its cgroup.
type Instance struct {
	local  *Local
	name   string // the actor's, or the member's of several
	key    string // of its files and its cgroup
	actor  string
	of     int    // so many are alike
	serial string // key and number of the start
	addrs  map[string]string
	grace  time.Duration
	// goProcs is the GOMAXPROCS that its runtime chose; 0: not known.
	goProcs int
	output  output
	proc    process
	ended   chan struct{} // closed when the process has been reaped
	gone    chan struct{} // closed when nothing of it is left

	mu    sync.Mutex
	group cgroup
	kept  *keptFiles // of the group, while it runs
	state env.State
	last  env.Usage // once it has ended
	asked bool      // to stop
	// exited is set before the pid can be given away: from then on it is not signalled.
	exited bool

	stopping sync.Once
	stopErr  error
}

var _ env.Instance = (*Instance)(nil)

// Name is the actor's name, or the member's of several.
func (i *Instance) Name() string { return i.name }

// Addr is host:port of a named port, empty for a name that the actor does not have.
func (i *Instance) Addr(port string) string { return i.addrs[port] }

// PID is the process id.
func (i *Instance) PID() int { return i.proc.PID }

// Logs reads what it has written so far, since this start.
func (i *Instance) Logs() (io.ReadCloser, error) {
	i.mu.Lock()
	o := i.output
	i.mu.Unlock()
	return o.open()
}

// run follows a process that has been started.
func (i *Instance) run(cmd *exec.Cmd) {
	i.mu.Lock()
	i.proc = identify(cmd.Process.Pid)
	i.state.Running = true
	i.mu.Unlock()
	i.local.noteError(i.local.hold(claim{Process: &i.proc}))
	go func() {
		defer close(i.ended)
		awaitExit(i.proc.PID)
		i.mu.Lock()
		// Not reaped yet, so that its pid is still its own: what it started itself
		// goes with it.
		signalGroup(i.proc.PID, syscall.SIGKILL)
		i.exited = true
		i.mu.Unlock()
		_ = cmd.Wait() // what there is to know is in ProcessState
		i.reaped(cmd)
	}()
}

// reaped notes how it ended, and what it used, while its cgroup is still there.
func (i *Instance) reaped(cmd *exec.Cmd) {
	ended := time.Now()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.output.to = i.output.size()
	i.kept.close()
	i.last = env.Usage{At: ended}
	if err := i.group.usage(&i.last); err != nil {
		i.local.o.Log.Warn("read last usage", "actor", i.name, "error", err)
	}
	if i.last.CPUSeconds == nil && cmd.ProcessState != nil {
		seconds := (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
		i.last.CPUSeconds = &seconds
	}
	i.state = env.State{ExitCode: -1, Ended: ended, Stopped: i.asked}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok {
		if status.Signaled() {
			i.state.Signal = unix.SignalName(status.Signal())
		} else {
			i.state.ExitCode = status.ExitStatus()
		}
	}
	if i.last.OOMKills != nil {
		// 137 is how a shell around it tells of SIGKILL.
		died := i.state.Signal == "SIGKILL" || i.state.ExitCode == 137
		killed := *i.last.OOMKills > 0 && died
		i.state.OOMKilled = &killed
	}
}

// locate finds the scope in which a service manager has put it.
func (i *Instance) locate() {
	if i.local.fence.how.Method != methodSystemd {
		return
	}
	if g, ok := scopeGroup(i.proc.PID, i.local.unit(i)); ok {
		i.mu.Lock()
		i.kept.close()
		i.group = g
		i.mu.Unlock()
	}
}

// Usage reads what it uses now. Once it has ended it fails, and returns beside the
// error what it had used in the end.
func (i *Instance) Usage(ctx context.Context) (env.Usage, error) {
	if err := ctx.Err(); err != nil {
		return env.Usage{}, fmt.Errorf("read usage of %s: %w", i.name, err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.state.Running {
		return i.last, fmt.Errorf("read usage of %s: it has ended", i.name)
	}
	u := env.Usage{At: time.Now()}
	if err := i.group.usage(&u); err != nil {
		return env.Usage{}, fmt.Errorf("read usage of %s: %w", i.name, err)
	}
	processUsage(i.proc.PID, &u)
	return u, nil
}

// State is how it is now.
func (i *Instance) State() env.State {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.state
}

// Ended is closed once the process is gone, whoever ended it.
func (i *Instance) Ended() <-chan struct{} { return i.ended }

// Stop asks it to end, waits its grace, and kills it; when ctx is done it kills at
// once. It returns when the process is reaped and its cgroup removed. How it ended
// by itself before is returned as it was.
func (i *Instance) Stop(ctx context.Context) (env.State, error) {
	i.stopping.Do(func() {
		i.stopErr = i.stop(ctx)
		close(i.gone)
	})
	return i.State(), i.stopErr
}

func (i *Instance) stop(ctx context.Context) error {
	if i.request() {
		i.wait(ctx)
	}
	kill := time.NewTimer(reapTime)
	defer kill.Stop()
	select {
	case <-i.ended:
	case <-kill.C:
		return fmt.Errorf("stop %s: process %d did not end within %s of being killed",
			i.name, i.proc.PID, reapTime)
	}
	return i.release()
}

// request sends SIGTERM to it and what it started; false if it has ended already.
func (i *Instance) request() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.exited || !i.state.Running {
		return false
	}
	i.asked = true
	signalGroup(i.proc.PID, syscall.SIGTERM)
	return true
}

// wait gives it its grace, then kills it.
func (i *Instance) wait(ctx context.Context) {
	timer := time.NewTimer(i.grace)
	defer timer.Stop()
	select {
	case <-i.ended:
		return
	case <-timer.C:
	case <-ctx.Done():
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.exited {
		signalGroup(i.proc.PID, syscall.SIGKILL)
		i.group.kill()
	}
}

// release takes away what is left of an instance that does not run.
func (i *Instance) release() error {
	ctx, cancel := context.WithTimeout(context.Background(), reapTime)
	defer cancel()
	i.mu.Lock()
	g := i.group
	i.mu.Unlock()
	err := g.remove(ctx)
	if i.proc.PID != 0 {
		err = errors.Join(err, i.local.drop(claim{Process: &i.proc}))
	}
	if err != nil {
		return fmt.Errorf("stop %s: %w", i.name, err)
	}
	return nil
}

// discard takes away what is left of a start that did not come to a process.
func (i *Instance) discard() {
	i.stopping.Do(func() {
		close(i.ended)
		i.local.noteError(i.release())
		close(i.gone)
	})
}

func (i *Instance) released() bool {
	select {
	case <-i.gone:
		return true
	default:
		return false
	}
}
