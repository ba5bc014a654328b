// Package made makes up baselines for the tests of those who read baselines. Equal ones are
// made of equal arguments.
package made

import (
	"fmt"
	"time"

	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// Measured is when all of them were.
var Measured = time.Date(2026, 3, 14, 9, 31, 40, 0, time.UTC)

// Baseline is a gateway that holds 15,200 spans/s a core, of spans of 1,906 bytes.
func Baseline(name string, cpu scenario.CPU, memoryMiB scenario.Bytes) baseline.Baseline {
	edge := 15200 * float64(cpu)
	s, err := scenario.Scenario{
		Name: "basic-load-10k", Load: scenario.Load{Rate: scenario.Rate(edge), SpansPerRequest: 100},
		Gateway: scenario.Gateway{CPULimit: cpu, MemoryLimit: memoryMiB << 20},
		Backend: scenario.Backend{Delay: scenario.Duration(200 * time.Millisecond)},
	}.Resolved()
	if err != nil {
		panic(fmt.Sprintf("resolve %s: %v", name, err))
	}
	s.Gateway.Protection = scenario.ProtectionOdigos
	return baseline.Baseline{
		SchemaVersion: baseline.SchemaVersion, Name: name, Measured: Measured, Tool: "0.1.0",
		Record: "20260314-092653_basic-load-10k_capacity", Environment: "local",
		Host: baseline.Host{
			CPUModel: "Made-up CPU", Cores: 4, MemoryBytes: 8 << 30, OS: "linux", Arch: "amd64",
			Kernel: "6.1.0", Cgroup: "v2",
		},
		Collector: baseline.Collector{
			Headline: "otelcol 0.157.0, Odigos-shaped (not Odigos)", Name: "odigos-stress-otelcol",
			Version: "0.157.0",
			SHA256:  "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5",
		},
		Scenario: s.Name, Gateway: s.Gateway, Load: s.Load, Backend: s.Backend,
		Thresholds: s.Thresholds,
		Capacity: baseline.Capacity{
			Estimate: edge, Low: 0.975 * edge, High: 1.025 * edge, Confidence: 0.95, Noise: 0.012,
			Precision: 0.03, EncodedPerSpan: 1906, BrokeFirst: "CPU", Limited: "CPU limit", Trials: 23,
			Took: 287,
		},
		Points: []baseline.Point{point(0.5*edge, edge, true), point(1.1*edge, edge, false)},
	}
}

func point(rate, edge float64, held bool) baseline.Point {
	latency := 0.3 + 0.1*rate/edge
	return baseline.Point{
		Rate: rate, Held: held, Measured: 20, CPU: new(0.9 * rate / 15200), CPUMax: new(rate / 15200),
		Memory: new(120e6 + 6000*rate), Anon: new(90e6 + 6000*rate), P50: new(latency),
		P99: new(2 * latency), Inside: new(rate * latency), InsideMax: new(2 * rate * latency),
		Queue: new(0.2), BatchMean: new(rate / 5), Exports: new(5.0),
	}
}
