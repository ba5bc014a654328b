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
	past   bool // it had ended, with its pod, before this crew was complete
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
	s := i.crew.kube.table.state(i.life)
	if back := i.crew.givenBack(); !back.IsZero() && (s.Running || s.Ended.After(back)) {
		return i.crew.inPlace.stopped(back)
	}
	why := i.crew.cause()
	if s.Stopped = !s.Running && i.crew.asked(); s.Stopped &&
		(why != "" || s.Reason == env.ReasonDeleted) {
		s.Reason = why // by us
	}
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
	if len(i.crew.list()) > 1 {
		return i.State(), errors.New("stop " + i.name + ": its controller would start another; " +
			"want all of " + i.crew.actor.Name + " stopped")
	}
	return i.crew.Stop(ctx)
}

// A crew is all instances of one start of an actor. Its controller may put another pod in
// the place of one that is gone, or make more of them: those are members from when they
// are ready on, behind the others.
type crew struct {
	kube  *Kube
	actor env.Actor
	// inPlace is set where its pods are an installation's, which go on after it.
	inPlace *takeover

	stopping sync.Mutex // held by who stops it
	mu       sync.Mutex
	members  []*Instance
	wanted   bool      // Stop has asked for its end
	why      string    // it did so before its time; empty: in time
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

// newCrew is of the lives that are ready. Of the crew before it, where there was one,
// members keep their names: those that live on their output too, and those that are gone
// stay as they ended.
func (k *Kube) newCrew(a env.Actor, lives []incarnation, before *crew) *crew {
	c := &crew{kube: k, actor: a}
	if before != nil {
		for _, old := range before.list() {
			at := slices.IndexFunc(lives, func(l incarnation) bool { return l.uid == old.life.uid })
			i := &Instance{crew: c, name: old.name, life: old.life, output: old.output}
			if at >= 0 && lives[at].id != old.life.id {
				i.life, i.output = lives[at], k.follow(lives[at], old.name)
			}
			if i.past = at < 0; !i.past {
				lives = slices.Delete(slices.Clone(lives), at, at+1)
			}
			c.members = append(c.members, i)
		}
	}
	for _, life := range lives {
		c.add(life)
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

// add makes a life the next member; the lock is held, or nobody else knows the crew.
func (c *crew) add(life incarnation) {
	i := &Instance{crew: c, name: c.actor.Name, life: life}
	if c.several() {
		i.name = env.MemberName(c.actor.Name, len(c.members))
	}
	i.output = c.kube.follow(life, i.name)
	c.members = append(c.members, i)
}

// several is whether the instance that Start gave is all of the crew: there are several, or may
// be.
func (c *crew) several() bool {
	in := c.kube.inPlace
	return replicas(c.actor) > 1 || c.actor.Name == gatewayActor && in != nil && in.o.Autoscale
}

// list are the members as far as they are known.
func (c *crew) list() []*Instance {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.members)
}

// takeIn makes members of the pods that have become ready since.
func (c *crew) takeIn() {
	if isJob(c.actor) || !c.several() {
		return
	}
	_, leave, err := c.kube.enter(context.Background())
	if err != nil {
		return // it is closed
	}
	defer leave()
	pods, _ := c.kube.table.podsOf(c.actor.Name)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wanted || c.done {
		return
	}
	for _, p := range pods {
		known := func(i *Instance) bool { return i.life.uid == p.UID }
		life, runs := incarnationOf(p, c.actor.Name)
		if runs && isReady(p) && p.DeletionTimestamp == nil && !slices.ContainsFunc(c.members, known) {
			c.add(life)
			if c.inPlace == nil { // whose own limits are
				c.kube.noteLimits(c.actor, p)
			}
		}
	}
}

// Members implements env.Group.
func (c *crew) Members() []env.Instance {
	c.takeIn()
	members := c.list()
	all := make([]env.Instance, 0, len(members))
	for _, i := range members {
		all = append(all, i)
	}
	return all
}

// Name implements env.Instance.
func (c *crew) Name() string { return c.actor.Name }

// Addr implements env.Instance: it is that of the first.
func (c *crew) Addr(port string) string { return c.list()[0].Addr(port) }

// State implements env.Instance: it is that of the member that ended first, if one has
// since the crew was complete.
func (c *crew) State() env.State {
	first := env.State{Running: true}
	for _, i := range c.list() {
		s := i.State()
		if s.Running || i.past || !first.Running && !s.Ended.Before(first.Ended) {
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
	for _, i := range c.list() {
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

// cause is why its end was asked for before its time; empty where it was not.
func (c *crew) cause() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why
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
