package scenario

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// everything sets every field of a scenario.
const everything = `
name: everything
description: >
  all of it
expect: killed
load:
  engine: otlp
  pattern: burst
  rate: 2k
  burst: {rate: 20k, every: 1m, for: 10s}
  ramp: null
  shape: complex
  resource_attributes:
    deployment.environment.name: stress
  span_attributes: {a: "1"}
  spans_per_request: 40
  split: true
  protocol: http
  compression: zstd
  connections: 4
  in_flight: 64
  timeout: 5s
  retry: exporter
  seed: 18446744073709551615
gateway:
  kind: odigos
  binary: ./otelcol
  preset: size_l
  cpu_limit: 1500m
  memory_limit: 1Gi
  gomemlimit: 700Mi
  gomaxprocs: 2
  processors:
    - id: memory_limiter/second
      config: {check_interval: 1s, limit_mib: 400, ratios: [0.5, 1], deep: {on: true, nothing: ~}}
  compression: gzip
  env: {GOGC: "50"}
backend: {delay: 200ms, success_rate: 99.5%, max_connections: 8, max_concurrent: 100, cut_every: 2500ms}
thresholds:
  cpu: {warning: 50%, critical: 0.75, for: 30s}
  memory: {warning: 50%, critical: 0.75, for: 30s}
  loss: 0.1%
  refused: 1
  latency_p99: 1s
timing: {warm_up: 0, duration: 5m, drain: 2m}
assertions:
  - p(99)<500ms
  - {that: memory_peak<90%, abort_on_fail: true, delay_abort_eval: 30s}
`

func TestReadEverything(t *testing.T) {
	s, err := Read("everything.yaml", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	if s.Load.Burst.Rate != 20000 || s.Load.Seed != 1<<64-1 || s.Gateway.CPULimit != 1.5 ||
		*s.Backend.SuccessRate != 0.995 || *s.Timing.WarmUp != 0 || s.Description != "all of it\n" {
		t.Errorf("Read(everything) = %s", text(s))
	}
	want := map[string]any{
		"check_interval": "1s", "limit_mib": 400, "ratios": []any{0.5, 1},
		"deep": map[string]any{"on": true, "nothing": nil},
	}
	if diff := cmp.Diff(want, s.Gateway.Processors[0].Config); diff != "" {
		t.Errorf("config differs (-want +got):\n%s", diff)
	}
	holds(t, s)
}

// bad is files with the first line of each of their errors.
var bad = []struct {
	name, file string
	want       []string
}{
	{"empty", "", []string{`f: found nothing, want a value`}},
	{"no mapping", "- a", []string{`f:1:1: found a list, want a mapping with name, description,`}},
	{"syntax", "name: a\nload: [", []string{`f:2:7: found text that is not YAML, want valid YAML: `}},
	{"tab", "name: a\nload:\n\trate: 1", []string{`f:3:1: found text that is not YAML, want valid YAML: found character '`}},
	{"second document", "name: a\n---\nname: b", []string{`f:3:1: found a second document, want one`}},
	{"not UTF-8", "name: \xff", []string{`f: found bytes that are not UTF-8, want UTF-8 text`}},
	{"no name", "load: {rate: 5}", []string{`f:1:1: name: found no name, want lower-case words`}},
	{"name", "name: Big One", []string{`f:1:7: name: found "Big One", want lower-case words`}},
	{"typo", "name: a\nload:\n  rte: 15k", []string{`f:3:3: load.rte: found unknown field "rte", want one of burst, compress_online, compression,`}},
	{"typo at the root", "name: a\ntimming: {}", []string{`f:2:1: timming: found unknown field "timming", want one of assertions,`}},
	{"nothing where a value belongs", "name: a\nload: {rate: }", []string{`f:2:13: load.rate: found nothing, want spans per second`}},
	{"twice", "name: a\nload:\n  rate: 1k\n  rate: 2k", []string{`f:4:3: load.rate: found the key a second time, want it once; it is in line 3, too`}},
	{"alias", "name: a\nload: &x {rate: 1k}", []string{`f:2:7: load: found an anchor, want the value itself`}},
	{"merge", "name: a\nload:\n  <<: {rate: 1k}", []string{`f:3:3: load: found a merge as a key, want a field name`}},
	{"tag", "name: !!str a", []string{`f:1:7: name: found a tag, want the value itself`}},
	{"several", "name: a\nload:\n  rate: 15Ki\n  shape: simpel\n  connections: 1.5\ntiming: {duration: 90}", []string{
		`f:3:9: load.rate: found "15Ki", want spans per second`,
		`f:4:10: load.shape: found "simpel", want one of odigos-docs, simple, complex; did you mean simple?`,
		`f:5:16: load.connections: found the number 1.5, want a whole number, not negative`,
		`f:6:20: timing.duration: found "90", want a duration with its unit`,
	}},
	{"engine", "name: a\nload: {engine: telemetrygen}", []string{`f:2:16: load.engine: found "telemetrygen", want one of otlp, sdk`}},
	{"kind as number", "name: a\nload: {protocol: 1}", []string{`f:2:18: load.protocol: found the number 1, want one of grpc, http`}},
	{"expect", "name: a\nexpect: death", []string{`f:2:9: expect: found "death", want one of critical, killed`}},
	{"bool", "name: a\nload: {split: yes}", []string{`f:2:15: load.split: found the text "yes", want true or false`}},
	{"quoted number", "name: a\nload: {connections: \"4\"}", []string{`f:2:21: load.connections: found the text "4", want a whole number`}},
	{"negative seed", "name: a\nload: {seed: -1}", []string{`f:2:14: load.seed: found the number -1, want a whole number, not negative`}},
	{"negative connections", "name: a\nload: {connections: -1}", []string{`f:2:21: load.connections: found -1, want 0 to 10000`}},
	{"attribute", "name: a\nload:\n  span_attributes: {a: 1}", []string{`f:3:24: load.span_attributes.a: found the number 1, want text: write it in quotes`}},
	{"attribute without name", "name: a\nload:\n  span_attributes: {\"\": x}", []string{`f:3:3: load.span_attributes: found an attribute without a name`}},
	{"list", "name: a\ngateway: {processors: x}", []string{`f:2:23: gateway.processors: found the text "x", want a list of a mapping with id, config`}},
	{"item", "name: a\ngateway:\n  processors:\n    - memory_limiter", []string{`f:4:7: gateway.processors.0: found the text "memory_limiter", want a mapping with id, config`}},
	{"item without id", "name: a\ngateway:\n  processors:\n    - config: {}", []string{`f:4:7: gateway.processors.0.id: found no id, want type or type/name`}},
	{"item id", "name: a\ngateway:\n  processors: [{id: Batch}]", []string{`f:3:21: gateway.processors.0.id: found "Batch", want type or type/name`}},
	{"item twice", "name: a\ngateway:\n  processors: [{id: batch}, {id: batch}]", []string{`f:3:34: gateway.processors.1.id: found "batch" a second time, want type/name`}},
	{"key in config", "name: a\ngateway:\n  processors: [{id: batch, config: {a: 1, a: 2}}]", []string{`f:3:43: gateway.processors.0.config.a: found the key a second time`}},
	{"cut too often", "name: a\nbackend: {cut_every: 99ms}", []string{`f:2:22: backend.cut_every: found 99ms, want 0 (never) or at least 100ms`}},
	{"rate below one", "name: a\nload: {rate: 0.5}", []string{`f:2:14: load.rate: found 0.5, want at least 1 span per second`}},
	{"ramp on constant", "name: a\nload:\n  ramp: {from: 10}", []string{`f:3:3: load.ramp: found a ramp with pattern constant, want pattern ramp-up`}},
	{"ramp downwards", "name: a\nload: {pattern: ramp-up, rate: 50, ramp: {from: 100}}", []string{`f:2:49: load.ramp.from: found 100, want at most load.rate`}},
	{"ramp too long", "name: a\nload: {pattern: ramp-up, ramp: {over: 20m}}", []string{`f:2:39: load.ramp.over: found 20m, want at most timing.duration (10m)`}},
	{"burst without burst", "name: a\nload: {pattern: burst}", []string{`f:2:1: load.burst: found none with pattern burst, want a mapping with rate, every, for`}},
	{"burst on ramp-up", "name: a\nload:\n  pattern: ramp-up\n  burst: {rate: 5k}", []string{`f:4:3: load.burst: found a burst with pattern ramp-up, want pattern burst`}},
	{"burst without rate", "name: a\nload: {pattern: burst, burst: {every: 1m, for: 5s}}", []string{`f:2:24: load.burst.rate: found no rate, want the rate during a burst`}},
	{"burst below base", "name: a\nload: {pattern: burst, burst: {rate: 10, every: 1m, for: 5s}}", []string{`f:2:38: load.burst.rate: found 10, want at least load.rate, the base between bursts (1000); see --set load.burst.rate`}},
	{"burst longer than its period", "name: a\nload: {pattern: burst, burst: {rate: 5k, every: 1m, for: 60s}}", []string{`f:2:58: load.burst.for: found 1m, want less than load.burst.every (1m)`}},
	{"burst rarer than the measured time", "name: a\nload: {pattern: burst, burst: {rate: 5k, every: 1h, for: 60s}}", []string{`f:2:49: load.burst.every: found 1h, want at most timing.duration (10m)`}},
	{"burst between milliseconds", "name: a\nload: {pattern: burst, burst: {rate: 5k, every: 1m, for: 5us}}", []string{`f:2:58: load.burst.for: found 5µs, want whole milliseconds`}},
	{"split trace", "name: a\nload: {shape: simple, spans_per_request: 25}", []string{`f:2:42: load.spans_per_request: found 25, want a multiple of 10, the spans of one trace of shape simple, or split: true`}},
	{"sdk with zstd", "name: a\nload: {engine: sdk, compression: zstd}", []string{`f:2:34: load.compression: found zstd, want none or gzip, which is what engine sdk can`}},
	{"too many generators", "name: a\nload: {generators: 65}", []string{`f:2:20: load.generators: found 65, want 0 to 64`}},
	{"too many gateways", "name: a\ngateway: {replicas: 101}", []string{`f:2:21: gateway.replicas: found 101, want 0 to 100`}},
	{"too many backends", "name: a\nbackend: {replicas: 17}", []string{`f:2:21: backend.replicas: found 17, want 0 to 16`}},
	{"fewer connections than generators", "name: a\nload: {generators: 3, connections: 2}", []string{`f:2:36: load.connections: found 2, want at least 3, one for each of load.generators`}},
	{"fewer requests than generators", "name: a\nload: {generators: 30, in_flight: 16}", []string{`f:2:35: load.in_flight: found 16, want at least 30`}},
	{"fewer requests than connections", "name: a\nload: {connections: 8, in_flight: 4}", []string{`f:2:35: load.in_flight: found 4, want at least 8`}},
	{"preset", "name: a\ngateway: {preset: size-m}", []string{`f:2:19: gateway.preset: found "size-m", want one of size_s, size_m, size_l, size_xl; did you mean size_m?`}},
	{"little CPU", "name: a\ngateway: {cpu_limit: 1m}", []string{`f:2:22: gateway.cpu_limit: found 0.001, want at least 10m`}},
	{"little memory", "name: a\ngateway: {memory_limit: 600}", []string{`f:2:25: gateway.memory_limit: found 600, want at least 16Mi`}},
	{"config of odigos", "name: a\ngateway: {config: c.yaml}", []string{`f:2:19: gateway.config: found it with kind odigos, want kind otelcol, or nothing`}},
	{"otelcol without anything", "name: a\ngateway: {kind: otelcol}", []string{
		`f:2:1: gateway.config: found none with kind otelcol`,
		`f:2:1: gateway.exporter: found none with kind otelcol`,
	}},
	{"otelcol with processors", "name: a\ngateway: {kind: otelcol, config: c, exporter: otlp, compression: none, processors: [{id: batch}]}", []string{
		`f:2:66: gateway.compression: found it with kind otelcol`,
		`f:2:72: gateway.processors: found it with kind otelcol`,
	}},
	{
		"otelcol with protection",
		"name: a\ngateway: {kind: otelcol, config: c, exporter: otlp, protection: none}",
		[]string{
			`f:2:65: gateway.protection: found it with kind otelcol, want kind odigos, or the same in gateway.config`,
		},
	},
	{
		"protection", "name: a\ngateway: {protection: limit}",
		[]string{`f:2:23: gateway.protection: found "limit", want one of odigos, limiter, none; did you mean limiter?`},
	},
	{"exporter ids", "name: a\ngateway: {kind: otelcol, config: c, exporter: O, allow_exporters: [debug, \"\"]}", []string{
		`f:2:47: gateway.exporter: found "O", want type or type/name`,
		`f:2:75: gateway.allow_exporters.1: found "", want type or type/name`,
	}},
	{"env", "name: a\ngateway: {env: {\"A=B\": x}}", []string{`f:2:11: gateway.env: found the variable "A=B", want a name`}},
	{"percent", "name: a\nbackend: {success_rate: 95}", []string{`f:2:25: backend.success_rate: found "95", want a share from 0 to 1, such as 0.8 or 80%; 95 percent is 95%`}},
	{"thresholds", "name: a\nthresholds:\n  cpu: {warning: 95%, critical: 90%}", []string{`f:3:18: thresholds.cpu.warning: found 95%, want at most the critical threshold (90%)`}},
	{"short", "name: a\ntiming: {duration: 10ms}", []string{`f:2:20: timing.duration: found 10ms, want at least 1s`}},
	{"mapping for a quantity", "name: a\ntiming: {duration: {}}", []string{`f:2:20: timing.duration: found a mapping, want a duration`}},
	{"elsewhere", "name: a\nload: {memory_limit: 1Gi}", []string{`f:2:8: load.memory_limit: found unknown field "memory_limit", want one of`}},
}

func TestReadRefuses(t *testing.T) {
	for _, c := range bad {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read("f", []byte(c.file))
			all := Errors(err)
			if len(all) != len(c.want) {
				t.Fatalf("Read(%q) = %d errors; want %d:\n%v", c.file, len(all), len(c.want), err)
			}
			for i, want := range c.want {
				first, _, _ := strings.Cut(all[i].Error(), "\n")
				if !strings.HasPrefix(first, want) {
					t.Errorf("Read(%q) says\n%s\nwant\n%s", c.file, first, want)
				}
			}
		})
	}
}

func TestSuggestion(t *testing.T) {
	cases := []struct{ file, want string }{
		{"name: a\nload: {rte: 1}", "; did you mean rate?"},
		{"name: a\nload: {spans-per-request: 1}", "; did you mean spans_per_request?"},
		{"name: a\nload: {Rate: 1}", "; did you mean rate?"},
		{"name: a\nload: {memory_limit: 1}", "; memory_limit is gateway.memory_limit"},
		{"name: a\nload: {pattern: rampup}", "; did you mean ramp-up?"},
		{"name: a\nload: {xyzzy: 1}", "timeout"},
	}
	for _, c := range cases {
		_, err := Read("f", []byte(c.file))
		if all := Errors(err); len(all) != 1 || !strings.HasSuffix(all[0].Want, c.want) {
			t.Errorf("Read(%q) = %v; want an error that wants …%s", c.file, err, c.want)
		}
	}
}

func TestExcerptIsBounded(t *testing.T) {
	long := "name: a\ndescription: " + strings.Repeat("é", 5000) + "\nload: {rate: x}\n"
	_, err := Read("f", []byte("name: a\nload: {"+strings.Repeat(" ", 500)+"rate: \"\x7f\"}"))
	_, err2 := Read("f", []byte(long))
	for _, e := range append(Errors(err), Errors(err2)...) {
		for line := range strings.Lines(e.Excerpt) {
			if n := len([]rune(line)); n > 110 {
				t.Errorf("excerpt has a line of %d characters: %s", n, line)
			}
		}
		if !strings.Contains(e.Excerpt, "^") || strings.Contains(e.Excerpt, "\x7f") {
			t.Errorf("excerpt %q", e.Excerpt)
		}
	}
	_, err = Read("f", []byte("name: "+strings.Repeat("a", maxSize)))
	if all := Errors(err); len(all) != 1 || !strings.Contains(all[0].Want, "at most 65536") {
		t.Errorf("Read(65542 bytes) = %v", err)
	}
	_, err = Read("f", []byte("name: a\n"+strings.Repeat("- ", 100)))
	if len(Errors(err)) == 0 {
		t.Error("Read(name, then a list) = no error")
	}
	var many strings.Builder
	many.WriteString("name: a\nload:\n")
	for i := range 100 {
		many.WriteString("  x" + strings.Repeat("y", i) + ": 1\n")
	}
	_, err = Read("f", []byte(many.String()))
	if n := len(Errors(err)); n != maxErrors {
		t.Errorf("Read(100 unknown fields) = %d errors; want %d", n, maxErrors)
	}
	if Errors(nil) != nil || Errors(errors.New("x")) != nil {
		t.Error("Errors finds what is not there")
	}
}

// Read and With never panic, and what they let through holds.
func FuzzRead(f *testing.F) {
	f.Add([]byte(everything))
	for _, c := range bad {
		f.Add([]byte(c.file))
	}
	f.Add([]byte("load.resource_attributes.k8s.cluster.name=\"1\""))
	f.Add([]byte("timing={duration: 5m, warm_up: 0}"))
	shipped, err := filepath.Glob("../../scenarios/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range shipped {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4<<10 {
			t.Skip("the parser is quadratic in what is nested")
		}
		overridden, err := Scenario{Name: "x"}.With([]string{string(data)})
		if err == nil {
			holds(t, overridden)
		} else if len(Errors(err)) == 0 {
			t.Fatalf("With(%q) = %v, which has no *Error", data, err)
		}
		s, err := Read("fuzz.yaml", data)
		if err == nil {
			holds(t, s)
			return
		}
		if len(Errors(err)) == 0 {
			t.Fatalf("Read(%q) = %v, which has no *Error", data, err)
		}
		for _, e := range Errors(err) {
			if e.File != "fuzz.yaml" || e.Found == "" || e.Want == "" {
				t.Fatalf("Read(%q) = %#v, which says too little", data, e)
			}
		}
	})
}
