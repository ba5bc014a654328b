package main

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/trial"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// A real collector that is stopped by SIGSTOP hangs, and goes on when it is continued: both
// are told, the trial goes to its end, and it fails.
func TestHungGateway(t *testing.T) {
	if testing.Short() {
		t.Skip("a hang takes ten seconds")
	}
	const standsStill = 13 * time.Second // a hang is told after ten
	p := newPlan(t, fmt.Sprintf(`name: hung
load: {rate: 1000, shape: simple, spans_per_request: 20, in_flight: 1000, timeout: 60s}
gateway: {kind: otelcol, config: collector.yaml, exporter: otlp_grpc/backend}
timing: {warm_up: 1s, duration: %s, drain: 60s}
`, standsStill+4*time.Second), `receivers: {otlp: {protocols: {grpc: {endpoint: 0.0.0.0:4317}}}}
processors: {batch: {timeout: 100ms}}
exporters:
  otlp_grpc/backend: {endpoint: collector.example:4317}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [otlp_grpc/backend]}
`)
	place := &cuttingPlace{}
	var once sync.Once
	thawed := make(chan time.Duration, 1)
	r := runTrialAt(t, p, place, trial.Options{Watch: func(s record.Sample, _ []verdict.Finding) {
		if s.Phase == record.PhaseMeasuring {
			once.Do(func() { go func() { thawed <- freezeFor(t, place.gateway, standsStill) }() })
		}
	}})
	frozen := (<-thawed).Seconds()
	if len(r.Ending.Deaths) != 1 {
		t.Fatalf("deaths are %+v, want one hang", r.Ending.Deaths)
	}
	d := r.Ending.Deaths[0]
	if d.Kind != record.DeathHang || d.Since == nil || d.Until == nil || d.Cost == nil {
		t.Fatalf("the death is %+v, want a hang with its end and its cost", d)
	}
	// Looks are a second apart, and on a busy machine some are missed.
	if told := *d.Until - *d.Since; told < frozen-2 || told > frozen+10 {
		t.Errorf("frozen for %.1f s, a hang of %.1f s is told", frozen, told)
	}
	if d.Cost.Due == 0 || d.Cost.Lost > 0 || r.Ending.CutShort != "" {
		t.Errorf("it cost %+v; cut short: %q", *d.Cost, r.Ending.CutShort)
	}
	if v := verdict.Judge(r); v.Outcome != verdict.Fail {
		t.Errorf("the outcome is %s: %s", v.Outcome, v.Reason)
	}
	t.Logf("frozen for %.1f s: a hang from %.1f to %.1f s, noticed at %.1f s, of %d spans due", frozen,
		*d.Since, *d.Until, d.Elapsed, d.Cost.Due)
}
