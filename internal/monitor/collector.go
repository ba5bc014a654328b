package monitor

import (
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// A rule says which series make up a metric: the sum of those that bear its name and
// that it keeps.
type rule struct {
	metric record.Metric
	name   string // as the collector's source has it, without prefix, unit and _total
	unit   string // that some versions append
	scale  float64
	keep   func(*Target, map[string]string) bool
	take   func(point) (float64, bool)
}

// collectorRules hold for every version since 0.100 or so: what differs is dealt with
// by plainName. Three batch processors in a row share their labels, so that the sums
// over batches count a span three times; they are kept as they are.
var collectorRules = []rule{
	{record.ReceiverAccepted, "receiver_accepted_spans", "", 1, otlpReceiver, value},
	{record.ReceiverRefused, "receiver_refused_spans", "", 1, otlpReceiver, value},
	{record.ReceiverFailed, "receiver_failed_spans", "", 1, otlpReceiver, value},
	{record.ProcessorRefused, "processor_refused_spans", "", 1, always, value},
	// The memory limiter has a name of its own in newer versions.
	{record.ProcessorRefused, "processor_memory_limiter_refused_spans", "", 1, always, value},
	{record.ExporterSent, "exporter_sent_spans", "", 1, loadExporter, value},
	{record.ExporterSendFailed, "exporter_send_failed_spans", "", 1, loadExporter, value},
	{record.ExporterEnqueueFailed, "exporter_enqueue_failed_spans", "", 1, loadExporter, value},
	{record.QueueSize, "exporter_queue_size", "", 1, traceQueue, value},
	{record.QueueCapacity, "exporter_queue_capacity", "", 1, traceQueue, value},
	{record.AdmissionRejections, "odigos_collector_memory_limiter_batch_rejections", "", 1, always, value},
	// It counts spans, whatever its name says. What was kept adds nothing, so that a sampler
	// that dropped none yet shows as 0.
	{record.SamplerDropped, "processor_probabilistic_sampler_count_traces_sampled", "", 1, notSampled, value},
	{record.SamplerDropped, "processor_probabilistic_sampler_count_traces_sampled", "", 0, always, value},
	{record.TailDropped, "processor_tail_sampling_global_count_traces_sampled", "", 1, notSampled, value},
	{record.TailDropped, "processor_tail_sampling_global_count_traces_sampled", "", 0, always, value},
	{record.TailEvicted, "processor_tail_sampling_sampling_trace_dropped_too_early", "", 1, always, value},
	{record.TailEvicted, "processor_tail_sampling_traces_dropped_too_large", "", 1, always, value},
	{record.BatchSizeSum, "processor_batch_batch_send_size", "", 1, always, sum},
	{record.BatchSizeCount, "processor_batch_batch_send_size", "", 1, always, count},
	{record.BatchByTimeout, "processor_batch_timeout_trigger_send", "", 1, always, value},
	{record.BatchBySize, "processor_batch_batch_size_trigger_send", "", 1, always, value},
	{record.ProcessingSum, "processor_internal_duration", "seconds", 1, traces, sum},
	{record.ProcessingCount, "processor_internal_duration", "seconds", 1, traces, count},
	{record.ExportCallSum, "rpc_client_call_duration", "seconds", 1, traceCall, sum},
	{record.ExportCallCount, "rpc_client_call_duration", "seconds", 1, traceCall, count},
	// Before version 1.40 of the semantic conventions.
	{record.ExportCallSum, "rpc_client_duration", "milliseconds", 1e-3, traceCall, sum},
	{record.ExportCallCount, "rpc_client_duration", "milliseconds", 1, traceCall, count},
	{record.ProcessCPU, "process_cpu_seconds", "", 1, always, value},
	{record.ProcessRSS, "process_memory_rss", "bytes", 1, always, value},
	{record.HeapAlloc, "process_runtime_heap_alloc_bytes", "", 1, always, value},
	{record.RuntimeSys, "process_runtime_total_sys_memory_bytes", "", 1, always, value},
	{record.Uptime, "process_uptime", "seconds", 1, always, value},
}

// bornTogether names, by a series that is there from the first span on, the counters
// that a collector serves only once they have counted: until then they are 0.
var bornTogether = map[record.Metric][]record.Metric{
	record.ExporterSent:   {record.ExporterSendFailed, record.ExporterEnqueueFailed},
	record.BatchSizeCount: {record.BatchByTimeout, record.BatchBySize},
}

// readCollector gives what a collector says of itself under the canonical names.
func readCollector(t *Target, points []point) map[record.Metric]float64 {
	metrics := map[record.Metric]float64{}
	odigos, limiter := false, false
	for _, p := range points {
		name := plainName(p.name)
		odigos = odigos || strings.HasPrefix(name, "odigos_") ||
			name == "target_info" && p.labels["service_name"] == "odigosotelcol"
		limiter = limiter || name == "processor_accepted_spans" ||
			name == "processor_memory_limiter_accepted_spans"
		for _, r := range collectorRules {
			if name != r.name && (r.unit == "" || name != r.name+"_"+r.unit) {
				continue
			}
			if v, ok := r.take(p); ok && r.keep(t, p.labels) {
				metrics[r.metric] += v * r.scale
			}
		}
	}
	for sign, counters := range bornTogether {
		if _, ok := metrics[sign]; ok {
			zeroIfAbsent(metrics, counters...)
		}
	}
	if odigos {
		zeroIfAbsent(metrics, record.AdmissionRejections)
	}
	if limiter {
		zeroIfAbsent(metrics, record.ProcessorRefused)
	}
	return metrics
}

func zeroIfAbsent(metrics map[record.Metric]float64, counters ...record.Metric) {
	for _, counter := range counters {
		metrics[counter] += 0
	}
}

// plainName takes off what versions and settings of the collector put around a name:
// the prefix, _total, and a unit in braces, which once became __spans_.
func plainName(name string) string {
	name = strings.TrimPrefix(name, "otelcol_")
	name = strings.TrimSuffix(name, "_total")
	name, _, _ = strings.Cut(name, "__")
	return strings.TrimSuffix(name, "_ratio")
}

func value(p point) (float64, bool) { return p.value, !p.histogram }
func sum(p point) (float64, bool)   { return p.sum, p.histogram }
func count(p point) (float64, bool) { return p.count, p.histogram }

func always(*Target, map[string]string) bool { return true }

// notSampled keeps what a sampler decided to drop.
func notSampled(_ *Target, labels map[string]string) bool { return labels["sampled"] == "false" }

// otlpReceiver leaves out the receivers by which a gateway scrapes itself.
func otlpReceiver(_ *Target, labels map[string]string) bool {
	return isA("otlp", labels["receiver"])
}

// loadExporter leaves out the exporters that carry something else than the load.
func loadExporter(t *Target, labels map[string]string) bool {
	id := labels["exporter"]
	if len(t.Exporters) > 0 {
		return slices.Contains(t.Exporters, id)
	}
	return !strings.Contains(id, "odigos-own-telemetry") && !isA("debug", id) && !isA("nop", id)
}

// traceQueue leaves out the queues of other signals; old versions name no signal.
func traceQueue(t *Target, labels map[string]string) bool {
	signal, named := labels["data_type"]
	return loadExporter(t, labels) && (!named || signal == "traces")
}

// traces leaves out calls that carried another signal; old versions name none.
func traces(_ *Target, labels map[string]string) bool {
	signal, named := labels["otel_signal"]
	return !named || signal == "traces"
}

// traceCall keeps calls of the trace service: its name is in the method since version
// 1.40 of the semantic conventions, and in a label of its own before.
func traceCall(_ *Target, labels map[string]string) bool {
	return strings.Contains(labels["rpc_method"], "collector.trace.") ||
		strings.Contains(labels["rpc_service"], "collector.trace.")
}

// isA tells whether a component's id, type or type/name, is of a type.
func isA(kind, id string) bool {
	found, _, _ := strings.Cut(id, "/")
	return found == kind
}
