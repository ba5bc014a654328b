package scenarios_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/scenarios"
)

// trials are the trials that scenarios ask for: themselves, or their variants.
func trials(t *testing.T, all []scenario.Scenario) (out []scenario.Scenario) {
	t.Helper()
	for _, s := range all {
		if len(s.Variants) == 0 {
			out = append(out, s)
		}
		for _, v := range s.Variants {
			one, err := s.Variant(v.Name, nil)
			if err != nil {
				t.Errorf("%s: %v", s.Name, err)
			}
			out = append(out, one)
		}
	}
	return out
}

func TestShipped(t *testing.T) {
	all, err := scenarios.All()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range trials(t, all) {
		r, err := s.Resolved()
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
			continue
		}
		got = append(got, fmt.Sprintf("%s %s %v %v %v %v", r.Name, r.Load.Pattern, r.Load.Rate,
			r.Timing.Duration, r.Gateway.CPULimit, r.Gateway.MemoryLimit))
		if s.Description == "" || strings.Contains(s.Description, "\n") {
			t.Errorf("%s: description %q; want one line", s.Name, s.Description)
		}
	}
	want := []string{
		"basic-load-10k constant 10000 10m 1 600Mi",
		"basic-load-1k constant 1000 10m 1 600Mi",
		"basic-load-50k constant 50000 10m 1 600Mi",
		"basic-load-5k constant 5000 10m 1 600Mi",
		"burst burst 2000 10m 1 600Mi",
		"custom constant 1000 10m 1 600Mi",
		"oom-http constant 10000 1m 1 300Mi",
		"oom-prevention-unprotected constant 10000 1m 1 300Mi",
		"oom-prevention-limiter constant 10000 1m 1 300Mi",
		"oom-prevention-odigos constant 10000 1m 1 300Mi",
		"ramp-up ramp-up 20000 10m 1 600Mi",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("All() differs (-want +got):\n%s", diff)
	}
}

// Each file bears its scenario's name, says where its schema is and what it asks.
func TestFiles(t *testing.T) {
	entries, err := scenarios.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), ".yaml")
		if !ok {
			continue
		}
		s, err := scenarios.Get(name)
		if err != nil || s.Name != name {
			t.Errorf("Get(%q) is %q, %v", name, s.Name, err)
		}
		data, _ := scenarios.File(name)
		first, rest, _ := strings.Cut(string(data), "\n")
		if first != "# yaml-language-server: $schema=scenario.schema.json" {
			t.Errorf("%s begins with %q", entry.Name(), first)
		}
		if question, _, _ := strings.Cut(rest, "\nname:"); strings.Count(question, "\n") < 3 {
			t.Errorf("%s does not say what it asks: %q", entry.Name(), question)
		}
	}
}

func TestGetUnknown(t *testing.T) {
	_, err := scenarios.Get("basic-load-2k")
	if err == nil || !strings.Contains(err.Error(), "basic-load-1k, ") {
		t.Errorf("Get(basic-load-2k) = %v; want the names that there are", err)
	}
}

// What every shipped scenario answers to the values that people lay over it.
func TestShippedTakeTheWellKnownFlags(t *testing.T) {
	for _, overrides := range [][]string{
		{"timing.duration=15m"},
		{"timing.duration=1m"},
		{"gateway.cpu_limit=4000m", "gateway.memory_limit=8Gi"},
		{"load.rate=15000", "timing.duration=30m", "gateway.cpu_limit=2", "gateway.memory_limit=4Gi"},
	} {
		all, err := scenarios.All()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range trials(t, all) {
			changed, err := s.With(overrides)
			if err == nil {
				changed, err = changed.Resolved()
			}
			if err != nil || changed.Timing.Total() < time.Minute {
				t.Errorf("%s.With(%q): %v, %v", s.Name, overrides, changed.Timing.Total(), err)
			}
		}
	}
}

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(scenarios.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("scenario.schema.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("scenario.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// fits holds a file against the schema, as an editor does.
func fits(t *testing.T, compiled *jsonschema.Schema, file []byte) error {
	t.Helper()
	data, err := yaml.YAMLToJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate(value)
}

func TestShippedFitTheSchema(t *testing.T) {
	compiled := schema(t)
	all, err := scenarios.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		data, _ := scenarios.File(s.Name)
		if err := fits(t, compiled, data); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
	for _, s := range trials(t, all) {
		resolved, err := s.Resolved()
		if err != nil {
			t.Fatal(err)
		}
		data, err := resolved.YAML()
		if err != nil {
			t.Fatal(err)
		}
		if err := fits(t, compiled, data); err != nil {
			t.Errorf("%s, resolved: %v\n%s", s.Name, err, data)
		}
	}
}

// What the schema shows in the editor, Read refuses too.
func TestSchemaAndReadRefuse(t *testing.T) {
	compiled := schema(t)
	const valid = "name: a\n"
	if err := fits(t, compiled, []byte(valid)); err != nil {
		t.Fatalf("Validate(%q): %v", valid, err)
	}
	for _, lines := range []string{
		"- a", "load: {}", "name: Big One", "name: 5", "name: a\ntypo: 1",
		"name: a\nload: {rte: 5}", "name: a\nload: 5", "name: a\nexpect: death",
		"name: a\nload: {engine: x}", "name: a\nload: {pattern: x}", "name: a\nload: {shape: x}",
		"name: a\nload: {protocol: tcp}", "name: a\nload: {compression: lz4}",
		"name: a\nload: {retry: always}", "name: a\nload: {split: yes please}",
		"name: a\nload: {rate: 0}", "name: a\nload: {rate: 15Ki}", "name: a\nload: {rate: 5m}",
		"name: a\nload: {rate: 2000000000}", "name: a\nload: {rate: x}", "name: a\nload: {rate: true}",
		"name: a\nload: {connections: -1}", "name: a\nload: {connections: 1.5}",
		"name: a\nload: {connections: \"1\"}", "name: a\nload: {seed: -1}",
		"name: a\nload: {timeout: 90}", "name: a\nload: {timeout: -5s}", "name: a\nload: {timeout: soon}",
		"name: a\nload: {span_attributes: {a: 1}}", "name: a\nload: {span_attributes: []}",
		"name: a\nload: {pattern: burst, burst: {rate: 5k, evry: 1m, every: 1m, for: 1s}}",
		"name: a\nload: {pattern: burst, burst: {rate: 5k}}",
		"name: a\ngateway: {protection: odygos}", "name: a\ngateway: {protection: true}",
		"name: a\ngateway: {kind: agent}", "name: a\ngateway: {preset: size_xxl}",
		"name: a\ngateway: {cpu_limit: 2Gi}", "name: a\ngateway: {cpu_limit: 0}",
		"name: a\ngateway: {memory_limit: 600MB}", "name: a\ngateway: {memory_limit: 600m}",
		"name: a\ngateway: {gomaxprocs: two}", "name: a\ngateway: {env: {A: 1}}",
		"name: a\ngateway: {processors: [batch]}", "name: a\ngateway: {processors: [{config: {}}]}",
		"name: a\ngateway: {processors: [{id: Batch}]}", "name: a\ngateway: {kind: otelcol}",
		"name: a\nbackend: {success_rate: 95}", "name: a\nbackend: {success_rate: 101%}",
		"name: a\nbackend: {max_connections: x}", "name: a\nthresholds: {loss: -0.1}",
		"name: a\nthresholds: {cpu: 80%}", "name: a\nthresholds: {memory: {max: 80%}}",
		"name: a\nvariants: [{name: b}]", "name: a\nvariants: [{name: B}, {name: c}]",
		"name: a\nvariants: [{name: b}, {set: {}}]", "name: a\nvariants: [{name: b}, {name: c, set: []}]",
		"name: a\ntiming: {duration: 10}", "name: a\ntiming: {warmup: 10s}",
	} {
		if err := fits(t, compiled, []byte(lines)); err == nil {
			t.Errorf("Validate(%q) = nil; want an error", lines)
		}
		if s, err := scenario.Read("f.yaml", []byte(lines)); err == nil {
			t.Errorf("Read(%q) = %+v; want an error", lines, s)
		}
	}
}
