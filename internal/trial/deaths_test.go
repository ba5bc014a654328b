package trial_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env/envtest"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

var restart = scenario.Gateway{
	OnDeath: scenario.DeathRestart, RestartDelay: scenario.Duration(10 * time.Millisecond),
}

// kinds are those of the deaths, in order.
func kinds(r *record.Record) (all []record.DeathKind) {
	for _, d := range r.Ending.Deaths {
		all = append(all, d.Kind)
	}
	return all
}

// costs holds the costs of the deaths against the account: they do not overlap, and none is
// more than what was due.
func costs(t *testing.T, r *record.Record) (sum record.Cost) {
	t.Helper()
	last := 0.0
	for i, d := range r.Ending.Deaths {
		c := d.Cost
		if c == nil {
			t.Fatalf("what death %d cost is not known", i+1)
		}
		if c.From < last || c.To < c.From {
			t.Errorf("death %d is from %.3f to %.3f s, after one to %.3f s", i+1, c.From, c.To, last)
		}
		if c.Due != c.Acknowledged+c.Refused+c.Unknown+c.Dropped+c.Unsent {
			t.Errorf("the cost of death %d does not sum to what was due: %+v", i+1, *c)
		}
		last = c.To
		sum.Due, sum.Lost = sum.Due+c.Due, sum.Lost+c.Lost
		sum.Unknown, sum.Unsent = sum.Unknown+c.Unknown, sum.Unsent+c.Unsent
	}
	return sum
}

// Killed again and again, it is started again where it was, and the load goes on to its
// end. What it had taken and not handed on is the cost of that death.
func TestRestarts(t *testing.T) {
	t.Parallel()
	const deaths, keeps, lasts = 3, 15, 8 // in seconds, for 400 requests: each 20th ends a process
	q := question{measured: lasts * time.Second, onDeath: restart}
	acknowledged := q.afterAnswer(t, keeps*request)
	kills := 0 // one process dies after the other
	q.gateway = &gateway{on: func(g *gateway, n int64) bool {
		if n > keeps {
			acknowledged() // so that what is kept is, too
		}
		if n%20 == 0 {
			g.die(func(i *envtest.Instance) {
				if kills++; kills <= deaths {
					i.Kill("SIGKILL", true)
				}
			})
		}
		return n == keeps // and lost with the first death
	}}
	r := q.finished(t, t.Context())
	e := r.Ending
	want := slices.Repeat([]record.DeathKind{record.DeathOOM}, deaths)
	if diff := cmp.Diff(want, kinds(r)); diff != "" || e.CutShort != "" {
		t.Fatalf("cut short: %q; deaths (-want +got):\n%s", e.CutShort, diff)
	}
	for i, d := range e.Deaths {
		if d.Restarted == nil || *d.Restarted < d.Elapsed || d.Uptime <= 0 || d.Elapsed <= 0 ||
			d.State.OOMKilled == nil || !*d.State.OOMKilled {
			t.Errorf("death %d is %+v", i+1, d)
		}
	}
	sum := costs(t, r)
	all := e.All
	if sum.Due >= all.Due || e.Deaths[0].Cost.Lost != request || sum.Lost != request ||
		all.Acknowledged.NotDelivered != request {
		t.Errorf("the deaths cost %+v of %+v", sum, all)
	}
	if all.Due != lasts*rate || all.Unknown.Items == 0 || sum.Unknown+sum.Unsent > all.Unknown.Items+all.Unsent {
		t.Errorf("the account is %+v, the deaths cost %+v", all, sum)
	}
	if s := e.States[record.Gateway]; !s.Stopped || s.ExitCode != 0 {
		t.Errorf("States[gateway] = %+v; want that of the last process", s)
	}
	if got := said(r, record.EventKilled); len(got) != deaths {
		t.Errorf("events %q", got)
	}
	again := 0
	for _, text := range said(r, record.EventStarted) {
		if text == "gateway: ready again" {
			again++
		}
	}
	if again != deaths {
		t.Errorf("it was ready again %d times, want %d", again, deaths)
	}
	// The monitor looks at the last process: until it is stopped, and on a busy machine
	// not with each look.
	if !lookedAfterDrain(r) || !slices.ContainsFunc(r.Samples, func(s record.Sample) bool {
		g := s.Actors[record.Gateway]
		return s.Elapsed > *e.Deaths[deaths-1].Restarted && g.Running && g.ScrapeError == ""
	}) {
		t.Errorf("no look at the last process among %d", len(r.Samples))
	}
}

// After as many restarts as there may be the next death ends the load.
func TestRestartsEnd(t *testing.T) {
	t.Parallel()
	q := question{measured: time.Minute, onDeath: restart, gateway: &gateway{
		on: func(g *gateway, n int64) bool {
			if n%10 == 0 {
				g.die(func(i *envtest.Instance) { i.Exit(3) })
			}
			return false
		},
	}}
	q.onDeath.MaxRestarts = 2
	r := q.finished(t, t.Context())
	want := "the gateway ended: exited with code 3, after 2 restarts (gateway.max_restarts: 2)"
	if got := r.Ending.CutShort; got != want {
		t.Errorf("CutShort = %q, want %q", got, want)
	}
	crash := record.DeathCrash
	if diff := cmp.Diff([]record.DeathKind{crash, crash, crash}, kinds(r)); diff != "" {
		t.Errorf("deaths (-want +got):\n%s", diff)
	}
	if sum := costs(t, r); sum.Due != r.Ending.All.Due {
		t.Errorf("%d due were a death's, of %d", sum.Due, r.Ending.All.Due)
	}
	if last := r.Ending.Deaths[2]; last.Restarted != nil {
		t.Errorf("the last death was followed by a restart: %+v", last)
	}
}

// A gateway that panics says so, and where. One that then does not start again died once
// more each time.
func TestPanicsAndDoesNotStartAgain(t *testing.T) {
	t.Parallel()
	var starts atomic.Int64
	g := &gateway{}
	g.on = func(g *gateway, n int64) bool {
		if n == 10 {
			g.die(func(i *envtest.Instance) { i.Exit(2) })
		}
		return false
	}
	q := question{measured: time.Minute, onDeath: restart, gateway: g, change: map[string]envtest.Program{
		record.Gateway: func(ctx context.Context, p *envtest.Process) int {
			if starts.Add(1) > 1 {
				fmt.Fprintln(p.Out, "cannot read the configuration")
				return 1
			}
			fmt.Fprint(p.Out, "panic: boom\n\ngoroutine 1 [running]:\n"+
				"go.opentelemetry.io/collector/exporter/otlpexporter.(*e).push(0x1)\n\t/x.go:1\n")
			return g.run(ctx, p)
		},
	}}
	q.onDeath.MaxRestarts = 2
	r := q.finished(t, t.Context())
	want := []record.DeathKind{record.DeathPanic, record.DeathStart, record.DeathStart}
	if diff := cmp.Diff(want, kinds(r)); diff != "" {
		t.Fatalf("deaths (-want +got):\n%s", diff)
	}
	first, last := r.Ending.Deaths[0], r.Ending.Deaths[2]
	if first.Component != "exporter/otlp" || !strings.HasPrefix(first.Text, "panic: boom\n") {
		t.Errorf("the panic is told as %q in %q", first.Text, first.Component)
	}
	if !strings.Contains(last.Text, "cannot read the configuration") || last.State.ExitCode != 1 {
		t.Errorf("the failed restart is told as %+v", last)
	}
	events := said(r, record.EventEnded)
	if !slices.Contains(events, "gateway: exited with code 2: panic: boom (in exporter/otlp)") {
		t.Errorf("events are %q", events)
	}
	costs(t, r)
}

// A hang is a death that may end by itself: it is told when it began and when it ended,
// and the trial goes on.
func TestGatewayHangs(t *testing.T) {
	t.Parallel()
	g := &gateway{}
	thawed := make(chan struct{})
	q := question{
		measured: 8 * time.Second, hang: 1500 * time.Millisecond, gateway: g,
		watch: func(s record.Sample) {
			a := s.Actors[record.Gateway]
			switch {
			case s.Elapsed > 1 && g.frozen.Load() == nil:
				g.frozen.Store(&thawed)
			case a.ScrapeError != "" && s.Elapsed > 6:
				select {
				case <-thawed:
				default:
					close(thawed)
				}
			}
		},
	}
	r := q.finished(t, t.Context())
	if diff := cmp.Diff([]record.DeathKind{record.DeathHang}, kinds(r)); diff != "" {
		t.Fatalf("deaths (-want +got):\n%s", diff)
	}
	d := r.Ending.Deaths[0]
	if d.Since == nil || d.Until == nil || *d.Since < 0.5 || d.Elapsed < *d.Since+1.5 ||
		*d.Until < d.Elapsed || !d.State.Running || r.Ending.CutShort != "" {
		t.Errorf("the hang is %+v", d)
	}
	costs(t, r)
	if notes := said(r, record.EventNote); !slices.Contains(notes, "gateway: hangs no longer") {
		t.Errorf("notes are %q", notes)
	}
}

// Where it is to be started again, a gateway that hangs for long is killed first. That is
// one death.
func TestHangIsEnded(t *testing.T) {
	t.Parallel()
	g := &gateway{}
	never := make(chan struct{})
	q := question{
		measured: 8 * time.Second, hang: time.Second, gateway: g, onDeath: restart,
		watch: func(s record.Sample) {
			if s.Elapsed > 1 && g.frozen.Load() == nil {
				g.frozen.Store(&never)
			}
		},
		change: map[string]envtest.Program{
			record.Gateway: func(ctx context.Context, p *envtest.Process) int {
				if old := g.frozen.Load(); old != nil { // the new one is not frozen
					thawed := make(chan struct{})
					close(thawed)
					g.frozen.Store(&thawed)
				}
				return g.run(ctx, p)
			},
		},
	}
	r := q.finished(t, t.Context())
	if diff := cmp.Diff([]record.DeathKind{record.DeathHang}, kinds(r)); diff != "" {
		t.Fatalf("deaths (-want +got):\n%s", diff)
	}
	d := r.Ending.Deaths[0]
	if d.Since == nil || d.Restarted == nil || d.Until != nil || *d.Restarted < *d.Since+2 {
		t.Errorf("the hang is %+v", d)
	}
	if sum := costs(t, r); sum.Due == 0 || sum.Due >= r.Ending.All.Due {
		t.Errorf("the hang cost %+v of %+v", sum, r.Ending.All)
	}
	if got := said(r, record.EventKilled); len(got) > 0 {
		t.Errorf("killed by somebody else: %q", got)
	}
}
