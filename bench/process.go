package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience is how long a child process may take to be ready, or to end when told.
const patience = 30 * time.Second

// A command is a child process before it is started.
type command struct {
	path  string
	args  []string
	cpu   int  // the only one that it may use; noCPU: any
	procs int  // GOMAXPROCS; 0: as Go finds it
	stdin bool // ends when its standard input does; else it is sent SIGTERM
}

const noCPU = -1

// A process is a child process that runs.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   *lines
	err   *lines
	ended chan error
	// before is the CPU seconds that do not count: those before it was ready.
	before float64
}

// start starts c. It is killed when ctx ends.
func (c command) start(ctx context.Context) (*process, error) {
	path, args := c.path, c.args
	if c.cpu != noCPU {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		args = append([]string{"-pin", strconv.Itoa(c.cpu), "--", path}, args...)
		path = self
	}
	p := &process{
		cmd: exec.CommandContext(ctx, path, args...),
		out: newLines(), err: newLines(), ended: make(chan error, 1),
	}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.WaitDelay = p.out, p.err, time.Second
	if c.procs > 0 {
		p.cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(c.procs))
	}
	if c.stdin {
		in, err := p.cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		p.stdin = in
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(c.path), err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	return p, nil
}

// wait waits for the end and returns the CPU seconds that the process used, user and
// system, since it was ready.
func (p *process) wait(ctx context.Context) (cpu float64, err error) {
	select {
	case err = <-p.ended:
	case <-ctx.Done():
		_ = p.cmd.Process.Kill() // it may have ended by itself
		err = errors.Join(ctx.Err(), <-p.ended)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", filepath.Base(p.cmd.Path), err, p.err.tail())
	}
	whole := p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	return whole.Seconds() - p.before, nil
}

// stop tells the process to end, and waits.
func (p *process) stop(ctx context.Context) (cpu float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if p.stdin != nil {
		_ = p.stdin.Close() // it may have ended by itself: wait says so
	} else {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	return p.wait(ctx)
}

// kill ends the process, whatever it does. It is for ways out.
func (p *process) kill() { _ = p.cmd.Process.Kill() }

// ready notes that what counts begins.
func (p *process) ready() (err error) {
	p.before, err = cpuOf(p.cmd.Process.Pid)
	return err
}

// usedSoFar is the CPU seconds of a process that runs, since it was ready.
func (p *process) usedSoFar() (float64, error) {
	used, err := cpuOf(p.cmd.Process.Pid)
	return used - p.before, err
}

// tally reads what a child of this program says of itself, on its last line.
func (p *process) tally() (t tally, err error) {
	all := strings.Split(strings.TrimSpace(p.out.text()), "\n")
	if err := json.Unmarshal([]byte(all[len(all)-1]), &t); err != nil {
		return t, fmt.Errorf("read tally: %w", err)
	}
	return t, nil
}

// lines is output that can be waited for.
type lines struct {
	mu   sync.Mutex
	b    bytes.Buffer
	more chan struct{} // closed and replaced at each write
}

func newLines() *lines { return &lines{more: make(chan struct{})} }

// Write keeps what is written.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.more)
	l.more = make(chan struct{})
	return l.b.Write(b)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// tail is the end of the text, for errors.
func (l *lines) tail() string {
	text := strings.TrimSpace(l.text())
	if len(text) > 1000 {
		text = "…" + text[len(text)-1000:]
	}
	return text
}

// await waits for a line that find finds something in, and returns what it found. The
// process is then ready.
func (p *process) await(ctx context.Context, in *lines, find func(string) (string, bool)) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		in.mu.Lock()
		text, more := in.b.String(), in.more
		in.mu.Unlock()
		for line := range strings.Lines(text) {
			if found, ok := find(strings.TrimRight(line, "\n")); ok && strings.HasSuffix(line, "\n") {
				return found, p.ready()
			}
		}
		select {
		case <-more:
		case err := <-p.ended:
			p.ended <- err
			return "", fmt.Errorf("%s ended before it was ready: %s", filepath.Base(p.cmd.Path), p.err.tail())
		case <-ctx.Done():
			return "", fmt.Errorf("%s is not ready: %w: %s", filepath.Base(p.cmd.Path), ctx.Err(), p.err.tail())
		}
	}
}

// again is how long to wait before the same is asked once more.
const again = 5 * time.Millisecond

// listens waits until the process accepts connections at an address. It is then ready.
func (p *process) listens(ctx context.Context, at string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", at)
		if err == nil {
			return errors.Join(conn.Close(), p.ready())
		}
		select {
		case <-time.After(again):
		case err := <-p.ended:
			p.ended <- err
			return fmt.Errorf("%s ended before it was ready: %s", filepath.Base(p.cmd.Path), p.err.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w: %s", filepath.Base(p.cmd.Path), err, p.err.tail())
		}
	}
}
