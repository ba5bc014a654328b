package main

import (
	"flag"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env/local"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/trial"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

var (
	freeze   = flag.Duration("freeze", time.Second, "how long TestFrozenGateway freezes the gateway")
	freezeOf = flag.Duration("freeze-of", 5*time.Second, "and of how long a measured time")
)

// A gateway that is frozen for a while shows in the 99th percentile and in the maximum of
// the latency: spans go on becoming due, and their time counts from there.
func TestFrozenGateway(t *testing.T) {
	r, frozen := frozenTrial(t, 2000, *freeze, *freezeOf)
	f, all := verdict.Measure(r), r.Ending.All
	l := f.Latency.Total
	if all.Unsent > 0 || all.Acknowledged.Items != all.Due || all.Acknowledged.NotDelivered > 0 {
		t.Errorf("not all was acknowledged and delivered: %+v", all)
	}
	if l == nil || l.P99 == nil || l.P99.Seconds == nil || l.Max == nil || l.Max.Seconds == nil {
		t.Fatalf("latency is not known: %+v", l)
	}
	// The last hundredth of the spans became due early while the gateway was frozen.
	early := f.Time.Measured / 100
	if p99, least := *l.P99.Seconds, (frozen.Seconds()-early)*0.95; p99 < least {
		t.Errorf("frozen for %s: p99 = %.3f s, want at least %.3f s", frozen, p99, least)
	}
	if largest, least := *l.Max.Seconds, frozen.Seconds()*0.95; largest < least {
		t.Errorf("frozen for %s: maximum = %.3f s, want at least %.3f s", frozen, largest, least)
	}
	t.Logf("frozen for %s of %.0f s: p50 %.3f s, p99 %.3f s, maximum %.3f s", frozen, f.Time.Measured,
		*l.P50.Seconds, *l.P99.Seconds, *l.Max.Seconds)
}

// frozenTrial is a trial whose gateway is stopped for a while once it is measured; all the
// load finds room in flight meanwhile.
func frozenTrial(t *testing.T, rate int, frozen, of time.Duration) (*record.Record, time.Duration) {
	t.Helper()
	p := newPlan(t, fmt.Sprintf(`name: frozen
load: {rate: %d, shape: simple, spans_per_request: 20, in_flight: 1000, timeout: 60s}
gateway: {kind: otelcol, config: collector.yaml, exporter: otlp_grpc/backend}
timing: {warm_up: 1s, duration: %s, drain: 60s}
`, rate, of), `receivers: {otlp: {protocols: {grpc: {endpoint: 0.0.0.0:4317}}}}
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
			once.Do(func() { go func() { thawed <- freezeFor(t, place.gateway, frozen) }() })
		}
	}})
	return r, <-thawed
}

// freezeFor stops a process and has it go on; it returns how long it surely stood still.
func freezeFor(t *testing.T, i *local.Instance, d time.Duration) time.Duration {
	if err := syscall.Kill(i.PID(), syscall.SIGSTOP); err != nil {
		t.Error(err)
		return 0
	}
	begin := time.Now()
	<-time.After(d)
	frozen := time.Since(begin)
	if err := syscall.Kill(i.PID(), syscall.SIGCONT); err != nil {
		t.Error(err)
	}
	return frozen
}
