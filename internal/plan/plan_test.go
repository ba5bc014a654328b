package plan_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); -update writes it:\n%s", path, diff)
	}
}

// own is a collector with what kind odigos needs.
func own() gateway.Collector {
	return gateway.Collector{
		Path: "/opt/odigos-stress-otelcol", Name: "odigos-stress-otelcol", Version: "0.157.0",
		Components: map[string][]string{
			"receivers": {"otlp"}, "processors": {"batch", "memory_limiter", "resource", "tail_sampling"},
			"exporters": {"nop", "otlp_grpc", "otlp_http", "prometheus"}, "connectors": {"forward", "service_graph"},
			"extensions": {"health_check", "memory_admission", "pprof"},
		},
	}
}

func odigos() gateway.Collector {
	c := own()
	c.Name, c.Version, c.Path = "odigosotelcol", "0.151.0", "/opt/odigosotelcol"
	c.Components["receivers"] = append(c.Components["receivers"], "prometheus")
	c.Components["processors"] = append(c.Components["processors"], "odigostracestate", "odigostrafficmetrics")
	c.Components["connectors"] = []string{"forward", "odigosrouterconnector", "servicegraph"}
	c.Components["extensions"] = append(c.Components["extensions"], "odigos_config_k8s")
	return c
}

func ask(t testing.TB, text string) scenario.Scenario {
	t.Helper()
	s, err := scenario.Read("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newPlan(t testing.TB, s scenario.Scenario, c gateway.Collector, config string) plan.Plan {
	t.Helper()
	p, err := plan.New(s, c, plan.Sources{GatewayConfig: []byte(config)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func text(t testing.TB, p plan.Plan) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func indented(t testing.TB, p plan.Plan) string {
	t.Helper()
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

const userConfig = `receivers: {otlp: {protocols: {http: {endpoint: "0.0.0.0:4318"}}}}
processors: {batch: {timeout: 5s}}
exporters: {otlp_http/vendor: {endpoint: "https://vendor.example"}}
service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [otlp_http/vendor]}}}
`

const userScenario = `name: mine
load: {rate: 500, protocol: http, pattern: burst, burst: {rate: 5k, every: 1m, for: 10s}}
gateway: {kind: otelcol, config: user.yaml, exporter: otlp_http/vendor, memory_limit: 1Gi}
backend: {success_rate: 90%, delay: 100ms, max_concurrent: 50, cut_every: 2s}
thresholds: {latency_p99: 2s}
expect: critical
`

const rampScenario = `name: ramp
description: A ramp from a whisper to a shout, which this description tells in more words than one line has room for.
load: {rate: 20k, pattern: ramp-up, shape: complex, resource_attributes: {team: a, cell: b}}
gateway: {preset: size_l, processors: [{id: tail_sampling, config: {decision_wait: 15s}}]}
timing: {duration: 5m, warm_up: 0s, drain: 2m}
`

const shardsScenario = `name: shards
load: {rate: 30k, generators: 3, cpu_limit: 500m}
gateway: {replicas: 4}
backend: {replicas: 2, max_connections: 4}
`

// One of each is what a plan of before there could be several was.
func TestOneOfEachIsAsBefore(t *testing.T) {
	plain := newPlan(t, ask(t, "name: plain"), own(), "")
	one := newPlan(t, ask(t, "name: plain\nload: {generators: 1}\ngateway: {replicas: 1}\n"+
		"backend: {replicas: 1}"), own(), "")
	if diff := cmp.Diff(indented(t, plain), indented(t, one)); diff != "" {
		t.Errorf("(-plain +one of each):\n%s", diff)
	}
}

// This machine has no name for several gateways or backends.
func TestOnOneMachine(t *testing.T) {
	for text, ok := range map[string]bool{
		"name: x": true, "name: x\nload: {generators: 8}": true, "name: x\nbackend: {replicas: 2}": false,
		"name: x\ngateway: {replicas: 2}": false,
	} {
		if err := newPlan(t, ask(t, text), own(), "").OnOneMachine(); (err == nil) != ok {
			t.Errorf("%s: OnOneMachine() = %v", text, err)
		}
	}
}

func TestPlans(t *testing.T) {
	for name, p := range map[string]plan.Plan{
		"plain":  newPlan(t, ask(t, "name: plain"), own(), ""),
		"odigos": newPlan(t, ask(t, "name: plain"), odigos(), ""),
		"ramp":   newPlan(t, ask(t, rampScenario), own(), ""),
		"user":   newPlan(t, ask(t, userScenario), own(), userConfig),
		"shards": newPlan(t, ask(t, shardsScenario), own(), ""),
	} {
		golden(t, name+".golden.json", indented(t, p))
		golden(t, name+".golden.txt", text(t, p))
	}
}

// Every scenario that is shipped can be planned; its plan is kept.
func TestShippedScenarios(t *testing.T) {
	files, err := filepath.Glob("../../scenarios/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := scenario.Read(file, data)
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Variants) == 0 {
			golden(t, "shipped-"+name+".golden.json", indented(t, newPlan(t, s, own(), "")))
		}
		for _, v := range s.Variants {
			one, err := s.Variant(v.Name, nil)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "shipped-"+one.Name+".golden.json", indented(t, newPlan(t, one, own(), "")))
		}
	}
}

func TestEqualScenariosGiveEqualPlans(t *testing.T) {
	s := ask(t, rampScenario)
	first := newPlan(t, s, own(), "")
	if diff := cmp.Diff(first, newPlan(t, s, own(), "")); diff != "" {
		t.Errorf("New of the same twice:\n%s", diff)
	}
	if diff := cmp.Diff(first, newPlan(t, first.Scenario, own(), "")); diff != "" {
		t.Errorf("New of a resolved scenario differs:\n%s", diff)
	}
}

func TestSampleEvery(t *testing.T) {
	for in, want := range map[string]uint64{
		"{rate: 1k}":                       100,     // 10 requests/s
		"{rate: 10k}":                      100,     // 100
		"{rate: 20k}":                      100,     // 200
		"{rate: 50k}":                      100 * 3, // 500, of which every third
		"{rate: 100}":                      10,      // 10
		"{rate: 2k, spans_per_request: 2}": 2 * 5,   // 1000
		"{rate: 1k, pattern: burst, burst: {rate: 60k, every: 1m, for: 5s}}": 100 * 3, // by its height
	} {
		p := newPlan(t, ask(t, "name: x\nload: "+in), own(), "")
		if p.SampleEvery != want {
			t.Errorf("load %s: SampleEvery = %d, want %d", in, p.SampleEvery, want)
		}
	}
}

func TestQuiet(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"":                             1600 * time.Millisecond,
		"backend: {delay: 200ms}":      1600 * time.Millisecond,
		"backend: {success_rate: 0.5}": 46600 * time.Millisecond,
		"backend: {delay: 6s}":         46600 * time.Millisecond,
		"gateway: {processors: [{id: tail_sampling}]}": 32600 * time.Millisecond,
	} {
		if got := newPlan(t, ask(t, "name: x\n"+in), own(), "").Quiet; got != want {
			t.Errorf("%s: Quiet = %s, want %s", in, got, want)
		}
	}
}

func TestNotes(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"gateway: {gomemlimit: 1Gi}", "GOMEMLIMIT (1Gi) is not below the memory limit (600Mi)"},
		{"load: {rate: 500, spans_per_request: 100}", "in steps: 5 requests a second, of 100 spans each"},
		{"load: {rate: 100, spans_per_request: 100}", "in steps: 1 request a second, of 100 spans each"},
		{"backend: {delay: 5s}", "after 5s, an OTLP exporter waits 5s"},
		{"timing: {drain: 1s}", "The drain of 1s is shorter than the 1.6s of silence"},
		{"gateway: {replicas: 3}\nload: {connections: 1}", "1 connection of the load to 3 gateway pods:"},
		{"gateway: {replicas: 4}\nload: {connections: 2}", "at any time 2 of them get nothing"},
		{"gateway: {replicas: 4}\nload: {connections: 5}", "one gets 1.6 times the mean"},
		{"", "not Odigos'"},
		{"", "no prometheus receiver"},
	} {
		p := newPlan(t, ask(t, "name: x\n"+c.in), own(), "")
		if !strings.Contains(strings.Join(p.Notes, "\n"), c.want) {
			t.Errorf("%q: notes %q; want %q among them", c.in, p.Notes, c.want)
		}
	}
	if p := newPlan(t, ask(t, "name: x"), odigos(), ""); len(p.Notes) > 0 {
		t.Errorf("a plain scenario with a real odigosotelcol has notes: %q", p.Notes)
	}
	for _, even := range []string{"", "load: {connections: 3}", "load: {connections: 16}"} {
		p := newPlan(t, ask(t, "name: x\ngateway: {replicas: 2}\n"+even), odigos(), "")
		if len(p.Notes) > 0 {
			t.Errorf("two pods, %q: notes %q, want none", even, p.Notes)
		}
	}
	p := newPlan(t, ask(t, "name: x\nload: {protocol: http}"), odigos(), "")
	if want := "over HTTP nothing protects the gateway"; !strings.Contains(strings.Join(p.Notes, "\n"), want) {
		t.Errorf("odigosotelcol over HTTP: notes %q; want %q among them", p.Notes, want)
	}
}

func TestNewRefuses(t *testing.T) {
	grpc := strings.Replace(userScenario, "protocol: http, ", "", 1)
	for _, c := range []struct{ in, config, want string }{
		{"name: x\ngateway: {processors: [{id: sampler}]}", "", "plan x: set up gateway odigos: processors: sampler"},
		{grpc, userConfig, "no otlp receiver for grpc: add it there, or set load.protocol to http"},
		{userScenario, "", "plan mine: set up gateway otelcol: read collector configuration user.yaml"},
	} {
		_, err := plan.New(ask(t, c.in), own(), plan.Sources{GatewayConfig: []byte(c.config)})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(%q) = %v; want an error with %q", c.in, err, c.want)
		}
	}
}

func TestTextFits(t *testing.T) {
	for _, p := range []plan.Plan{
		newPlan(t, ask(t, rampScenario), own(), ""), newPlan(t, ask(t, userScenario), own(), userConfig),
	} {
		for line := range strings.Lines(text(t, p)) {
			if len(line) > 101 && !strings.Contains(userConfig, strings.TrimSpace(line)) {
				t.Errorf("%d columns: %s", len(line)-1, line)
			}
		}
	}
}

func ExampleNew() {
	s, err := scenario.Read("rush.yaml", []byte("name: rush\nload: {rate: 5k}\ntiming: {duration: 1m}"))
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := plan.New(s, own(), plan.Sources{})
	fmt.Println(p.Collector.Headline, err)
	fmt.Println(p.Loadgen.Args)
	// Output:
	// odigos-stress-otelcol 0.157.0, Odigos-shaped (not Odigos) <nil>
	// [loadgen --spec $(file.loadgen.json) --otlp-endpoint $(gateway.otlp_grpc) --admin $(self.admin)]
}
