package kube

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// An Instance is one incarnation of an actor's container. When kubelet starts the
// container again this instance has ended; Kube.Start then gives the next.
type Instance struct {
	crew   *crew
	name   string // gateway, or loadgen/1 of several
	life   incarnation
	output *output
}

var _ env.Instance = (*Instance)(nil)

// Name implements env.Instance.
func (i *Instance) Name() string { return i.name }

// Pod is the name of the pod.
func (i *Instance) Pod() string { return i.life.pod }

// Node is the name of the node that the pod is on.
func (i *Instance) Node() string { return i.life.node }

// Addr is POD.NAMESPACE.pod:PORT, which Kube.Transport understands.
func (i *Instance) Addr(port string) string {
	number, ok := portNumbers(i.crew.actor.Ports)[port]
	if !ok {
		return ""
	}
	return podAddr(i.life.pod, i.life.namespace, number)
}

// State implements env.Instance.
func (i *Instance) State() env.State {
	if back := i.crew.givenBack(); !back.IsZero() {
		return i.crew.inPlace.stopped(back)
	}
	s := i.crew.kube.table.state(i.life)
	s.Stopped = !s.Running && i.crew.asked()
	return s
}

// Logs implements env.Instance. Of one that has ended it waits, some seconds at most,
// until the last lines have come.
func (i *Instance) Logs() (io.ReadCloser, error) {
	if !i.State().Running {
		i.output.settle()
	}
	return i.output.open()
}

// Stop implements env.Instance. One of several cannot be stopped alone.
func (i *Instance) Stop(ctx context.Context) (env.State, error) {
	if len(i.crew.members) > 1 {
		return i.State(), errors.New("stop " + i.name + ": its controller would start another; " +
			"want all of " + i.crew.actor.Name + " stopped")
	}
	return i.crew.Stop(ctx)
}

// A crew is all instances of one start of an actor.
type crew struct {
	kube    *Kube
	actor   env.Actor
	members []*Instance
	// inPlace is set where its pods are an installation's, which go on after it.
	inPlace *takeover

	stopping sync.Mutex // held by who stops it
	mu       sync.Mutex
	wanted   bool      // Stop has asked for its end
	away     bool      // its workload was removed
	back     time.Time // when its installation was given back; zero: it was not
	done     bool
	last     env.State
	lastErr  error
}

var (
	_ env.Instance = (*crew)(nil)
	_ env.Group    = (*crew)(nil)
)

func (k *Kube) newCrew(a env.Actor, lives []incarnation) *crew {
	c := &crew{kube: k, actor: a}
	for index, life := range lives {
		i := &Instance{crew: c, name: a.Name, life: life}
		if len(lives) > 1 {
			i.name = env.MemberName(a.Name, index)
		}
		i.output = k.follow(life, i.name)
		c.members = append(c.members, i)
	}
	return c
}

// Configuration implements env.Configured.
func (i *Instance) Configuration() string {
	if i.crew.inPlace == nil {
		return ""
	}
	return i.crew.inPlace.rendered()
}

// GivenBack implements env.Lent.
func (i *Instance) GivenBack() []string {
	if i.crew.inPlace == nil {
		return nil
	}
	return i.crew.inPlace.givenBack()
}

// Members implements env.Group.
func (c *crew) Members() []env.Instance {
	all := make([]env.Instance, 0, len(c.members))
	for _, i := range c.members {
		all = append(all, i)
	}
	return all
}

// Name implements env.Instance.
func (c *crew) Name() string { return c.actor.Name }

// Addr implements env.Instance: it is that of the first.
func (c *crew) Addr(port string) string { return c.members[0].Addr(port) }

// State implements env.Instance: it is that of the member that ended first, if one has.
func (c *crew) State() env.State {
	first := env.State{Running: true}
	for _, i := range c.members {
		s := i.State()
		if s.Running || !first.Running && !s.Ended.Before(first.Ended) {
			continue
		}
		first = s
	}
	return first
}

// Logs implements env.Instance: those of all, one after the other.
func (c *crew) Logs() (io.ReadCloser, error) {
	var all []io.Reader
	var files closers
	for _, i := range c.members {
		logs, err := i.Logs()
		if err != nil {
			return nil, errors.Join(err, files.Close())
		}
		all, files = append(all, logs), append(files, logs)
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(all...), files}, nil
}

type closers []io.Closer

// Close implements io.Closer.
func (c closers) Close() error {
	var errs []error
	for _, x := range slices.Backward(c) {
		errs = append(errs, x.Close())
	}
	return errors.Join(errs...)
}

// asked is whether the end was asked for.
func (c *crew) asked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wanted
}

// removed is whether its workload is gone, so that nobody starts it again.
func (c *crew) removed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.away
}

// givenBack is when the installation that its pods are of was given back; zero where it was not.
func (c *crew) givenBack() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.back
}
