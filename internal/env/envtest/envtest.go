// Package envtest is a place for tests: actors are functions, and nothing leaves
// this process.
package envtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A Program is what an actor does. It calls p.Ready once it serves, and returns its
// exit code when p.Term is closed, or before if it ends by itself. ctx ends when it
// is killed: what it returns then does not count.
type Program func(ctx context.Context, p *Process) int

// A Process is what a program knows of itself.
type Process struct {
	Actor env.Actor // its references expanded
	Addrs map[string]string
	Out   io.Writer // standard output and error
	Term  <-chan struct{}
	ready func()
}

// Ready says that the probe is answered from now on.
func (p *Process) Ready() { p.ready() }

// Idle is a program that is ready at once and ends when asked to.
func Idle(ctx context.Context, p *Process) int {
	p.Ready()
	select {
	case <-p.Term:
	case <-ctx.Done():
	}
	return 0
}

// An Environment runs programs as goroutines. It is safe for concurrent use, and
// lives in a synctest bubble with fake addresses.
type Environment struct {
	// Loopback gives actors addresses that can be listened on; without it they are
	// names that stand for nothing.
	Loopback bool

	programs map[string]Program

	mu      sync.Mutex
	started []*Instance
	closed  bool
}

var _ env.Environment = (*Environment)(nil)

// New is a place where the actors of these names can be started.
func New(programs map[string]Program) *Environment {
	return &Environment{programs: programs}
}

// Transport dials, where addresses can be dialled.
func (e *Environment) Transport() http.RoundTripper {
	return &http.Transport{DisableCompression: true, Proxy: nil}
}

// Start runs the actor's program and waits until it is ready, in vain if it ends. Of
// several one is started after the other, and one that still runs is left as it is. Others
// know the addresses of all of them as one, with commas between them.
func (e *Environment) Start(ctx context.Context, a env.Actor) (env.Instance, error) {
	if a.Replicas <= 1 {
		i, err := e.start(ctx, a, 0)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", a.Name, err)
		}
		return i, nil
	}
	var members []env.Instance
	for index := range a.Replicas {
		if i := e.Instance(env.MemberName(a.Name, index)); i != nil && i.State().Running {
			members = append(members, i)
			continue
		}
		i, err := e.start(ctx, a, index)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", env.MemberName(a.Name, index), err)
		}
		members = append(members, i)
	}
	return env.NewGroup(a.Name, members), nil
}

func (e *Environment) start(ctx context.Context, a env.Actor, index int) (*Instance, error) {
	program, ok := e.programs[a.Name]
	if !ok {
		return nil, fmt.Errorf("there is no program for it; there is: %s",
			strings.Join(slices.Sorted(maps.Keys(e.programs)), ", "))
	}
	i, p, err := e.prepare(a, index)
	if err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	p.ready = sync.OnceFunc(func() { close(ready) })
	go i.run(program, p)

	timeout := a.Ready.Timeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-ready:
		return i, nil
	case <-i.ended:
		err = fmt.Errorf("it ended before it was ready (exit code %d)", i.State().ExitCode)
	case <-timer.C:
		err = fmt.Errorf("it was not ready within %s", timeout)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	i.Kill("SIGKILL", false)
	return nil, fmt.Errorf("%w; its last lines:\n%s", err, i.out.String())
}

// prepare gives an actor its addresses and expands its references.
func (e *Environment) prepare(a env.Actor, index int) (*Instance, *Process, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, nil, errors.New("this place has been closed")
	}
	name := a.Name
	if a.Replicas > 1 {
		name = env.MemberName(a.Name, index)
	}
	known, own := e.known(name)
	known["self.index"] = strconv.Itoa(index)
	known["self.replicas"] = strconv.Itoa(max(1, a.Replicas))
	addrs := map[string]string{}
	for n, port := range a.Ports {
		if addr, ok := own[port]; ok { // where others know it
			addrs[port], known["self."+port] = addr, addr
			continue
		}
		addr := fmt.Sprintf("%s.test:%d", a.Name, 1000*(len(e.started)+1)+n)
		if e.Loopback {
			var err error
			if addr, err = freeAddr(); err != nil {
				return nil, nil, err
			}
		}
		addrs[port], known["self."+port] = addr, addr
	}
	for name := range a.Files {
		known["file."+name] = "/files/" + a.Name + "/" + name
	}
	expanded, err := expand(a, known)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	i := &Instance{
		name: name, actor: expanded, addrs: addrs, ctx: ctx, cancel: cancel,
		term: make(chan struct{}), ended: make(chan struct{}),
		state: env.State{Running: true},
	}
	e.started = append(e.started, i)
	return i, &Process{Actor: expanded, Addrs: maps.Clone(addrs), Out: &i.out, Term: i.term}, nil
}

// known is what can be referred to, and where the instance of that name listened before.
func (e *Environment) known(name string) (known, own map[string]string) {
	latest := map[string]*Instance{}
	var order []string
	for _, i := range e.started {
		if latest[i.name] == nil {
			order = append(order, i.name)
		}
		latest[i.name] = i
	}
	known = map[string]string{}
	for _, other := range order {
		i := latest[other]
		for port, addr := range i.addrs {
			ref := i.actor.Name + "." + port
			if before := known[ref]; before != "" {
				addr = before + "," + addr
			}
			known[ref] = addr
		}
	}
	if i := latest[name]; i != nil {
		own = i.addrs
	}
	return known, own
}

func expand(a env.Actor, known map[string]string) (env.Actor, error) {
	lookup := func(ref string) (string, error) {
		if v, ok := known[ref]; ok {
			return v, nil
		}
		return "", fmt.Errorf("there is no %s; there is: %s", ref,
			strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	var err error
	a.Args, a.Env = slices.Clone(a.Args), maps.Clone(a.Env)
	for n, arg := range a.Args {
		if a.Args[n], err = env.Expand(arg, lookup); err != nil {
			return a, err
		}
	}
	for name, v := range a.Env {
		if a.Env[name], err = env.Expand(v, lookup); err != nil {
			return a, err
		}
	}
	return a, nil
}

// Instance is the actor, or the member, of that name that was started last, or nil.
func (e *Environment) Instance(name string) *Instance {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, i := range slices.Backward(e.started) {
		if i.name == name {
			return i
		}
	}
	return nil
}

// Close stops what runs, the last started first.
func (e *Environment) Close() error {
	e.mu.Lock()
	e.closed = true
	started := slices.Clone(e.started)
	e.mu.Unlock()
	for _, i := range slices.Backward(started) {
		if _, err := i.Stop(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

// A buffer can be read while it is written to.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
