package monitor

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/odigos-io/odigos-stress/internal/admin"
	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// readVars is what a collector of 61.9 MB by its heap profile of the moment before served.
func readVars(t *testing.T) *memStats {
	t.Helper()
	text, err := os.ReadFile("testdata/vars.json")
	if err != nil {
		t.Fatal(err)
	}
	var served struct{ MemStats memStats }
	if err := json.Unmarshal(text, &served); err != nil {
		t.Fatal(err)
	}
	return &served.MemStats
}

func TestGoFigures(t *testing.T) {
	m := readVars(t)
	settings := env.GoRuntime{MemLimit: 440 << 20, MaxProcs: 2, GC: 100}
	since := time.Unix(0, m.LastGC).Add(-10 * time.Second)
	want := metrics{
		record.HeapAlloc: 107854008, record.GoHeapLive: (124367434 - 753664) / 2,
		record.GoHeapGoal: 124367434, record.GoMemory: 185149752 - 34603008,
		record.GoMemLimit: 440 << 20, record.GoGCCycles: 78, record.GoGCPause: 0.00466459,
		record.GoGCCPU: 0.04466930602416646 * 2 * 10, record.GoMaxProcs: 2,
	}
	if diff := cmp.Diff(want, goFigures(m, settings, since), about); diff != "" {
		t.Errorf("goFigures (-want +got):\n%s", diff)
	}
	// What it takes to know a figure is missing, one after the other.
	for what, c := range map[string]struct {
		settings env.GoRuntime
		since    time.Time
		change   func(*memStats)
		unknown  []record.Metric
	}{
		"GOMAXPROCS": {
			env.GoRuntime{GC: 100}, since, nil, []record.Metric{record.GoGCCPU, record.GoMaxProcs},
		},
		"the start": {settings, time.Time{}, nil, []record.Metric{record.GoGCCPU}},
		"GOGC":      {env.GoRuntime{MaxProcs: 2}, since, nil, []record.Metric{record.GoHeapLive}},
		"a collection": {
			settings, since, func(m *memStats) { m.LastGC = 0 },
			[]record.Metric{record.GoHeapLive, record.GoGCCPU},
		},
		"a goal that GOGC set": {
			env.GoRuntime{MemLimit: 128 << 20, GC: 100, MaxProcs: 2},
			since, nil,
			[]record.Metric{record.GoHeapLive},
		},
		"a heap above the least": {
			settings, since, func(m *memStats) { m.NextGC = 4 << 20 },
			[]record.Metric{record.GoHeapLive},
		},
	} {
		m := readVars(t)
		if c.change != nil {
			c.change(m)
		}
		got := goFigures(m, c.settings, c.since)
		for _, metric := range c.unknown {
			if v, ok := got[metric]; ok {
				t.Errorf("without %s: %s = %v, want it unknown", what, metric, v)
			}
		}
		if _, ok := got[record.GoMemory]; !ok {
			t.Errorf("without %s: the memory is not known either", what)
		}
	}
}

var about = cmp.Comparer(func(a, b float64) bool {
	return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a))
})

// A collector that does not serve its variables is soon not asked any more, and its
// metrics are none the worse.
func TestVarsThatAreNotServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		m := New([]Target{{
			Name: "gateway", Kind: Collector, MetricsURL: "http://g/metrics", VarsURL: "http://g/debug/vars",
			Instance: &instance{began: time.Now()}, Go: env.GoRuntime{MemLimit: 1 << 20},
		}}, Options{Transport: network(func(url string) (string, time.Duration, error) {
			if strings.HasSuffix(url, "vars") {
				asked++
				return "", 0, errors.New("404")
			}
			return sent, 0, nil
		})})
		for i, s := range watch(t, m, 10*time.Second-1, nil) {
			a := s.Actors["gateway"]
			want := metrics{record.ExporterSent: 7, record.GoMemLimit: 1 << 20}
			if a.ScrapeError != "" || !holds(a.Metrics, want) {
				t.Errorf("sample %d: metrics %v, error %q", i, a.Metrics, a.ScrapeError)
			}
		}
		if asked != patience {
			t.Errorf("asked %d times, want %d", asked, patience)
		}
	})
}

// holds tells whether got has all of want, and nothing of the runtime beside it.
func holds(got, want metrics) bool {
	for metric, v := range want {
		if got[metric] != v {
			return false
		}
	}
	_, known := got[record.GoMemory]
	return !known
}

// The CPU of collections counts from when the process began, as its uptime tells.
func TestGoCPUCountsFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		m := New([]Target{{
			Name: "gateway", Kind: Collector, MetricsURL: "http://g/metrics", VarsURL: "http://g/debug/vars",
			Instance: &instance{began: began}, Go: env.GoRuntime{MaxProcs: 4, GC: 100},
		}}, Options{Transport: network(func(url string) (string, time.Duration, error) {
			if !strings.HasSuffix(url, "vars") {
				return "otelcol_process_uptime_seconds 100\n", 0, nil
			}
			text, err := json.Marshal(map[string]any{"memstats": map[string]any{
				"LastGC": began.UnixNano(), "GCCPUFraction": 0.01,
			}})
			return string(text), 0, err
		})})
		a := watch(t, m, time.Second-1, nil)[0].Actors["gateway"]
		if got := a.Metrics[record.GoGCCPU]; math.Abs(got-4) > 1e-6 { // 1 % of 4 × 100 s
			t.Errorf("GC's CPU = %v s, want 4: metrics %v", got, a.Metrics)
		}
	})
}

// What this process serves of itself is read back.
func TestReadGoOfOurActors(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(admin.ProcessCollectors()...)
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).
		ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	points, err := parse(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []Kind{Loadgen, Backend} {
		got, _ := readOwn(kind, points, nil)
		for _, metric := range []record.Metric{
			record.GoHeapLive, record.GoHeapGoal, record.GoMemory, record.GoGCCycles, record.GoGCCPU,
			record.GoGCPause, record.GoMaxProcs, record.GoGoroutines,
		} {
			if v, ok := got[metric]; !ok || v < 0 {
				t.Errorf("%s: %s = %v, known %v", kind, metric, v, ok)
			}
		}
		if got[record.GoMemory] < got[record.GoHeapLive] || got[record.GoMemory] < 1<<20 {
			t.Errorf("%s: memory %v beside a live heap of %v", kind, got[record.GoMemory],
				got[record.GoHeapLive])
		}
		if v, ok := got[record.GoMemLimit]; ok {
			t.Errorf("%s: GOMEMLIMIT = %v, want it unknown where there is none", kind, v)
		}
	}
}
