package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// settling is the longest wait, beyond the backend's delay, for the last answers and
// the last look.
const settling = 3 * time.Second

// hurry is the longest drain of an interrupted trial.
const hurry = 2 * time.Second

// end drains and stops the gateway, fetches both books and joins them.
func (r *run) end(ctx context.Context, ending *record.Ending) error {
	r.enter(record.PhaseDraining)
	interrupted := ctx.Err() != nil
	ctx = context.WithoutCancel(ctx)
	ending.Drained = r.drain(ctx, interrupted)
	r.event(record.EventNote, "", "drained: "+ending.Drained.Reason)
	r.settle(ctx, interrupted)

	r.enter(record.PhaseStopping)
	if err := r.client(record.Backend).Mark(ctx); err != nil {
		return fmt.Errorf("mark the stop: %w", err)
	}
	if err := r.stop(ctx, record.Gateway); err != nil {
		return err
	}
	if err := r.collect(ctx, ending); err != nil {
		return err
	}
	return errors.Join(r.stop(ctx, record.Loadgen), r.stop(ctx, record.Backend))
}

// stop ends one actor and keeps how it was before and how it ended.
func (r *run) stop(ctx context.Context, name string) error {
	if s := r.instances[name].State(); !s.Running {
		r.noteEnd(name, s)
	}
	state, err := r.instances[name].Stop(ctx)
	if err != nil {
		return fmt.Errorf("stop %s: %w", name, err)
	}
	if _, known := r.states[name]; !known {
		r.states[name] = state
		r.event(record.EventEnded, name, "stopped: "+ended(state))
	}
	return nil
}

// drain waits until nothing can come any more: every span that was offered has
// arrived, or the gateway's queue is empty and the backend has heard nothing for
// longer than the longest wait in the gateway's configuration.
func (r *run) drain(ctx context.Context, interrupted bool) record.Drain {
	begin := time.Now()
	limit := time.Duration(r.plan.Scenario.Timing.Drain)
	if interrupted {
		limit = min(limit, hurry)
	}
	done := func(complete bool, reason string) record.Drain {
		d := record.Drain{Seconds: time.Since(begin).Seconds(), Complete: complete, Reason: reason}
		if q, ok := r.queue(); ok {
			d.QueueSize = &q
		}
		return d
	}
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for range ticks(bounded, look) {
		if !r.instances[record.Gateway].State().Running {
			return done(true, "the gateway is gone, nothing more can come")
		}
		sent, received, err := r.books(bounded)
		if err != nil {
			continue
		}
		if sent.All.Due-sent.All.Unsent <= received.Unique {
			return done(true, "every offered span has arrived")
		}
		quiet := time.Since(later(begin, received.LastArrival))
		if queue, known := r.queue(); quiet > r.plan.Quiet && (!known || queue == 0) {
			return done(true, fmt.Sprintf("the queue is empty and nothing came for %s", r.plan.Quiet))
		}
	}
	return done(false, fmt.Sprintf("not drained after %s", limit))
}

// settle waits until the backend has answered all it received and the monitor has
// looked once more: only then do the collector's counters say what the ledger says.
func (r *run) settle(ctx context.Context, interrupted bool) {
	patience := time.Duration(r.plan.Scenario.Backend.Delay) + settling
	if interrupted {
		patience = settling
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	since := time.Now()
	for range ticks(ctx, look) {
		s := r.lastSample()
		if s.At.Before(since) {
			continue
		}
		if !s.Actors[record.Gateway].Running || s.Actors[record.Backend].Metrics[record.BackendInFlight] == 0 {
			return
		}
		since = s.At.Add(time.Nanosecond)
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// queue is the size of the gateway's exporter queues in the last sample, if the
// sample is of the drain.
func (r *run) queue() (size float64, known bool) {
	s := r.lastSample()
	if s.Phase != record.PhaseDraining {
		return 0, false
	}
	size, known = s.Actors[record.Gateway].Metrics[record.QueueSize]
	return size, known
}

func (r *run) books(ctx context.Context) (sent ledger.Sent, received ledger.Received, err error) {
	err = errors.Join(
		r.client(record.Loadgen).Book(ctx, &sent),
		r.client(record.Backend).Book(ctx, &received),
	)
	return sent, received, err
}

// collect stores both accounts in the record and joins them.
func (r *run) collect(ctx context.Context, ending *record.Ending) error {
	if !r.instances[record.Loadgen].State().Running || !r.instances[record.Backend].State().Running {
		return errors.New("fetch accounts: an end of the wire is gone, and its book with it")
	}
	sent, received, err := r.books(ctx)
	if err != nil {
		return fmt.Errorf("fetch books: %w", err)
	}
	ending.Sent, ending.Received = &sent, &received
	for _, name := range []string{record.Loadgen, record.Backend} {
		if err := r.account(ctx, name); err != nil {
			return fmt.Errorf("fetch account of %s: %w", name, err)
		}
	}
	return Join(r.log.Dir(), ending)
}

func (r *run) account(ctx context.Context, name string) error {
	w, err := r.log.Account(name)
	if err != nil {
		return err
	}
	return errors.Join(r.client(name).Account(ctx, w), w.Close())
}

// Join brings the two accounts in a record's directory together and puts what became
// of every span into ending.
func Join(dir string, ending *record.Ending) error {
	sent, err := os.Open(filepath.Join(dir, record.AccountFile(record.Loadgen)))
	if err != nil {
		return fmt.Errorf("join accounts: %w", err)
	}
	defer sent.Close()
	received, err := os.Open(filepath.Join(dir, record.AccountFile(record.Backend)))
	if err != nil {
		return fmt.Errorf("join accounts: %w", err)
	}
	defer received.Close()
	joined, err := ledger.Join([]io.ReaderAt{sent}, []io.ReaderAt{received})
	if err != nil {
		return fmt.Errorf("join accounts: %w", err)
	}
	ending.All, ending.Measured = joined.All, joined.Measured
	ending.Answer, ending.Transit, ending.Total = joined.Answer, joined.Transit, joined.Total
	for _, m := range joined.Missing {
		ending.Missing = append(ending.Missing, record.MissingRange(m))
	}
	return nil
}
