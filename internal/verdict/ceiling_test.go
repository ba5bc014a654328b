package verdict_test

import (
	"strings"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// measuredCeiling is what a selftest found for the trial's own workload.
func measuredCeiling(r *record.Record, rate float64) record.Ceiling {
	l := r.Header.Scenario.Load
	return record.Ceiling{
		Workload: record.Workload{
			Shape: string(l.Shape), SpansPerRequest: l.SpansPerRequest, Protocol: string(l.Protocol),
			Compression: string(l.Compression), Connections: max(1, l.Connections),
		},
		Rate: rate, Reached: true, EncodedPerSpan: *verdict.Measure(r).Rate.EncodedPerSpan,
	}
}

// A target near what the ends can do is called what it is.
func TestCeiling(t *testing.T) {
	cases := []struct {
		name string
		// rate of the ceiling as a multiple of the target
		times  float64
		change func(*scenario.Load, *record.Ceiling)
		want   verdict.Severity
		says   string
	}{
		{name: "far below", times: 10, want: verdict.Held, says: " is 10 % of what"},
		{name: "near", times: 1 / 0.83, want: verdict.Reservation, says: "is 83 % of what"},
		{name: "at 70 %", times: 1 / 0.7, want: verdict.Held, says: "is 70 % of what"},
		{name: "not at its limit", times: 1, change: func(_ *scenario.Load, c *record.Ceiling) {
			c.Reached = false
		}, want: verdict.Note, says: "not at their limit yet"},
		{name: "spans half as large were measured", times: 2.5, change: func(_ *scenario.Load, c *record.Ceiling) {
			c.Shape, c.EncodedPerSpan = "other", c.EncodedPerSpan/2
		}, want: verdict.Reservation, says: "is 80 % of what"},
		{name: "requests ten times as large were measured", times: 5, change: func(_ *scenario.Load, c *record.Ceiling) {
			c.SpansPerRequest *= 10
		}, want: verdict.Note, says: "not known"},
		{name: "the same, and far below", times: 100, change: func(_ *scenario.Load, c *record.Ceiling) {
			c.SpansPerRequest *= 10
		}, want: verdict.Held, says: "is at most 10 % of what"},
		{name: "the same, and above", times: 1, change: func(_ *scenario.Load, c *record.Ceiling) {
			c.SpansPerRequest *= 10
		}, want: verdict.Reservation, says: "is at least 100 % of what"},
		{name: "requests a tenth as large were measured", times: 1, change: func(_ *scenario.Load, c *record.Ceiling) {
			c.SpansPerRequest /= 10
		}, want: verdict.Note, says: "not known"},
		{name: "many connections", times: 100, change: func(l *scenario.Load, _ *record.Ceiling) {
			l.Connections = 100
		}, want: verdict.Note, says: "and not 100"},
		{name: "another compression", times: 100, change: func(_ *scenario.Load, c *record.Ceiling) {
			c.Compression = "zstd"
		}, want: verdict.Note, says: "not comparable"},
		{name: "another protocol", times: 100, change: func(_ *scenario.Load, c *record.Ceiling) {
			c.Protocol = "http"
		}, want: verdict.Note, says: "not comparable"},
		{name: "another engine", times: 100, change: func(l *scenario.Load, _ *record.Ceiling) {
			l.Engine = scenario.EngineSDK
		}, want: verdict.Note, says: "not comparable"},
		{name: "a CPU limit of its own", times: 100, change: func(l *scenario.Load, _ *record.Ceiling) {
			l.CPULimit = 1
		}, want: verdict.Note, says: "not comparable"},
		{name: "a burst", times: 5, change: func(l *scenario.Load, _ *record.Ceiling) {
			l.Burst = &scenario.Burst{Rate: 4 * l.Rate}
		}, want: verdict.Reservation, says: "is 80 % of what"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			trial := trials.Calm()
			r := trial.Record()
			l := &r.Header.Scenario.Load
			found := measuredCeiling(r, c.times*float64(l.Rate))
			if c.change != nil {
				c.change(l, &found)
			}
			r.Header.Selftest = &record.Selftest{
				Tool:     r.Header.Tool,
				Finished: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
				Ceilings: []record.Ceiling{found},
			}
			v := verdict.Judge(r)
			got := ceilingFinding(v)
			if got.Severity != c.want || !strings.Contains(got.Text, c.says) ||
				!strings.Contains(got.Text, "selftest of 2026-03-04") {
				t.Errorf("found %s: %s, want %s with %q", got.Severity, got.Text, c.want, c.says)
			}
			if degraded := v.Validity == verdict.Degraded; degraded != (c.want == verdict.Reservation) {
				t.Errorf("the trial is %s, with a %s", v.Validity, c.want)
			}
		})
	}
}

// Of several ceilings the one of the same shape counts, then the nearest.
func TestNearestCeiling(t *testing.T) {
	trial := trials.Calm()
	r := trial.Record()
	rate := float64(r.Header.Scenario.Load.Rate)
	same, larger, other := measuredCeiling(r, 2*rate), measuredCeiling(r, 20*rate), measuredCeiling(r, rate)
	larger.SpansPerRequest *= 3
	other.Shape = "other"
	same.SpansPerRequest *= 2 // the other shape's requests are nearer
	var got verdict.Finding
	for _, all := range [][]record.Ceiling{{other, larger, same}, {same, larger, other}} {
		r.Header.Selftest = &record.Selftest{Tool: record.Tool{Version: "v0.1"}, Ceilings: all}
		got = ceilingFinding(verdict.Judge(r))
		if got.Severity != verdict.Held || got.Value == nil || *got.Value != 0.5 {
			t.Errorf("found %s: %s, want half of the ceiling", got.Severity, got.Text)
		}
	}
	if !strings.Contains(got.Text, "by version v0.1") {
		t.Errorf("found %s, want the other version named", got.Text)
	}
}

// Where nothing was measured the header's notes say so.
func TestNoCeiling(t *testing.T) {
	trial := trials.Calm()
	if got := ceilingFinding(verdict.Judge(trial.Record())); got.Check != "" {
		t.Errorf("found %+v", got)
	}
}

func ceilingFinding(v verdict.Verdict) verdict.Finding {
	for _, f := range v.Findings {
		if f.Check == "ceiling" {
			return f
		}
	}
	return verdict.Finding{}
}
