package trial_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/env/envtest"
	collectors "github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/trial"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// A question is a trial of the test's: 1,000 spans/s in requests of 20, so that a
// second has 50 requests.
type question struct {
	warmUp, measured, drain time.Duration
	quiet                   time.Duration
	gateway                 *gateway
	change                  map[string]envtest.Program
	watch                   func(record.Sample)
	assertions              []scenario.Assertion
	onDeath                 scenario.Gateway // and nothing else of it
	hang                    time.Duration
	generators, backends    int
	gateways                int
	in                      func(*place) env.Environment // nil: the place itself
}

const (
	rate    = 1000
	request = 20
	measure = time.Second
)

// planned is the question as plan makes it of a scenario.
func (q *question) planned(t *testing.T) plan.Plan {
	t.Helper()
	fill := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	fill(&q.measured, measure)
	fill(&q.drain, time.Minute)
	fill(&q.quiet, 300*time.Millisecond)
	warmUp := scenario.Duration(q.warmUp)
	gateway := q.onDeath
	gateway.Replicas = q.gateways
	p, err := plan.New(scenario.Scenario{
		Name: "test", Gateway: gateway,
		Load: scenario.Load{
			Rate: rate, SpansPerRequest: request, InFlight: 256,
			Shape: scenario.ShapeSimple, Timeout: scenario.Duration(20 * time.Second),
			Generators: q.generators,
		},
		Backend: scenario.Backend{Replicas: q.backends},
		Timing: scenario.Timing{
			WarmUp: &warmUp, Duration: scenario.Duration(q.measured),
			Drain: scenario.Duration(q.drain),
		},
		Assertions: q.assertions,
	}, collectors.Collector{
		Path: "/nowhere/otelcol", Name: "otelcol", Version: "0.0.0",
		Components: map[string][]string{
			"receivers":  {"otlp"},
			"processors": {"batch", "memory_limiter", "resource", "tail_sampling"},
			"exporters":  {"nop", "otlp_grpc", "otlp_http", "prometheus"},
			"connectors": {"forward", "service_graph"},
			"extensions": {"health_check", "pprof"},
		},
	}, plan.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	p.Quiet = q.quiet
	return p
}

// ask runs the trial and reads its record back. However a trial ends, there is an
// ending whose accounts sum to zero.
func (q *question) ask(t *testing.T, ctx context.Context) (*record.Record, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if q.gateway == nil {
		q.gateway = &gateway{}
	}
	p := q.planned(t)
	here := newPlace(q.gateway, q.change)
	h := record.Header{
		RunID: "run-of-" + t.Name(), Created: time.Now().UTC(),
		Scenario: p.Scenario, Collector: p.Collector, SampleEvery: p.SampleEvery,
		Actors: []env.Actor{p.Backend, p.Gateway, p.Loadgen},
	}
	log, err := record.Create(t.TempDir(), h, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var o trial.Options
	if q.watch != nil {
		o.Watch = watch(q.watch)
	}
	o = trial.Hurried(o)
	if q.hang > 0 {
		o = trial.Impatient(o, q.hang)
	}
	var in env.Environment = here
	if q.in != nil {
		in = q.in(here)
	}
	failed := trial.Run(ctx, p, in, h, log, o)
	if err := here.Close(); err != nil {
		t.Error(err)
	}
	r, err := record.Open(log.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if r.Ending == nil || len(r.Torn) > 0 {
		t.Fatalf("the record has the ending %v, and torn files %v", r.Ending, r.Torn)
	}
	if err := errors.Join(r.Ending.All.Check(), r.Ending.Measured.Check()); err != nil {
		t.Error(err)
	}
	if r.Ending.All.Impossible > 0 || (failed != nil) != (r.Ending.Error != "") {
		t.Errorf("%d impossible spans; Run = %v, the ending says %q", r.Ending.All.Impossible,
			failed, r.Ending.Error)
	}
	return r, failed
}

// finished is a record of a trial that came to its end with both books.
func (q *question) finished(t *testing.T, ctx context.Context) *record.Record {
	t.Helper()
	r, err := q.ask(t, ctx)
	if err != nil {
		t.Fatal(err)
	}
	e := r.Ending
	if e.Sent == nil || e.Received == nil || e.LoadStart.IsZero() {
		t.Fatalf("the ending has the books %v and %v, the start %s", e.Sent, e.Received, e.LoadStart)
	}
	if e.All.Due != e.Sent.All.Due || e.All.Acknowledged.Items != e.Sent.All.Acknowledged {
		t.Errorf("the account has %+v, the load generator's book %+v", e.All, e.Sent.All)
	}
	if e.Finished.Before(e.LoadStart) {
		t.Errorf("finished at %s, begun at %s", e.Finished, e.LoadStart)
	}
	return r
}

// once is an account of items that all were acknowledged and delivered once.
func once(items uint64) ledger.Account {
	return ledger.Account{
		Due: items, Offered: items, Attempts: items,
		Acknowledged: ledger.Fate{Items: items, Once: items},
	}
}

// said are the events of a kind, as "actor: text".
func said(r *record.Record, kind record.EventKind) (all []string) {
	for _, e := range r.Events {
		if e.Kind == kind {
			all = append(all, strings.TrimPrefix(e.Actor+": "+e.Text, ": "))
		}
	}
	return all
}

// afterAnswer makes what it returns wait until the load generator is seen to have had so
// many spans acknowledged. It is the trial's watch.
func (q *question) afterAnswer(t *testing.T, spans float64) (wait func()) {
	t.Helper()
	answered := make(chan struct{})
	tell := sync.OnceFunc(func() { close(answered) })
	q.watch = func(s record.Sample) {
		if s.Actors[record.Loadgen].Metrics[record.LoadAcknowledged] >= spans {
			tell()
		}
	}
	return func() {
		select {
		case <-answered:
		case <-time.After(time.Minute):
			t.Errorf("%g spans were not acknowledged within a minute", spans)
		}
	}
}

func TestWholeTrial(t *testing.T) {
	t.Parallel()
	seen := 0 // from one goroutine, which has ended when Run returns
	q := question{warmUp: 200 * time.Millisecond, watch: func(record.Sample) { seen++ }}
	r := q.finished(t, t.Context())
	e := r.Ending
	measured := once(1000)
	measured.Traces = &ledger.Traces{Whole: 100} // of ten spans
	for _, c := range []struct {
		of        string
		got, want ledger.Account
	}{{"all", e.All, once(1200)}, {"measured", e.Measured, measured}} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("account of %s (-want +got):\n%s", c.of, diff)
		}
	}
	if e.CutShort != "" || e.Interrupted != "" || len(e.Missing) > 0 || !e.Drained.Complete ||
		e.Drained.Reason != "every offered span has arrived" {
		t.Errorf("the ending is %+v", e)
	}
	// One span in SampleEvery is followed; all of them came.
	if want := int64(measure.Seconds()*rate) / int64(r.Header.SampleEvery); e.Total.Count() != want ||
		e.Answer.Count() != want || e.Transit.Count() != want {
		t.Errorf("%d, %d, %d followed, want %d", e.Total.Count(), e.Answer.Count(),
			e.Transit.Count(), want)
	}
	for _, actor := range []string{record.Backend, record.Gateway, record.Loadgen} {
		if s, ok := e.States[actor]; !ok || s.Running || !s.Stopped || s.ExitCode != 0 {
			t.Errorf("States[%s] = %+v, %v", actor, s, ok)
		}
	}
	phases := []string{"warm-up", "measuring", "draining", "stopping"}
	if diff := cmp.Diff(phases, said(r, record.EventPhase)); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
	wasReady := []string{"backend: ready", "gateway: ready", "loadgen: ready"}
	if diff := cmp.Diff(wasReady, said(r, record.EventStarted)); diff != "" {
		t.Errorf("started (-want +got):\n%s", diff)
	}
	stopped := "stopped: exited with code 0"
	want := []string{"gateway: " + stopped, "loadgen: " + stopped, "backend: " + stopped}
	if diff := cmp.Diff(want, said(r, record.EventEnded)); diff != "" {
		t.Errorf("ended (-want +got):\n%s", diff)
	}
	if len(r.Samples) < 2 || seen != len(r.Samples) {
		t.Errorf("%d samples, %d of them shown", len(r.Samples), seen)
	}
	if !lookedAfterDrain(r) {
		t.Error("no sample was taken between the drain and the stop")
	}
	// On a busy machine the backend does not answer each look in time.
	last := r.Samples[len(r.Samples)-1].Actors[record.Backend]
	if last.ScrapeError == "" && last.Metrics[record.BackendUnique] != 1200 {
		t.Errorf("the last sample has %+v of the backend", last)
	}
}

// lookedAfterDrain is whether the collector's counters were read once more when
// everything had come.
func lookedAfterDrain(r *record.Record) bool {
	var drained time.Time
	for _, e := range r.Events {
		if strings.HasPrefix(e.Text, "drained: ") {
			drained = e.At
		}
	}
	return slices.ContainsFunc(r.Samples, func(s record.Sample) bool {
		return s.Phase == record.PhaseDraining && s.At.After(drained)
	})
}

// A gateway that ends in the middle is a result, however it ends.
func TestGatewayDies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end   func(*envtest.Instance)
		kind  record.EventKind
		text  string
		state env.State
	}{
		"out of memory": {
			func(i *envtest.Instance) { i.Kill("SIGKILL", true) }, record.EventKilled,
			"killed for want of memory: its memory limit was reached",
			env.State{ExitCode: -1, Signal: "SIGKILL", OOMKilled: new(true)},
		},
		"killed": {
			func(i *envtest.Instance) { i.Kill("SIGKILL", false) }, record.EventKilled,
			"killed by SIGKILL",
			env.State{ExitCode: -1, Signal: "SIGKILL", OOMKilled: new(false)},
		},
		"panics": {
			func(i *envtest.Instance) { i.Exit(2) }, record.EventEnded,
			"exited with code 2",
			env.State{ExitCode: 2, OOMKilled: new(false)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const died = 10
			q := question{measured: time.Minute}
			acknowledged := q.afterAnswer(t, request)
			q.gateway = &gateway{on: func(g *gateway, n int64) bool {
				if n == died {
					acknowledged() // to the others; this one never is
					g.die(c.end)
				}
				return false
			}}
			r := q.finished(t, t.Context())
			e := r.Ending
			if want := "the gateway ended: " + c.text; e.CutShort != want {
				t.Errorf("CutShort = %q, want %q", e.CutShort, want)
			}
			state := e.States[record.Gateway]
			state.Ended = time.Time{}
			if diff := cmp.Diff(c.state, state); diff != "" {
				t.Errorf("States[gateway] (-want +got):\n%s", diff)
			}
			if got := said(r, c.kind); len(got) == 0 || got[0] != "gateway: "+c.text {
				t.Errorf("events %s are %q", c.kind, got)
			}
			// It is told when it is seen, and not when the gateway is to be stopped.
			of := func(kind record.EventKind, text string) int {
				return slices.IndexFunc(r.Events, func(e record.Event) bool {
					return e.Kind == kind && e.Text == text
				})
			}
			if of(c.kind, c.text) > of(record.EventPhase, string(record.PhaseDraining)) {
				t.Errorf("the gateway's end is told after the load: %+v", r.Events)
			}
			if !e.Drained.Complete || !strings.Contains(e.Drained.Reason, "the gateway is gone") {
				t.Errorf("Drained = %+v", e.Drained)
			}
			// What was acknowledged before came, what was sent afterwards was not answered.
			if a := e.All; a.Acknowledged.Items == 0 ||
				a.Acknowledged.NotDelivered > 0 || a.Unknown.Items == 0 ||
				a.Offered != a.Acknowledged.Items+a.Unknown.Items || a.Due >= 60*rate {
				t.Errorf("the account is %+v", a)
			}
		})
	}
}

// A gateway that its memory limit does not let start is a result.
func TestGatewayIsKilledBeforeItIsReady(t *testing.T) {
	t.Parallel()
	g := &gateway{}
	q := question{gateway: g, change: map[string]envtest.Program{
		record.Gateway: func(ctx context.Context, p *envtest.Process) int {
			fmt.Fprintln(p.Out, "reading configuration")
			g.instance(record.Gateway).Kill("SIGKILL", true)
			<-ctx.Done()
			return 0
		},
	}}
	r, err := q.ask(t, t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e := r.Ending
	if !strings.HasPrefix(e.CutShort, "the gateway ended before it was ready: ") ||
		!strings.Contains(e.CutShort, "reading configuration") || !e.LoadStart.IsZero() {
		t.Errorf("CutShort = %q, LoadStart = %s", e.CutShort, e.LoadStart)
	}
	if s := e.States[record.Gateway]; s.OOMKilled == nil || !*s.OOMKilled || s.Signal != "SIGKILL" {
		t.Errorf("States[gateway] = %+v", s)
	}
	want := []string{"gateway: killed for want of memory before it was ready to serve"}
	if diff := cmp.Diff(want, said(r, record.EventKilled)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(ledger.Account{}, e.All); diff != "" {
		t.Errorf("account (-want +got):\n%s", diff)
	}
}

func watch(f func(record.Sample)) func(record.Sample, []verdict.Finding) {
	return func(s record.Sample, _ []verdict.Finding) { f(s) }
}
