package trials

import (
	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// odigosConfig is the way of a span through a gateway of Odigos' shape.
const odigosConfig = `receivers:
  otlp: {protocols: {grpc: {endpoint: 127.0.0.1:4317}}}
processors:
  batch/generic-batch-processor: {}
connectors:
  forward/router: {}
  forward/traces/generic-stress-mock: {}
exporters:
  otlp_grpc/generic-stress-mock: {endpoint: 127.0.0.1:4318, compression: gzip}
service:
  pipelines:
    traces/in:
      receivers: [otlp]
      processors: [batch/generic-batch-processor]
      exporters: [forward/router]
    traces/default:
      receivers: [forward/router]
      processors: [batch/generic-batch-processor]
      exporters: [forward/traces/generic-stress-mock]
    traces/generic-stress-mock:
      receivers: [forward/traces/generic-stress-mock]
      processors: [batch/generic-batch-processor]
      exporters: [otlp_grpc/generic-stress-mock]
`

// Collector makes the gateway of a record one of kind otelcol with a configuration of
// its user's, whose exporter is otlp/mine.
func Collector(r *record.Record, config string) {
	g := &r.Header.Scenario.Gateway
	g.Kind, g.Exporter, g.Compression = scenario.GatewayOtelcol, "otlp/mine", ""
	for i := range r.Header.Actors {
		if r.Header.Actors[i].Name == record.Gateway {
			r.Header.Actors[i].Files = map[string]string{gateway.ConfigFile: config}
		}
	}
}

// Config is a collector's configuration with these processors in its one pipeline, and
// these settings of exporter otlp/mine.
func Config(processors, exporter string) string {
	return `receivers:
  otlp: {protocols: {grpc: {endpoint: 127.0.0.1:4317}}}
processors:
  batch: {}
  memory_limiter: {check_interval: 1s, limit_mib: 400}
exporters:
  otlp/mine: ` + exporter + `
service:
  pipelines:
    traces: {receivers: [otlp], processors: [` + processors + `], exporters: [otlp/mine]}
`
}
