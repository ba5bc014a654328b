package verdict_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/profile"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// A seed is one misconfiguration, or the like of it that is none.
type seed struct {
	name   string
	trial  func(*trials.Trial)
	config string
	record func(*record.Record)
	want   string // the advices
	patch  string // part of the first patch
	by     verdict.Limit
}

const plainExporter = "{endpoint: x:1, compression: none}"

func setEnv(r *record.Record, name, value string) { r.Header.Actors[2].Env[name] = value }

// followingQueue is memory that follows the queue: 80 MiB, and 0.8 MiB for each request.
func followingQueue(t *trials.Trial) {
	t.Queue = func(e float64) float64 { return 10 * max(0, e) }
	t.WorkingSet = func(e float64) float64 { return min(590, 80+8*max(0, e)) }
}

func busy(cores, throttled float64) func(*trials.Trial) {
	return func(t *trials.Trial) {
		t.CPU, t.Throttled = func(float64) float64 { return cores }, throttled
	}
}

func gcShare(r *record.Record, share float64) {
	each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) {
		a.Metrics[record.GoGCCPU] = share * *a.Usage.CPUSeconds
	})
}

func refusedBy(r *record.Record, spans float64) {
	each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) {
		a.Metrics[record.ProcessorRefused] = spans
	})
}

func compressing(r *record.Record) {
	r.Profiles = []record.Profile{{
		Actor: record.Gateway, Kind: record.ProfileCPU, Moment: record.MomentSteady,
		File: "profiles/gateway-steady-cpu-40s.pb.gz", Elapsed: 40, Seconds: 10,
		Parsed: &profile.Profile{Kind: "cpu", Unit: "seconds", Total: 9, Parts: []profile.Part{
			{Component: "exporter/otlp: compression", Value: 3.6, Share: 0.4},
			{Component: "receiver/otlp: compression", Value: 0.9, Share: 0.1},
			{Component: "gc", Value: 4.5, Share: 0.5},
		}},
	}}
}

func seeds() []seed {
	large := "{endpoint: x:1, compression: none, sending_queue: {queue_size: 50000}}"
	failing := func(r *record.Record) { r.Ending.Received.Failed = 900000 }
	return []seed{
		{
			name: "queue larger than memory", trial: followingQueue, config: trials.Config("batch", large),
			record: failing, want: "queue-larger-than-memory", patch: "queue_size: 4", by: verdict.ByBackend,
		},
		{
			name: "queue that memory can hold", trial: followingQueue,
			config: trials.Config("batch", strings.ReplaceAll(large, "50000", "600")),
			record: failing, want: "memory-near-its-limit queue-fills", by: verdict.ByBackend,
		},
		{
			name: "no batching", trial: busy(0.8, 0), config: trials.Config("", plainExporter),
			record: func(r *record.Record) { each(r, record.Backend, requestsOf(10)) },
			want:   "no-batching", patch: "min_size: 8192", by: verdict.ByNothing,
		},
		{
			name: "batching", trial: busy(0.8, 0), config: trials.Config("batch", plainExporter),
			want: "small-batches", by: verdict.ByNothing,
		},
		{
			name: "no batching, and nothing to gain", trial: busy(0.2, 0), config: trials.Config("", plainExporter),
			record: func(r *record.Record) { each(r, record.Backend, requestsOf(10)) }, by: verdict.ByNothing,
		},
		{
			name: "limiter after batch", trial: func(t *trials.Trial) { t.Lost = 700 },
			config: trials.Config("batch, memory_limiter", plainExporter),
			record: func(r *record.Record) { refusedBy(r, 700) }, want: "limiter-after-batch",
			patch: "processors: [memory_limiter, batch]", by: verdict.ByMemory,
		},
		{
			name:   "limiter before batch",
			config: trials.Config("memory_limiter, batch", plainExporter),
			record: func(r *record.Record) { refusedBy(r, 700) }, want: "memory-limiter-refuses",
			patch: "limit_mib: 480", by: verdict.ByMemory,
		},
		{
			name:   "limiter after batch that never refuses",
			config: trials.Config("batch, memory_limiter", plainExporter), by: verdict.ByNothing,
		},
		{
			name: "GOMAXPROCS above the quota", trial: busy(0.7, 0.4),
			config: trials.Config("batch", plainExporter),
			record: func(r *record.Record) { setEnv(r, "GOMAXPROCS", "16") },
			want:   "gomaxprocs-above-limit small-batches", patch: "gomaxprocs: 1", by: verdict.ByCPU,
		},
		{
			name: "GOMAXPROCS of the quota", trial: busy(0.7, 0.4),
			config: trials.Config("batch", plainExporter),
			record: func(r *record.Record) { setEnv(r, "GOMAXPROCS", "1") },
			want:   "cpu-held-back small-batches", by: verdict.ByCPU,
		},
		{
			name: "GOMAXPROCS of a Go that knows no quotas", trial: busy(0.7, 0.4),
			config: trials.Config("batch", plainExporter),
			record: func(r *record.Record) { chosenProcs(r, 4) },
			want:   "gomaxprocs-above-limit small-batches", patch: "gomaxprocs: 1", by: verdict.ByCPU,
		},
		{
			name: "GOMAXPROCS of a Go that heeds the quota", trial: busy(0.7, 0.4),
			config: trials.Config("batch", plainExporter),
			record: func(r *record.Record) { chosenProcs(r, 2) },
			want:   "cpu-held-back small-batches", by: verdict.ByCPU,
		},
		{
			name: "gzip", trial: busy(0.97, 0.4), config: trials.Config("batch", "{endpoint: x:1}"),
			record: compressing, want: "cpu-held-back gzip-costs-cpu small-batches", by: verdict.ByCPU,
		},
		{
			name: "gzip with CPU to spare", config: trials.Config("batch", "{endpoint: x:1}"),
			by: verdict.ByNothing,
		},
		{
			name: "too few consumers", trial: func(t *trials.Trial) {
				t.Queue = func(e float64) float64 { return 5 * max(0, e) }
			},
			config: trials.Config("batch",
				"{endpoint: x:1, compression: none, sending_queue: {num_consumers: 2}}"),
			record: func(r *record.Record) { waiting(r, 2, 1, 200) },
			want:   "too-few-consumers", patch: "num_consumers: 8", by: verdict.ByQueue,
		},
		{
			name: "queue of less room than consumers",
			config: trials.Config("batch", "{endpoint: x:1, compression: none, "+
				"sending_queue: {num_consumers: 4, queue_size: 2}}"),
			record: func(r *record.Record) { waiting(r, 2, 1, 200); notTaken(r, 500) },
			want:   "too-few-consumers", patch: "num_consumers: 8\n      queue_size: 16", by: verdict.ByQueue,
		},
		{
			name: "queue that is full at times",
			config: trials.Config("batch", "{endpoint: x:1, compression: none, "+
				"sending_queue: {queue_size: 20}}"),
			record: func(r *record.Record) { waiting(r, 1, 0.2, 200); notTaken(r, 500) },
			want:   "queue-too-small", patch: "queue_size: 80", by: verdict.ByQueue,
		},
		{
			name: "consumers that keep up", config: trials.Config("batch",
				"{endpoint: x:1, compression: none, sending_queue: {num_consumers: 2}}"),
			record: func(r *record.Record) { waiting(r, 1, 0.2, 200) }, by: verdict.ByNothing,
		},
		{
			name: "memory limit below the baseline", trial: func(t *trials.Trial) {
				t.WorkingSet = func(float64) float64 { return 590 }
				t.KilledAt = 42
			}, config: trials.Config("batch", plainExporter), record: cutShort,
			want: "memory-limit-below-baseline", patch: "memory_limit: 1500Mi", by: verdict.ByMemory,
		},
		{
			name: "GOMEMLIMIT below the baseline", trial: busy(0.8, 0),
			config: trials.Config("batch", plainExporter),
			record: func(r *record.Record) { setEnv(r, "GOMEMLIMIT", "100MiB"); gcShare(r, 0.6) },
			want:   "memory-limit-below-baseline small-batches", by: verdict.ByNothing,
		},
		{
			name: "a baseline that was seen in the warm-up", trial: busy(0.8, 0),
			config: trials.Config("batch", plainExporter),
			record: func(r *record.Record) {
				setEnv(r, "GOMEMLIMIT", "100MiB")
				gcShare(r, 0.6)
				delete(r.Samples[0].Actors, record.Gateway) // it was being started
				r.Samples[1].Phase = record.PhaseWarmUp
			},
			want: "memory-limit-below-baseline small-batches", by: verdict.ByNothing,
		},
		{
			name: "GOMEMLIMIT that the load comes to", trial: func(t *trials.Trial) {
				busy(0.8, 0)(t)
				t.WorkingSet = func(e float64) float64 { return 60 + min(100, 50*max(0, e)) }
			},
			config: trials.Config("batch", plainExporter),
			record: func(r *record.Record) { setEnv(r, "GOMEMLIMIT", "100MiB"); gcShare(r, 0.6) },
			want:   "small-batches", by: verdict.ByNothing,
		},
		{
			name: "no GOMEMLIMIT", trial: func(t *trials.Trial) {
				t.WorkingSet = func(float64) float64 { return 560 }
			}, config: trials.Config("batch", plainExporter),
			record: func(r *record.Record) { setEnv(r, "GOMEMLIMIT", "") },
			want:   "gomemlimit", patch: "gomemlimit: 440Mi", by: verdict.ByNothing,
		},
		{
			name: "GOMEMLIMIT above the limit", trial: func(t *trials.Trial) {
				t.WorkingSet = func(float64) float64 { return 560 }
			}, config: trials.Config("batch", plainExporter),
			record: func(r *record.Record) { setEnv(r, "GOMEMLIMIT", "1GiB") },
			want:   "gomemlimit", patch: "gomemlimit: 440Mi", by: verdict.ByNothing,
		},
	}
}

// chosenProcs lets Go have chosen GOMAXPROCS by itself.
func chosenProcs(r *record.Record, n float64) {
	each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) {
		a.Metrics[record.GoMaxProcs] = n
	})
}

// requestsOf lets so many spans be in each of the backend's requests.
func requestsOf(spans float64) func(*record.Sample, *record.ActorSample) {
	return func(_ *record.Sample, a *record.ActorSample) {
		a.Metrics[record.BackendInFlight] = 0
		a.Metrics[record.BackendRequests] = a.Metrics[record.BackendUnique] / spans
	}
}

func (s seed) made() *record.Record {
	trial := trials.Calm()
	if s.trial != nil {
		s.trial(&trial)
	}
	r := trial.Record()
	trials.Collector(r, s.config)
	if s.record != nil {
		s.record(r)
	}
	return r
}

func TestSeeded(t *testing.T) {
	for _, s := range seeds() {
		r := s.made()
		var names []string
		for _, a := range verdict.Advise(r) {
			names = append(names, a.Name)
			complete(t, a)
			if len(names) == 1 && !strings.Contains(a.Patches[0].YAML, s.patch) {
				t.Errorf("%s: patch\n%swant %q", s.name, a.Patches[0].YAML, s.patch)
			}
		}
		if diff := cmp.Diff(s.want, strings.Join(names, " ")); diff != "" {
			t.Errorf("Advise(%s):\n%s", s.name, diff)
		}
		f := verdict.Measure(r)
		l := f.Limited
		for _, c := range l.Candidates {
			traced(t, f, c.Evidence)
		}
		for _, a := range verdict.Advise(r) {
			traced(t, f, a.Evidence)
		}
		if l.By != s.by {
			t.Errorf("%s is limited by %s (%s), want %s", s.name, l.By, l.Text, s.by)
		}
		if len(l.Candidates) != 7 {
			t.Errorf("%s: %d candidates looked at", s.name, len(l.Candidates))
		}
	}
}

// traced asks whether each figure stands where its evidence says.
func traced(t *testing.T, f verdict.Figures, evidence []verdict.Evidence) {
	t.Helper()
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range evidence {
		path, ok := strings.CutPrefix(e.Source, "summary.json: figures.")
		if !ok {
			continue
		}
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		for step := range strings.SplitSeq(path, ".") {
			of, _ := v.(map[string]any)
			v = of[step]
		}
		if n, ok := v.(float64); !ok || n != e.Value {
			t.Errorf("%s is said to be %v at %s, where there is %v", e.Text, e.Value, path, v)
		}
	}
}

// The figures that promises are made of.
func TestPromises(t *testing.T) {
	want := map[string]verdict.Promise{
		"gomaxprocs-above-limit": {
			Figure: "gateway_cpu.throttled_seconds_per_second", Unit: "s/s", Before: 0.02, After: 0,
			Sense: verdict.AtMost,
		},
		"too-few-consumers": {
			Figure: "rate.arrived_spans_per_second", Unit: "spans/s", Before: 400, After: 1000,
			Sense: verdict.AtLeast,
		},
		"no-batching": {
			Figure: "exports.requests_per_second", Unit: "requests/s", Before: 100, After: 5,
			Sense: verdict.AtMost,
		},
		"limiter-after-batch": {
			Figure: "delivery.lost_spans", Unit: "spans", Before: 700, After: 0, Sense: verdict.AtMost,
		},
	}
	for _, s := range seeds() {
		for _, a := range verdict.Advise(s.made()) {
			p, ok := want[a.Name]
			if !ok {
				continue
			}
			delete(want, a.Name)
			if a.Promise == nil {
				t.Fatalf("%s promises nothing", a.Name)
			}
			for _, v := range [][2]float64{{p.Before, a.Promise.Before}, {p.After, a.Promise.After}} {
				if d := v[0] - v[1]; d*d > 1e-4*max(1, v[0]*v[0]) {
					t.Errorf("%s promises %+v, want %+v", a.Name, *a.Promise, p)
				}
			}
			if a.Promise.Figure != p.Figure || a.Promise.Sense != p.Sense || a.Promise.Unit != p.Unit {
				t.Errorf("%s promises %+v, want %+v", a.Name, *a.Promise, p)
			}
		}
	}
	for name := range want {
		t.Errorf("no record had %s", name)
	}
}
