package verdict_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
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
		case row[i] == "" || !strings.Contains(strings.Join(columns, " "), name):
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

// Of gateways that ran, those with a leak grow and the others do not, whichever series is
// known of them.
func TestGrowthOfRecordedGateways(t *testing.T) {
	files, err := filepath.Glob("testdata/growth/*.csv")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d recorded gateways, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".csv")
		for _, columns := range [][]string{
			{"live_heap_bytes", "anon_bytes", "kernel_bytes", "queue_requests"},
			{"heap_bytes", "anon_bytes", "kernel_bytes", "queue_requests"},
			{"anon_bytes", "kernel_bytes", "queue_requests"},
		} {
			g := verdict.Measure(recorded(t, file, columns...)).Growth.Memory
			t.Log(name, columns[0], g.Kind, g.Seen)
			for _, f := range verdict.Judge(recorded(t, file, columns...)).Findings {
				if f.Check == "growth" {
					t.Log(f.Severity, f.Text)
				}
			}
		}
	}
}
