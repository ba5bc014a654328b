package report_test

import (
	"fmt"
	"time"

	"github.com/odigos-io/odigos-stress/internal/profile"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// knee is the edge of the gateway that is made up here.
const knee = 15200.0

// point is a simple gateway: 29 µs of CPU a span, a limit of half a core, a queue that
// grows above the knee.
func point(rate, measured float64) verdict.Point {
	over := max(0, rate/knee-1)
	cpu := min(0.47, 0.01+28.5e-6*rate)
	latency := 0.32 + 0.1*rate/knee + measured/2*over
	return verdict.Point{
		Rate: rate, Arrived: new(min(rate, knee)), Measured: measured, CPU: new(cpu),
		CPUMax: new(min(0.5, 1.04*cpu)), Throttled: new(max(0, 3*(cpu-0.3))), GC: new(0.12 + 0.3*over),
		Memory: new(120e6 + 6000*rate + 4e8*over), P50: new(latency), P99: new(3 * latency),
		Queue: new(0.2 + 300*over), QueueMax: new(2 + 700*over),
		Inside: new(rate * latency), InsideMax: new(1.5 * rate * latency), EncodedPerSpan: new(1906.0),
		Refused: new(0.0), Lost: new(0.0), Unsent: new(0.4 * over), LoadgenCPU: new(0.02 + 9e-6*rate),
		Lateness: new(0.0002 + 1e-8*rate), BackendPerMillion: new(1.05 + 1e-5*rate),
	}
}

// tried is one trial of that gateway.
func tried(n int, rate float64, length search.Length, result search.Result) report.CapacityTrial {
	measured := map[search.Length]float64{search.Short: 6, search.Full: 20, search.Long: 40}[length]
	t := report.CapacityTrial{
		Try: search.Try{
			Rate: rate, Length: length, Phase: search.Narrowing, Why: fmt.Sprintf("try %d", n),
		},
		Name: fmt.Sprintf("%02d-%.0fsps", n, rate), Took: measured + 5.5,
		Holding: verdict.Holding{Result: result, Why: "no threshold was met"},
		Point:   point(rate, measured),
	}
	t.Record = "capacity/" + t.Name
	if result == search.Broke {
		t.Holding.Why = "CPU was critical"
		t.Holding.LimitedBy = verdict.ByCPU
		t.Holding.LimitedText = "the CPU: 95 % of the CPU limit used on average"
		t.Holding.Breaks = []verdict.Break{
			{Check: "cpu", By: "CPU", Text: "0.48 cores of 0.50", At: new(8.0)},
			{Check: "backlog", By: "backlog", Text: "spans inside grow by 900 a second"},
		}
	}
	return t
}

// profiled is a record with a CPU profile and a heap profile of 5 s, over which so many
// spans arrived a second.
func profiled(rate float64, cpu, heap map[string]float64) *record.Record {
	trial := trials.Calm()
	trial.Rate = rate
	r := trial.Record()
	of := func(kind, unit string, seconds float64, parts map[string]float64) record.Profile {
		p := &profile.Profile{Kind: kind, Unit: unit, Seconds: seconds}
		for name, v := range parts {
			p.Parts = append(p.Parts, profile.Part{Component: name, Value: v})
			p.Total += v
		}
		return record.Profile{
			Actor: record.Gateway, Kind: kind, Moment: record.MomentSteady, Elapsed: 20, Seconds: seconds,
			File: "profiles/" + kind, Parsed: p,
		}
	}
	r.Profiles = []record.Profile{
		of(record.ProfileCPU, "seconds", 5, cpu), of(record.ProfileHeap, "bytes", 0, heap),
	}
	return r
}

// costing is profiled, by what a span costs in µs, and the heap in MiB.
func costing(rate, receive, gc, heap float64) *record.Record {
	spans := 5 * rate
	return profiled(rate, map[string]float64{
		"receiver/otlp: decoding": receive * 1e-6 * spans, "gc": gc * 1e-6 * spans,
		"exporter/otlp: compression": 9e-6 * spans,
	}, map[string]float64{"receiver/otlp: decoding": heap * trials.MiB, "startup": 8 * trials.MiB})
}

// found is a capacity as a search leaves it.
func found() report.Capacity {
	limits := scenario.ResourceThreshold{
		Warning: new(scenario.Ratio(0.8)), Critical: new(scenario.Ratio(0.9)),
		For: scenario.Duration(10 * time.Second),
	}
	h := trials.Calm().Record().Header
	h.Scenario.Name = "custom"
	h.Scenario.Gateway.CPULimit, h.Scenario.Gateway.MemoryLimit = 0.5, 300*trials.MiB
	h.Scenario.Gateway.GoMemLimit = 200 * trials.MiB
	h.Scenario.Thresholds = scenario.Thresholds{
		CPU: limits, Memory: limits, Loss: new(scenario.Ratio(0)), Refused: new(scenario.Ratio(0)),
	}
	c := report.Capacity{
		Name: "custom", Description: "a gateway that is made up", Headline: h.Collector.Headline,
		Record:  "20260314-092653_custom_capacity",
		Dir:     "results/20260314-092653_custom_capacity",
		Created: trials.Start, Finished: new(trials.Start.Add(287 * time.Second)),
		Command: []string{"odigos-stress", "capacity", "custom", "--cpu-limit", "500m"},
		Tool:    h.Tool, Machine: h.Machine, Enforcement: h.Enforcement, Collector: h.Collector,
		Scenario: h.Scenario,
		Selftest: &record.Selftest{Ceilings: []record.Ceiling{{
			Workload: record.Workload{
				Shape: string(h.Scenario.Load.Shape), SpansPerRequest: 100, Protocol: "grpc",
				Compression: "none", Connections: 4, InFlight: 64,
			},
			Rate: 380e3, Reached: true, EncodedPerSpan: 1900,
		}}},
		Spec: search.Spec{From: 1000, UpTo: 1e6, Precision: 0.03, Budget: 10 * time.Minute},
		Answer: search.Answer{
			Standing: search.Found, Estimate: 15200, Low: 14800, High: 15600, Confidence: 0.95,
			Noise: 0.021, Confirmed: 14800, Reason: "the interval is as narrow as was asked",
		},
		Took: 284.5,
	}
	for i, t := range []struct {
		rate   float64
		length search.Length
		result search.Result
	}{
		{1000, search.Short, search.Held},
		{4000, search.Short, search.Held},
		{14500, search.Short, search.Held},
		{30000, search.Short, search.Broke},
		{20000, search.Short, search.Broke},
		{16800, search.Full, search.Broke},
		{15100, search.Full, search.Unclear},
		{15100, search.Full, search.Held},
		{15900, search.Full, search.Broke},
		{15400, search.Full, search.Broke},
		{14900, search.Full, search.Held},
		{15300, search.Full, search.Held},
		{15600, search.Full, search.Broke},
		{9000, search.Short, search.Held},
		{12000, search.Short, search.Held},
		{14800, search.Long, search.Held},
	} {
		c.Trials = append(c.Trials, tried(i+1, t.rate, t.length, t.result))
	}
	c.Trials[6].Holding.Why = "the host was busy"
	c.Trials[6].Holding.Reasons = []verdict.Reason{"host-pressure"}
	c.Trials[9].Holding.Breaks = c.Trials[9].Holding.Breaks[1:]
	for i, r := range map[int]*record.Record{
		7: costing(15100, 14, 8.2, 20), 10: costing(14900, 14.2, 7.8, 22), 15: costing(14800, 13.8, 8, 21),
		5: costing(16800, 14.6, 13.4, 48), 8: costing(15900, 14.2, 12.8, 44), 12: costing(15600, 14.1, 13, 41),
	} {
		r.Header.Scenario = c.Scenario
		c.Trials[i].Data = r
	}
	return c
}

// endings are the ways in which a search ends.
func endings() map[string]report.Capacity {
	all := map[string]report.Capacity{"found": found()}
	wide := found()
	wide.Answer.Standing, wide.Answer.Low, wide.Answer.High = search.Wide, 13000, 17500
	wide.Answer.Confirmed, wide.Answer.Noise = 0, 0.06
	wide.Answer.Reason = "the budget of 10 minutes is used up"
	wide.Answer.Dips = []float64{6000}
	all["wide"] = wide

	beyond := found()
	beyond.Answer = search.Answer{Standing: search.BeyondAll, Low: 1e6, Confidence: 0.95}
	beyond.Trials = []report.CapacityTrial{tried(1, 1e6, search.Full, search.Held)}
	beyond.Selftest = nil
	all["beyond-all"] = beyond

	below := found()
	below.Answer = search.Answer{Standing: search.BelowAll, High: 10, Confidence: 0.95}
	below.Trials = []report.CapacityTrial{tried(1, 10, search.Full, search.Broke)}
	all["below-all"] = below

	stopped := found()
	stopped.Answer = search.Answer{Standing: search.Stopped, Low: 12000, Confidence: 0.95}
	stopped.ExitCode, stopped.Reason = 4, "the tool or the host is the limit"
	stopped.Trials = append(stopped.Trials[:3:3], tried(4, 30000, search.Short, search.Void))
	stopped.Trials[3].Holding = verdict.Holding{
		Result: search.Void, Why: "the load generator had no CPU left",
		Reasons: []verdict.Reason{"loadgen-cpu"},
	}
	stopped.Notes = []string{"no limit is enforced", "a second note", "a third note"}
	all["stopped"] = stopped
	return all
}
