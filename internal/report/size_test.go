package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/baselines"
	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/sizing"
)

// sizingBaselines are those that internal/sizing is tested with, from single trials.
func sizingBaselines(t *testing.T) []baseline.Baseline {
	t.Helper()
	all, err := baseline.List("../sizing/testdata/measured")
	if err != nil || len(all) == 0 {
		t.Fatalf("%d baselines, %v", len(all), err)
	}
	return all
}

func TestSize(t *testing.T) {
	all := sizingBaselines(t)
	collectors := sizingBaselines(t)
	for i := range collectors {
		g := &collectors[i].Gateway
		g.Kind, g.Config, g.Exporter, g.Preset = scenario.GatewayOtelcol, "gateway.yaml", "otlp/out", ""
		collectors[i].QueuedSpan = nil
	}
	// Half the CPU for half the rate, as nobody measured it: another size to compare with.
	half := all[1]
	half.Name, half.Record = "made-up-half", "none: made up"
	half.Gateway.CPULimit = 0.5
	half.Gateway.MemoryLimit, half.Gateway.GoMemLimit = 300<<20, 200<<20
	half.Gateway.Preset, half.Points, half.QueuedSpan = "", half.Points[:5], nil
	half.Capacity.Low, half.Capacity.Estimate, half.Capacity.High = 12500, 13000, 13500
	prices := &sizing.Prices{CPUHour: 0.0316, GiBHour: 0.0042, Currency: "USD"}
	for _, c := range []struct {
		name      string
		wish      sizing.Wish
		baselines []baseline.Baseline
	}{
		{"plain", sizing.Wish{Rate: 60000, Headroom: 0.25}, all},
		{
			"all",
			sizing.Wish{Rate: 60000, Headroom: 0.25, Survive: 1, Outage: 300, Prices: prices},
			append(all[:2:2], half),
		},
		{"between", sizing.Wish{Rate: 72000, Replicas: 4}, all},
		{"collector", sizing.Wish{Rate: 60000, Headroom: 0.25, Survive: 2, Outage: 120}, collectors},
		{"hosts", sizing.Wish{Rate: 60000, Replicas: 4}, onHosts(t, 0.75, 0.85, 1.02)},
		{"out-of-memory-figures", sizing.Wish{Rate: 1000}, []baseline.Baseline{bare(half)}},
	} {
		a, err := sizing.Reckon(c.wish, c.baselines)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		a.LeftOut = []sizing.LeftOut{{Baseline: "simple-1-600mi", Why: "measured with shape simple"}}
		for form, write := range report.SizeFormats {
			var b bytes.Buffer
			if err := write(&b, a); err != nil {
				if form == "helm" && c.name == "collector" && strings.Contains(err.Error(), "kind otelcol") {
					continue
				}
				t.Fatalf("%s as %s: %v", c.name, form, err)
			}
			if form == "json" && c.name != "between" {
				continue // one is enough to read
			}
			sizeGolden(t, c.name+"."+form, b.Bytes())
		}
	}
}

// onHosts are baselines of hosts of which one span costs our backend so many µs, beside what
// it does as for 4,000 spans/s. The last of three was bound by memory.
func onHosts(t *testing.T, costs ...float64) []baseline.Baseline {
	t.Helper()
	all := sizingBaselines(t)
	all = append(all, all[1])
	all[2].Name, all[2].Record, all[2].Gateway.CPULimit = "made-up-2-600mi", "none: made up", 2
	all[2].Gateway.Preset, all[2].Gateway.GoMaxProcs = "", 2
	for i, cost := range costs {
		b := &all[i]
		b.Capacity.HostCost, b.Capacity.BrokeFirst = cost*(1+4000/b.Capacity.Estimate), "CPU"
		b.Points = slices.Clone(b.Points)
		for j, p := range b.Points {
			b.Points[j].HostCost = new(cost * (1 + 4000/p.Rate))
		}
	}
	all[2].Capacity.BrokeFirst = "memory"
	return all
}

// bare is a baseline that knows its capacity and nothing else.
func bare(b baseline.Baseline) baseline.Baseline {
	b.Points = nil
	return b
}

func sizeGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata/size", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; write it with -update", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// A text never says a figure that is not known, nor a size that is none.
func TestSizeOfNothing(t *testing.T) {
	for form, write := range report.SizeFormats {
		var b bytes.Buffer
		err := write(&b, sizing.Answer{Workload: sizing.Workload{Kind: scenario.GatewayOdigos}})
		if form != "json" && err == nil {
			t.Errorf("%s of no size: %s, want an error", form, b.String())
		}
		if strings.Contains(b.String(), "NaN") {
			t.Errorf("%s: %s", form, b.String())
		}
	}
}

// The example of docs/sizing.md is what the program says of the baselines that it carries,
// to the reasons.
func TestSizingDocs(t *testing.T) {
	all, err := baselines.All()
	if err != nil {
		t.Fatal(err)
	}
	a, err := sizing.Reckon(sizing.Wish{Rate: 60000, Headroom: 0.25}, all)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := report.SizeFormats["text"](&text, a); err != nil {
		t.Fatal(err)
	}
	want, _, _ := strings.Cut(text.String(), "\nassumed")
	const file = "../../docs/sizing.md"
	doc, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(doc), "```text\n$ odigos-stress size --rate 60k\n")
	block, after, ok := strings.Cut(rest, "…\n```")
	if !ok {
		t.Fatalf("%s has no example", file)
	}
	if *update && block != want {
		doc := before + "```text\n$ odigos-stress size --rate 60k\n" + want + "…\n```" + after
		if err := os.WriteFile(file, []byte(doc), 0o644); err != nil {
			t.Fatal(err)
		}
		block = want
	}
	if diff := cmp.Diff(want, block); diff != "" {
		t.Errorf("the example of %s (-want +got; -update writes it):\n%s", file, diff)
	}
}
