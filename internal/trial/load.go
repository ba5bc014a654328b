package trial

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/admin"
	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

const (
	// look is how often the actors are asked how far they are.
	look = 200 * time.Millisecond
	// overtime is what a load generator may need past its schedule and one timeout.
	overtime = 30 * time.Second
)

// load gives the common start and waits until all is sent and answered. The text says
// why the load was cut short, if it was.
func (r *run) load(ctx context.Context) (cutShort string, err error) {
	lead, err := r.readClocks(ctx)
	if err != nil {
		return "", err
	}
	start := admin.Start{RunID: r.runID, At: time.Now().Add(lead).UTC()}
	for _, name := range ofTheWire {
		err := r.each(name, func(_ int, e *end) error {
			own := start
			own.ClockAhead = e.clock.Sure()
			return e.client.Start(ctx, own)
		})
		if err != nil {
			return "", fmt.Errorf("start %s: %w", name, err)
		}
	}
	r.mu.Lock()
	r.started = start.At
	r.mu.Unlock()
	r.enter(record.PhaseWarmUp)

	limit := lead + r.plan.Scenario.Timing.Total() +
		time.Duration(r.plan.Scenario.Load.Timeout) + overtime
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cutShort, err = r.untilDone(bounded)
	r.lasted = min(max(0, time.Since(start.At)), r.plan.Scenario.Timing.Total())
	if cutShort == "" || err != nil {
		return "", err
	}
	r.event(record.EventNote, "", "the load was cut short: "+cutShort)
	if r.aborted() != "" {
		r.enter(record.PhaseDraining) // no rate is measured of a load that ends
	}
	return cutShort, r.finishLoad(ctx)
}

// finishLoad tells the load generator to send no more and waits until it has settled
// what is under way.
func (r *run) finishLoad(ctx context.Context) error {
	settle := time.Duration(r.plan.Scenario.Load.Timeout) + overtime
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settle)
	defer cancel()
	err := r.each(record.Loadgen, func(_ int, e *end) error { return e.client.Finish(ctx) })
	if err != nil {
		return fmt.Errorf("stop load: %w", err)
	}
	for range ticks(ctx) {
		if r.loadDone(ctx) {
			return nil
		}
		if err := r.ends(); err != nil {
			return fmt.Errorf("stop load: %w", err)
		}
	}
	return fmt.Errorf("stop load: not settled after %s", settle)
}

// untilDone returns when the load generator is done, or why it is not waited for.
func (r *run) untilDone(ctx context.Context) (cutShort string, err error) {
	for now := range ticks(ctx) {
		if r.loadDone(ctx) {
			return "", nil
		}
		if err := r.ends(); err != nil {
			return "", fmt.Errorf("run load: %w", err)
		}
		if why := r.aborted(); why != "" {
			return why, nil
		}
		if cutShort, err := r.tend(ctx, now); err != nil || cutShort != "" {
			return cutShort, err
		}
	}
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return "the load generator did not end in time", nil
	}
	return context.Cause(ctx).Error(), nil
}

// errNotDone is a load generator that is not done yet.
var errNotDone = errors.New("not done")

// loadDone is whether all load generators are done.
func (r *run) loadDone(ctx context.Context) bool {
	return nil == r.each(record.Loadgen, func(_ int, e *end) error {
		s, err := e.client.Status(ctx)
		if err == nil && s.Phase != admin.PhaseDone {
			err = errNotDone
		}
		return err
	})
}

// noteEnd notes once that an actor's process is gone though nobody asked it to end.
func (r *run) noteEnd(name string, i env.Instance, s env.State) {
	if actor, _, _ := strings.Cut(name, "/"); actor == record.Gateway {
		r.died(name, i, s)
		return
	}
	if _, known := r.states[name]; known {
		return
	}
	r.states[name] = s
	kind := record.EventEnded
	if s.Signal == "SIGKILL" || s.OOMKilled != nil && *s.OOMKilled {
		kind = record.EventKilled
	}
	r.event(kind, name, s.End())
}

// ticks yields the time every look until ctx ends.
func ticks(ctx context.Context) func(yield func(time.Time) bool) {
	return func(yield func(time.Time) bool) {
		t := time.NewTicker(look)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-t.C:
				if !yield(now) {
					return
				}
			}
		}
	}
}
