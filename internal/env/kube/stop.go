package kube

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// stopLeave is what a stop may take beyond the actor's grace: garbage collection until
// its pods are asked to end, kubelet until it tells that they have.
const stopLeave = 60 * time.Second

// Stop implements env.Instance. What ended by itself, all of it, stays in the cluster, where
// kubelet starts it again for the next Start; Close takes it away. An installation is given
// back then too.
func (c *crew) Stop(ctx context.Context) (env.State, error) {
	c.stopping.Lock()
	defer c.stopping.Unlock()
	if c.done {
		return c.last, c.lastErr
	}
	if c.allEnded() && !c.asked() {
		c.last = c.State() // by itself, whatever becomes of its pods from now on
		if c.inPlace != nil {
			c.lastErr = c.giveBack(ctx)
		}
		c.finish()
		c.done = true
		return c.last, c.lastErr
	}
	c.mu.Lock()
	c.wanted = true
	c.mu.Unlock()
	if c.inPlace != nil {
		c.lastErr = c.giveBack(ctx)
	} else {
		c.lastErr = c.stop(ctx)
	}
	c.done, c.last = true, c.State()
	return c.last, c.lastErr
}

// giveBack gives the installation back that its pods are of. They go on, for others.
func (c *crew) giveBack(ctx context.Context) error {
	if err := c.inPlace.giveBack(ctx); err != nil {
		return fmt.Errorf("stop %s: %w", c.actor.Name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.back = time.Now()
	return nil
}

// stop removes the workload and waits until all containers have ended. When ctx ends
// first, they have one second left.
func (c *crew) stop(ctx context.Context) error {
	limit := grace(c.actor) + stopLeave
	late := fmt.Errorf("stop %s: it did not end within %s", c.actor.Name, limit)
	life, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), limit, late)
	defer cancel()
	if o, made := c.kube.object(workload(c.actor), c.actor.Name); made {
		if err := c.kube.remove(life, o, nil); err != nil {
			return fmt.Errorf("stop %s: %w", c.actor.Name, err)
		}
	}
	c.mu.Lock()
	c.away = true
	c.mu.Unlock()
	hurry := ctx.Done()
	hurried := map[string]bool{}
	for {
		_, changed := c.kube.table.podsOf(c.actor.Name)
		if c.allEnded() {
			c.finish()
			return nil
		}
		select {
		case <-changed:
		case <-hurry:
			hurry = nil
		case <-life.Done():
			return errors.Join(context.Cause(life), c.kill(context.WithoutCancel(ctx), 0, map[string]bool{}))
		}
		if ctx.Err() != nil {
			if err := c.kill(life, 1, hurried); err != nil {
				return fmt.Errorf("stop %s: %w", c.actor.Name, err)
			}
		}
	}
}

func (c *crew) allEnded() bool {
	for _, i := range c.list() {
		if i.State().Running {
			return false
		}
	}
	return true
}

// kill shortens the grace of pods that are asked to end already. One that is not yet would
// be made anew by its controller, which has not heard of its own end.
func (c *crew) kill(ctx context.Context, seconds int64, done map[string]bool) error {
	pods, _ := c.kube.table.podsOf(c.actor.Name)
	var errs []error
	for _, p := range pods {
		if p.DeletionTimestamp == nil && seconds > 0 || done[p.Name] {
			continue
		}
		done[p.Name] = true
		errs = append(errs, c.kube.remove(ctx, object{kindPod, p.Name, p.UID}, &seconds))
	}
	return errors.Join(errs...)
}

// finish waits for the last lines of the output.
func (c *crew) finish() {
	for _, i := range c.list() {
		i.output.settle()
	}
}

// closeTime bounds how long Close waits for the cluster to take away what it was told to.
const closeTime = 2 * time.Minute

func (k *Kube) close() error {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	k.shut(errClosed)
	k.starting.Wait()
	var errs []error
	switch {
	case !k.o.Keep:
		errs = append(errs, k.stopAll())
	case k.inPlace != nil: // what is given back is to get no load
		errs = append(errs, k.stopLoad(context.Background()))
	}
	if k.inPlace != nil { // kept or not, and whatever became of its pods
		errs = append(errs, k.inPlace.giveBack(context.Background()))
	}
	k.end(errClosed)
	k.background.Wait()
	if k.usage.close != nil {
		k.usage.close()
	}
	ctx, cancel := context.WithTimeout(quiet(context.Background(), k.o.Log), closeTime)
	defer cancel()
	if k.o.Keep && k.owner.uid != "" { // what was not begun is not kept
		errs = append(errs, k.keep(ctx))
	} else {
		errs = append(errs, k.clean(ctx))
	}
	errs = append(errs, k.discardSpool())
	k.access.close()
	return errors.Join(errs...)
}

// stopAll stops what runs, the last started first, each with its grace.
func (k *Kube) stopAll() error {
	k.mu.Lock()
	var crews []*crew
	for _, s := range k.stages {
		if s.crew != nil {
			crews = append([]*crew{s.crew}, crews...)
		}
	}
	k.mu.Unlock()
	errs := []error{k.stopLoad(context.Background())}
	for _, c := range crews {
		if isJob(c.actor) {
			continue
		}
		if _, err := c.Stop(context.Background()); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// stopLoad stops the load generators, where there are any. An installation in place is not given
// back while they may still send: its watchdog does it later.
func (k *Kube) stopLoad(ctx context.Context) error {
	k.mu.Lock()
	c := k.stage(loadActor).crew
	k.mu.Unlock()
	if c == nil {
		return nil
	}
	_, err := c.Stop(ctx)
	if err != nil && k.inPlace != nil {
		k.inPlace.leave()
	}
	return err
}

// cutLoad stops the load generators without their grace, whose state says why.
func (k *Kube) cutLoad(why error) {
	k.mu.Lock()
	c := k.stage(loadActor).crew
	k.mu.Unlock()
	if c == nil {
		return // and none is started any more
	}
	c.mu.Lock()
	if !c.wanted {
		c.why = why.Error()
	}
	c.mu.Unlock()
	at, cancel := context.WithCancel(context.Background())
	cancel()
	if err := k.stopLoad(at); err != nil {
		k.note("the load was not stopped: " + err.Error())
	}
}

// mayLoad fails for the load generator of an installation that is not the run's alone any more.
func (k *Kube) mayLoad(a env.Actor) error {
	if a.Name != loadActor {
		return nil
	}
	return k.inPlace.unfit()
}
