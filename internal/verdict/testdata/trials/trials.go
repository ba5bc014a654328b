// Package trials makes up records for the tests of those who read records. Equal
// trials give equal records.
package trials

import (
	"math"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// MiB in bytes.
const MiB = 1 << 20

// A Trial is what is to be made up: a constant load of a minute, its gateway's
// usage over elapsed seconds, and how many spans suffered what.
type Trial struct {
	Rate       float64
	CPU        func(t float64) float64 // cores
	WorkingSet func(t float64) float64 // MiB
	Queue      func(t float64) float64 // items
	Throttled  float64                 // share of the periods

	// Spans of the measured time.
	Lost, Refused, Unsent, Unknown, Repeated uint64
	// KilledAt ends the gateway for want of memory; 0 never.
	KilledAt float64
}

// Start of every load.
var Start = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

const (
	warmUp, measured, drain = 10, 60, 3
	batch                   = 100
)

// Calm is a trial in which nothing is wrong.
func Calm() Trial {
	return Trial{
		Rate:       1000,
		CPU:        func(t float64) float64 { return 0.31 + 0.04*math.Sin(t/5) },
		WorkingSet: func(t float64) float64 { return 118 + 6*math.Sin(t/3) + 12*(1-math.Exp(-t/8)) },
		Queue:      func(t float64) float64 { return math.Mod(t, 3) },
	}
}

// Record makes the record up.
func (t Trial) Record() *record.Record {
	r := &record.Record{Dir: "results/made-up", Header: t.header()}
	for e := -2.0; e <= warmUp+measured+drain; e++ {
		r.Samples = append(r.Samples, t.sample(e+0.2))
	}
	r.Events = t.events()
	r.Ending = t.ending()
	return r
}

func (t Trial) header() record.Header {
	wu := scenario.Duration(warmUp * time.Second)
	ratio := func(v scenario.Ratio) *scenario.Ratio { return &v }
	limits := scenario.ResourceThreshold{
		Warning: ratio(0.8), Critical: ratio(0.9), For: scenario.Duration(10 * time.Second),
	}
	return record.Header{
		SchemaVersion: record.SchemaVersion,
		RunID:         "7f3a9c51",
		Created:       Start.Add(-5 * time.Second),
		Tool:          record.Tool{Version: "0.1.0", Commit: "abcdef1", Go: "go1.26.0"},
		Command:       []string{"odigos-stress", "run", "basic-load-1k"},
		Environment:   "local",
		Machine: record.Machine{
			OS: "linux", Arch: "amd64", Kernel: "6.1.0", CPUModel: "Made-up CPU", Cores: 4,
			MemoryBytes: 8 << 30, Cgroup: "v2", Load1: 0.4,
		},
		Scenario: scenario.Scenario{
			Name: "basic-load-1k", Description: "one thousand spans a second",
			Load: scenario.Load{
				Engine: scenario.EngineOTLP, Pattern: scenario.PatternConstant,
				Rate: scenario.Rate(t.Rate), Shape: scenario.ShapeOdigosDocs,
				SpansPerRequest: batch, Protocol: scenario.ProtocolGRPC,
				Compression: scenario.CompressionNone, Connections: 4, InFlight: 64,
				Timeout: scenario.Duration(5 * time.Second), Retry: scenario.RetryNone, Seed: 1,
			},
			Gateway: scenario.Gateway{
				Kind: scenario.GatewayOdigos, CPULimit: 1, MemoryLimit: 600 * MiB,
				GoMemLimit: 440 * MiB, GoMaxProcs: 1, Compression: scenario.CompressionGzip,
			},
			Backend: scenario.Backend{SuccessRate: ratio(1)},
			Thresholds: scenario.Thresholds{
				CPU: limits, Memory: limits, Loss: ratio(0), Refused: ratio(0.01),
				LatencyP99: scenario.Duration(5 * time.Second),
			},
			Timing: scenario.Timing{
				WarmUp: &wu, Duration: scenario.Duration(measured * time.Second),
				Drain: scenario.Duration(30 * time.Second),
			},
		},
		Collector: record.Collector{
			Headline: "otelcol 0.157.0, Odigos-shaped (not Odigos)", Program: "otelcol",
			Name: "odigos-stress-otelcol", Version: "0.157.0",
		},
		Actors: []env.Actor{
			{Name: record.Backend},
			{Name: record.Loadgen},
			{
				Name: record.Gateway, Env: map[string]string{"GOMEMLIMIT": "440MiB"},
				Files:  map[string]string{gateway.ConfigFile: odigosConfig},
				Limits: env.Limits{CPUCores: 1, MemoryBytes: 600 * MiB},
			},
		},
		Enforcement: env.Enforcement{Method: "cgroup-v2", CPU: true, Memory: true},
		SampleEvery: 100,
	}
}

func phase(e float64) record.Phase {
	switch {
	case e < 0:
		return record.PhaseStarting
	case e < warmUp:
		return record.PhaseWarmUp
	case e < warmUp+measured:
		return record.PhaseMeasuring
	}
	return record.PhaseDraining
}

func (t Trial) sample(e float64) record.Sample {
	at := Start.Add(time.Duration(e * float64(time.Second)))
	s := record.Sample{At: at, Elapsed: e, Phase: phase(e)}
	dead := t.KilledAt > 0 && e >= t.KilledAt
	s.Actors = map[string]record.ActorSample{
		record.Loadgen: {
			Running: true, Usage: usage(at, 0.02*max(0, e), 24, 9), Metrics: t.loadgen(e),
		},
		record.Backend: {
			Running: true, Usage: usage(at, 0.03*max(0, e), 31, 9), Metrics: t.backend(e),
		},
		record.Gateway: {Running: !dead},
	}
	if dead {
		return s
	}
	u := usage(at, t.cpuSeconds(e), t.WorkingSet(e), 14)
	u.Periods = new(uint64(10 * max(0, e)))
	u.ThrottledPeriods = new(uint64(t.Throttled * 10 * max(0, e)))
	u.ThrottledSeconds = new(t.Throttled * 0.05 * max(0, e))
	u.OOMKills = new(uint64(0))
	s.Actors[record.Gateway] = record.ActorSample{Running: true, Usage: u, Metrics: t.gateway(e)}
	return s
}

func usage(at time.Time, cpu, setMiB, fileMiB float64) *env.Usage {
	set := int64(setMiB * MiB)
	return &env.Usage{
		At: at, CPUSeconds: &cpu, MemoryWorkingSet: &set,
		MemoryAnon:   new(int64((setMiB - fileMiB) * MiB)),
		MemoryKernel: new(int64(2 * MiB)),
		MemoryRSS:    new(int64((setMiB + 30) * MiB)),
	}
}

// cpuSeconds sums the cores up in steps of a tenth of a second.
func (t Trial) cpuSeconds(e float64) float64 {
	sum := 0.0
	for i := range max(0, int(e*10)) {
		sum += 0.1 * t.CPU(float64(i)/10)
	}
	return sum
}

// lost is how much of a count has come by e that a kill, if there is one, is the cause of.
func (t Trial) lost(n uint64, e float64) float64 {
	if t.KilledAt > 0 && e < t.KilledAt {
		return 0
	}
	return part(n, e)
}

// part is how much of a count of the measured time has come by e.
func part(n uint64, e float64) float64 {
	return math.Floor(float64(n) * min(1, max(0, (e-warmUp)/measured)))
}

// due is what the schedule has asked for by e, up to the end of the load.
func (t Trial) due(e float64) float64 {
	e = min(max(0, e), warmUp+measured)
	return batch * math.Floor(t.Rate*e/batch)
}

func (t Trial) loadgen(e float64) map[record.Metric]float64 {
	due := t.due(e)
	target := t.Rate
	if e < 0 || e >= warmUp+measured {
		target = 0
	}
	sent := due - part(t.Unsent, e)
	return map[record.Metric]float64{
		record.LoadTarget: target, record.LoadDue: due, record.LoadUnsent: part(t.Unsent, e),
		record.LoadAcknowledged:     sent - part(t.Refused, e) - t.lost(t.Unknown, e),
		record.LoadRefusedRetryable: part(t.Refused, e), record.LoadRefusedPermanent: 0,
		record.LoadRejectedInPart: 0, record.LoadUnknown: t.lost(t.Unknown, e),
		record.LoadAttempts: sent, record.LoadEncodedBytes: 1913 * sent,
		record.LoadWireBytes: 1913 * sent, record.LoadInFlight: math.Mod(e+4, 2),
		record.LoadAnswerP50: 0.0021 + 0.0004*math.Sin(e), record.LoadAnswerP99: 0.0094 + 0.003*math.Sin(e/2),
		record.LoadLatenessP50: 0.00003, record.LoadLatenessP99: 0.0004,
	}
}

func (t Trial) backend(e float64) map[record.Metric]float64 {
	came := max(0, t.due(e-0.4)-part(t.Unsent+t.Refused, e)-t.lost(t.Unknown+t.Lost, e))
	return map[record.Metric]float64{
		record.BackendUnique: came, record.BackendDuplicate: part(t.Repeated, e),
		record.BackendFailed: 0, record.BackendForeign: 0,
		record.BackendDecoded: 2004 * came, record.BackendWire: 310 * came,
		record.BackendRequests: came / 200, record.BackendInFlight: 0,
		record.BackendConnections: 1,
		record.BackendLatencyP50:  0.31 + 0.02*math.Sin(e/4), record.BackendLatencyP90: 0.44,
		record.BackendLatencyP99: 0.52 + 0.05*math.Sin(e/3), record.BackendLatencyMax: 0.61,
	}
}

func (t Trial) gateway(e float64) map[record.Metric]float64 {
	accepted := t.due(e) - part(t.Unsent+t.Refused, e) - t.lost(t.Unknown, e)
	came := max(0, t.due(e-0.4)-part(t.Unsent+t.Refused, e)-t.lost(t.Unknown+t.Lost, e))
	batches := 5 * max(0, e)
	return map[record.Metric]float64{
		record.ReceiverAccepted: accepted, record.ReceiverRefused: 0,
		record.ExporterSent: came + part(t.Repeated, e), record.ExporterSendFailed: 0,
		record.ExporterEnqueueFailed: t.lost(t.Lost, e),
		record.QueueSize:             t.Queue(e), record.QueueCapacity: 1000,
		record.AdmissionRejections: part(t.Refused/batch, e),
		record.BatchSizeSum:        accepted, record.BatchSizeCount: batches,
		record.BatchByTimeout: batches, record.BatchBySize: 0,
		record.ProcessingSum: 0.0004 * batches, record.ProcessingCount: batches,
		record.ExportCallSum: 0.006 * batches, record.ExportCallCount: batches,
		record.HeapAlloc: (0.5*t.WorkingSet(e) + 9*math.Mod(e, 4)) * MiB,
	}
}

func (t Trial) events() []record.Event {
	event := func(e float64, kind record.EventKind, actor, text string) record.Event {
		return record.Event{
			At: Start.Add(time.Duration(e * float64(time.Second))), Elapsed: e, Kind: kind,
			Actor: actor, Text: text,
		}
	}
	all := []record.Event{
		event(0, record.EventPhase, "", string(record.PhaseWarmUp)),
		event(warmUp, record.EventPhase, "", string(record.PhaseMeasuring)),
	}
	if t.KilledAt > 0 {
		all = append(all, event(t.KilledAt, record.EventKilled, record.Gateway,
			"killed for want of memory"))
	}
	return append(all, event(warmUp+measured, record.EventPhase, "", string(record.PhaseDraining)))
}
