package kube

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A stage is where an actor is on: its workload outlives the lives of its containers.
type stage struct {
	actor env.Actor
	crew  *crew // of the last start that became ready
}

// Start implements env.Environment. An actor whose instance ended by itself is not made
// anew: kubelet has started its container again meanwhile, or will, and that is waited
// for. ctx bounds the start alone.
func (k *Kube) Start(ctx context.Context, a env.Actor) (env.Instance, error) {
	ctx, leave, err := k.enter(ctx)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", a.Name, err)
	}
	defer leave()
	c, err := k.start(ctx, a)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", a.Name, err)
	}
	if !c.several() {
		return c.members[0], nil
	}
	return c, nil
}

// enter lets in what Close has to wait for, which it hastens.
func (k *Kube) enter(ctx context.Context) (context.Context, func(), error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, nil, errClosed
	}
	k.starting.Add(1)
	ctx, cancel := context.WithCancelCause(quiet(ctx, k.o.Log))
	stop := context.AfterFunc(k.opening, func() { cancel(errClosed) })
	return ctx, func() {
		stop()
		cancel(nil)
		k.starting.Done()
	}, nil
}

func (k *Kube) start(ctx context.Context, a env.Actor) (*crew, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := check(a); err != nil {
		return nil, err
	}
	if k.inPlace != nil && a.Name == gatewayActor {
		return k.startInPlace(ctx, a)
	}
	if err := k.mayLoad(a); err != nil {
		return nil, err
	}
	adopting, err := k.prepare(ctx, a)
	if err != nil {
		return nil, err
	}
	dead := k.table.dead(a.Name)
	if err := k.perform(ctx, a); err != nil {
		return nil, told(err)
	}
	lives, err := k.await(ctx, a, dead)
	if err != nil {
		return nil, k.giveUp(ctx, a, err, adopting)
	}
	if err := k.readBack(a, lives, adopting); err != nil {
		return nil, errors.Join(err, k.withdraw(ctx, a))
	}
	c := k.board(a, lives, adopting)
	if err := k.mayLoad(a); err != nil { // whoever noticed saw no load yet
		k.cutLoad(err)
		return nil, err
	}
	if a.Name == gatewayActor {
		k.followScale()
	}
	return c, nil
}

// board makes the crew of a start that became ready. Of one that was there before members keep
// their names.
func (k *Kube) board(a env.Actor, lives []incarnation, adopting bool) *crew {
	k.mu.Lock()
	s := k.stage(a.Name)
	before := s.crew
	k.mu.Unlock()
	if !adopting || replicas(a) == 1 { // then the one that lives is all there is
		before = nil
	}
	c := k.newCrew(a, lives, before)
	k.mu.Lock()
	defer k.mu.Unlock()
	if a.Name == gatewayActor {
		c.inPlace = k.inPlace
	}
	s.actor, s.crew = a, c
	return c
}

// startInPlace takes an installation over in place of making a gateway. A first start that fails
// gives it back.
func (k *Kube) startInPlace(ctx context.Context, a env.Actor) (*crew, error) {
	adopting := k.inPlace.opened() != nil
	lives, a, err := k.inPlace.start(ctx, a)
	if err != nil && adopting { // the load may go on: Close gives it back, after that
		return nil, k.giveUp(ctx, a, err, true)
	}
	if err != nil {
		return nil, errors.Join(k.giveUp(ctx, a, err, true), k.inPlace.giveBack(ctx))
	}
	c := k.board(a, lives, adopting)
	k.followScale()
	return c, nil
}

// stage is that of an actor, with the lock held; it is made where there is none.
func (k *Kube) stage(name string) *stage {
	for _, s := range k.stages {
		if s.actor.Name == name {
			return s
		}
	}
	s := &stage{actor: env.Actor{Name: name}}
	k.stages = append(k.stages, s)
	return s
}

// prepare makes room: of an earlier start nothing is left but what kubelet starts again.
func (k *Kube) prepare(ctx context.Context, a env.Actor) (adopting bool, err error) {
	k.mu.Lock()
	s := k.stage(a.Name)
	before, c := s.actor, s.crew
	k.mu.Unlock()
	switch {
	case c == nil: // it never was ready, and may have been made
	case c.State().Running:
		return false, fmt.Errorf("%s runs already: stop it first", a.Name)
	case !c.removed() && !isJob(a) && reflect.DeepEqual(before, a):
		return true, nil
	}
	return false, k.clear(ctx, a)
}

// clear takes an actor's workload away, and waits until it is gone.
func (k *Kube) clear(ctx context.Context, a env.Actor) error {
	o, made := k.object(workload(a), a.Name)
	if !made {
		return nil
	}
	if err := k.remove(ctx, o, nil); err != nil {
		return err
	}
	if err := k.awaitGone(ctx, o); err != nil {
		return err
	}
	k.forget(o)
	return nil
}

func workload(a env.Actor) kind {
	if isJob(a) {
		return kindJob
	}
	return kindDeployment
}

// perform applies an actor's objects. Its Service comes first: what the cluster makes of
// it tells what its pods can listen on.
func (k *Kube) perform(ctx context.Context, a env.Actor) error {
	if err := k.applyService(ctx, k.drawing().service(a)); err != nil {
		return err
	}
	s, err := k.drawing().draw(a)
	if err != nil {
		return err
	}
	return k.apply(ctx, s)
}

func (k *Kube) drawing() drawing {
	k.mu.Lock()
	defer k.mu.Unlock()
	ports, hosts := map[string][]string{}, map[string]string{}
	for _, s := range k.stages {
		if s.crew != nil {
			ports[s.actor.Name] = s.actor.Ports
		}
	}
	if k.inPlace != nil {
		hosts[gatewayActor] = k.inPlace.service()
	}
	return drawing{
		naming: k.naming, image: k.o.Image, lifetime: k.o.Lifetime, owner: k.owner.reference(),
		pods: k.o.Pods,
		directory: directory{
			namespace: k.naming.namespace, listen: k.listen, ports: ports, hosts: hosts,
		},
	}
}

// told adds what would be right to a refusal of the API server.
func told(err error) error {
	switch {
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w; want a quota, an admission policy and rights that let it", err)
	case apierrors.IsInvalid(err):
		return fmt.Errorf("%w; want an actor as this cluster takes it", err)
	}
	return err
}

// startLeave bounds what is done after a start that failed.
const startLeave = 30 * time.Second

// giveUp makes of a failed start an error with all that is known, and takes the workload
// away, unless it is kept, or kubelet goes on with it as it would without the tool.
func (k *Kube) giveUp(ctx context.Context, a env.Actor, err error, adopting bool) error {
	interrupted := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startLeave)
	defer cancel()
	failed := &env.StartError{Actor: a.Name, State: env.State{ExitCode: -1, Stopped: true}, Err: err}
	var ended *endedError
	switch {
	case errors.As(err, &ended):
		failed.State = ended.state
		failed.Tail = k.lastLines(ctx, ended.pod, a.Name)
	case !interrupted:
		pods, _ := k.table.podsOf(a.Name)
		for _, p := range pods {
			if failed.Tail = k.lastLines(ctx, p, a.Name); failed.Tail != "" {
				break
			}
		}
	}
	if adopting {
		return failed
	}
	if err := k.withdraw(ctx, a); err != nil {
		return errors.Join(failed, err)
	}
	return failed
}

// withdraw takes the workload of a start that failed away, unless it is kept.
func (k *Kube) withdraw(ctx context.Context, a env.Actor) error {
	o, made := k.object(workload(a), a.Name)
	if !made || k.o.Keep {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startLeave)
	defer cancel()
	return k.remove(ctx, o, nil)
}
