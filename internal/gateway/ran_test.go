package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

const ranConfig = `
receivers:
  otlp:
    protocols:
      grpc: {endpoint: 0.0.0.0:4317, max_concurrent_streams: 16}
processors:
  batch: {}
  batch/second: {timeout: 1s}
  memory_limiter: {check_interval: 1s, limit_mib: 100}
connectors:
  forward/on: {}
exporters:
  otlp/mine:
    endpoint: vendor.example:4317
    timeout: 7s
    sending_queue: {num_consumers: "${env:CONSUMERS}", queue_size: 77, sizer: items}
  otlp_grpc/plain:
    endpoint: vendor.example:4317
    compression: none
    sending_queue: {num_consumers: "${env:ELSEWHERE}", batch: {}}
service:
  pipelines:
    traces/in:
      receivers: [otlp]
      processors: [batch]
      exporters: [forward/on]
    traces/out:
      receivers: [forward/on]
      processors: [memory_limiter, batch/second]
      exporters: [otlp/mine, otlp_grpc/plain]
`

func ranActor(config, overlay string) env.Actor {
	return env.Actor{
		Files: map[string]string{gateway.ConfigFile: config, gateway.OverlayFile: overlay},
		Env:   map[string]string{"CONSUMERS": "3", "ADDRESS": "$(backend.otlp_grpc)"},
	}
}

func TestReadRan(t *testing.T) {
	overlay := "exporters:\n  otlp/mine:\n    endpoint: ${env:ADDRESS}\n"
	g := scenario.Gateway{Kind: scenario.GatewayOtelcol, Exporter: "otlp/mine"}
	r, err := gateway.ReadRan(ranActor(ranConfig, overlay), g)
	if err != nil {
		t.Fatal(err)
	}
	var way []string
	for _, s := range r.Way {
		way = append(way, s.Pipeline+":"+s.ID)
	}
	want := "traces/in:batch traces/out:memory_limiter traces/out:batch/second"
	if got := strings.Join(way, " "); got != want {
		t.Errorf("Way = %s, want %s", got, want)
	}
	wantQueue := gateway.Queue{
		Enabled: true, Consumers: new(3.0), Size: new(77.0), Sizer: "items",
	}
	if diff := cmp.Diff(wantQueue, r.Queue); diff != "" {
		t.Errorf("Queue:\n%s", diff)
	}
	if r.Compression != "gzip" || r.Timeout != 7*time.Second || r.Streams == nil || *r.Streams != 16 {
		t.Errorf("compression %q, timeout %v, streams %v", r.Compression, r.Timeout, r.Streams)
	}
	if r.First() != "traces/in" || !r.Batches() || len(r.Before("batch", "memory_limiter")) != 1 {
		t.Errorf("first %s, batches %t, limiters after a batch %v", r.First(), r.Batches(),
			r.Before("batch", "memory_limiter"))
	}

	g.Exporter = "otlp_grpc/plain"
	r, err = gateway.ReadRan(ranActor(ranConfig, ""), g)
	if err != nil {
		t.Fatal(err)
	}
	wantQueue = gateway.Queue{Enabled: true, Size: new(1000.0), Sizer: "requests", Batch: true}
	if diff := cmp.Diff(wantQueue, r.Queue); diff != "" {
		t.Errorf("a reference that cannot be followed:\n%s", diff)
	}
	if r.Compression != "none" || r.Timeout != 5*time.Second {
		t.Errorf("compression %q, timeout %v", r.Compression, r.Timeout)
	}
}

func TestReadRanOdigos(t *testing.T) {
	s := scenario.Scenario{Name: "x"}
	s, err := s.Resolved()
	if err != nil {
		t.Fatal(err)
	}
	setup, err := gateway.New(s.Gateway, collector(t, "stock"), gateway.Source{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := gateway.ReadRan(setup.Actor, s.Gateway)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(r.Of("batch")); n != 3 {
		t.Errorf("%d batches on the way, want 3: %+v", n, r.Way)
	}
	if r.Compression != "none" || *r.Queue.Consumers != gateway.DefaultConsumers {
		t.Errorf("compression %q, queue %+v", r.Compression, r.Queue)
	}
}

func TestReadRanCannot(t *testing.T) {
	g := scenario.Gateway{Kind: scenario.GatewayOtelcol, Exporter: "otlp/other"}
	for _, c := range []struct{ config, want string }{
		{"", "has no gateway.yaml"},
		{"a: [", "gateway.yaml"},
		{ranConfig, `no exporter "otlp/other"`},
		{strings.ReplaceAll(ranConfig, "receivers: [otlp]", "receivers: [x]") +
			"", `no exporter "otlp/other"`},
	} {
		_, err := gateway.ReadRan(ranActor(c.config, ""), g)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("ReadRan(%.20q…) = %v, want %q", c.config, err, c.want)
		}
	}
	g.Exporter = "otlp/mine"
	lost := strings.ReplaceAll(ranConfig, "exporters: [forward/on]", "exporters: [otlp_grpc/plain]")
	if _, err := gateway.ReadRan(ranActor(lost, ""), g); err == nil ||
		!strings.Contains(err.Error(), "no way") {
		t.Errorf("ReadRan without a way: %v", err)
	}
}
