package loadgen

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/odigos-io/odigos-stress/internal/admin"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fakeSender answers as it is told, each request in a goroutine of its own.
type fakeSender struct {
	answer func(ctx context.Context, r *Request) Answer
	over   context.Context
	cancel context.CancelFunc
}

func answering(answer func(ctx context.Context, r *Request) Answer) *fakeSender {
	over, cancel := context.WithCancel(context.Background())
	return &fakeSender{answer, over, cancel}
}

func (f *fakeSender) Send(of *flight) {
	r := of.load()
	go func() { of.answered(f.answer(f.over, r)) }()
}
func (f *fakeSender) Busy() bool          { return false }
func (f *fakeSender) Cancel()             { f.cancel() }
func (f *fakeSender) Connections() uint64 { return 1 }
func (f *fakeSender) Close() error        { f.cancel(); return nil }

func accept(_ context.Context, r *Request) Answer {
	return Answer{Code: "OK", Class: ledger.Acknowledged, Attempted: true, WireBytes: len(r.Bytes)}
}

func config(rate float64, batch int, warmUp, measure time.Duration) Config {
	return Config{
		RunID: "run", Stream: 2, WarmUp: warmUp, Measure: measure, SampleEvery: 7,
		Load: scenario.Load{
			Engine: scenario.EngineOTLP, Pattern: scenario.PatternConstant,
			Rate: scenario.Rate(rate), Shape: scenario.ShapeSimple, SpansPerRequest: batch,
			Protocol: scenario.ProtocolGRPC, Compression: scenario.CompressionNone,
			Connections: 1, InFlight: 4, Timeout: scenario.Duration(10 * time.Second),
			Retry: scenario.RetryNone, Seed: 1,
		},
	}
}

// fake is a generator with coarse waits, so that time can be faked, and that sender.
func fake(t *testing.T, cfg Config, sender Sender) *Generator {
	t.Helper()
	g, err := newGenerator(cfg)
	if err != nil {
		t.Fatal(err)
	}
	g.wait = func() (wait, error) { return coarseWait, nil }
	payloads, err := newPayloads(shapeOf(t, string(cfg.Load.Shape)), &cfg.Load, cfg.Stream)
	if err != nil {
		t.Fatal(err)
	}
	g.engine = preparedOf(cfg, payloads, sender)
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// ran runs g and returns its book, after a look at its account.
func ran(t *testing.T, g *Generator) *ledger.Sent {
	t.Helper()
	if err := g.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return bookOf(t, g)
}

func bookOf(t *testing.T, g *Generator) *ledger.Sent {
	t.Helper()
	any, err := g.Book()
	if err != nil {
		t.Fatal(err)
	}
	sent, ok := any.(*ledger.Sent)
	if !ok {
		t.Fatalf("Book() = %T", any)
	}
	var account bytes.Buffer
	if err := g.Account(&account); err != nil {
		t.Fatal(err)
	}
	joined, err := ledger.Join([]io.ReaderAt{bytes.NewReader(account.Bytes())}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if joined.All.Due != sent.All.Due || joined.Measured.Unsent != sent.Measured.Unsent ||
		joined.Measured.Acknowledged.Items != sent.Measured.Acknowledged {
		t.Errorf("the account says %+v, the book %+v", joined.Measured, sent.Measured)
	}
	return sent
}

func TestAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := fake(t, config(1000, 100, time.Minute, 59*time.Minute), answering(accept))
		began := time.Now()
		sent := ran(t, g)
		all := ledger.Classes{Due: 3_600_000, Acknowledged: 3_600_000, Attempts: 3_600_000}
		if diff := cmp.Diff(all, sent.All); diff != "" {
			t.Errorf("all (-want +got):\n%s", diff)
		}
		measured := ledger.Classes{Due: 3_540_000, Acknowledged: 3_540_000, Attempts: 3_540_000}
		if diff := cmp.Diff(measured, sent.Measured); diff != "" {
			t.Errorf("measured (-want +got):\n%s", diff)
		}
		if sent.Lateness.Count() != 35_400 || sent.Answer.Count() != 3_540_000 {
			t.Errorf("%d slots' lateness and %d spans' answers, want 35400 and 3540000",
				sent.Lateness.Count(), sent.Answer.Count())
		}
		if sent.SlopeError == nil || *sent.SlopeError != 0 {
			t.Errorf("slope error %v, want 0", sent.SlopeError)
		}
		if diff := cmp.Diff(map[string]uint64{"OK": 35_400}, sent.Requests); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		if took, want := time.Since(began), standaloneLead+time.Hour-100*time.Millisecond; took != want {
			t.Errorf("the run took %v, want %v: to the last slot", took, want)
		}
	})
}

// A gateway that holds every request for 10 s leaves four in flight; the schedule goes
// on, and what finds no place is unsent.
func TestPushbackMakesSlotsUnsentAndNotLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(ctx context.Context, r *Request) Answer {
			time.Sleep(9999 * time.Millisecond)
			return accept(ctx, r)
		}
		sent := ran(t, fake(t, config(1000, 100, 0, 100*time.Second), answering(slow)))
		want := ledger.Classes{Due: 100_000, Unsent: 96_000, Acknowledged: 4_000, Attempts: 4_000}
		if diff := cmp.Diff(want, sent.Measured); diff != "" {
			t.Errorf("measured (-want +got):\n%s", diff)
		}
		if late := sent.Lateness.Max(); late > time.Millisecond {
			t.Errorf("a slot was sent %v late", late)
		}
		if got := sent.Answer.Max().Round(10 * time.Millisecond); got != 10*time.Second {
			t.Errorf("the longest answer took %v, want 10s", got)
		}
	})
}

func TestFinishStopsTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := fake(t, config(1000, 100, 0, time.Hour), answering(accept))
		time.AfterFunc(standaloneLead+time.Minute+time.Millisecond, func() {
			if err := g.Finish(); err != nil {
				t.Error(err)
			}
		})
		sent := ran(t, g)
		if want := uint64(60_100); sent.All.Due != want || sent.All.Acknowledged != want {
			t.Errorf("%+v, want %d due and acknowledged", sent.All, want)
		}
	})
}

// What was due when the schedule was stopped, but not yet handed out, is unsent.
func TestFinishNamesWhatWasDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := fake(t, config(1000, 100, 0, time.Hour), answering(accept))
		g.wait = func() (wait, error) {
			return func(ctx context.Context, until time.Time) {
				coarseWait(ctx, until)
				if time.Until(until) == 0 && ctx.Err() == nil {
					time.Sleep(time.Minute) // the machine stalls
				}
			}, nil
		}
		time.AfterFunc(standaloneLead+10*time.Second, func() { _ = g.Finish() })
		sent := ran(t, g)
		if want := uint64(60_100); sent.All.Due != want || sent.All.Unsent != want {
			t.Errorf("%+v, want %d due, none sent", sent.All, want)
		}
	})
}

func TestHeldUntilStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(1000, 100, 0, time.Second)
		cfg.Hold, cfg.RunID = true, ""
		g := fake(t, cfg, answering(accept))
		done := make(chan error)
		go func() { done <- g.Run(t.Context()) }()
		synctest.Wait()
		if got := g.Status().Phase; got != admin.PhaseHeld {
			t.Errorf("phase %s before the start", got)
		}
		if _, err := g.Book(); err == nil {
			t.Error("there is a book before the start")
		}
		at := time.Now().Add(time.Minute)
		for _, s := range []admin.Start{{At: at}, {RunID: "x", At: time.Now().Add(-time.Second)}} {
			if err := g.Start(s); err == nil {
				t.Errorf("Start(%+v) succeeded", s)
			}
		}
		if err := g.Start(admin.Start{RunID: "run", At: at}); err != nil {
			t.Fatal(err)
		}
		if err := g.Start(admin.Start{RunID: "run", At: at}); err == nil {
			t.Error("started twice")
		}
		synctest.Wait()
		if got := g.Status().Phase; got != admin.PhaseRunning {
			t.Errorf("phase %s after the start", got)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if sent := bookOf(t, g); sent.All.Due != 1000 || !sent.Start.Equal(at) {
			t.Errorf("%+v from %v, want 1000 due from %v", sent.All, sent.Start, at)
		}
	})
}

// By a clock of its own that is ahead the start is later, and the book has it as it was
// said.
func TestStartByAnotherClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(1000, 100, 0, time.Second)
		cfg.Hold = true
		g := fake(t, cfg, answering(accept))
		done := make(chan error)
		go func() { done <- g.Run(t.Context()) }()
		synctest.Wait()
		began := time.Now()
		at := began.Add(-time.Hour + time.Minute)
		behind := admin.Start{RunID: "run", At: began.Add(time.Minute), ClockAhead: -time.Hour}
		if err := g.Start(behind); err == nil {
			t.Error("a start that has passed by its own clock was taken")
		}
		if err := g.Start(admin.Start{RunID: "run", At: at, ClockAhead: time.Hour}); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if took, want := time.Since(began), time.Minute+900*time.Millisecond; took != want {
			t.Errorf("the run was over after %v, want %v", took, want)
		}
		if sent := bookOf(t, g); !sent.Start.Equal(at) || sent.Lateness.Max() > time.Millisecond {
			t.Errorf("started %v, at most %v late; want %v", sent.Start, sent.Lateness.Max(), at)
		}
	})
}

// A canceled run is over at once, and what was under way is unknown.
func TestCancelCutsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := func(ctx context.Context, _ *Request) Answer {
			<-ctx.Done()
			return Answer{Code: "no answer (CANCELLED)", Class: ledger.Unknown, Attempted: true}
		}
		g := fake(t, config(1000, 100, 0, time.Hour), answering(hang))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := g.Run(ctx); err != nil {
			t.Fatal(err)
		}
		sent := bookOf(t, g)
		if sent.All.Unknown != 400 || sent.All.Unsent+400 != sent.All.Due {
			t.Errorf("%+v, want 400 unknown and the rest unsent", sent.All)
		}
	})
}

// refuse answers with UNAVAILABLE until the given time, then accepts.
func refuse(until time.Time, wait time.Duration) (*fakeSender, *atomic.Int64) {
	var attempts atomic.Int64
	return answering(func(ctx context.Context, r *Request) Answer {
		attempts.Add(1)
		if time.Now().Before(until) {
			return Answer{
				Code: "UNAVAILABLE", Class: ledger.RefusedRetryable, Retry: true, Wait: wait,
				Attempted: true, Err: "refused",
			}
		}
		return accept(ctx, r)
	}), &attempts
}

func TestRetryLikeAnExporter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(10, 10, 0, 20*time.Minute)
		cfg.Load.InFlight, cfg.Load.Retry = 1000, scenario.RetryExporter
		sender, attempts := refuse(time.Now().Add(10*time.Minute), 0)
		sent := ran(t, fake(t, cfg, sender))
		// Items due in the first five minutes are given up: after five each, less one pause.
		given := sent.All.RefusedRetryable / 10
		if given < 295 || given > 340 || sent.All.Acknowledged/10+given != 1200 {
			t.Errorf("%+v: %d items given up, want 300 to 330, the others acknowledged", sent.All, given)
		}
		if got := uint64(attempts.Load()); got*10 != sent.All.Attempts || got < 5*1200 {
			t.Errorf("%d attempts, the book has %d spans in attempts", got, sent.All.Attempts)
		}
	})
}

func TestRetryEndsWithTheLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(10, 10, 0, time.Minute)
		cfg.Load.InFlight, cfg.Load.Retry = 1000, scenario.RetryExporter
		sender, _ := refuse(time.Now().Add(time.Hour), 0)
		began := time.Now()
		sent := ran(t, fake(t, cfg, sender))
		if sent.All.RefusedRetryable != 600 {
			t.Errorf("%+v, want 600 refused", sent.All)
		}
		if took := time.Since(began); took > time.Minute+standaloneLead {
			t.Errorf("the run took %v", took)
		}
	})
}

func TestRetryWaitsAsLongAsAsked(t *testing.T) {
	r := retry{kind: scenario.RetryExporter, began: time.Now()}
	wait, ok := r.after(Answer{Class: ledger.RefusedRetryable, Retry: true, Wait: time.Minute}, r.began)
	if wait != time.Minute || !ok {
		t.Errorf("after() = %v, %v, want a minute", wait, ok)
	}
	if wait, ok := r.after(Answer{Class: ledger.RefusedPermanent}, r.began); ok {
		t.Errorf("a permanent refusal is tried again after %v", wait)
	}
	r.kind = scenario.RetryNone
	if wait, ok := r.after(Answer{Class: ledger.RefusedRetryable, Retry: true}, r.began); ok {
		t.Errorf("without retry: tried again after %v", wait)
	}
}

// What nobody answered stays open, whatever later attempts were answered, unless one
// of them was accepted.
func TestOutcome(t *testing.T) {
	unknown := Answer{Class: ledger.Unknown, Attempted: true}
	for _, test := range []struct {
		attempts []ledger.Class
		want     ledger.Class
	}{
		{[]ledger.Class{ledger.Unknown, ledger.Acknowledged}, ledger.Acknowledged},
		{[]ledger.Class{ledger.Unknown, ledger.RefusedPermanent}, ledger.Unknown},
		{[]ledger.Class{ledger.RefusedRetryable, ledger.RefusedPermanent}, ledger.RefusedPermanent},
		{[]ledger.Class{ledger.RefusedRetryable, ledger.Unknown}, ledger.Unknown},
		{[]ledger.Class{ledger.Unknown, ledger.RejectedInPart}, ledger.RejectedInPart},
	} {
		var final Answer
		for i, class := range test.attempts {
			a := unknown
			a.Class = class
			if i > 0 {
				a = outcome(final, a)
			}
			final = a
		}
		if final.Class != test.want {
			t.Errorf("outcome(%v) = %v, want %v", test.attempts, final.Class, test.want)
		}
	}
}

func TestErrorsAreKeptByText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		n := 0
		fail := func(context.Context, *Request) Answer {
			mu.Lock()
			defer mu.Unlock()
			n++
			return Answer{
				Code: "INTERNAL", Class: ledger.RefusedPermanent, Attempted: true,
				Err: string(rune('a' + n%20)),
			}
		}
		sent := ran(t, fake(t, config(1000, 100, 0, 20*time.Second), answering(fail)))
		if len(sent.Errors) != maxErrors+1 || sent.Errors[otherErrors] != 100 || sent.Errors["b"] != 10 {
			t.Errorf("errors %v, want %d kinds of 10 and 100 further ones", sent.Errors, maxErrors)
		}
	})
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := fake(t, config(1000, 100, time.Second, 9*time.Second), answering(accept))
		ran(t, g)
		families, err := g.Gatherer().Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, f := range families {
			for _, m := range f.Metric {
				name := f.GetName()
				for _, l := range m.Label {
					name += " " + l.GetValue()
				}
				switch {
				case m.Counter != nil:
					got[name] = m.Counter.GetValue()
				case m.Histogram != nil:
					got[name] = float64(m.Histogram.GetSampleCount())
				}
			}
		}
		for name, want := range map[string]float64{
			"due_spans_total": 10_000, "spans_total acknowledged": 10_000, "spans_total unsent": 0,
			"attempted_spans_total": 10_000, "requests_total OK": 100, "lateness_seconds": 100,
			"answer_seconds": 10_000, "connections_opened_total": 1,
		} {
			if v, ok := got["odigos_stress_loadgen_"+name]; !ok || v != want {
				t.Errorf("%s is %v (%v), want %v", name, v, ok, want)
			}
		}
	})
}

func TestConfigurationsThatCannotBe(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"torn traces":  func(c *Config) { c.Load.SpansPerRequest = 15 },
		"no place":     func(c *Config) { c.Load.InFlight = 0 },
		"no endpoint":  func(c *Config) { c.Endpoints = nil },
		"no engine":    func(c *Config) { c.Load.Engine = "steam" },
		"no protocol":  func(c *Config) { c.Load.Protocol = "smtp" },
		"no timeout":   func(c *Config) { c.Load.Timeout = 0 },
		"no run":       func(c *Config) { c.RunID = "" },
		"a segment too far": func(c *Config) { c.Segment = Segment{Index: 3, Of: 3} },
		"odd encoding": func(c *Config) { c.Load.Compression = "lzw" },
		"https": func(c *Config) {
			c.Load.Protocol, c.Endpoints = scenario.ProtocolHTTP, []string{"https://127.0.0.1:1"}
		},
	} {
		cfg := config(1000, 100, 0, time.Second)
		cfg.Endpoints = []string{"127.0.0.1:1"}
		change(&cfg)
		if g, err := New(cfg); err == nil {
			t.Errorf("%s: New() = %v, want an error", name, g)
			_ = g.Close()
		} else if errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
