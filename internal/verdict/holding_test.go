package verdict_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

func (m madeUp) made() *record.Record {
	trial := trials.Calm()
	if m.trial != nil {
		m.trial(&trial)
	}
	r := trial.Record()
	if m.record != nil {
		m.record(r)
	}
	return r
}

func (m madeUp) holding() verdict.Holding { return verdict.HoldingOf(m.made()) }

// and does one thing after another.
func (m madeUp) and(next madeUp) madeUp {
	return madeUp{
		func(t *trials.Trial) {
			for _, of := range []madeUp{m, next} {
				if of.trial != nil {
					of.trial(t)
				}
			}
		},
		func(r *record.Record) {
			for _, of := range []madeUp{m, next} {
				if of.record != nil {
					of.record(r)
				}
			}
		},
	}
}

func ExampleHoldingOf() {
	trial := trials.Calm()
	trial.CPU = func(float64) float64 { return 0.95 }
	h := verdict.HoldingOf(trial.Record())
	fmt.Println(h.Result)
	fmt.Println(h.Why)
	fmt.Printf("the edge may be near %.0f spans/s\n", 1000 / *h.Used)
	// Output:
	// broke
	// CPU, from 0:10 on: CPU over 5 s at or above 0.90 cores (90 % of the limit of 1.00 cores) from 0:09 to 1:09, at most 0.95 cores
	// the edge may be near 947 spans/s
}

// tooHot uses more CPU than is critical.
var tooHot = madeUp{trial: func(t *trials.Trial) { t.CPU = func(float64) float64 { return 0.93 } }}

// lossy loses spans that it acknowledged.
var lossy = madeUp{trial: func(t *trials.Trial) { t.Lost = 9 }}

func pushedBack(n uint64) madeUp {
	return madeUp{
		func(t *trials.Trial) { t.Unsent = n }, func(r *record.Record) {
			r.Ending.Sent.Answer = ledger.NewHistogram()
			r.Ending.Sent.Answer.Record(12*time.Second, 54000)
		},
	}
}

// oomKilled is a gateway that was killed for want of memory.
var oomKilled = madeUp{
	func(t *trials.Trial) { t.KilledAt, t.Lost, t.Unknown = 42, 900, 28000 }, cutShort,
}

// backlogging has a backlog of so much of the load that grows, which neither the queue shows nor
// any threshold.
func backlogging(overload float64) madeUp {
	return rec(func(r *record.Record) {
		each(r, record.Backend, func(s *record.Sample, a *record.ActorSample) {
			since := max(0, s.Elapsed-5)
			a.Metrics[record.BackendUnique] *= 1 - overload*min(1, since/max(1e-9, s.Elapsed))
			a.Metrics[record.BackendLatencyP50] += overload * since
		})
	})
}

func TestHolding(t *testing.T) {
	for _, c := range []struct {
		name string
		madeUp
		want  search.Result
		by    []string // what broke, the first first
		at    float64  // when; 0: not asked
		first verdict.Reason
	}{
		{name: "calm", want: search.Held},
		{name: "too hot", madeUp: tooHot, want: search.Broke, by: []string{"CPU"}, at: 10},
		{
			name: "pushed back, and too hot in the end", madeUp: pushedBack(6000).and(madeUp{
				trial: func(t *trials.Trial) {
					t.CPU = func(e float64) float64 { return 0.3 + 0.68*step(e, 40, 99) }
				},
			}), want: search.Broke, by: []string{"unsent", "CPU"}, at: 11.2,
		},
		{name: "pushed back for a while", madeUp: pushedBack(300), want: search.Held},
		{name: "hot on average, never for long", madeUp: madeUp{trial: func(t *trials.Trial) {
			t.CPU = func(e float64) float64 { return 0.92 + 0.06*math.Sin(e*math.Pi/6) }
		}}, want: search.Broke, by: []string{"CPU"}},
		{name: "lossy", madeUp: lossy, want: search.Broke, by: []string{"loss"}, at: 17.2},
		{
			name: "killed", madeUp: oomKilled, want: search.Broke,
			by: []string{"killed", "refusals", "loss", "latency"}, at: 42,
		},
		{
			name: "refused", madeUp: madeUp{trial: func(t *trials.Trial) { t.Refused = 700 }},
			want: search.Broke, by: []string{"refusals"}, at: 11.2,
		},
		{
			name: "too hot, and too short to say so", madeUp: tooHot.and(rec(func(r *record.Record) {
				last(r, 14)
			})), want: search.Unclear, first: verdict.TooShortToHold,
		},
		{
			name: "unsent all the time, as far as is allowed",
			madeUp: pushedBack(3000).and(rec(func(r *record.Record) {
				*r.Header.Scenario.Thresholds.Refused = 0.1
			})), want: search.Broke, by: []string{"backlog"},
		},
		{name: "CPU that rose and then stood", madeUp: warming(60, 0.7), want: search.Held},
		{
			name: "CPU that rose for half of the time", madeUp: madeUp{trial: func(t *trials.Trial) {
				t.CPU = func(e float64) float64 { return 0.3 + 0.01*math.Sin(7*e) + 0.3*step(e, 42, 99) }
			}}, want: search.Unclear, first: verdict.NotSettled,
		},
		{
			name: "little room, on a busy machine", madeUp: madeUp{trial: func(t *trials.Trial) {
				t.CPU = func(float64) float64 { return 0.85 }
			}}.and(rec(func(r *record.Record) { hostBusy(r, 3.99) })),
			want: search.Unclear, first: verdict.HostBusy,
		},
		{
			name: "as expected, and so not held", madeUp: tooHot.and(rec(expect(scenario.ExpectCritical))),
			want: search.Broke, by: []string{"CPU"},
		},
		{name: "expected and did not come", madeUp: rec(expect(scenario.ExpectCritical)), want: search.Held},
		{
			name: "a backlog that grows by 3 % of the load", madeUp: backlogging(0.03), want: search.Broke,
			by: []string{"backlog"}, at: 10.2,
		},
		{name: "one that grows by 0.1 %", madeUp: backlogging(0.001), want: search.Held},
		{name: "a queue that grows, the backend at fault", madeUp: madeUp{
			func(t *trials.Trial) { t.Queue = func(e float64) float64 { return 5 * e } },
			func(r *record.Record) {
				each(r, record.Backend, func(_ *record.Sample, a *record.ActorSample) {
					a.Metrics[record.BackendInFlight] = 10
				})
			},
		}, want: search.Void, first: verdict.BackendSlow},
		{
			name: "a queue that grows, and is not empty in time", madeUp: madeUp{
				func(t *trials.Trial) {
					t.Queue, t.Lost = func(e float64) float64 { return 5 * max(0, e) }, 9
				},
				func(r *record.Record) {
					r.Ending.Drained.Complete = false
					each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) {
						a.Metrics[record.ExporterEnqueueFailed] = 0
					})
				},
			}, want: search.Broke, by: []string{"queue"}, at: 1.2,
		},
	} {
		h := c.holding()
		var by []string
		for _, b := range h.Breaks {
			by = append(by, b.By)
		}
		if h.Result != c.want || c.by != nil && !slices.Equal(by, c.by) || h.Why == "" {
			t.Errorf("HoldingOf(%s) = %s by %q (%s), want %s by %q", c.name, h.Result, by, h.Why, c.want,
				c.by)
		}
		if c.at > 0 && (len(h.Breaks) == 0 || h.Breaks[0].At == nil ||
			math.Abs(*h.Breaks[0].At-c.at) > 0.05) {
			t.Errorf("HoldingOf(%s) broke first as %+v, want at %.1f s", c.name, h.Breaks, c.at)
		}
		if c.first != "" && (len(h.Reasons) == 0 || h.Reasons[0] != c.first) {
			t.Errorf("HoldingOf(%s) for %v, want %s", c.name, h.Reasons, c.first)
		}
	}
}

// What each reason makes of a trial that is calm but for it, of one whose CPU was too hot
// beside it, of one that lost spans, and of one whose gateway was killed.
func TestHoldingByReason(t *testing.T) {
	type row [4]search.Result
	const held, broke, unclear, void = search.Held, search.Broke, search.Unclear, search.Void
	tool, backend := row{void, void, void, broke}, row{void, void, void, void}
	passing := row{unclear, unclear, broke, broke}
	host := row{held, unclear, broke, broke} // it had room for all that
	length := row{unclear, broke, broke, broke}
	want := map[verdict.Reason]row{
		verdict.CutOff: tool, verdict.Interrupted: tool, verdict.NotFinished: tool,
		verdict.NeverBegan: tool, verdict.EndDied: tool, verdict.CutShort: tool,
		verdict.NothingMeasured: tool, verdict.BookMissing: tool, verdict.BooksUnbalanced: tool,
		verdict.TargetNotReached: tool, verdict.NothingSent: tool, verdict.GeneratorLate: tool,
		verdict.GeneratorCPUFull: tool, verdict.GeneratorUnsent: tool, verdict.NotSeen: tool,
		verdict.ClockStepped: tool, verdict.NearCeiling: tool,

		verdict.GeneratorPaused: backend, verdict.BackendPaused: backend,
		verdict.BackendCPUFull: backend, verdict.BackendSlow: backend, verdict.BackendLate: backend,
		verdict.UsageUnknown: backend, verdict.LimitsNotEnforced: backend,
		verdict.LimitsTooLarge: backend, verdict.HostFull: backend, verdict.GatewayTaken: backend,
		verdict.LostOrSampled: tool, verdict.WrongPrediction: tool,

		verdict.UsageSeldom: passing, verdict.ClockUnsteady: passing, verdict.LimitsExceeded: passing, verdict.HostBusy: host,
		verdict.FewerGateways: host, verdict.HostSteal: host, verdict.HostPressure: host, verdict.EndsStalled: host,

		// It was above the warning only, and CPU below critical is what is asked.
		verdict.TooShortToHold: {held, broke, broke, broke}, verdict.TooFewForQuantile: length,
		verdict.AssertionUnknown: length,

		verdict.GatewaySilent: length, verdict.NotDrained: length, verdict.StillInside: length,
		verdict.NotSettled:  {held, broke, broke, broke},
		verdict.QueueGrew:   {broke, broke, broke, broke},
		verdict.KillNotTold: {broke, broke, broke, broke},
	}
	died := rec(func(r *record.Record) { // its samples are left, for the reasons to change
		r.Ending.States[record.Gateway] = env.State{
			ExitCode: -1, Signal: "SIGKILL", OOMKilled: new(true), Ended: trials.Start.Add(65 * time.Second),
		}
	})
	for _, c := range reasonCases() {
		for i, beside := range []madeUp{{}, tooHot, lossy, died} {
			all := beside.and(c.fires)
			v := all.judge()
			if i > 0 && (!slices.Contains(v.Reasons, c.reason) || !found(v,
				[]string{"", "cpu", "loss", "gateway"}[i], verdict.Critical)) {
				continue // the one undoes the other
			}
			if h := all.holding(); h.Result != want[c.reason][i] {
				t.Errorf("HoldingOf(%s, case %d) = %s for %v, breaks %+v, want %s", c.reason, i, h.Result,
					h.Reasons, h.Breaks, want[c.reason][i])
			}
		}
	}
}

func TestPointOf(t *testing.T) {
	trial := trials.Calm()
	trial.Refused, trial.Lost = 600, 60
	p := verdict.PointOf(trial.Record())
	v := reflect.ValueOf(p)
	var unknown []string
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && f.IsNil() {
			unknown = append(unknown, v.Type().Field(i).Name)
		}
	}
	if diff := cmp.Diff([]string{"GC", "Mean", "Consumers"}, unknown); diff != "" {
		t.Errorf("PointOf: not known (-want +got):\n%s", diff)
	}
	if *p.Refused != 0.01 || math.Abs(*p.Lost-60.0/59400) > 1e-9 || *p.Inside < 350 || *p.Inside > 450 {
		t.Errorf("PointOf: refused %v, lost %v, inside %v", *p.Refused, *p.Lost, *p.Inside)
	}
	if diff := cmp.Diff(verdict.Point{}, verdict.PointOf(&record.Record{})); diff != "" {
		t.Errorf("PointOf(nothing) (-want +got):\n%s", diff)
	}
	if h := verdict.HoldingOf(&record.Record{}); h.Result != search.Void || h.Used != nil {
		t.Errorf("HoldingOf(nothing) = %+v, want void and nothing else known", h)
	}
}

// What was used guesses the edge: of what is full it is what all that was asked would have
// used, and of a backend that waits as told, what it was told.
func TestUsed(t *testing.T) {
	for _, c := range []struct {
		name string
		madeUp
		want float64
		of   string
	}{
		{name: "calm", want: 0.333 / 0.9, of: "CPU"}, // for 10 s at a stretch; 0.31 on average
		{name: "full, with four fifths arriving", madeUp: tooHot.and(rec(func(r *record.Record) {
			each(r, record.Backend, func(_ *record.Sample, a *record.ActorSample) {
				a.Metrics[record.BackendUnique] *= 0.8
			})
		})), want: 0.93 / 0.9 / 0.8, of: "CPU"},
		{name: "consumers that wait a second each", madeUp: rec(func(r *record.Record) {
			r.Header.Scenario.Backend.Delay = scenario.Duration(time.Second)
			each(r, record.Backend, func(_ *record.Sample, a *record.ActorSample) {
				a.Metrics[record.BackendInFlight] = 7
			})
		}), want: 0.5, of: "the exporter's consumers"},
	} {
		h := c.holding()
		if math.Abs(*h.Used/c.want-1) > 0.02 || h.UsedOf != c.of {
			t.Errorf("HoldingOf(%s) used %.3f of %s, want %.3f of %s", c.name, *h.Used, h.UsedOf, c.want, c.of)
		}
	}
}

// A gateway that breaks by its CPU alone used as much as is critical, or more, and one that
// holds used less: a search takes what was used for where the edge was.
func TestUsedIsWhatIsJudged(t *testing.T) {
	for _, swing := range []float64{0, 0.02, 0.05} {
		for _, level := range []float64{0.82, 0.86, 0.88, 0.899, 0.901, 0.92, 0.94} {
			h := madeUp{trial: func(t *trials.Trial) {
				t.CPU = func(e float64) float64 { return level + swing*math.Sin(e*math.Pi/14) }
			}}.holding()
			if (h.Result == search.Broke) != (*h.Used >= 1) || h.Result == search.Unclear {
				t.Errorf("CPU of %.3f ± %.2f: %s, used %.4f", level, swing, h.Result, *h.Used)
			}
		}
	}
}
