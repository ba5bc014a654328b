package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

func odigosGateway() scenario.Gateway {
	return scenario.Gateway{
		Kind: scenario.GatewayOdigos, CPULimit: 1, MemoryLimit: 600 << 20,
		GoMemLimit: 440 << 20, GoMaxProcs: 1, Compression: scenario.CompressionGzip,
	}
}

// withProcessors has two processors of its own, whose settings hold what YAML might
// take for something else.
func withProcessors() scenario.Gateway {
	g := odigosGateway()
	g.Processors = []scenario.Processor{
		{ID: "memory_limiter", Config: map[string]any{
			"check_interval": "1s", "limit_mib": 500, "spike_limit_mib": 100,
		}},
		{ID: "resource/marks", Config: map[string]any{"attributes": []any{
			map[string]any{"key": "mark", "value": "no: #1", "action": "upsert"},
			map[string]any{"key": "0x1F", "value": "1e3", "action": "insert"},
		}}},
	}
	return g
}

func newSetup(t testing.TB, g scenario.Gateway, c gateway.Collector, src gateway.Source) gateway.Setup {
	t.Helper()
	s, err := gateway.New(g, c, src)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// flavours are the renderings that are kept as goldens and given to a collector.
func flavours(t testing.TB) map[string]gateway.Setup {
	plain := scenario.Gateway{Kind: scenario.GatewayOdigos, Compression: scenario.CompressionNone}
	limiter, unprotected := odigosGateway(), odigosGateway()
	limiter.Protection = scenario.ProtectionLimiter
	unprotected.Protection = scenario.ProtectionNone
	full := collector(t, "stock")
	full.Components["receivers"] = append(full.Components["receivers"], "prometheus")
	return map[string]gateway.Setup{
		"odigos.golden.yaml":           newSetup(t, odigosGateway(), collector(t, "odigos"), gateway.Source{}),
		"stock.golden.yaml":            newSetup(t, odigosGateway(), collector(t, "stock"), gateway.Source{}),
		"stock-plain.golden.yaml":      newSetup(t, plain, collector(t, "stock"), gateway.Source{}),
		"stock-processors.golden.yaml": newSetup(t, withProcessors(), collector(t, "stock"), gateway.Source{}),
		"stock-scraping.golden.yaml":   newSetup(t, odigosGateway(), full, gateway.Source{}),
		"stock-limiter.golden.yaml":    newSetup(t, limiter, collector(t, "stock"), gateway.Source{}),
		"stock-none.golden.yaml":       newSetup(t, unprotected, collector(t, "stock"), gateway.Source{}),
	}
}

func TestOdigosConfiguration(t *testing.T) {
	for name, s := range flavours(t) {
		golden(t, name, s.Actor.Files[gateway.ConfigFile])
	}
	again := flavours(t)
	for name, s := range flavours(t) {
		if diff := cmp.Diff(again[name], s); diff != "" {
			t.Errorf("%s: equal scenarios, unequal gateways:\n%s", name, diff)
		}
	}
}

// The pipelines of a real odigosotelcol are those that Odigos generates.
func TestOdigosShape(t *testing.T) {
	var want []string
	for line := range strings.Lines(string(read(t, "odigos-pipelines.txt"))) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			want = append(want, strings.Join(strings.Fields(line), " "))
		}
	}
	s := newSetup(t, odigosGateway(), collector(t, "odigos"), gateway.Source{})
	if diff := cmp.Diff(want, pipelines(t, s.Actor.Files[gateway.ConfigFile])); diff != "" {
		t.Errorf("pipelines (-Odigos' +ours):\n%s", diff)
	}
	if len(s.Notes) > 0 {
		t.Errorf("Notes of a real odigosotelcol: %q, want none", s.Notes)
	}
}

func pipelines(t *testing.T, text string) []string {
	t.Helper()
	var doc struct {
		Service struct {
			Pipelines yaml.MapSlice `yaml:"pipelines"`
		} `yaml:"service"`
	}
	if err := yaml.UnmarshalWithOptions([]byte(text), &doc, yaml.UseOrderedMap()); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range doc.Service.Pipelines {
		lists := p.Value.(yaml.MapSlice).ToMap()
		line := fmt.Sprintf("%s: %s > %s > %s", p.Key, words(lists["receivers"]),
			words(lists["processors"]), words(lists["exporters"]))
		out = append(out, strings.Join(strings.Fields(line), " "))
	}
	return out
}

func words(list any) string { return strings.Trim(fmt.Sprint(list), "[]") }

func TestOdigosProcessorsStandBeforeTheFirstBatch(t *testing.T) {
	for _, name := range []string{"stock", "odigos"} {
		s := newSetup(t, withProcessors(), collector(t, name), gateway.Source{})
		all := strings.Join(pipelines(t, s.Actor.Files[gateway.ConfigFile]), "\n")
		want := "traces/in: otlp > resource/odigos-version memory_limiter resource/marks batch/"
		if !strings.Contains(all, want) {
			t.Errorf("%s: pipelines:\n%s\nwant %q", name, all, want)
		}
	}
}

func TestOdigosEnvironment(t *testing.T) {
	g := odigosGateway()
	g.Env = map[string]string{"POD_NAME": "mine", "PRICE": "5$ $(self.x)"}
	s := newSetup(t, g, collector(t, "stock"), gateway.Source{})
	for name, want := range map[string]string{
		"GOMEMLIMIT": "440MiB", "GOMAXPROCS": "1", "POD_NAME": "mine", "PRICE": "5$$ $$(self.x)",
		"STRESS_BACKEND_GRPC": "$(backend.otlp_grpc)", "STRESS_METRICS_PORT": "$(self.metrics.port)",
	} {
		if got := s.Actor.Env[name]; got != want {
			t.Errorf("Env[%s] = %q, want %q", name, got, want)
		}
	}
	if got := s.Actor.Limits; got.CPUCores != 1 || got.MemoryBytes != 600<<20 {
		t.Errorf("Limits = %+v", got)
	}
}

func TestOdigosRefuses(t *testing.T) {
	processor := func(ids ...string) scenario.Gateway {
		g := odigosGateway()
		for _, id := range ids {
			g.Processors = append(g.Processors, scenario.Processor{ID: id})
		}
		return g
	}
	withEnv := odigosGateway()
	withEnv.Env = map[string]string{"GOMEMLIMIT": "1GiB"}
	unknown := odigosGateway()
	unknown.Kind = "vector"
	for _, c := range []struct {
		name string
		g    scenario.Gateway
		coll string
		want string
	}{
		{"kind", unknown, "stock", `kind "vector" is not known: want one of odigos, otelcol`},
		{
			"unknown processor", processor("sampler/x"), "stock",
			"sampler/x: odigos-stress-otelcol 0.157.0 (/bin/stock) has no processor sampler: it has attributes",
		},
		{"one of ours", processor("batch/generic-batch-processor"), "stock", "part of the gateway already"},
		{"twice", processor("filter", "filter"), "stock", "filter is there twice"},
		{"no id", processor(""), "stock", `id "": want type or type/name`},
		{"too old", odigosGateway(), "old", "otelcol 0.70.0 (/bin/old) has no connector service_graph"},
		{"env", withEnv, "stock", "GOMEMLIMIT is set by the tool itself: leave it out, or set gateway.gomemlimit"},
	} {
		_, err := gateway.New(c.g, collector(t, c.coll), gateway.Source{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: New = %v; want an error with %q", c.name, err, c.want)
		}
	}
	if _, err := gateway.New(processor("memorylimiter"), collector(t, "stock"), gateway.Source{}); err != nil {
		t.Errorf("a processor by its other spelling: %v", err)
	}
}
