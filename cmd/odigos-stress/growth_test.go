package main

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/verdict"
)

var growFor = flag.Duration("growth", 0, "measured time of each trial of TestGrowth; 0 leaves it out")

// leaking makes an id that is different in each span a dimension of a connector that never
// forgets one: a mistake that people make, and a leak.
const leaking = `receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
processors:
  batch: {timeout: 200ms, send_batch_size: 1000}
  transform:
    trace_statements:
      - context: span
        statements: ['set(attributes["request.id"], span_id.string)']
connectors:
  spanmetrics:
    dimensions: [{name: request.id}]
    metrics_expiration: 0s
    metrics_flush_interval: 30s
exporters:
  nop:
  otlp_grpc/backend:
    endpoint: collector.example:4317
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [transform, batch]
      exporters: [otlp_grpc/backend, spanmetrics]
    metrics:
      receivers: [spanmetrics]
      exporters: [nop]
`

// A leak is told from a healthy gateway, with real collectors. It takes minutes, and runs
// with -growth 90s.
func TestGrowth(t *testing.T) {
	if *growFor == 0 {
		t.Skip("takes minutes: runs with -growth 90s")
	}
	timing := fmt.Sprintf("timing: {warm_up: 10s, duration: %s, drain: 20s}\n",
		growFor.Round(time.Second))
	for _, c := range []struct {
		name, scenario, collector string
		grows                     bool
	}{
		{"leak", `name: leak
load: {rate: 300}
gateway: {kind: otelcol, config: collector.yaml, exporter: otlp_grpc/backend, cpu_limit: 1,
  memory_limit: 600Mi, gomemlimit: 440Mi}
`, leaking, true},
		{"healthy-1k", "name: healthy-1k\nload: {rate: 1k}\n", "", false},
		{"healthy-complex", "name: healthy-complex\nload: {rate: 3k, shape: complex}\n" +
			"backend: {delay: 300ms}\n", "", false},
		{"healthy-small", "name: healthy-small\nload: {rate: 2k, shape: simple}\n" +
			"gateway: {preset: size_s}\n", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := runTrial(t, newPlan(t, c.scenario+timing, c.collector), 0)
			g := verdict.Measure(r).Growth.Memory
			for _, f := range verdict.Judge(r).Findings {
				if f.Check == "growth" {
					t.Logf("%s %s", f.Severity, f.Text)
				}
			}
			if (g.Kind == verdict.GrowthContinue) != c.grows || !c.grows &&
				g.Kind != verdict.GrowthNone && g.Kind != verdict.GrowthSettles {
				t.Errorf("%s: %s, record %s", c.name, g.Kind, r.Dir)
			}
		})
	}
}
