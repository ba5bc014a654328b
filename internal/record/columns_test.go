package record

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// table gives the cells of a record's rows by the names of their columns.
func table(t *testing.T, r *Record) []map[string]string {
	t.Helper()
	var out bytes.Buffer
	if err := WriteCSV(&out, r); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var cells []map[string]string
	for _, row := range rows[1:] {
		byName := map[string]string{}
		for i, cell := range row {
			byName[rows[0][i]] = cell
		}
		cells = append(cells, byName)
	}
	return cells
}

func TestWriteCSV(t *testing.T) {
	first := usageSample(-0.5, 0, env.Usage{
		CPUSeconds: new(1.0), MemoryAnon: new(int64(4096)),
		Periods: new(uint64(10)), ThrottledPeriods: new(uint64(0)),
	})
	second := usageSample(0.5, 0, env.Usage{
		CPUSeconds: new(1.25),
		Periods:    new(uint64(20)), ThrottledPeriods: new(uint64(2)),
	})
	alive := second.Actors[Gateway]
	alive.Scale = &env.Scale{Wanted: 3, Ready: 0}
	second.Actors[Gateway] = alive
	second.Actors[Backend] = ActorSample{Metrics: map[Metric]float64{BackendUnique: 1e9}}
	got := table(t, &Record{Samples: []Sample{first, second}})
	want := []map[string]string{
		{
			"timestamp": "2026-03-04T05:06:06.500Z", "elapsed_seconds": "-0.500",
			"phase": "measuring", "gateway_running": "1", "gateway_memory_anon_bytes": "4096",
		},
		{
			"timestamp": "2026-03-04T05:06:07.500Z", "elapsed_seconds": "0.500",
			"phase": "measuring", "gateway_running": "1", "gateway_cpu_cores": "0.25",
			"gateway_throttled_periods_ratio": "0.2", "backend_running": "0",
			"backend_unique_spans": "1000000000", "gateway_replicas_wanted": "3",
			"gateway_replicas_ready": "0",
		},
	}
	for _, row := range want { // what is not known is empty
		for _, column := range Columns {
			if _, ok := row[column.Name]; !ok {
				row[column.Name] = ""
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("WriteCSV (-want +got):\n%s", diff)
	}
}

func TestRestartLeavesNoRate(t *testing.T) {
	samples := []Sample{
		usageSample(0, 0, env.Usage{CPUSeconds: new(9.0)}),
		usageSample(1, 0, env.Usage{CPUSeconds: new(0.5)}),
	}
	rows := table(t, &Record{Samples: samples})
	if cell := rows[1]["gateway_cpu_cores"]; cell != "" {
		t.Errorf("gateway_cpu_cores after a restart = %q, want an empty cell", cell)
	}
}

func TestColumnsAreNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, column := range Columns {
		if seen[column.Name] || column.Meaning == "" ||
			column.Name != strings.ToLower(column.Name) {
			t.Errorf("column %q: twice, without a meaning, or not in lower case", column.Name)
		}
		seen[column.Name] = true
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteCSVOnAFullDisk(t *testing.T) {
	samples := make([]Sample, 1000)
	for i := range samples {
		samples[i].At = began.Add(time.Duration(i) * time.Second)
	}
	err := WriteCSV(fullDisk{}, &Record{Samples: samples})
	if err == nil || !strings.Contains(err.Error(), "write resource-usage.csv: disk full") {
		t.Errorf("WriteCSV to a full disk: %v", err)
	}
}
