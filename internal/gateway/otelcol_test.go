package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

func userGateway(exporter string, allow ...string) scenario.Gateway {
	return scenario.Gateway{
		Kind: scenario.GatewayOtelcol, Config: "user.yaml", Exporter: exporter, AllowExporters: allow,
	}
}

func source(text string) gateway.Source {
	return gateway.Source{Name: "user.yaml", Text: []byte(text)}
}

func userSetup(t testing.TB) gateway.Setup {
	text := string(read(t, "user.yaml"))
	return newSetup(t, userGateway("otlp/vendor"), collector(t, "stock"), source(text))
}

func TestOverlay(t *testing.T) {
	s := userSetup(t)
	golden(t, "overlay.golden.yaml", s.Actor.Files[gateway.OverlayFile])
	golden(t, "overlay-notes.golden.txt", strings.Join(s.Notes, "\n")+"\n")
	if got := s.Actor.Files[gateway.ConfigFile]; got != string(read(t, "user.yaml")) {
		t.Errorf("the user's own configuration was changed:\n%s", got)
	}
	want := []string{"otlp_grpc", "otlp_http", "otlp_grpc_other1", "zpages", "health", "pprof", "metrics"}
	if diff := cmp.Diff(want, s.Actor.Ports); diff != "" {
		t.Errorf("Ports (-want +got):\n%s", diff)
	}
	if want := (gateway.Waits{Pipeline: time.Second, Retry: 45 * time.Second}); s.Waits != want {
		t.Errorf("Waits = %+v, want %+v", s.Waits, want)
	}
	if _, set := s.Actor.Env["GOMEMLIMIT"]; set {
		t.Error("GOMEMLIMIT is set although nobody asked")
	}
}

const head = "receivers: {otlp: {protocols: {http: }}}\n"

func TestOverlayVariants(t *testing.T) {
	for _, c := range []struct{ name, exporter, text, want string }{
		{
			"http exporter", "otlp_http/x", head + `
exporters:
  otlp_http/x: {endpoint: "https://a.example", traces_endpoint: "https://b.example", auth: {authenticator: basic}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp_http/x]}}}`,
			`  otlp_http/x:
    endpoint: http://${env:STRESS_BACKEND_HTTP}
    tls:
      insecure: true
    traces_endpoint: http://${env:STRESS_BACKEND_HTTP}/v1/traces
    auth: null
`,
		},
		{
			"old address", "otlp", head + `
exporters: {otlp: }
service:
  telemetry: {metrics: {address: "0.0.0.0:8888"}}
  pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}`,
			"    metrics:\n      address: ${env:STRESS_METRICS}\n",
		},
		{
			"readers of the user's", "otlp", head + `
exporters: {otlp: }
service:
  telemetry: {metrics: {readers: [{periodic: {exporter: {otlp: {}}}}]}}
  pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}`,
			"readers:\n      - pull:",
		},
	} {
		s := newSetup(t, userGateway(c.exporter), collector(t, "stock"), source(c.text))
		got := s.Actor.Files[gateway.OverlayFile]
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: overlay:\n%s\nwant in it:\n%s", c.name, got, c.want)
		}
		if port, ok := s.Port(scenario.ProtocolGRPC); ok {
			t.Errorf("%s: Port(grpc) = %s, but the receiver speaks http alone", c.name, port)
		}
	}
}

func TestOtelcolRefuses(t *testing.T) {
	traces := func(exporters, pipelined string) string {
		return head + "exporters: " + exporters +
			"\nservice: {pipelines: {traces: {receivers: [otlp], exporters: " + pipelined + "}}}"
	}
	two := traces("{otlp: , zipkin: {endpoint: 'http://z.example'}}", "[otlp, zipkin]")
	for _, c := range []struct {
		name, text, exporter, want string
		allow                      []string
	}{
		{
			name: "another exporter", text: two, exporter: "otlp",
			want: "user.yaml:2:21: exporter zipkin (pipeline traces) to http://z.example would really" +
				" send the load there: take it out of the pipeline, or allow it with gateway.allow_exporters: [zipkin]",
		},
		{name: "allowed", text: two, exporter: "otlp", allow: []string{"zipkin"}},
		{name: "not used", text: traces("{otlp: , zipkin: }", "[otlp]"), exporter: "otlp"},
		{name: "harmless", text: traces("{otlp: , nop: , debug/x: }", "[otlp, nop, debug/x]"), exporter: "otlp"},
		{
			name: "allowed, not there", text: two, exporter: "otlp", allow: []string{"zipkin", "kafka"},
			want: `allow_exporters names "kafka"`,
		},
		{
			name: "a reference", text: traces("{otlp: }", `[otlp, "${env:X}"]`), exporter: "otlp",
			want: `user.yaml:3:51: pipeline traces: "${env:X}" is no exporter or connector of this file`,
		},
		{
			name: "pipelines elsewhere", text: head + "service: {pipelines: '${file:p.yaml}'}", exporter: "otlp",
			want: `user.yaml:2:11: service.pipelines: found "${file:p.yaml}", want a mapping: write it out here`,
		},
		{
			name: "exporters elsewhere", text: traces("${file:e.yaml}", "[otlp]"), exporter: "otlp",
			want: "exporters: found",
		},
		{name: "no exporter named", text: two, want: "gateway.exporter is missing"},
		{
			name: "wrong exporter", text: traces("{otlp: }", "[otlp]"), exporter: "otpl",
			want: `"otpl" is no exporter of this file: it has otlp`,
		},
		{
			name: "not otlp", text: traces("{zipkin: }", "[zipkin]"), exporter: "zipkin",
			want: "zipkin cannot be pointed at the mock backend",
		},
		{
			name: "exporter out of use", text: traces("{otlp: , nop: }", "[nop]"), exporter: "otlp",
			want: "no traces pipeline uses exporter otlp",
		},
		{
			name: "no receiver", exporter: "otlp",
			text: "receivers: {jaeger: }\nexporters: {otlp: }\n" +
				"service: {pipelines: {traces: {receivers: [jaeger], exporters: [otlp]}}}",
			want: "no traces pipeline has an otlp receiver",
		},
		{
			name: "receiver for logs", exporter: "otlp",
			text: head + "exporters: {otlp: }\n" +
				"service: {pipelines: {logs: {receivers: [otlp], exporters: [otlp]}}}",
			want: "user.yaml:3:11: no traces pipeline",
		},
		{
			name: "receiver without protocols", exporter: "otlp",
			text: "receivers: {otlp: }\nexporters: {otlp: }\n" +
				"service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}",
			want: "user.yaml:1:13: receiver otlp has no protocol",
		},
		{name: "no pipelines", text: head, exporter: "otlp", want: "service.pipelines is missing"},
		{name: "empty", text: " \n", exporter: "otlp", want: "user.yaml: it is empty"},
		{name: "no YAML", text: "a: [1\nb: 2", exporter: "otlp", want: "user.yaml:"},
		{name: "two documents", text: head + "---\n" + head, exporter: "otlp", want: "want one YAML document"},
	} {
		_, err := gateway.New(userGateway(c.exporter, c.allow...), collector(t, "stock"), source(c.text))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: New = %v, want no error", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: New = %v; want an error with %q", c.name, err, c.want)
		}
	}
}

func FuzzOverlay(f *testing.F) {
	f.Add(string(read(f, "user.yaml")))
	f.Add(head + "exporters: {otlp: }\nservice: {pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}")
	f.Add("a: &x {b: 1}\nservice: *x")
	f.Add("service: {pipelines: {traces: 1}}")
	f.Add("? [a]\n: b\n")
	stock := collector(f, "stock")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := gateway.New(userGateway("otlp"), stock, source(text))
		if err == nil && s.Actor.Files[gateway.ConfigFile] != text {
			t.Errorf("New(%q) changed the configuration", text)
		}
	})
}
