package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

var seeded = flag.String("seeded", "", "run the seeded misconfigurations of testdata/seeded with "+
	"these names, joined by commas, or all of them, twice each: as they are, and as advised")

// A seeded misconfiguration is a directory of testdata/seeded.
type misconfigured struct {
	name    string
	advice  string   // empty: none at all
	limited []string // what may limit it
	// allowed are advices that may stand beside it: other ways to the same end.
	allowed []string
	// better says what is wrong with the second trial, where the promise is not enough.
	better func(before, after verdict.Figures) string
}

var misconfigurations = []misconfigured{
	{
		name: "queue-too-large", advice: "queue-larger-than-memory", limited: []string{"backend"},
		better: survives,
	},
	{
		name: "no-batching", advice: "no-batching", limited: []string{"none", "cpu-quota"},
		allowed: []string{"cpu-held-back"}, better: cheaper,
	},
	{
		name: "limiter-after-batch", advice: "limiter-after-batch", limited: []string{"memory-limit", "exporter-queue"},
	},
	{
		name: "gomaxprocs", advice: "gomaxprocs-above-limit", limited: []string{"none", "cpu-quota"},
	},
	{
		name: "gzip", advice: "gzip-costs-cpu", limited: []string{"cpu-quota"},
		allowed: []string{"cpu-held-back", "in-flight-limit"}, better: cheaper,
	},
	{name: "few-consumers", advice: "too-few-consumers", limited: []string{"exporter-queue"}},
	{
		name: "below-baseline", advice: "memory-limit-below-baseline", limited: []string{"memory-limit"},
		better: survives,
	},
	{
		name: "no-gomemlimit", advice: "gomemlimit", limited: []string{"none", "memory-limit"},
		better: survives,
	},
	{name: "good", limited: []string{"none"}},
	{name: "preset-size-s", limited: []string{"none"}},
	{name: "preset-size-m", limited: []string{"none"}},
	{name: "preset-size-l", limited: []string{"none"}},
	{name: "preset-size-xl", limited: []string{"none"}},
}

func survives(_, after verdict.Figures) string {
	if after.Failures.Killed {
		return "the gateway was killed again"
	}
	return ""
}

func cheaper(before, after verdict.Figures) string {
	b, a := before.CPU.PerMillion, after.CPU.PerMillion
	if b == nil || a == nil || *a > 0.9**b {
		return "a span costs no less CPU than before"
	}
	return ""
}

// Every seeded misconfiguration gets the advice that it needs, and applied as it is
// written the advice keeps its promise. What holds gets none.
func TestSeededMisconfigurations(t *testing.T) {
	if *seeded == "" {
		t.Skip("it takes a minute for each; ask for it with -seeded all")
	}
	for _, m := range misconfigurations {
		if *seeded != "all" && !slices.Contains(strings.Split(*seeded, ","), m.name) {
			continue
		}
		t.Run(m.name, func(t *testing.T) { m.run(t) })
	}
}

func (m misconfigured) run(t *testing.T) {
	text := readSeeded(t, m.name, "scenario.yaml")
	config := ""
	if m.advice != "" || m.name == "good" {
		config = readSeeded(t, m.name, "collector.yaml")
	}
	before := runTrial(t, newPlan(t, text, config), 0)
	was := verdict.Measure(before)
	logLimited(t, "before", was)
	var advice *verdict.Advice
	for _, a := range verdict.Advise(before) {
		switch {
		case a.Name == m.advice:
			advice = &a
		case !slices.Contains(m.allowed, a.Name):
			t.Errorf("advice %s: %s, %s", a.Name, a.Symptom, a.Effect)
		}
	}
	if by := string(was.Limited.By); !slices.Contains(m.limited, by) {
		t.Errorf("limited by %s, want one of %v", by, m.limited)
	}
	if m.advice == "" {
		return
	}
	if advice == nil {
		t.Fatalf("there is no advice %s", m.advice)
	}
	t.Logf("advice %s: %s; %s", advice.Name, advice.Symptom, advice.Effect)
	switch patch := advice.Patches[0]; patch.For {
	case verdict.ForCollector:
		config = patched(t, config, patch.YAML)
	case verdict.ForScenario:
		text = patched(t, text, patch.YAML)
	default:
		t.Fatalf("the first patch is for %s", patch.For)
	}
	r := runTrial(t, newPlan(t, text, config), 0)
	is := verdict.Measure(r)
	logLimited(t, "after", is)
	m.kept(t, r, was, is, advice)
}

// kept asks whether an advice that was followed did what it said.
func (m misconfigured) kept(
	t *testing.T, after *record.Record, was, is verdict.Figures, advice *verdict.Advice,
) {
	t.Helper()
	for _, a := range verdict.Advise(after) {
		if a.Name == m.advice {
			t.Errorf("the same advice is given again: %s", a.Symptom)
		}
	}
	if m.better != nil {
		if wrong := m.better(was, is); wrong != "" {
			t.Error(wrong)
		}
	}
	if p := advice.Promise; p != nil {
		got, ok := figureAt(t, is, p.Figure)
		t.Logf("%s: before %.4g, promised %s %.4g, after %.4g %s", p.Figure, p.Before, p.Sense,
			p.After, got, p.Unit)
		// Two thirds of the way are a promise kept; a half more is none of this size.
		way := (got - p.Before) / (p.After - p.Before)
		if !ok || way < 0.66 || p.Sense == verdict.About && way > 1.5 {
			t.Errorf("%s went %.2f of the way that was promised", p.Figure, way)
		}
	}
}

func logLimited(t *testing.T, when string, f verdict.Figures) {
	t.Helper()
	if f.Limited == nil {
		t.Fatalf("%s: nothing was seen", when)
	}
	show := func(v *float64) any {
		if v == nil {
			return "not known"
		}
		return *v
	}
	t.Logf("%s: limited by %s (%s); killed %t, CPU %.4v cores, %.4v CPU-s/M, memory %.4v, lost %d",
		when, f.Limited.By, f.Limited.Text, f.Failures.Killed, show(f.CPU.Average),
		show(f.CPU.PerMillion), show(f.Memory.PeakOfRun), f.Delivery.Lost)
}

// figureAt is a figure by its path in the summary.
func figureAt(t *testing.T, f verdict.Figures, path string) (float64, bool) {
	t.Helper()
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	for step := range strings.SplitSeq(path, ".") {
		of, _ := v.(map[string]any)
		v = of[step]
	}
	n, ok := v.(float64)
	return n, ok
}

func readSeeded(t *testing.T, name, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "seeded", name, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// patched lays a patch over a file as its reader is told to: mappings key by key, lists
// whole.
func patched(t *testing.T, file, patch string) string {
	t.Helper()
	var to, over map[string]any
	if err := yaml.Unmarshal([]byte(file), &to); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(patch), &over); err != nil {
		t.Fatal(err)
	}
	layOver(to, over)
	text, err := yaml.Marshal(to)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func layOver(to, over map[string]any) {
	for key, value := range over {
		below, ok := to[key].(map[string]any)
		if laid, both := value.(map[string]any); ok && both {
			layOver(below, laid)
			continue
		}
		to[key] = value
	}
}
