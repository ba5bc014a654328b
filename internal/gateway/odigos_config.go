package gateway

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// m is a mapping in a fixed order: key, value, key, value …
func m(pairs ...any) yaml.MapSlice {
	out := make(yaml.MapSlice, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, yaml.MapItem{Key: pairs[i], Value: pairs[i+1]})
	}
	return out
}

func put(to *yaml.MapSlice, key string, value any) {
	*to = append(*to, yaml.MapItem{Key: key, Value: value})
}

var empty = yaml.MapSlice{}

func (r *rendering) config() yaml.MapSlice {
	return m(
		"receivers", r.receivers(),
		"exporters", r.exporters(),
		"processors", r.processors(),
		"extensions", r.extensions(),
		"connectors", r.connectors(),
		"service", m(
			"extensions", keys(r.extensions()),
			"pipelines", r.pipelines(),
			"telemetry", telemetry(),
		),
	)
}

func keys(s yaml.MapSlice) []any {
	out := make([]any, 0, len(s))
	for _, item := range s {
		out = append(out, item.Key)
	}
	return out
}

func (r *rendering) receivers() yaml.MapSlice {
	grpc := m(
		"endpoint", fromEnv(varOTLPGRPC),
		"keepalive", m("server_parameters", m(
			"max_connection_age", "15s",
			"max_connection_age_grace", "2s",
		)),
		"max_recv_msg_size_mib", 128,
	)
	if r.admission() {
		put(&grpc, "middlewares", []any{m("id", idAdmission)})
	}
	out := m("otlp", m("protocols", m(
		"grpc", grpc,
		"http", m("endpoint", fromEnv(varOTLPHTTP)),
	)))
	if !r.scrapes() {
		return out
	}
	jobs := []any{m(
		"enable_compression", false,
		"job_name", "otelcol",
		"metric_relabel_configs", keepMetrics("(.*odigos.*|^otelcol_exporter_sent.*)"),
		"scrape_interval", "10s",
		"static_configs", []any{m("targets", []any{fromEnv(varMetrics)})},
	)}
	if r.graphExporter != "" {
		jobs = append(jobs, m(
			"job_name", "servicegraph",
			// $$ is how a collector's configuration spells a dollar sign.
			"metric_relabel_configs",
			keepMetrics("^servicegraph_traces_service_graph_request_total$$"),
			"scrape_interval", "10s",
			"static_configs", []any{m("targets", []any{fromEnv(varServiceGraph)})},
		))
	}
	put(&out, idSelfMetrics, m("config", m("scrape_configs", jobs)))
	return out
}

func keepMetrics(regex string) []any {
	return []any{m("action", "keep", "regex", regex, "source_labels", []any{"__name__"})}
}

func (r *rendering) destination() string { return r.otlpExporter + "/" + idDestination }
func (r *rendering) ownTelemetry() string {
	return r.otlpExporter + "/odigos-own-telemetry-ui"
}

// graphSink is where the service graph's metrics end.
func (r *rendering) graphSink() string { return cmp.Or(r.graphExporter, "nop/servicegraph") }

// exporters leave queue, consumers, timeout and retry at the collector's defaults, as
// Odigos does. All that is sent goes to the mock backend: a test dials nobody else.
func (r *rendering) exporters() yaml.MapSlice {
	out := m(r.destination(), m(
		"compression", string(cmp.Or(r.g.Compression, scenario.CompressionGzip)),
		"endpoint", fromEnv(varBackendGRPC),
		"tls", m("insecure", true),
	))
	if r.scrapes() {
		put(&out, r.ownTelemetry(), m(
			"compression", "none",
			"endpoint", fromEnv(varBackendGRPC),
			"retry_on_failure", m("enabled", false),
			"tls", m("insecure", true),
		))
	}
	if r.graphExporter != "" {
		put(&out, r.graphExporter, m(
			"endpoint", fromEnv(varServiceGraph),
			"namespace", "servicegraph",
		))
	} else {
		put(&out, r.graphSink(), empty)
	}
	if !r.c.Odigos() {
		put(&out, idCopySink, empty)
	}
	return out
}

func (r *rendering) processors() yaml.MapSlice {
	out := m(idBatch, empty)
	if r.c.Odigos() {
		put(&out, idTraceState, empty)
		put(&out, idTrafficMetrics, empty)
	}
	if r.scrapes() {
		put(&out, idRole, upsert("odigos.collector.role", "CLUSTER_GATEWAY"))
	}
	put(&out, idVersion, upsert("odigos.version", fromEnv("ODIGOS_VERSION")))
	if r.scrapes() {
		put(&out, idPodName, upsert("k8s.pod.name", fromEnv("POD_NAME")))
	}
	if !r.c.Odigos() {
		put(&out, idRouterCopy, upsert("odigos.stress.copy", "true"))
	}
	if r.limiter != nil {
		put(&out, r.limiter.id, r.limiter.config())
	}
	for _, p := range r.g.Processors {
		put(&out, p.ID, ordered(p.Config))
	}
	return out
}

func upsert(key, value string) yaml.MapSlice {
	return m("attributes", []any{m("action", "upsert", "key", key, "value", value)})
}

// ordered gives the mappings in v an order, so that equal scenarios render equally, and
// quotes what might be taken for a number or a date.
func ordered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := yaml.MapSlice{}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			put(&out, key, ordered(v[key]))
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = ordered(v[i])
		}
		return out
	case string:
		if v != "" && strings.ContainsRune("0123456789+-.", rune(v[0])) {
			return quoted(v)
		}
		return v
	default:
		return v
	}
}

// quoted is a string that is written with quotes. The encoder leaves 1e3 bare, which
// the collector reads as a number.
type quoted string

// MarshalYAML returns the string as a double-quoted scalar.
func (q quoted) MarshalYAML() ([]byte, error) { return json.Marshal(string(q)) }

func (r *rendering) extensions() yaml.MapSlice {
	out := m("health_check", m("endpoint", fromEnv(varHealth)))
	if r.c.Odigos() {
		put(&out, idConfigK8s, empty)
	}
	if r.admission() {
		put(&out, idAdmission, empty)
	}
	put(&out, "pprof", m("endpoint", fromEnv(varPprof)))
	return out
}

func (r *rendering) connectors() yaml.MapSlice {
	out := m(idForward, empty)
	if r.c.Odigos() {
		put(&out, idRouter, m("odigos_config_extension", idConfigK8s))
	} else {
		put(&out, idStockRouter, empty)
	}
	put(&out, r.serviceGraph, m(
		"dimensions", []any{"service.name"},
		"store", m("ttl", "15s"),
		"store_expiration_loop", "5s",
	))
	return out
}

func (r *rendering) pipelines() yaml.MapSlice {
	router := idRouter
	first, last := []any{idVersion}, []any{idBatch}
	if r.limiter != nil {
		first = []any{r.limiter.id, idVersion}
	}
	for _, p := range r.g.Processors {
		first = append(first, p.ID)
	}
	first = append(first, idBatch)
	if r.c.Odigos() {
		first, last = append(first, idTraceState), append(last, idTrafficMetrics)
	} else {
		router = idStockRouter
	}
	out := yaml.MapSlice{}
	if r.scrapes() {
		put(&out, "metrics/otelcol",
			pipeline(idSelfMetrics, []any{idPodName, idRole}, r.ownTelemetry()))
	}
	put(&out, "metrics/servicegraph", pipeline(r.serviceGraph, []any{}, r.graphSink()))
	put(&out, "traces/default", pipeline(router, []any{idBatch}, idForward))
	put(&out, "traces/"+idDestination, pipeline(idForward, last, r.destination()))
	put(&out, "traces/in", pipeline("otlp", first, router, r.serviceGraph))
	if !r.c.Odigos() {
		put(&out, "traces/router-copy", pipeline(router, []any{idRouterCopy}, idCopySink))
	}
	return out
}

func pipeline(receiver string, processors []any, exporters ...any) yaml.MapSlice {
	return m("receivers", []any{receiver}, "processors", processors, "exporters", exporters)
}

// telemetry is the collector's own. How the reader spells names (units, suffixes) is
// left at its default, as Odigos leaves it: the monitor knows the spellings of all.
func telemetry() yaml.MapSlice {
	return m(
		"metrics", m("level", "detailed", "readers", []any{metricsReader()}),
		"logs", m("level", "info"),
		"resource", m("attributes", []any{m("name", "k8s.pod.name", "value", fromEnv("POD_NAME"))}),
	)
}

func metricsReader() yaml.MapSlice {
	return m("pull", m("exporter", m("prometheus", m(
		"host", fromEnv(varMetricsHost),
		"port", fromEnv(varMetricsPort),
	))))
}
