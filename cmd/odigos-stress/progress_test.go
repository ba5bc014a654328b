package main

import (
	"strings"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// looks are two samples of a trial in trouble, a second apart.
func looks(t *testing.T) (plan.Plan, record.Sample, record.Sample) {
	t.Helper()
	s, err := scenario.Read("f.yaml", []byte("name: f\nload: {rate: 100k}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.Resolved(); err != nil {
		t.Fatal(err)
	}
	p := plan.Plan{Scenario: s, Gateway: env.Actor{Limits: env.Limits{CPUCores: 1, MemoryBytes: 600 << 20}}}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	sample := func(second int, acknowledged, unique, refused, cpu float64) record.Sample {
		now := at.Add(time.Duration(second) * time.Second)
		return record.Sample{
			At: now, Elapsed: float64(second), Phase: record.PhaseMeasuring,
			Actors: map[string]record.ActorSample{
				record.Loadgen: {Metrics: map[record.Metric]float64{
					record.LoadTarget: 100_000, record.LoadAcknowledged: acknowledged,
					record.LoadRefusedRetryable: refused,
				}},
				record.Backend: {Metrics: map[record.Metric]float64{
					record.BackendUnique: unique, record.BackendLatencyP99: 12.345,
				}},
				record.Gateway: {Usage: &env.Usage{
					At: now, CPUSeconds: &cpu, MemoryWorkingSet: new(int64(590 << 20)),
				}},
			},
		}
	}
	return p, sample(20, 1_000_000, 900_000, 0, 10), sample(21, 1_098_000, 950_000, 12_345, 11)
}

func TestProgressFits(t *testing.T) {
	p, before, now := looks(t)
	for _, c := range []struct {
		width int
		want  string
	}{
		{0, "measuring  9:49 left  98.0k/100.0k spans/s  ~148.0k inside  12.3k refused  p99 12.3s  cpu 100%  mem 98%"},
		{200, "measuring  [          ]  9:49 left  98.0k/100.0k spans/s  ~148.0k inside  12.3k refused  " +
			"p99 12.3s  cpu 100%  mem 98%"},
		{80, "9:49 left  98.0k/100.0k spans/s  12.3k refused  p99 12.3s  cpu 100%  mem 98%"},
		{40, "9:49 left  98.0k/100.0k spans/s"},
	} {
		v := &progress{plan: p, width: c.width, before: before}
		got := v.text(now)
		if got != c.want {
			t.Errorf("text at width %d =\n%q, want\n%q", c.width, got, c.want)
		}
		if c.width > 0 && len(got) >= c.width {
			t.Errorf("text at width %d has %d characters", c.width, len(got))
		}
	}
}

// Without a terminal a line is told every five seconds, and findings at once.
func TestProgressWithoutTerminal(t *testing.T) {
	p, before, now := looks(t)
	var out strings.Builder
	v := newProgress(&out, p, false)
	v.sample(before, nil)
	v.sample(now, nil)
	if lines := strings.Count(out.String(), "\n"); lines != 1 {
		t.Errorf("two samples a second apart wrote %d lines:\n%s", lines, out.String())
	}
	if strings.ContainsAny(out.String(), "\r\x1b") {
		t.Errorf("control characters without a terminal: %q", out.String())
	}
}

// What is violated now stands in the line until it is over.
func TestProgressNamesViolations(t *testing.T) {
	p, before, now := looks(t)
	var out strings.Builder
	v := &progress{w: &out, plan: p, before: before}
	memory := verdict.Finding{Check: "memory", Severity: verdict.Critical, Limit: new(540.0 * (1 << 20))}
	asserted := verdict.Finding{Check: "assert", Severity: verdict.Critical, Assertion: "p(99)<1s"}
	v.sample(now, []verdict.Finding{memory, asserted})
	if got := v.text(now); !strings.Contains(got, "9:49 left  ! memory≥90% p(99)<1s") {
		t.Errorf("the line is %q", got)
	}
	memory.Ended, memory.Severity = true, verdict.Note
	v.sample(now, []verdict.Finding{memory})
	if got := v.text(now); !strings.Contains(got, "9:49 left  ! p(99)<1s") {
		t.Errorf("the line is %q", got)
	}
	asserted.Ended = true
	v.sample(now, []verdict.Finding{asserted})
	if got := v.text(now); strings.Contains(got, "!") {
		t.Errorf("the line is %q", got)
	}
}
