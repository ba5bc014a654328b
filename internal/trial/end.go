package trial

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/sampler"
)

// settling is the longest wait, beyond the backend's delay, for the last answers and
// the last look.
const settling = 3 * time.Second

// hurry is the longest drain of an interrupted trial.
const hurry = 2 * time.Second

// telling is how long an end of the wire may take to hand over all of its book.
const telling = 5 * time.Minute

// end drains and stops the gateway, fetches both books and joins them.
func (r *run) end(ctx context.Context, ending *record.Ending) error {
	r.currentPhase() // what was not entered yet
	r.enter(record.PhaseDraining)
	interrupted := ctx.Err() != nil
	ctx = context.WithoutCancel(ctx)
	ending.Drained = r.drain(ctx, interrupted)
	r.event(record.EventNote, "", "drained: "+ending.Drained.Reason)
	if err := r.ends(); err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	r.settle(ctx, interrupted)

	r.enter(record.PhaseStopping)
	if err := r.mark(ctx); err != nil {
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

// mark tells the backend that what comes from now on comes out of a gateway that ends.
func (r *run) mark(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, telling)
	defer cancel()
	return r.each(record.Backend, func(_ int, e *end) error { return e.client.Mark(ctx) })
}

// stop ends one actor and keeps how it was before and how it ended.
func (r *run) stop(ctx context.Context, name string) error {
	instance := r.instances[name]
	named(name, instance, func(name string, member env.Instance) {
		if s := member.State(); !s.Running {
			r.noteEnd(name, member, s)
		}
	})
	state, err := instance.Stop(ctx)
	r.givenBack(name, instance)
	if err != nil {
		return fmt.Errorf("stop %s: %w", name, err)
	}
	named(name, instance, func(name string, member env.Instance) {
		if _, known := r.states[name]; !known {
			s := member.State()
			r.states[name] = s
			r.event(record.EventEnded, name, "stopped: "+s.End())
		}
	})
	if _, known := r.states[name]; !known { // of all of several
		r.states[name] = r.stateOf(name, state)
	}
	return nil
}

// stateOf is that of all of several. Gateways went on as long as one of them did.
func (r *run) stateOf(name string, all env.State) env.State {
	if name != record.Gateway {
		return all
	}
	r.gateways(func(_ string, member env.Instance) {
		if s := member.State(); s.Stopped && !all.Stopped {
			all = s
		}
	})
	return all
}

// drain waits until nothing can come any more: every span that was offered has
// arrived, or the gateway's queue is empty and the backend has heard nothing for
// longer than the longest wait in the gateway's configuration. What came to several
// backends each of them counts, so that only one alone can tell that all has arrived.
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
	for range ticks(bounded) {
		r.muster()
		if !r.oneRuns() {
			return done(true, "the gateway is gone, nothing more can come")
		}
		if err := r.ends(); err != nil {
			return done(false, err.Error())
		}
		senders, receivers, err := r.books(bounded)
		if err != nil {
			continue
		}
		sent, received := ledger.SentTogether(senders), ledger.ReceivedTogether(receivers)
		if len(receivers) == 1 && sent.All.Due-sent.All.Unsent <= received.Unique {
			return done(true, "every offered span has arrived")
		}
		if time.Since(later(begin, received.LastArrival)) <= r.plan.Quiet {
			continue
		}
		switch queue, known := r.queue(); {
		case known && queue == 0:
			return done(true, fmt.Sprintf("the queue is empty and nothing came for %s", r.plan.Quiet))
		case !r.tellsQueue():
			return done(true, fmt.Sprintf("nothing came for %s (the gateway tells of no queue)",
				r.plan.Quiet))
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
	for range ticks(ctx) {
		s := r.lastSample()
		if s.At.Before(since) {
			continue
		}
		inFlight, known := s.Actors[record.Backend].Metrics[record.BackendInFlight]
		if !s.Actors[record.Gateway].Running || known && inFlight == 0 {
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

// tellsQueue is false for a gateway that never told how long its queue is. One that
// did and is silent now is too busy to answer, and not empty for that.
func (r *run) tellsQueue() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.queueTold
}

// collect stores all accounts in the record and joins them.
func (r *run) collect(ctx context.Context, ending *record.Ending) error {
	if err := r.ends(); err != nil {
		return fmt.Errorf("fetch accounts: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, telling)
	defer cancel()
	var sent []*ledger.Sent
	var received []*ledger.Received
	err := r.insist(ctx, func() (err error) {
		sent, received, err = r.books(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("fetch books: %w", err)
	}
	r.keepBooks(sent, received, ending)
	r.mu.Lock()
	ending.Deaths = slices.Clone(r.mortal.deaths)
	r.mu.Unlock()
	for _, name := range []string{record.Loadgen, record.Backend} {
		if err := r.accounts(ctx, name); err != nil {
			return err
		}
	}
	r.readClocksAgain(ctx)
	return r.join(ending)
}

// join is Join, with what each of the deaths cost.
func (r *run) join(ending *record.Ending) error {
	end := r.lasted.Seconds()
	all := windows(ending.Deaths, end)
	cut, err := stretches(all, r.plan.Scenario.Load, r.plan.Scenario.Timing, end,
		len(r.wire[record.Loadgen]))
	if err != nil {
		return err
	}
	joined, err := join(r.log.Dir(), r.accountFiles, r.plan.Prediction, cut)
	if err != nil {
		return err
	}
	told(joined, ending)
	for i, p := range joined.Stretches {
		ending.Deaths[i].Cost = cost(all[i], p)
	}
	return nil
}

// Join brings the accounts in a record's directory together and puts what became of
// every span into ending, which it leaves alone when it fails. It holds 16 bytes for every
// 65,536 spans and one page, however long the run was. The header tells whose accounts
// there are, and what a sampler was predicted to drop.
func Join(dir string, h record.Header, ending *record.Ending) error {
	joined, err := join(dir, h.AccountFiles, h.Prediction, nil)
	if err == nil {
		told(joined, ending)
	}
	return err
}

func join(dir string, files func(actor string) []string, prediction *sampler.Prediction,
	cut ledger.Stretches,
) (*ledger.Joined, error) {
	sent, err := openAccounts(dir, record.Loadgen, files)
	defer closeAll(sent)
	if err != nil {
		return nil, fmt.Errorf("join accounts: %w", err)
	}
	received, err := openAccounts(dir, record.Backend, files)
	defer closeAll(received)
	if err != nil {
		return nil, fmt.Errorf("join accounts: %w", err)
	}
	joined, err := ledger.JoinStretches(readers(sent), readers(received), prediction.Keeps(), cut)
	if err != nil {
		return nil, fmt.Errorf("join accounts %s and %s: %w", names(sent), names(received), err)
	}
	return joined, nil
}

// told puts what became of every span into ending.
func told(joined *ledger.Joined, ending *record.Ending) {
	ending.All, ending.Measured = joined.All, joined.Measured
	ending.Answer, ending.Transit, ending.Total = joined.Answer, joined.Transit, joined.Total
	ending.Missing, ending.Predicted = nil, predicted(joined)
	if len(ending.ReceivedBy) > 1 {
		ending.Received.Correct(joined)
	}
	for _, m := range joined.Missing {
		ending.Missing = append(ending.Missing, record.MissingRange(m))
	}
}

// predicted is the part of the account that a sampler was predicted to drop.
func predicted(joined *ledger.Joined) *record.Predicted {
	if joined.Predicted == nil {
		return nil
	}
	p := &record.Predicted{All: joined.Predicted.All, Measured: joined.Predicted.Measured}
	key := ledger.NewKey(joined.RunID)
	for _, m := range joined.Predicted.Came {
		var id [16]byte
		first := m.First - m.First%joined.Predicted.TraceSpans
		key.PutTraceID(id[:], ledger.Number(uint64(m.Stream)<<48|first))
		p.Came = append(p.Came, record.CameRange{
			MissingRange: record.MissingRange(m), TraceID: hex.EncodeToString(id[:]),
		})
	}
	return p
}

func openAccounts(dir, actor string, files func(actor string) []string) (
	all []*os.File, err error,
) {
	for _, name := range files(actor) {
		f, err := os.Open(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("the record has no account of the %s, so its trial did not end: %w",
				actor, err)
		}
		if err != nil {
			return all, err
		}
		all = append(all, f)
	}
	return all, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // it was only read
	}
}

func readers(files []*os.File) (all []io.ReaderAt) {
	for _, f := range files {
		all = append(all, f)
	}
	return all
}

func names(files []*os.File) string {
	var all []string
	for _, f := range files {
		all = append(all, f.Name())
	}
	return strings.Join(all, ", ")
}
