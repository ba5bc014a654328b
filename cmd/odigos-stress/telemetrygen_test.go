package main

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/odigos-io/odigos-stress/internal/loadgen"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

func TestAttributes(t *testing.T) {
	for text, want := range map[string]attributes{
		`env="prod"`:      {"env": "prod"},
		`env=prod`:        {"env": "prod"}, // a shell takes the quotes away
		`note="7"`:        {"note": "7"},
		`flag="true"`:     {"flag": "true"},
		`empty=""`:        {"empty": ""},
		`empty=`:          {"empty": ""},
		`eq=a=b`:          {"eq": "a=b"},
		`list="[1, 2]"`:   {"list": "[1, 2]"},
		`quoted="a"b"`:    {"quoted": `a"b`},
		`env`:             nil,
		`="prod"`:         nil,
		` ="prod"`:        nil,
		`n=7`:             nil,
		`yes=true`:        nil,
		`list=[1,2]`:      nil,
		`half="prod`:      nil,
		`otherhalf=prod"`: nil,
		`quote="`:         nil,
	} {
		var got attributes
		err := got.Set(text)
		if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (want != nil) {
			t.Errorf("Set(%s) = %v (-want +got):\n%s", text, err, diff)
		}
	}
}

// parsed is the load generator that these flags ask for.
func parsed(args ...string) (loadgen.Config, error) {
	cmd := loadgenCommand()
	var got loadgen.Config
	var o loadgenOptions
	// The same flags again, over options that can be looked at.
	cmd.ResetFlags()
	o.question.scenarioFlags(cmd, append(append([]wellKnown{}, loadFlags...), loadgenFlags...))
	o.familiar.flags(cmd.Flags())
	cmd.Flags().BoolVar(&o.http, "otlp-http", false, "")
	cmd.Flags().StringSliceVar(&o.endpoints, "otlp-endpoint", nil, "")
	cmd.SetErr(io.Discard)
	if err := cmd.ParseFlags(args); err != nil {
		return got, err
	}
	return o.config(cmd.Flags().Args())
}

// Each flag lands in the field that means the same.
func TestFamiliarFlags(t *testing.T) {
	got, err := parsed("--workers", "3", "--batch-size", "50", "--compression", "zstd",
		"--in-flight", "12", "--timeout", "3s", "--retry", "exporter", "--shape", "simple",
		"--seed", "9", "--service", "shop", "--otlp-attributes", `env="prod"`,
		"--telemetry-attributes", `a="1"`, "--telemetry-attributes", `b="2"`, "--rate", "3k",
		"--otlp-insecure=true", "--batch")
	if err != nil {
		t.Fatal(err)
	}
	l := got.Load
	type fields struct {
		Connections, SpansPerRequest, InFlight int
		Compression                            scenario.Compression
		Retry                                  scenario.Retry
		Shape                                  scenario.Shape
		Seed                                   uint64
		Rate                                   scenario.Rate
		Timeout                                string
		Resource, Span                         map[string]string
		Endpoint                               string
	}
	want := fields{
		3, 50, 12, "zstd", "exporter", "simple", 9, 3000, "3s",
		map[string]string{"service.name": "shop", "env": "prod"},
		map[string]string{"a": "1", "b": "2"},
		"localhost:4317",
	}
	have := fields{
		l.Connections, l.SpansPerRequest, l.InFlight, l.Compression, l.Retry, l.Shape, l.Seed, l.Rate,
		l.Timeout.String(), l.ResourceAttributes, l.SpanAttributes, strings.Join(got.Endpoints, " "),
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// service.name among the attributes goes over --service, and HTTP has a port of its own.
func TestFamiliarDefaults(t *testing.T) {
	got, err := parsed("--service", "a", "--otlp-attributes", `service.name="b"`, "--otlp-http")
	if err != nil {
		t.Fatal(err)
	}
	if name := got.Load.ResourceAttributes["service.name"]; name != "b" {
		t.Errorf("service.name is %q, want b", name)
	}
	if want := []string{"localhost:4318"}; !cmp.Equal(got.Endpoints, want) {
		t.Errorf("endpoints are %q, want %q", got.Endpoints, want)
	}
}

// Every flag that telemetrygen has for traces is known: either as it is, or with what to
// use instead.
func TestEveryFlagOfTelemetrygenIsKnown(t *testing.T) {
	flags := loadgenCommand().Flags()
	for _, name := range []string{
		"workers", "rate", "duration", "interval", "otlp-endpoint", "otlp-insecure",
		"otlp-insecure-skip-verify", "otlp-http", "service", "otlp-header", "otlp-attributes",
		"telemetry-attributes", "ca-cert", "mtls", "client-cert", "client-key",
		"allow-export-failures", "size", "batch", "batch-size", "otlp-http-url-path", "traces",
		"child-spans", "marshal", "status-code", "span-duration", "span-links",
	} {
		if flags.Lookup(name) == nil {
			t.Errorf("--%s is not known", name)
		}
	}
	flags.VisitAll(func(f *pflag.Flag) {
		if r, ok := f.Value.(refusal); ok && (!f.Hidden || f.Value.Set("1") == nil || r == "") {
			t.Errorf("--%s is refused, and is to be hidden and to say what to use instead", f.Name)
		}
	})
}
