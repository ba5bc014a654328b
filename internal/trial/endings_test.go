package trial_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/env/envtest"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/sampler"
	"github.com/odigos-io/odigos-stress/internal/trial"
)

// An actor that cannot start is an error: there was no trial.
func TestActorCannotStart(t *testing.T) {
	t.Parallel()
	fails := func(_ context.Context, p *envtest.Process) int {
		fmt.Fprintln(p.Out, "no room")
		return 7
	}
	started := []string{"backend: ready", "gateway: ready", "loadgen: ready"}
	for n, actor := range []string{record.Backend, record.Gateway, record.Loadgen} {
		q := question{change: map[string]envtest.Program{actor: fails}}
		r, err := q.ask(t, t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), "start "+actor+": ") ||
			!strings.Contains(err.Error(), "no room") {
			t.Errorf("Run with a %s that fails = %v", actor, err)
		}
		if got := said(r, record.EventError); len(got) != 1 || r.Ending.CutShort != "" {
			t.Errorf("%s: errors %q, CutShort %q", actor, got, r.Ending.CutShort)
		}
		if got := said(r, record.EventStarted); !slices.Equal(got, started[:n]) {
			t.Errorf("%s: started are %q, want %q", actor, got, started[:n])
		}
	}
}

// An end of the wire that dies takes its book with it. The trial says so at once and
// does not drain.
func TestEndOfTheWireDies(t *testing.T) {
	t.Parallel()
	last := func(n int64) bool { return n == int64(measure.Seconds()*rate/request) }
	for _, actor := range []string{record.Backend, record.Loadgen} {
		for name, c := range map[string]struct {
			measured time.Duration
			when     func(n int64) bool
			during   string
		}{
			"under load":      {time.Minute, func(n int64) bool { return n == 5 }, "run load: "},
			"as load ends":    {measure, last, ""}, // whichever looks first
			"while it drains": {measure, nil, "drain: "},
		} {
			t.Run(actor+" "+name, func(t *testing.T) {
				t.Parallel()
				kill := func(g *gateway) { g.instance(actor).Kill("SIGKILL", false) }
				g := &gateway{on: func(g *gateway, n int64) bool {
					if c.when == nil {
						return n == 3 // is never drained
					}
					if c.when(n) {
						kill(g)
					}
					return false
				}}
				q := question{gateway: g, measured: c.measured}
				if c.when == nil {
					// A sample's phase is by the clock. That the load is over the trial sees by looking,
					// five times a second.
					const looked = 5.0 // seconds
					q.watch = func(s record.Sample) {
						if s.Phase == record.PhaseDraining && s.Elapsed > c.measured.Seconds()+looked {
							kill(g)
						}
					}
				}
				begun := time.Now()
				r, err := q.ask(t, t.Context())
				want := fmt.Sprintf("the %s is gone, and its book with it: killed by SIGKILL", actor)
				if err == nil || !strings.HasPrefix(err.Error(), c.during) ||
					!strings.HasSuffix(err.Error(), want) {
					t.Errorf("Run = %v, want %q", err, c.during+want)
				}
				if took := time.Since(begun); took > 30*time.Second {
					t.Errorf("it took %s to say so", took)
				}
				got := said(r, record.EventKilled)
				if diff := cmp.Diff([]string{actor + ": killed by SIGKILL"}, got); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				if r.Ending.States[actor].Signal != "SIGKILL" || r.Ending.LoadStart.IsZero() {
					t.Errorf("the ending is %+v", r.Ending)
				}
			})
		}
	}
}

// An interrupted trial ends early, and with all that is known.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	q := question{measured: time.Minute, gateway: &gateway{on: func(_ *gateway, n int64) bool {
		if n == 5 {
			cancel(trial.Interrupt{Signal: "SIGTERM"})
		}
		return n == 3 // never drained
	}}}
	begun := time.Now()
	r := q.finished(t, ctx)
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
	e := r.Ending
	if e.Interrupted != "SIGTERM" || e.CutShort != "interrupted by SIGTERM" || e.Error != "" ||
		e.Drained.Complete || e.Drained.Reason != "not drained after 2s" {
		t.Errorf("the ending is %+v", e)
	}
	// A slot that was due at the very moment of the stop may be unsent.
	if a := e.All; a.Acknowledged.NotDelivered != request || a.Acknowledged.Once < 4*request ||
		a.Due != a.Acknowledged.Items+a.Unsent || a.Due >= 60*rate {
		t.Errorf("the account is %+v", a)
	}
	if len(e.Missing) != 1 || e.Missing[0].Count != request || e.Missing[0].First%request != 0 {
		t.Errorf("missing are %+v, want one request", e.Missing)
	}
}

// Before the load there is nothing to end in order.
func TestInterruptBeforeTheStart(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	q := question{change: map[string]envtest.Program{
		record.Loadgen: func(ctx context.Context, _ *envtest.Process) int {
			cancel(trial.Interrupt{Signal: "SIGINT"})
			<-ctx.Done()
			return 0
		},
	}}
	r, err := q.ask(t, ctx)
	if err == nil || err.Error() != r.Ending.Error || r.Ending.Interrupted != "SIGINT" {
		t.Errorf("Run = %v, the ending is %+v", err, r.Ending)
	}
}

// How a trial ends whose gateway keeps one request for itself.
func TestDrain(t *testing.T) {
	t.Parallel()
	keep := func(_ *gateway, n int64) bool { return n == 3 }
	for name, c := range map[string]struct {
		gateway  *gateway
		quiet    time.Duration
		complete bool
		reason   string
		queue    *float64
	}{
		"keeps for ever": {
			&gateway{on: keep}, 100 * time.Millisecond, false, "not drained after 1s",
			new(1.0),
		},
		// Silence is not emptiness where a queue was told of and is not any more.
		"falls silent": {
			&gateway{on: keep, mute: 20}, 100 * time.Millisecond, false,
			"not drained after 1s", nil,
		},
		"never told": {
			&gateway{on: keep, mute: -1}, 100 * time.Millisecond, true,
			"nothing came for 100ms (the gateway tells of no queue)", nil,
		},
		"loses": {&gateway{on: func(g *gateway, n int64) bool {
			if n == 3 {
				g.kept.Add(-1)
			}
			return n == 3
		}}, 100 * time.Millisecond, true, "the queue is empty and nothing came for 100ms", new(0.0)},
		"is not quiet yet": {&gateway{on: func(g *gateway, n int64) bool {
			if n == 3 {
				g.kept.Add(-1)
			}
			return n == 3
		}}, time.Minute, false, "not drained after 1s", new(0.0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := question{gateway: c.gateway, quiet: c.quiet}
			if !c.complete {
				q.drain = time.Second
			}
			r := q.finished(t, t.Context())
			e := r.Ending
			if e.Drained.Complete != c.complete || e.Drained.Reason != c.reason || e.CutShort != "" {
				t.Errorf("Drained = %+v, CutShort %q", e.Drained, e.CutShort)
			}
			diff := cmp.Diff(c.queue, e.Drained.QueueSize)
			if diff != "" && !missedScrape(r) {
				t.Errorf("QueueSize (-want +got):\n%s", diff)
			}
			want := once(rate)
			want.Acknowledged.Once, want.Acknowledged.NotDelivered = rate-request, request
			if diff := cmp.Diff(want, e.All); diff != "" {
				t.Errorf("account (-want +got):\n%s", diff)
			}
		})
	}
}

// missedScrape is whether the gateway was too slow to answer in the drain, as it may
// be on a machine with much else to do.
func missedScrape(r *record.Record) bool {
	return slices.ContainsFunc(r.Samples, func(s record.Sample) bool {
		return s.Phase == record.PhaseDraining && s.Actors[record.Gateway].ScrapeError != ""
	})
}

// Join needs both accounts whole, and leaves the ending alone otherwise.
func TestJoinTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := (&question{}).finished(t, t.Context())
	dir := r.Dir
	ending := record.Ending{Missing: []record.MissingRange{{First: 1, Count: 1}}}
	if err := trial.Join(dir, r.Header, &ending); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(once(rate), ending.All); diff != "" || len(ending.Missing) > 0 {
		t.Errorf("missing %v, account (-want +got):\n%s", ending.Missing, diff)
	}
	for _, c := range []struct {
		call string
		do   func(loadgen, backend string) error
		want string
	}{
		{
			"cut the backend's", func(_, b string) error { return os.Truncate(b, 100) },
			"raw/backend.account: join: receiver 1: ",
		},
		{
			"remove the backend's", func(_, b string) error { return os.Remove(b) },
			"the record has no account of the backend, so its trial did not end: open ",
		},
		{
			"give the load generator's for it", os.Link,
			"join: receiver 1: ",
		},
		{
			"remove the load generator's", func(l, _ string) error { return os.Remove(l) },
			"the record has no account of the loadgen, so its trial did not end: open ",
		},
	} {
		files := [2]string{}
		for i, actor := range []string{record.Loadgen, record.Backend} {
			files[i] = filepath.Join(dir, record.AccountFile(actor))
		}
		if err := c.do(files[0], files[1]); err != nil {
			t.Fatal(err)
		}
		ending := record.Ending{All: ledger.Account{Due: 3}, States: map[string]env.State{}}
		before := ending
		err := trial.Join(dir, r.Header, &ending)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Join = %v, want %q", c.call, err, c.want)
		}
		if diff := cmp.Diff(before, ending); diff != "" {
			t.Errorf("%s: Join touched the ending (-before +after):\n%s", c.call, diff)
		}
	}
}

// Join applies the prediction of the plan: here that no trace is kept, though all came.
func TestJoinPredicts(t *testing.T) {
	t.Parallel()
	r := (&question{}).finished(t, t.Context())
	h := r.Header
	h.Prediction = &sampler.Prediction{
		Paths: [][]sampler.Sampler{{{ID: "x", Tail: &sampler.Tail{}}}},
	}
	var ending record.Ending
	if err := trial.Join(r.Dir, h, &ending); err != nil {
		t.Fatal(err)
	}
	p := ending.Predicted
	if p == nil || len(p.Came) != 1 || len(p.Came[0].TraceID) != 32 || p.Came[0].Count != rate {
		t.Fatalf("predicted = %+v, want all %d spans to have come against it", p, rate)
	}
	if diff := cmp.Diff(ending.All.Acknowledged, p.All.Acknowledged); diff != "" {
		t.Errorf("acknowledged (-all +predicted to be dropped):\n%s", diff)
	}
	h.Prediction = &sampler.Prediction{Unpredictable: "for a reason"}
	if err := trial.Join(r.Dir, h, &ending); err != nil || ending.Predicted != nil {
		t.Errorf("Join = %v, predicted = %+v, want none", err, ending.Predicted)
	}
}
