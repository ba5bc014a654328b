package verdict_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// assert adds assertions to a record.
func assert(r *record.Record, all ...scenario.Expression) {
	for _, that := range all {
		r.Header.Scenario.Assertions = append(r.Header.Scenario.Assertions,
			scenario.Assertion{That: that})
	}
}

// asserted is what Judge finds of an assertion.
func asserted(t *testing.T, r *record.Record, that string) verdict.Finding {
	t.Helper()
	all := verdict.Judge(r).Findings
	i := slices.IndexFunc(all, func(f verdict.Finding) bool { return f.Assertion == that })
	if i < 0 {
		t.Fatalf("Judge says nothing of %s", that)
	}
	return all[i]
}

// wild is a trial in which everything swings.
func wild(seed uint64) *record.Record {
	draw := rand.New(rand.NewPCG(seed, 2))
	swing := func(low, high float64) func(float64) float64 {
		period, phase := 4+30*draw.Float64(), 7*draw.Float64()
		return func(e float64) float64 {
			return low + (high-low)*(0.5+0.5*math.Sin(e/period+phase))
		}
	}
	trial := trials.Calm()
	trial.CPU, trial.WorkingSet = swing(0.1, 1), swing(200, 600)
	trial.Queue, trial.Throttled = swing(0, 900), 0.3*draw.Float64()
	trial.Refused, trial.Unsent = 100*draw.Uint64N(20), 100*draw.Uint64N(20)
	trial.Repeated = draw.Uint64N(100)
	r := trial.Record()
	late := swing(0.1, 1)
	for i := range r.Samples {
		back := r.Samples[i].Actors[record.Backend].Metrics
		worst := late(r.Samples[i].Elapsed)
		back[record.BackendLatencyP50], back[record.BackendLatencyP90] = 0.3*worst, 0.7*worst
		back[record.BackendLatencyP99], back[record.BackendLatencyMax] = worst, 1.5*worst
		if draw.IntN(9) == 0 { // a look that was not answered
			delete(r.Samples[i].Actors, []string{record.Gateway, record.Backend}[draw.IntN(2)])
		}
	}
	for i, that := range []scenario.Expression{
		"p(99)<800ms", "p(90)<=400ms", "med<200ms", "max<1s", "acknowledgement p(99)<11ms",
		"refused<1%", "refused<300", "unsent<0.5%", "duplicated==0", "throughput>=995", "offered>990",
		"cpu_peak<90%", "cpu_avg<500m", "throttled<=10%", "memory_peak<90%", "memory_avg<400Mi",
		"memory_peak>500Mi", "queue<50%", "queue!=900", "admission_rejections<5", "dropped==0",
	} {
		r.Header.Scenario.Assertions = append(r.Header.Scenario.Assertions, scenario.Assertion{
			That: that, AbortOnFail: i%2 == 0, DelayAbortEval: scenario.Duration(draw.IntN(9)) * 1e9,
		})
	}
	return r
}

// told are the beginnings and ends that a Watch tells, by assertion or check.
type told struct {
	spans []verdict.Span
	open  *float64
}

func (v *told) hear(f verdict.Finding) {
	switch {
	case f.Ended:
		v.spans, v.open = append(v.spans, verdict.Span{From: *f.From, To: *f.To}), nil
	case v.open == nil:
		v.open = f.From
	}
}

// Live and afterwards it is one function: whatever was said while the samples came is what
// Judge says of the record, and of the record cut off at any sample.
func TestLiveIsWhatJudgeSays(t *testing.T) {
	seen := 0
	for seed := range uint64(12) {
		r := wild(seed)
		w, heard, abort := verdict.NewWatch(r.Header), map[string]*told{}, ""
		samples := r.Samples
		for i, s := range samples {
			for _, f := range w.Add(s) {
				key := f.Assertion
				if key == "" {
					continue
				}
				if heard[key] == nil {
					heard[key] = &told{}
				}
				heard[key].hear(f)
			}
			if abort != "" && w.Abort() != abort {
				t.Errorf("seed %d, sample %d: Abort changed from %q to %q", seed, i, abort, w.Abort())
			}
			abort = w.Abort()
			if i%7 != 0 && i != len(samples)-1 {
				continue
			}
			r.Samples = samples[:i+1]
			for _, f := range verdict.Judge(r).Findings {
				if f.Assertion == "" {
					continue
				}
				live := heard[f.Assertion]
				if live == nil {
					live = &told{}
				}
				got := slices.Clone(f.Spans)
				if live.open != nil && len(got) > 0 { // it is not over yet
					if last := got[len(got)-1]; last.From != *live.open {
						t.Errorf("seed %d, sample %d: %s is violated since %v, live since %v", seed, i,
							f.Assertion, last.From, *live.open)
					}
					got = got[:len(got)-1]
				}
				seen += len(got)
				if diff := cmp.Diff(live.spans, got, cmpopts.EquateEmpty(),
					cmpopts.IgnoreFields(verdict.Span{}, "Severity", "Worst")); diff != "" {
					t.Errorf("seed %d, sample %d: %s (-live +Judge):\n%s", seed, i, f.Assertion, diff)
				}
			}
		}
		again := verdict.NewWatch(r.Header)
		for _, s := range samples {
			again.Add(s)
		}
		if again.Abort() != abort {
			t.Errorf("seed %d: Abort = %q, and %q the second time", seed, abort, again.Abort())
		}
	}
	if seen < 500 {
		t.Errorf("compared %d violations: too few to mean much", seen)
	}
}

// What an assertion is judged by is the figure that the report shows.
func TestAssertionsAreOfTheReportsFigures(t *testing.T) {
	for seed := range uint64(8) {
		r := wild(seed)
		f := verdict.Measure(r)
		d := f.Delivery
		whole := func(n uint64) *float64 { return new(float64(n)) }
		for that, want := range map[string]*float64{
			"p(99)<1s": f.Latency.Total.P99.Seconds, "med<1s": f.Latency.Total.P50.Seconds,
			"avg<1s": f.Latency.Total.Mean, "acknowledgement max<1s": f.Latency.Answer.Max.Seconds,
			"loss==0": whole(d.Lost), "loss<1%": d.LostRatio, "undelivered<1%": d.UndelRatio,
			"refused<1%": d.RefusedPart, "refused<9": whole(d.Refused), "unsent<1%": d.UnsentPart,
			"unanswered<1%": d.UnansweredPart, "duplicated<9": whole(d.Extra),
			"throughput>1": f.Rate.Arrived, "offered>1": f.Rate.Offered,
			"cpu_peak<2": f.CPU.Max, "cpu_peak<90%": f.CPU.Share, "cpu_avg<2": f.CPU.Average,
			"throttled<1%": f.CPU.ThrottledPeriods, "memory_peak<1Gi": f.Memory.Peak,
			"memory_peak<1%": f.Memory.Share, "memory_avg<1Gi": f.Memory.Average,
			"queue<10": f.Pipeline.QueueMax, "queue<10%": f.Pipeline.QueueShare,
		} {
			r := wild(seed)
			r.Header.Scenario.Assertions = nil
			assert(r, scenario.Expression(that))
			got := asserted(t, r, that).Value
			if got == nil || want == nil || math.Abs(*got-*want) > 1e-9*math.Abs(*want) {
				t.Errorf("seed %d: %s is judged by %s, the report says %s", seed, that, number(got),
					number(want))
			}
		}
	}
}

func number(v *float64) string {
	if v == nil {
		return "nothing"
	}
	return fmt.Sprint(*v)
}

func TestAssertionVerdicts(t *testing.T) {
	lose := func(t *trials.Trial) { t.Lost = 7 }
	for _, c := range []struct {
		that   string
		change func(*trials.Trial)
		then   func(*record.Record)
		want   verdict.Severity
		text   string
	}{
		{"p(99)<1s", nil, nil, verdict.Held, "holds: "},
		{"p(99)<500ms", nil, nil, verdict.Critical, "fails: "},
		{"loss==0", nil, nil, verdict.Held, "holds: 0 spans of 60,000"},
		{"loss<=0.01%", lose, nil, verdict.Critical, "fails: 0.012 % (7 of"},
		{"max<10s", lose, nil, verdict.Critical, "fails: lost (7 of 60,000"},
		{"p(99)<10s", lose, nil, verdict.Held, "holds: "},
		{"refused==0", func(t *trials.Trial) { t.Refused = 100 }, nil, verdict.Critical, "100 spans of"},
		{"refused==0", nil, func(r *record.Record) { r.Ending = nil }, verdict.Reservation, "not known"},
		{"go_memory<90%", nil, nil, verdict.Reservation, "not known: no sample tells"},
		{"restarts==0", nil, nil, verdict.Held, "holds: 0 restarts"},
		{"restarts==0", nil, func(r *record.Record) {
			r.Ending.Deaths = []record.Death{{Restarted: new(20.0)}, {}}
		}, verdict.Critical, "fails: 1 restart"},
		{"p(99.999)<10s", nil, nil, verdict.Held, "all within"},
		{"p(99.999)<600ms", nil, nil, verdict.Reservation, "fewer than 5 requests lie beyond it"},
		{"sometthing<5", nil, nil, verdict.Reservation, "not judged: found \"sometthing\""},
		{"cpu_avg<1m", nil, func(r *record.Record) { last(r, 3) }, verdict.Reservation, "too short"},
		{"loss==0", lose, func(r *record.Record) {
			r.Ending.Drained.Complete = false
			for _, s := range r.Samples { // nobody says that they were given up
				delete(s.Actors[record.Gateway].Metrics, record.ExporterEnqueueFailed)
			}
		}, verdict.Void, "still inside the gateway"},
		{"loss==0", lose, func(r *record.Record) {
			r.Header.Sampling = []string{"tail_sampling"}
		}, verdict.Reservation, "loss cannot be told from what tail_sampling drops"},
		{"p(50)<1ms", nil, func(r *record.Record) {
			r.Ending.CutShort = "assertion p(50)<1ms: violated at 0:30"
		}, verdict.Critical, "fails, and ended the load"},
		{"p(50)<1s", nil, func(r *record.Record) {
			r.Ending.CutShort = "assertion p(50)<1s: violated at 0:30"
		}, verdict.Critical, "failed while the load ran, and ended it (violated at 0:30)"},
	} {
		trial := trials.Calm()
		if c.change != nil {
			c.change(&trial)
		}
		r := trial.Record()
		assert(r, scenario.Expression(c.that))
		if c.then != nil {
			c.then(r)
		}
		f := asserted(t, r, c.that)
		if f.Severity != c.want || !strings.Contains(f.Text, c.text) ||
			!strings.HasPrefix(f.Text, c.that+": ") {
			t.Errorf("%s: %s %q, want %s … %s", c.that, f.Severity, f.Text, c.want, c.text)
		}
		if v := verdict.Judge(r); c.want == verdict.Critical && v.ExitCode != verdict.ExitFail {
			t.Errorf("%s: exit code %d, want %d: %s", c.that, v.ExitCode, verdict.ExitFail, v.Reason)
		}
	}
}

// A load that an assertion ended has asked its question.
func TestCutByAssertionIsNotInvalid(t *testing.T) {
	r := trials.Calm().Record()
	last(r, 30)
	r.Header.Scenario.Timing.Duration = scenario.Duration(60 * time.Second)
	r.Ending.LoadSeconds = 40
	r.Ending.CutShort = "assertion memory_peak<100Mi: violated at 0:38: 120 MiB"
	assert(r, "memory_peak<100Mi")
	v := verdict.Judge(r)
	if v.Outcome != verdict.Fail || v.ExitCode != verdict.ExitFail || v.Validity == verdict.Unusable ||
		!strings.Contains(v.Reason, "memory_peak<100Mi: fails, and ended the load: 13") {
		t.Errorf("Judge = %s, %s, %d: %s", v.Outcome, v.Validity, v.ExitCode, v.Reason)
		for _, f := range v.Findings {
			t.Logf("%s %s: %s", f.Severity, f.Check, f.Text)
		}
	}
}

// An abort waits for as much of the measured time as it was told to.
func TestDelayAbortEval(t *testing.T) {
	for _, c := range []struct {
		delay time.Duration
		from  float64
	}{{0, 10}, {20 * time.Second, 30}} {
		r := trials.Calm().Record()
		r.Header.Scenario.Assertions = []scenario.Assertion{{
			That: "memory_peak<10Mi", AbortOnFail: true, DelayAbortEval: scenario.Duration(c.delay),
		}}
		w, at := verdict.NewWatch(r.Header), 0.0
		for _, s := range r.Samples {
			if w.Add(s); w.Abort() != "" {
				at = s.Elapsed
				break
			}
		}
		if at < c.from || at > c.from+1 {
			t.Errorf("after a delay of %s it aborts at %v s, want %v", c.delay, at, c.from)
		}
	}
}

// A threshold's stretch ends once, and all its stretches are in the finding.
func TestThresholdsBeginAndEnd(t *testing.T) {
	trial := trials.Calm()
	trial.WorkingSet = func(e float64) float64 {
		if e > 20 && e < 35 || e > 45 && e < 60 {
			return 520 // 87 % of 600
		}
		return 100
	}
	r := trial.Record()
	w, news := verdict.NewWatch(r.Header), []string{}
	for _, s := range r.Samples {
		for _, f := range w.Add(s) {
			if f.Check == "memory" {
				news = append(news, fmt.Sprintf("%s %v %.1f-%.1f", f.Severity, f.Ended, *f.From, *f.To))
			}
		}
	}
	want := []string{
		"warning false 20.2-30.2", "note true 20.2-34.2", "warning false 45.2-55.2",
		"note true 45.2-59.2",
	}
	if diff := cmp.Diff(want, news); diff != "" {
		t.Errorf("news (-want +got):\n%s", diff)
	}
	all := verdict.Judge(r).Findings
	f := all[slices.IndexFunc(all, func(f verdict.Finding) bool { return f.Check == "memory" })]
	if len(f.Spans) != 2 || f.Spans[1].From != 45.2 || f.Spans[1].Severity != verdict.Warning ||
		*f.Spans[0].Worst != 520*trials.MiB {
		t.Errorf("spans are %+v", f.Spans)
	}
}
