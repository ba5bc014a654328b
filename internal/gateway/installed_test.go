package gateway

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// installed is an installation with two Destinations, whose gateway samples by the tail.
func installed(t *testing.T) Installation {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "copy-odigos.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return Installation{
		Config: Source{Name: "ConfigMap odigos-system/odigos-gateway", Text: text},
		Image:  "docker.io/keyval/odigos-collector:v1.35.1", Program: "/odigosotelcol",
	}
}

func TestInstalledCollector(t *testing.T) {
	i := installed(t)
	c := i.Collector()
	if c.Name != "odigosotelcol" || c.Version != "1.35.1" || !c.Odigos() ||
		!c.has("processors", "groupbytrace") {
		t.Errorf("Collector() = %+v", c)
	}
	i.Image, i.Program = "registry:5000/own@sha256:abc", ""
	i.Config.Text = nil
	if c := i.Collector(); c.Name != "own@sha256" && c.Name != "own" || c.Odigos() {
		t.Errorf("Collector() of nothing = %+v", c)
	}
}

func TestInstalledSetup(t *testing.T) {
	for _, c := range []struct {
		name       string
		text       string // empty: as it is found
		added      []string
		pipeline   time.Duration
		sampling   []string
		protection scenario.Protection
		note       string
	}{
		{
			name: "as it is", pipeline: 30*time.Second + 4*defaultBatchTimeout,
			sampling: []string{"odigostailsampling"}, protection: scenario.ProtectionOdigos,
		},
		{
			name: "nothing rendered", text: "connectors: {odigosrouterconnector/traces: {}}\nservice: {pipelines: {metrics: {}}}\n",
			pipeline: 3 * defaultBatchTimeout, protection: scenario.ProtectionOdigos, note: "no pipeline for traces yet",
		},
		{
			name: "nothing rendered, a Sampling is added", text: "service: {pipelines: {metrics: {}}}\n",
			added: []string{TailSampler}, pipeline: tailWait + 3*defaultBatchTimeout,
			sampling: []string{TailSampler}, protection: scenario.ProtectionNone, note: "no pipeline for traces yet",
		},
		{
			name: "a sampler and another processor are added", text: "service: {pipelines: {metrics: {}}}\n",
			added: []string{"probabilistic_sampler", "attributes"}, pipeline: 3 * defaultBatchTimeout,
			sampling: []string{"probabilistic_sampler"}, protection: scenario.ProtectionNone, note: "yet",
		},
	} {
		i := installed(t)
		if c.text != "" {
			i.Config.Text = []byte(c.text)
		}
		i.Added = c.added
		s, err := i.Setup(scenario.Gateway{Kind: scenario.GatewayOdigos, GoMemLimit: 440 << 20}, i.Collector())
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if s.Waits.Pipeline != c.pipeline || s.Gateway.Protection != c.protection ||
			!strings.Contains(strings.Join(s.Notes, " "), c.note) {
			t.Errorf("%s: waits %v, protection %s, notes %q; want %v, %s, %q", c.name, s.Waits.Pipeline,
				s.Gateway.Protection, s.Notes, c.pipeline, c.protection, c.note)
		}
		if diff := cmp.Diff(c.sampling, s.Sampling); diff != "" || (s.Prediction != nil) != (c.sampling != nil) {
			t.Errorf("%s: sampling, prediction %+v (-want +got):\n%s", c.name, s.Prediction, diff)
		}
		if s.Actor.Env["GOMEMLIMIT"] != "440MiB" || len(s.Actor.Files) > 0 || s.Actor.Program != "" {
			t.Errorf("%s: actor %+v", c.name, s.Actor)
		}
		if _, ok := s.Port(scenario.ProtocolHTTP); !ok {
			t.Errorf("%s: it has no port for HTTP", c.name)
		}
	}
}

func TestInstalledRefuses(t *testing.T) {
	i := installed(t)
	for _, c := range []struct {
		g    scenario.Gateway
		want string
	}{
		{scenario.Gateway{Kind: scenario.GatewayOtelcol}, "gateway.kind: found it for a gateway in place, want odigos"},
		{scenario.Gateway{Processors: []scenario.Processor{{ID: "batch"}}}, "--odigos-object"},
		{scenario.Gateway{OnDeath: scenario.DeathRestart}, "gateway.on_death: found it for a gateway in place, want end"},
		{scenario.Gateway{Env: map[string]string{"A": "b"}}, "gateway.env"},
		{scenario.Gateway{Protection: scenario.ProtectionLimiter}, "gateway.protection"},
		{scenario.Gateway{Image: "x"}, "gateway.image"},
	} {
		if c.g.Kind == "" {
			c.g.Kind = scenario.GatewayOdigos
		}
		if _, err := i.Setup(c.g, i.Collector()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Setup(%+v) = %v, want %q", c.g, err, c.want)
		}
	}
}

func TestDiffers(t *testing.T) {
	i := installed(t)
	text := string(i.Config.Text)
	s, err := i.Setup(scenario.Gateway{Kind: scenario.GatewayOdigos}, i.Collector())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text string
		quiet      time.Duration
		sampling   []string
		want       []string
	}{
		{"as assumed", text, time.Minute, s.Sampling, nil},
		{"longer waits", text, time.Second, s.Sampling, []string{"may rest in the gateway for 30.8s"}},
		{"a sampler", text, time.Minute, nil, []string{"samples by odigostailsampling, and nothing was assumed"}},
		{"no sampler", text, time.Minute, []string{"filter/x"}, []string{"and filter was assumed"}},
		{"nonsense", "a: [", time.Minute, nil, []string{"could not be read"}},
	} {
		got := Differs(c.text, c.quiet, c.sampling)
		if len(got) != len(c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
			continue
		}
		for n := range got {
			if !strings.Contains(got[n], c.want[n]) {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		}
	}
}
