package gateway_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

func TestCopy(t *testing.T) {
	for _, c := range []struct{ name, exporter, collector string }{
		{"copy-odigos", "", "odigos"},
		{"copy-contrib", "otlp/tempo", "stock"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := copyOf(t, string(read(t, c.name+".yaml")), c.exporter)
			golden(t, c.name+".golden.yaml", string(got.Text))
			golden(t, c.name+".golden.txt", strings.Join(got.Differences, "\n")+"\n")
			// What is left may run: no exporter is in it that would really send.
			newSetup(t, scenario.Gateway{
				Kind: scenario.GatewayOtelcol, Config: "copy.yaml", Exporter: got.Exporter,
				AllowExporters: got.AllowExporters,
			}, collector(t, c.collector), gateway.Source{Name: "copy.yaml", Text: got.Text})
		})
	}
}

func TestCopyTellsWhatItIsOf(t *testing.T) {
	odigos := copyOf(t, string(read(t, "copy-odigos.yaml")), "")
	odigos.Text, odigos.Differences = nil, nil
	want := gateway.Copy{
		Exporter: "otlp_grpc/generic-tempo", AllowExporters: []string{"prometheus/servicegraph"},
		Odigos: true,
		ByWorkload: []string{
			"odigospiimasking/odigospiimasking", "odigostailsampling", "odigosrouterconnector/traces",
		},
		Variables: []string{"ODIGOS_VERSION", "POD_NAME"}, MetricsPort: 8888,
	}
	if diff := cmp.Diff(want, odigos); diff != "" {
		t.Errorf("NewCopy(odigos) (-want +got):\n%s", diff)
	}
	contrib := copyOf(t, string(read(t, "copy-contrib.yaml")), "otlp/tempo")
	contrib.Text, contrib.Differences = nil, nil
	want = gateway.Copy{
		Exporter: "otlp/tempo", AllowExporters: []string{"prometheus"},
		Variables: []string{"MY_POD_IP", "TENANT"}, MetricsPort: 8889,
	}
	if diff := cmp.Diff(want, contrib); diff != "" {
		t.Errorf("NewCopy(contrib) (-want +got):\n%s", diff)
	}
}

func copyOf(t *testing.T, text, exporter string) gateway.Copy {
	t.Helper()
	c, err := gateway.NewCopy(source(text), exporter)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What is secret in the exporter that is kept is not copied; variables stay what they are.
func TestCopyLeavesSecrets(t *testing.T) {
	for exporter, want := range map[string]struct{ text, left string }{
		"{endpoint: a, headers: {Authorization: Bearer xyz, X-Scope: me}}": {
			"{endpoint: a, headers: {X-Scope: me}}", "headers.Authorization",
		},
		"{endpoint: a, headers: {api-key: xyz}, tls: {key_pem: xyz, cert_pem: xyz}}": {
			"{endpoint: a}", "headers.api-key, tls.cert_pem, tls.key_pem",
		},
		"{endpoint: a, headers: {api-key: \"${env:KEY}\"}}": {
			"{endpoint: a, headers: {api-key: \"${env:KEY}\"}}", "",
		},
	} {
		const form = "receivers: {otlp: {protocols: {grpc: {}}}}\nexporters: {otlp: %s}\n" +
			"service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}\n"
		got := copyOf(t, fmt.Sprintf(form, exporter), "")
		if diff := cmp.Diff(fmt.Sprintf(form, want.text), string(got.Text)); diff != "" {
			t.Errorf("%s: copy (-want +got):\n%s", exporter, diff)
		}
		said := strings.Join(got.Differences, "\n")
		if want.left == "" && said != "" || !strings.Contains(said, want.left) {
			t.Errorf("%s: differences %q, want %q", exporter, said, want.left)
		}
	}
}

// A copy of a copy is the copy: nothing is left to be taken out.
func TestCopyOfCopy(t *testing.T) {
	for name, exporter := range map[string]string{
		"copy-odigos": "", "copy-contrib": "otlp/tempo", "user": "",
	} {
		once := copyOf(t, string(read(t, name+".yaml")), exporter)
		twice := copyOf(t, string(once.Text), exporter)
		if diff := cmp.Diff(string(once.Text), string(twice.Text)); diff != "" {
			t.Errorf("%s: a copy of the copy differs (-once +twice):\n%s", name, diff)
		}
	}
}

// Flow style and one-line mappings are edited as well as blocks.
func TestCopyFlow(t *testing.T) {
	got := copyOf(t, `
receivers: {otlp: {protocols: {http: }}}
exporters: {otlp: {list: [{a: }]}, kafka: {brokers: [b]}, file/unused: {path: x}}
extensions: {oidc: {}}
service: {extensions: [oidc], pipelines: {traces: {receivers: [otlp], exporters: [otlp, kafka]}}}`, "")
	want := `receivers: {otlp: {protocols: {http: null}}}
exporters: {otlp: {list: [{a: null}]}, nop/kafka: {}}
extensions: {}
service: {extensions: [], pipelines: {traces: {receivers: [otlp], exporters: [otlp, nop/kafka]}}}
`
	if diff := cmp.Diff(want, string(got.Text)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// The collector takes a copy for a configuration.
func TestCollectorAcceptsCopy(t *testing.T) {
	binary, err := filepath.Abs("../../bin/" + gateway.Sibling)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		t.Skipf("no collector at %s: build it with: make build", binary)
	}
	got := copyOf(t, `
receivers: {otlp: {protocols: {grpc: }}, k8s_cluster: {}}
exporters: {otlp: {endpoint: "a:1"}, otlp_http/b: {endpoint: "http://b"}, kafka/unused: {}}
connectors: {spanmetrics: {}, forward: {}}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [otlp, otlp_http/b, spanmetrics]}
    metrics: {receivers: [spanmetrics], exporters: [otlp_http/b]}
    metrics/cluster: {receivers: [k8s_cluster], exporters: [forward]}
    metrics/out: {receivers: [forward], exporters: [otlp_http/b]}`, "otlp")
	setup := newSetup(t, userGateway(got.Exporter, got.AllowExporters...), collector(t, "stock"),
		source(string(got.Text)))
	validate(t, binary, setup.Actor)
}

func TestCopyRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, exporter, want string }{
		{"no YAML", "receivers: {", "", "read collector configuration user.yaml:1:"},
		{"empty", "", "", "it is empty"},
		{
			"no OTLP exporter", head + `
exporters: {kafka: {}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [kafka]}}}`, "",
			"found exporters kafka in its traces pipelines, want one of type otlp_grpc or otlp_http",
		},
		{
			"two OTLP exporters", head + `
exporters: {otlp/a: {endpoint: "a:1"}, otlp_http/b: {endpoint: "http://b"}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp/a, otlp_http/b]}}}`, "",
			"found 2 exporters that may carry the load: otlp/a to a:1, otlp_http/b to http://b;" +
				" name one with --exporter",
		},
		{
			"another exporter", head + `
exporters: {otlp/a: , otlp/b: }
service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp/a]}}}`, "otlp/b",
			"found no exporter otlp/b of type otlp_grpc or otlp_http in its traces pipelines, want one of otlp/a",
		},
	} {
		_, err := gateway.NewCopy(source(c.text), c.exporter)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", c.name, err, c.want)
		}
	}
}
