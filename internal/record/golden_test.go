package record

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

var update = flag.Bool("update", false, "write the golden record anew")

// golden is a record as it was once written. Whatever changes later, it must stay
// readable.
var golden = filepath.Join("testdata", "record")

func TestGoldenRecord(t *testing.T) {
	if *update {
		if err := os.RemoveAll(golden); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(golden, os.DirFS(writeGolden(t))); err != nil {
			t.Fatal(err)
		}
	}
	got, want := files(t, writeGolden(t)), files(t, golden)
	// The first two hold what other packages spell; how they are read is compared below.
	// The others came later, and an older record has none.
	for _, file := range []string{HeaderFile, EndingFile, PulsesFile, ProfilesFile} {
		delete(got, file)
		delete(want, file)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the golden record would be written differently now (-want +got):\n%s", diff)
	}
	r, err := Open(golden)
	if err != nil {
		t.Fatal(err)
	}
	made := &Record{
		Dir: golden, Header: goldenHeader(), Samples: goldenSamples(),
		Events: goldenEvents(), Ending: goldenEnding(),
	}
	made.Header.SchemaVersion = SchemaVersion
	figures := cmp.Transformer("figures", func(h *ledger.Histogram) []int64 {
		if h == nil {
			return nil
		}
		return []int64{h.Count(), h.Value(0), h.Value(0.5), h.Value(1)}
	})
	if diff := cmp.Diff(made, r, figures, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("Open(%s) (-want +got):\n%s", golden, diff)
	}
}

// writeGolden writes the record as a trial would, and the table beside it.
func writeGolden(t *testing.T) (dir string) {
	t.Helper()
	l, err := Create(t.TempDir(), goldenHeader(), began)
	if err != nil {
		t.Fatal(err)
	}
	var errs []error
	for _, s := range goldenSamples() {
		errs = append(errs, l.Sample(s))
	}
	for _, e := range goldenEvents() {
		errs = append(errs, l.Event(e))
	}
	r := &Record{Samples: goldenSamples()}
	f, err := os.Create(filepath.Join(l.Dir(), UsageFile))
	errs = append(errs, err, WriteCSV(f, r), f.Close(), l.Close(*goldenEnding()))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return l.Dir()
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all[path] = readText(t, filepath.Join(dir, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func goldenHeader() Header {
	warmUp := scenario.Duration(time.Second)
	return Header{
		RunID: "8f3c1a52", Created: began, Environment: "local", SampleEvery: 64,
		Tool:    Tool{Version: "0.1.0", Commit: "0123abc", Go: "go1.26.0"},
		Command: []string{"odigos-stress", "run", "basic-load-1k", "--duration", "2s"},
		Machine: Machine{
			OS: "linux", Arch: "amd64", Kernel: "6.1.0", CPUModel: "A processor",
			Cores: 2, MemoryBytes: 8 << 30, Cgroup: "v2", Load1: 0.25,
		},
		Scenario: scenario.Scenario{
			Name: "basic-load-1k",
			Load: scenario.Load{
				Engine: scenario.EngineOTLP, Pattern: scenario.PatternConstant,
				Rate: 1000, Shape: scenario.ShapeOdigosDocs, SpansPerRequest: 100,
				Protocol: scenario.ProtocolGRPC, Compression: scenario.CompressionNone,
				Connections: 1, InFlight: 64, Timeout: scenario.Duration(10 * time.Second),
				Retry: scenario.RetryNone, Seed: 1,
			},
			Gateway: scenario.Gateway{
				Kind: scenario.GatewayOdigos, Preset: "size_m",
				CPULimit: 1, MemoryLimit: 600 << 20,
			},
			Timing: scenario.Timing{
				WarmUp: &warmUp, Duration: scenario.Duration(2 * time.Second),
				Drain: scenario.Duration(30 * time.Second),
			},
		},
		Collector: Collector{
			Headline: "otelcol 0.157.0, Odigos-shaped (not Odigos)",
			Program:  "/opt/odigos-stress-otelcol", Name: "odigos-stress-otelcol", Version: "0.157.0",
		},
		Actors: []env.Actor{{
			Name: Gateway, Program: "/opt/odigos-stress-otelcol",
			Args:   []string{"--config", "$(file.config.yaml)"},
			Ports:  []string{"otlp-grpc", "metrics"},
			Ready:  env.Probe{Port: "health", Path: "/", Timeout: 30 * time.Second},
			Limits: env.Limits{CPUCores: 1, MemoryBytes: 600 << 20}, Grace: 10 * time.Second,
		}},
		Enforcement: env.Enforcement{Method: "cgroup-v2", CPU: true, Memory: true},
		Scrubbed:    []string{"GOGC"},
	}
}

// goldenSamples: one before the load, one of warm-up, two measured (the gateway silent
// in the second), one of the drain.
func goldenSamples() []Sample {
	phases := []Phase{PhaseStarting, PhaseWarmUp, PhaseMeasuring, PhaseMeasuring, PhaseDraining}
	var all []Sample
	for i, phase := range phases {
		elapsed := float64(i) - 0.5
		at := began.Add(time.Duration((elapsed + 2) * float64(time.Second)))
		done := max(0, 1000*elapsed)
		gateway := ActorSample{
			Running: true, Usage: goldenUsage(at, elapsed),
			ScrapeSeconds: 0.004, Metrics: map[Metric]float64{
				ReceiverAccepted: done, ReceiverRefused: 0, ExporterSent: max(0, done-200),
				QueueSize: 2, QueueCapacity: 1000, ProcessCPU: 0.25 * (elapsed + 1),
			},
		}
		if i == 3 {
			gateway.Metrics, gateway.ScrapeError = nil, "scrape gateway: context deadline exceeded"
		}
		all = append(all, Sample{At: at, Elapsed: elapsed, Phase: phase, Actors: map[string]ActorSample{
			Gateway: gateway,
			Loadgen: {Running: true, ScrapeSeconds: 0.001, Metrics: map[Metric]float64{
				LoadTarget: 1000, LoadDue: done, LoadAcknowledged: done, LoadUnsent: 0,
			}},
			Backend: {Running: true, ScrapeSeconds: 0.001, Metrics: map[Metric]float64{
				BackendUnique: max(0, done-200), BackendDuplicate: 0, BackendLatencyP50: 0.205,
			}},
		}})
	}
	return all
}

func goldenUsage(at time.Time, elapsed float64) *env.Usage {
	return &env.Usage{
		At: at, CPUSeconds: new(0.25 * (elapsed + 1)),
		MemoryUsage: new(int64(96 << 20)), MemoryWorkingSet: new(int64(64 << 20)),
		MemoryAnon: new(int64(40 << 20)), MemoryFile: new(int64(50 << 20)),
		MemoryKernel: new(int64(4 << 20)), MemoryRSS: new(int64(80 << 20)),
		Periods: new(uint64(10 * (elapsed + 1))), ThrottledPeriods: new(uint64(0)),
		ThrottledSeconds: new(0.0), OOMKills: new(uint64(0)),
	}
}

func goldenEvents() []Event {
	return []Event{
		{At: began.Add(time.Second), Elapsed: -1, Kind: EventStarted, Actor: Gateway, Text: "ready"},
		{At: began.Add(2 * time.Second), Elapsed: 0.001, Kind: EventPhase, Text: "warm-up"},
	}
}

func goldenEnding() *Ending {
	fate := func(n uint64) ledger.Fate { return ledger.Fate{Items: n, Once: n} }
	answer := ledger.NewHistogram()
	answer.Record(2*time.Millisecond, 2000)
	latency := ledger.NewHistogram()
	latency.Record(205*time.Millisecond, 2000)
	return &Ending{
		Finished: began.Add(7 * time.Second), LoadStart: began.Add(2 * time.Second),
		Drained: Drain{Seconds: 1.5, Complete: true, QueueSize: new(0.0), Reason: "the queue is empty"},
		States:  map[string]env.State{Gateway: {Running: true, OOMKilled: new(false)}},
		All:     ledger.Account{Due: 3000, Offered: 3000, Acknowledged: fate(3000), Attempts: 3000},
		Measured: ledger.Account{
			Due: 2000, Offered: 2000, Acknowledged: fate(2000),
			Attempts: 2000,
		},
		Sent: &ledger.Sent{
			Start: began.Add(2 * time.Second), Finished: 3002 * time.Millisecond,
			All:      ledger.Classes{Due: 3000, Acknowledged: 3000, Attempts: 3000},
			Measured: ledger.Classes{Due: 2000, Acknowledged: 2000, Attempts: 2000},
			Requests: map[string]uint64{"OK": 20}, EncodedBytes: 3_836_000, WireBytes: 3_836_000,
			Lateness: answer, Answer: answer, SlopeError: new(0.0001), ConnectionsOpened: 1,
		},
		Received: &ledger.Received{
			Unique: 3000, Requests: map[string]uint64{"OK": 15},
			DecodedBytes: 5_754_000, WireBytes: 5_754_000, RequestSpans: answer, Latency: latency,
			LastArrival: began.Add(5200 * time.Millisecond),
		},
		Answer: answer, Transit: latency, Total: latency,
	}
}
