package report_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/baseline/testdata/made"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// kept are baselines of two hosts, two collectors and two workloads.
func kept() []baseline.Baseline {
	host := made.Baseline("laptop-1-600mi", 1, 600)
	host.Host.CPUModel, host.Host.Cores = "Other CPU", 8
	collector := made.Baseline("real-1-600mi", 1, 600)
	collector.Collector = baseline.Collector{
		Headline: "odigosotelcol 0.151.0", Name: "odigosotelcol", Version: "0.151.0",
	}
	load := made.Baseline("simple-1-600mi", 1, 600)
	load.Load.Shape = scenario.ShapeSimple
	return []baseline.Baseline{
		host, made.Baseline("made-1-600mi", 1, 600), made.Baseline("made-1250m-850mi", 1.25, 850),
		made.Baseline("made-300m-300mi", 0.3, 300), collector, load,
	}
}

func TestBaselinesGolden(t *testing.T) {
	for name, format := range report.BaselineFormats {
		var got bytes.Buffer
		if err := format(&got, kept()); err != nil {
			t.Fatal(err)
		}
		file := map[string]string{"text": "table.txt", "json": "table.json", "markdown": "table.md"}[name]
		asGolden(t, filepath.Join("testdata", "baselines", file), got.Bytes())
	}
	var got bytes.Buffer
	if err := report.BaselineText(&got, made.Baseline("made-1-600mi", 1, 600)); err != nil {
		t.Fatal(err)
	}
	asGolden(t, filepath.Join("testdata", "baselines", "show.txt"), got.Bytes())
}

// tables is how many tables of markdown a page has.
func tables(t *testing.T, all ...baseline.Baseline) int {
	t.Helper()
	var page bytes.Buffer
	if err := report.BaselinesMarkdown(&page, all); err != nil {
		t.Fatal(err)
	}
	return strings.Count(page.String(), "| baseline | limits |")
}

// What differs in anything but limits, and what follows from them, is never in one table.
func TestBaselinesAreComparedWithTheirLikeOnly(t *testing.T) {
	first := made.Baseline("a-1-600mi", 1, 600)
	if n := tables(t, first, made.Baseline("a-2-2048mi", 2, 2048)); n != 1 {
		t.Errorf("two limits are in %d tables; want 1", n)
	}
	later := made.Baseline("b", 1, 600)
	later.Measured, later.Record, later.Tool = later.Measured.AddDate(0, 1, 0), "later", "0.2.0"
	if n := tables(t, first, later); n != 1 {
		t.Errorf("two dates are in %d tables; want 1", n)
	}
	for what, change := range map[string]func(b *baseline.Baseline){
		"kernel":     func(b *baseline.Baseline) { b.Host.Kernel = "6.2.0" },
		"cores":      func(b *baseline.Baseline) { b.Host.Cores = 2 },
		"binary":     func(b *baseline.Baseline) { b.Collector.SHA256 = strings.Repeat("0", 64) },
		"shape":      func(b *baseline.Baseline) { b.Load.Shape = scenario.ShapeComplex },
		"request":    func(b *baseline.Baseline) { b.Load.SpansPerRequest = 1000 },
		"protocol":   func(b *baseline.Baseline) { b.Load.Protocol = scenario.ProtocolHTTP },
		"attributes": func(b *baseline.Baseline) { b.Load.SpanAttributes = map[string]string{"a": "b"} },
		"delay":      func(b *baseline.Baseline) { b.Backend.Delay = scenario.Duration(time.Second) },
		"threshold":  func(b *baseline.Baseline) { b.Thresholds.Loss = new(scenario.Ratio(0.01)) },
		"protection": func(b *baseline.Baseline) { b.Gateway.Protection = scenario.ProtectionNone },
		"runtime":    func(b *baseline.Baseline) { b.Gateway.GoMaxProcs = 4 },
		"processor": func(b *baseline.Baseline) {
			b.Gateway.Processors = []scenario.Processor{{ID: "attributes"}}
		},
	} {
		other := made.Baseline("b", 1, 600)
		change(&other)
		if n := tables(t, first, other); n != 2 {
			t.Errorf("another %s is in %d tables with the first; want 2", what, n)
		}
	}
}

func TestNoBaseline(t *testing.T) {
	for name, want := range map[string]string{
		"text": "no baseline has been measured", "json": "[]", "markdown": "No baseline has been measured",
	} {
		var got bytes.Buffer
		if err := report.BaselineFormats[name](&got, nil); err != nil || !strings.Contains(got.String(), want) {
			t.Errorf("%s: %q, %v; want %q", name, got.String(), err, want)
		}
	}
}
