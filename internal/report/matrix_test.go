package report_test

import (
	"bytes"
	"fmt"
	"image/png"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// searched is a cell of the gateway that holds 15,200 spans/s a core, up to what its memory
// lets it.
func searched(cpu scenario.CPU, memory scenario.Bytes, standing search.Standing) report.MatrixCell {
	edge := min(15200*float64(cpu), 60*float64(memory>>20))
	by := "CPU"
	if edge < 15200*float64(cpu) {
		by = "memory"
	}
	c := report.MatrixCell{
		Name: fmt.Sprintf("%gm-%v", 1000*float64(cpu), memory), CPU: cpu, Memory: memory,
		Settings: []string{fmt.Sprintf("gateway.cpu_limit=%gm", 1000*float64(cpu)), "gateway.memory_limit=" + memory.String()},
		Status:   report.Ran, HostLeft: new(3.6 - float64(cpu)),
		Found: &report.MatrixAnswer{
			Answer: search.Answer{
				Standing: standing, Estimate: edge, Low: 0.98 * edge, High: 1.02 * edge, Confidence: 0.95,
				Noise: 0.011, Reason: "as narrow as asked",
			},
			Sentence: fmt.Sprintf("%.0f spans/s", edge), EncodedPerSpan: new(1906.0),
			Bytes: new(1906 * edge), PerCore: new(edge / float64(cpu)), BrokeFirst: by, Limited: by,
			Trials: 21, Took: 272,
		},
	}
	c.Record = "matrix/" + c.Name
	switch a := c.Found; standing {
	case search.BeyondAll:
		a.Estimate, a.High, a.Bytes, a.PerCore, a.BrokeFirst = a.Low, 0, nil, nil, ""
	case search.BelowAll:
		a.Estimate, a.Low, a.Bytes, a.PerCore = 0, 0, nil, nil
	case search.Stopped:
		c.Why, a.ExitCode = "two trials in a row did not ask their question", 4
	}
	return c
}

func matrix() report.Matrix {
	h := trials.Calm().Record().Header
	m := report.Matrix{
		SchemaVersion: 1, Name: "custom", Kind: report.MatrixKind, Headline: h.Collector.Headline,
		Record: "20260314-092653_custom_matrix", Dir: "results/20260314-092653_custom_matrix",
		Created: trials.Start, Finished: new(trials.Start.Add(time.Hour)), Tool: h.Tool,
		Command: []string{"odigos-stress", "capacity", "--matrix", "cpu=300m,1"}, Machine: h.Machine,
		Collector: h.Collector, HostRoom: 3.6, Workload: report.WorkloadText(h.Scenario),
		ExitCode: 4, Reason: "8 of 12 capacities have an answer",
	}
	for _, cpu := range []scenario.CPU{0.3, 1, 1.25} {
		for _, memory := range []scenario.Bytes{100, 300, 600} {
			standing := search.Found
			switch {
			case cpu == 0.3 && memory == 600:
				standing = search.Wide
			case cpu == 1 && memory == 600:
				standing = search.BeyondAll
			case cpu == 1.25 && memory == 100:
				standing = search.BelowAll
			case cpu == 1.25 && memory == 600:
				standing = search.Stopped
			}
			m.Cells = append(m.Cells, searched(cpu, memory*trials.MiB, standing))
		}
	}
	for _, c := range []report.MatrixCell{
		{Name: "8-100Mi", Memory: 100 * trials.MiB, Status: report.NotHere, Why: "the CPU limit of 8 cores is more than the 4 of this machine"},
		{Name: "8-300Mi", Memory: 300 * trials.MiB, Status: report.NotRun},
		{Name: "8-600Mi", Memory: 600 * trials.MiB, Status: report.CouldNot, Why: "start gateway: no such file"},
	} {
		c.CPU, c.Record = 8, "matrix/"+c.Name
		m.Cells = append(m.Cells, c)
	}
	return m
}

// presets are Odigos' sizes, the largest of which is too large.
func presets() report.Matrix {
	m := matrix()
	m.Kind, m.Name, m.ExitCode = report.PresetsKind, "basic-load-10k", 0
	m.Reason, m.Notes = "3 of 4 capacities have an answer, 1 not on this host", []string{"The ratios compare two programs"}
	m.Cells = nil
	for _, p := range []struct {
		name   scenario.Preset
		cpu    scenario.CPU
		memory scenario.Bytes
		rate   float64
		mb     float64
	}{
		{scenario.PresetSizeS, 0.3, 300, 3000, 5.8},
		{scenario.PresetSizeM, 1, 600, 18000, 34.5},
		{scenario.PresetSizeL, 1.25, 850, 23000, 44.1},
		{scenario.PresetSizeXL, 1.5, 2000, 31500, 60.4},
	} {
		c := searched(p.cpu, p.memory*trials.MiB, search.Found)
		c.Name, c.Preset, c.Record = string(p.name), p.name, "presets/"+string(p.name)
		a := c.Found
		c.Published = &report.Published{
			Rate: p.rate, Bytes: 1e6 * p.mb, Ratio: new(a.Estimate / p.rate),
			RatioLow: new(a.Low / p.rate), RatioHigh: new(a.High / p.rate),
		}
		if p.name == scenario.PresetSizeXL {
			c.Found, c.Status, c.Why = nil, report.NotHere, "a CPU limit of 1.5 leaves 0.30"
			c.Published = &report.Published{Rate: p.rate, Bytes: 1e6 * p.mb, NoRatio: "there is no measured capacity"}
		}
		m.Cells = append(m.Cells, c)
	}
	return m
}

func TestMatrixGolden(t *testing.T) {
	for _, m := range []report.Matrix{matrix(), presets()} {
		for name, format := range report.MatrixFormats {
			var got bytes.Buffer
			if err := format(&got, m); err != nil {
				t.Fatal(err)
			}
			file := map[string]string{"text": "ending.txt", "json": m.File(), "markdown": m.TextFile()}[name]
			asGolden(t, filepath.Join("testdata", m.Kind, file), got.Bytes())
		}
	}
}

// A picture is drawn of whatever there is, also of nothing.
func TestMatrixPictures(t *testing.T) {
	nothing := matrix()
	nothing.Cells = nothing.Cells[9:]
	one := matrix()
	one.Cells = one.Cells[:1]
	for _, m := range []report.Matrix{matrix(), presets(), nothing, one} {
		var got bytes.Buffer
		if err := report.DrawMatrix(&got, m); err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(&got); err != nil {
			t.Errorf("%s of %d cells: %v", m.Kind, len(m.Cells), err)
		}
	}
}

// What is not known is never told as 0.
func TestMatrixTellsNoZeroForTheUnknown(t *testing.T) {
	var got bytes.Buffer
	if err := report.MatrixText(&got, matrix()); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(got.String()) {
		if strings.HasPrefix(line, "  workload") {
			continue // whose backend answers at once
		}
		for _, word := range strings.Fields(line) {
			if word == "0" || word == "0.00" || word == "0–0" {
				t.Errorf("a zero in %q", line)
			}
		}
	}
}

func TestWriteMatrix(t *testing.T) {
	for _, m := range []report.Matrix{matrix(), presets()} {
		dir := t.TempDir()
		if err := report.WriteMatrix(dir, m); err != nil {
			t.Fatal(err)
		}
		all, err := filepath.Glob(filepath.Join(dir, "*"))
		graphs, _ := filepath.Glob(filepath.Join(dir, report.GraphsDir, "*.png"))
		if len(all) != 3 || len(graphs) != 1 || err != nil {
			t.Errorf("%s wrote %v and %v, %v", m.Kind, all, graphs, err)
		}
	}
}
