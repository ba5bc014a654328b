package verdict_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// Assertions on usage that is read every ten seconds take each reading once, when it was made.
func TestAssertionsOnReadings(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name  string
		trial func(*trials.Trial)
		place func(*record.Record)
		that  scenario.Expression
		want  verdict.Severity
		value float64
		spans []verdict.Span
	}{
		{
			"at two readings", fullFrom(35, 50, 590), everyTen, "memory_peak<550Mi", verdict.Critical,
			590 * mib,
			[]verdict.Span{{Severity: verdict.Critical, From: 38.2, To: 48.2, Worst: new(590.0 * mib)}},
		},
		{
			"at two that do not follow each other", func(t *trials.Trial) {
				t.WorkingSet = func(e float64) float64 { return 120 + 470*(step(e, 25, 30)+step(e, 45, 50)) }
			}, everyTen, "memory_peak<550Mi", verdict.Critical, 590 * mib, []verdict.Span{
				{Severity: verdict.Critical, From: 28.2, To: 28.2, Worst: new(590.0 * mib)},
				{Severity: verdict.Critical, From: 48.2, To: 48.2, Worst: new(590.0 * mib)},
			},
		},
		{
			"a sixth of the readings", fullFrom(15, 20, 590), everyTen, "memory_avg<400Mi", verdict.Held,
			(590 + 5*120) * mib / 6, nil,
		},
		{
			"full before the measured time", fullFrom(0, 10, 590), everyTen, "memory_peak<550Mi",
			verdict.Held, 120 * mib, nil,
		},
		{
			"CPU, on average", hotFrom(-9, 18.1, .9), everyTen, "cpu_avg<500m", verdict.Held, .3, nil,
		},
		{
			"CPU between two readings", hotFrom(28, 38, .9), everyTen, "cpu_peak<950m", verdict.Held, .89, nil,
		},
		{
			"CPU by its own metrics", hotFrom(28, 38, .9), ownAndEveryTen, "cpu_peak<950m", verdict.Held, .9, nil,
		},
		{
			"CPU on average by its own metrics", hotFrom(10, 25, .9), ownAndEveryTen, "cpu_avg<500m",
			verdict.Held, .3 + .6*15/59, nil,
		},
	} {
		r := madeUp{trial: c.trial}.made()
		c.place(r)
		assert(r, c.that)
		f := asserted(t, r, string(c.that))
		if f.Severity != c.want || f.Value == nil || math.Abs(*f.Value-c.value) > 0.015*c.value {
			t.Errorf("%s: %s %s, want %s with %v", c.name, f.Severity, f.Text, c.want, c.value)
		}
		if c.want == verdict.Held {
			continue // a mean may have been above it for a while
		}
		if diff := cmp.Diff(c.spans, f.Spans, cmpopts.EquateApprox(0, 0.01), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: violations (-want +got):\n%s", c.name, diff)
		}
	}
}

// One reading shows that a peak was too high, and nothing else.
func TestAssertionsOnOneReading(t *testing.T) {
	for _, c := range []struct {
		that scenario.Expression
		set  float64
		want verdict.Severity
	}{
		{"memory_peak<90%", 120, verdict.Reservation},
		{"memory_peak<90%", 590, verdict.Critical},
		{"memory_avg<90%", 120, verdict.Reservation},
		{"memory_avg<90%", 590, verdict.Reservation},
		{"cpu_peak<90%", 120, verdict.Reservation},
		{"cpu_avg<90%", 120, verdict.Reservation},
	} {
		r := madeUp{trial: fullFrom(-9, 1e9, c.set)}.made()
		everyTen(r)
		last(r, 12)
		assert(r, c.that)
		f := asserted(t, r, string(c.that))
		if f.Severity != c.want || c.want == verdict.Reservation && !strings.Contains(f.Text, "10 s apart") {
			t.Errorf("%s with one reading of %v MiB: %s %s, want %s", c.that, c.set, f.Severity, f.Text, c.want)
		}
	}
}

// An end whose CPU is told again and again did not stand still for that; one that answered
// nothing from one reading to the next, and used nothing, did.
func TestStoodStillBetweenReadings(t *testing.T) {
	silent := func(r *record.Record, from, to float64) {
		each(r, record.Loadgen, func(s *record.Sample, a *record.ActorSample) {
			if s.Elapsed > from && s.Elapsed < to {
				a.ScrapeError, a.Metrics = "timeout", nil
			}
		})
	}
	for name, c := range map[string]struct {
		record func(*record.Record)
		want   bool
	}{
		"silent at two looks": {func(r *record.Record) {
			everyTen(r)
			silent(r, 31, 33)
		}, false},
		"used nothing, and answered": {func(r *record.Record) {
			still(record.Loadgen, 25, 0)(r)
			everyTen(r)
			each(r, record.Loadgen, func(_ *record.Sample, a *record.ActorSample) { a.ScrapeError = "" })
		}, false},
		"used nothing, and did not answer": {func(r *record.Record) {
			still(record.Loadgen, 25, 0)(r)
			everyTen(r)
			silent(r, 28, 60)
		}, true},
	} {
		v := rec(c.record).judge()
		if got := slices.Contains(v.Reasons, verdict.GeneratorPaused); got != c.want {
			t.Errorf("%s: stood still is %t, want %t in\n%s", name, got, c.want, list(v))
		}
	}
}

// A limit that did not bind is told by the place's account, not by metrics whose moments are
// not exact.
func TestLimitsExceededByReadings(t *testing.T) {
	above := func(place func(*record.Record), own float64) verdict.Verdict {
		return madeUp{hotFrom(-9, 1e9, 1.2), func(r *record.Record) {
			place(r)
			each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) {
				if _, ok := a.Metrics[record.ProcessCPU]; ok {
					a.Metrics[record.ProcessCPU] *= own
				}
			})
		}}.judge()
	}
	if v := above(everyTen, 1); !slices.Contains(v.Reasons, verdict.LimitsExceeded) ||
		!strings.Contains(list(v), "used 1.20 over 10 s (allowed 15 % more)") {
		t.Errorf("1.2 of 1 cores between readings, found %v in\n%s", v.Reasons, list(v))
	}
	calm := madeUp{hotFrom(-9, 1e9, .99), func(r *record.Record) {
		ownAndEveryTen(r)
		each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) {
			a.Metrics[record.ProcessCPU] *= 1.3
		})
	}}.judge()
	if slices.Contains(calm.Reasons, verdict.LimitsExceeded) {
		t.Errorf("1.29 of 1 cores by its own metrics alone, found %v", calm.Reasons)
	}
}

// The curves over the rate are of CPU over 5 s; what is of longer does not belong there.
func TestPointOfReadings(t *testing.T) {
	r := trials.Calm().Record()
	everyTen(r)
	p := verdict.PointOf(r)
	if p.CPUMax != nil || p.CPU == nil || math.Abs(*p.CPU-.31) > .02 || p.PerMillion == nil ||
		math.Abs(*p.PerMillion-310) > 15 {
		t.Errorf("PointOf: CPU %v, most %v, %v a million; want 0.31, not known, 310", p.CPU, p.CPUMax,
			p.PerMillion)
	}
}
