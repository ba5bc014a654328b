package verdict_test

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// recorded puts a recorded gateway into a made-up trial; columns that are not named are left
// out.
func recorded(t *testing.T, file string, columns ...string) *record.Record {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(data))).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	r := trials.Calm().Record()
	r.Samples = nil
	for _, row := range rows[1:] {
		r.Samples = append(r.Samples, look(t, file, rows[0], row, columns))
	}
	return r
}

func look(t *testing.T, file string, names, row, columns []string) record.Sample {
	t.Helper()
	u, s := &env.Usage{}, record.Sample{Phase: record.PhaseMeasuring}
	metrics := map[record.Metric]float64{}
	for i, name := range names {
		v, err := strconv.ParseFloat(row[i], 64)
		if err != nil && row[i] != "" {
			t.Fatalf("%s: %v", file, err)
		}
		switch {
		case name == "elapsed_seconds":
			s.Elapsed = v
		case row[i] == "" || !slices.Contains(columns, name):
		case name == "anon_bytes":
			u.MemoryAnon = new(int64(v))
		case name == "kernel_bytes":
			u.MemoryKernel = new(int64(v))
		case name == "queue_requests":
			metrics[record.QueueSize] = v
		case name == "heap_bytes":
			metrics[record.HeapAlloc] = v
		case name == "live_heap_bytes":
			metrics[record.GoHeapLive] = v
		}
	}
	s.Actors = map[string]record.ActorSample{
		record.Gateway: {Running: true, Usage: u, Metrics: metrics},
	}
	return s
}

// Of gateways that ran, those that leak grow, and the healthy ones do not, whichever of
// their series is known.
func TestGrowthOfRecordedGateways(t *testing.T) {
	files, err := filepath.Glob("testdata/growth/*.csv")
	if err != nil || len(files) < 23 {
		t.Fatalf("%d recorded gateways, %v", len(files), err)
	}
	// What is not here is not said to grow.
	grow := map[string]string{
		"leak-300 live_heap_bytes": "", "leak-1500 live_heap_bytes": "", "leak-30 anon_bytes": "",
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".csv")
		for _, known := range []string{"live_heap_bytes", "heap_bytes", "anon_bytes"} {
			columns := []string{known, "anon_bytes", "kernel_bytes", "queue_requests"}
			g := verdict.Measure(recorded(t, file, columns...)).Growth.Memory
			_, want := grow[name+" "+known]
			if got := g.Grows(); got != want {
				t.Errorf("%s by %s: %s, want it to grow: %t", name, known, g.Kind, want)
			}
			text := ""
			for _, f := range verdict.Judge(recorded(t, file, columns...)).Findings {
				if f.Check == "growth" {
					text = f.Text
				}
			}
			t.Logf("%s by %s: %s: %s", name, known, g.Kind, text)
		}
	}
}

// growing is a trial whose gateway's working set grows by so many MiB a minute.
func growing(perMinute float64) *record.Record {
	trial := trials.Calm()
	trial.WorkingSet = func(e float64) float64 {
		return 100 + perMinute*e/60 + 0.3*math.Sin(7*e)
	}
	return trial.Record()
}

func growthOf(t *testing.T, r *record.Record) verdict.Finding {
	t.Helper()
	for _, f := range verdict.Judge(r).Findings {
		if f.Check == "growth" {
			return f
		}
	}
	t.Fatal("there is no finding of growth")
	return verdict.Finding{}
}

func TestGrowthFinding(t *testing.T) {
	for _, c := range []struct {
		name     string
		grows    float64 // MiB of the working set a minute; the live heap is half of it
		record   func(*record.Record)
		severity verdict.Severity
		text     string
	}{
		{"grows", 60, nil, verdict.Warning, "live heap grows: +"},
		{"grows, until the limit", 60, nil, verdict.Warning, "the memory limit is reached in 17 min"},
		{"asked to fail", 60, func(r *record.Record) {
			r.Header.Scenario.Thresholds.Growth = scenario.GrowthCritical
		}, verdict.Critical, "live heap grows"},
		{"does not", 0, nil, verdict.Held, "is ruled out"},
		{"not constant", 60, func(r *record.Record) {
			r.Header.Scenario.Load.Pattern = scenario.PatternBurst
		}, verdict.Note, "not constant"},
		{"with the queue", 60, func(r *record.Record) {
			each(r, record.Gateway, func(s *record.Sample, a *record.ActorSample) {
				a.Metrics[record.QueueSize] = max(0, s.Elapsed)
			})
		}, verdict.Note, "so does the exporter's queue"},
		{"too slowly", 60, func(r *record.Record) {
			r.Header.Scenario.Gateway.MemoryLimit = 1 << 50
			r.Header.Actors[2].Env = nil
		}, verdict.Note, "too slowly to matter"},
		{"short", 60, func(r *record.Record) { last(r, 30) }, verdict.Note, "too short to tell"},
		{"without a trough", 60, func(r *record.Record) {
			each(r, record.Gateway, func(s *record.Sample, a *record.ActorSample) {
				delete(a.Metrics, record.GoHeapLive)
				a.Metrics[record.HeapAlloc] = 1e6 * (100 + s.Elapsed)
			})
		}, verdict.Note, "too short to tell (0 troughs of the heap"},
		{"nothing is known", 60, func(r *record.Record) {
			each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) {
				a.Metrics, a.Usage = nil, nil
			})
		}, verdict.Note, "it was not seen"},
		{"goes on after a restart", 60, func(r *record.Record) {
			each(r, record.Gateway, func(s *record.Sample, a *record.ActorSample) {
				a.Metrics[record.Uptime] = s.Elapsed
				if s.Elapsed > 45 {
					a.Metrics[record.Uptime] = s.Elapsed - 45
				}
			})
		}, verdict.Note, "too short to tell"},
	} {
		r := growing(c.grows)
		if c.record != nil {
			c.record(r)
		}
		f := growthOf(t, r)
		if f.Severity != c.severity || !strings.Contains(f.Text, c.text) {
			t.Errorf("%s: %s: %q, want %s … %s", c.name, f.Severity, f.Text, c.severity, c.text)
		}
	}
}

// Goroutines that are started and never end grow as memory does.
func TestGrowthOfGoroutines(t *testing.T) {
	r := trials.Calm().Record()
	each(r, record.Gateway, func(s *record.Sample, a *record.ActorSample) {
		a.Metrics[record.GoGoroutines] = math.Floor(80 + s.Elapsed)
	})
	g := verdict.Measure(r).Growth.Goroutines
	if g.Kind != verdict.GrowthContinue || math.Abs(*g.PerMinute-60) > 1 {
		t.Errorf("growth of goroutines: %+v, want 60 a minute", g)
	}
	each(r, record.Gateway, func(s *record.Sample, a *record.ActorSample) {
		a.Metrics[record.GoGoroutines] = math.Floor(80 + s.Elapsed/10)
	})
	if g := verdict.Measure(r).Growth.Goroutines; g.Grows() {
		t.Errorf("growth of 6 goroutines in a minute: %s, want none that matters", g.Kind)
	}
}

func TestSpan(t *testing.T) {
	for _, c := range []struct {
		seconds float64
		want    string
	}{
		{45, "45 s"},
		{119, "119 s"},
		{600, "10 min"},
		{11400, "3 h 10 min"},
		{86400 * 5.2, "5 days"},
		{1e12, "more than 100 years"},
	} {
		if got := verdict.Lasting(c.seconds); got != c.want {
			t.Errorf("Span(%v) = %q, want %q", c.seconds, got, c.want)
		}
	}
}
