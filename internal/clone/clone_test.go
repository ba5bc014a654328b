package clone_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/clone"
	"github.com/odigos-io/odigos-stress/internal/env/kube"
	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

var update = flag.Bool("update", false, "write the golden files")

func read(t *testing.T, elem ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(read(t, path)), got); diff != "" {
		t.Errorf("%s differs (-want +got); -update writes it:\n%s", path, diff)
	}
}

var (
	readAt = time.Date(2026, 11, 26, 4, 0, 0, 0, time.UTC)
	oomAt  = time.Date(2026, 11, 20, 3, 4, 5, 0, time.UTC)
)

// odigos is a gateway of Odigos' size_m.
func odigos(t *testing.T) kube.Found {
	size := kube.Amount{CPUCores: 1, MemoryBytes: 600 << 20}
	return kube.Found{
		At: readAt, Cluster: "context production of ~/.kube/config", Namespace: "odigos-system", Deployment: "odigos-gateway",
		Container: "gateway", Image: "docker.io/keyval/odigos-collector:v1.35.1",
		Config: kube.Config{
			Text: string(read(t, "..", "gateway", "testdata", "copy-odigos.yaml")),
			From: "ConfigMap odigos-system/odigos-gateway, key collector-conf",
		},
		Limits: size, Requests: size, Account: "odigos-gateway",
		Env: []kube.Variable{
			{Name: "*", Kind: kube.VariableSecret, From: "destinations"},
			{
				Name: "ODIGOS_VERSION", Kind: kube.VariableConfigMap, From: "odigos-deployment/ODIGOS_VERSION",
				Value: "v1.35.1", Known: true,
			},
			{Name: "POD_NAME", Kind: kube.VariableField, From: "metadata.name"},
			{Name: "GOMEMLIMIT", Kind: kube.VariableValue, Value: "440MiB", Known: true},
			{Name: "GOMAXPROCS", Kind: kube.VariableResource, From: "limits.cpu", Value: "1", Known: true},
			{Name: "ODIGOS_TIER", Kind: kube.VariableValue, Value: "community", Known: true},
		},
		Replicas: kube.Replicas{Wanted: 2, Ready: 2, Updated: 2},
		Autoscaler: &kube.Autoscaler{
			Name: "odigos-gateway", Min: 2, Max: 8, Current: 2, Desired: 2,
			Targets: []string{"memory 330Mi average", "cpu 750m average"},
		},
		Pods: []kube.Pod{
			{
				Name: "odigos-gateway-6d4f-aaaaa", Ready: true, Restarts: 1,
				LastEnd: &kube.End{Reason: kube.OOMKilled, Code: 137, At: oomAt},
			},
			{Name: "odigos-gateway-6d4f-bbbbb", Ready: true},
		},
	}
}

// traffic is what a Prometheus said of it.
func traffic() kube.Observed {
	return kube.Observed{
		From:            "Prometheus http://localhost:9090, the last 1w",
		Peak:            &kube.Figure{Value: 11_204.2, From: "max_over_time(sum(rate(…)))"},
		Mean:            &kube.Figure{Value: 4_100, From: "avg_over_time(sum(rate(…)))"},
		PodPeak:         &kube.Figure{Value: 6_170.4, From: "max_over_time(max(sum by(pod) (rate(…))))"},
		HTTP:            &kube.Figure{Value: 0.013, From: "…"},
		SpanBytes:       &kube.Figure{Value: 1204, From: "sum(increase(…)) / sum(increase(…))"},
		SpansPerRequest: &kube.Figure{Value: 57.3, From: "sum(increase(…)) / sum(increase(…))"},
		Answer:          &kube.Figure{Value: 0.0351, From: "sum(increase(…)) / sum(increase(…))"},
		Rejected:        &kube.Figure{Value: 12, From: "…"},
	}
}

// contrib is a gateway of somebody's own, without limits, of which nothing else is known.
func contrib(t *testing.T) kube.Found {
	return kube.Found{
		At: readAt, Cluster: "context lab of ~/.kube/config", Namespace: "observability",
		Deployment: "otel.gateway", Container: "otc-container",
		Image: "otel/opentelemetry-collector-contrib:0.151.0",
		Args:  []string{"--feature-gates=a"},
		Config: kube.Config{
			Text: string(read(t, "..", "gateway", "testdata", "copy-contrib.yaml")),
			From: "ConfigMap observability/otel-gateway, key relay, mounted at /conf/relay.yaml",
		},
		Requests: kube.Amount{CPUCores: 0.5}, Account: "default", PullSecrets: []string{"regcred"},
		Placement: kube.Placement{
			NodeSelector: map[string]string{"zone": "a", "pool": "gateways"},
			Tolerations:  []string{"pool=gateways:NoSchedule"},
			Affinity:     map[string]string{"podAntiAffinity": "{}"}, PriorityClass: "high",
		},
		Env: []kube.Variable{
			{Name: "MY_POD_IP", Kind: kube.VariableField, From: "status.podIP"},
			{Name: "VENDOR_PASSWORD", Kind: kube.VariableSecret, From: "vendor/password"},
			{Name: "TENANT", Kind: kube.VariableSecret, From: "tenant/id"},
		},
		Unknown: []string{"Whether it is scaled by an HPA is not known: no right."},
	}
}

func TestScenario(t *testing.T) {
	for _, c := range []struct {
		name, exporter string
		found          kube.Found
		observed       kube.Observed
	}{
		{"odigos", "", odigos(t), traffic()},
		{"contrib", "otlp/tempo", contrib(t), kube.Observed{
			From:     "the pods' own metrics, over 10s",
			Problems: []string{"There is no pod whose metrics could be read."},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			copied, err := clone.New(c.found, c.exporter)
			if err != nil {
				t.Fatal(err)
			}
			q := clone.Question{Clone: copied, Found: c.found, Observed: c.observed}
			text, err := q.Scenario()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, c.name+".golden.yaml", string(text))
			planned(t, q, text)
		})
	}
}

// planned reads the scenario back and plans its variants with a collector that has all that
// Odigos' has.
func planned(t *testing.T, q clone.Question, text []byte) {
	t.Helper()
	for _, line := range bytes.Split(text, []byte("\n")) {
		if len(line) > 100 {
			t.Errorf("a line is too long: %s", line)
		}
	}
	s, err := scenario.Read(q.Clone.File(), text)
	if err != nil {
		t.Fatal(err)
	}
	components := read(t, "..", "gateway", "testdata", "components-odigos.yaml")
	c, err := gateway.Identify("/odigosotelcol", components)
	if err != nil {
		t.Fatal(err)
	}
	rates := []scenario.Rate{}
	for _, name := range s.VariantNames() {
		one, err := s.Variant(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.New(one, c, plan.Sources{GatewayConfig: q.Clone.Config})
		if err != nil {
			t.Fatal(err)
		}
		rates = append(rates, p.Scenario.Load.Rate)
		want := q.Clone.Gateway
		want.OnDeath = scenario.DeathEnd
		if len(want.Env) == 0 {
			want.Env = nil
		}
		if diff := cmp.Diff(want, p.Scenario.Gateway); diff != "" {
			t.Errorf("%s: the gateway is not as it was found (-want +got):\n%s", name, diff)
		}
	}
	if len(rates) != 2 || rates[1] < 2*rates[0]-1 || rates[1] > 2*rates[0] {
		t.Errorf("rates %v, want one and twice that", rates)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, exporter, want string }{
		{
			"a configuration that does not parse", "receivers: [",
			"", "clone odigos-system/odigos-gateway: read collector configuration ConfigMap" +
				" odigos-system/odigos-gateway, key collector-conf:1:",
		},
		{
			"two exporters", string(read(t, "..", "gateway", "testdata", "copy-contrib.yaml")), "",
			"found 2 exporters that may carry the load: otlp/tempo to tempo.observability:4317,",
		},
	} {
		f := odigos(t)
		f.Config.Text = c.text
		if _, err := clone.New(f, c.exporter); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %q in it", c.name, err, c.want)
		}
	}
}

// What might be a secret is not written down, whatever it is called.
func TestNewWithholdsSecrets(t *testing.T) {
	f := odigos(t)
	f.Config.Text = strings.Replace(f.Config.Text, "groupbytrace:",
		"attributes/x: {actions: [{key: a, action: insert, value: '${A_TOKEN}${B}${C}'}]}\n  groupbytrace:", 1)
	f.Env = []kube.Variable{
		{Name: "A_TOKEN", Kind: kube.VariableValue, Value: "hidden", Known: true},
		{Name: "B", Kind: kube.VariableSecret, From: "s/b"},
		{Name: "C", Kind: kube.VariableValue, Value: "told", Known: true},
		{Name: "D", Kind: kube.VariableValue, Value: "hidden", Known: true},
	}
	got, err := clone.New(f, "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"C": "told"}, got.Gateway.Env); diff != "" {
		t.Errorf("Env (-want +got):\n%s", diff)
	}
	all := strings.Join(got.Differences, "\n")
	if strings.Contains(all, "hidden") ||
		!strings.Contains(all, "A_TOKEN (its name says that it is a secret), B (Secret s/b)") ||
		!strings.Contains(all, "Variables D are left out") {
		t.Errorf("Differences:\n%s", all)
	}
}
