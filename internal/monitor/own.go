package monitor

import (
	"maps"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// An ownMetric says how one of our own actors serves a metric: the sum of the series
// of that name that bear the label value, if one is given.
type ownMetric struct {
	metric       record.Metric
	name         string
	label, value string
}

// ownMetrics name what our own actors serve, by kind.
var ownMetrics = map[Kind][]ownMetric{
	Loadgen: append([]ownMetric{
		{record.LoadTarget, "odigos_stress_loadgen_target_rate", "", ""},
		{record.LoadDue, "odigos_stress_loadgen_due_spans_total", "", ""},
		{record.LoadUnsent, loadSpans, "class", "unsent"},
		{record.LoadAcknowledged, loadSpans, "class", "acknowledged"},
		{record.LoadRefusedRetryable, loadSpans, "class", "refused_retryable"},
		{record.LoadRefusedPermanent, loadSpans, "class", "refused_permanent"},
		{record.LoadRejectedInPart, loadSpans, "class", "rejected_in_part"},
		{record.LoadUnknown, loadSpans, "class", "unknown"},
		{record.LoadDropped, loadSpans, "class", "dropped"},
		{record.LoadAttempts, "odigos_stress_loadgen_attempted_spans_total", "", ""},
		{record.LoadEncodedBytes, "odigos_stress_loadgen_encoded_bytes_total", "", ""},
		{record.LoadWireBytes, "odigos_stress_loadgen_wire_bytes_total", "", ""},
		{record.LoadInFlight, "odigos_stress_loadgen_in_flight_requests", "", ""},
	}, processMetrics...),
	Backend: append([]ownMetric{
		{record.BackendUnique, backendSpans, "result", "unique"},
		{record.BackendDuplicate, backendSpans, "result", "duplicate"},
		{record.BackendFailed, backendSpans, "result", "failed"},
		{record.BackendForeign, backendSpans, "result", "foreign"},
		{record.BackendRequests, "odigos_stress_backend_requests_total", "", ""},
		{record.BackendLate, "odigos_stress_backend_late_answers_total", "", ""},
		{record.BackendDecoded, "odigos_stress_backend_decoded_bytes_total", "", ""},
		{record.BackendWire, "odigos_stress_backend_wire_bytes_total", "", ""},
		{record.BackendInFlight, "odigos_stress_backend_in_flight_requests", "", ""},
		{record.BackendConnections, "odigos_stress_backend_connections", "", ""},
		{record.BackendLatencyMax, "odigos_stress_backend_latency_max_seconds", "", ""},
	}, processMetrics...),
}

const (
	loadSpans    = "odigos_stress_loadgen_spans_total"
	backendSpans = "odigos_stress_backend_spans_total"
)

// processMetrics are what Prometheus' client library serves of any Go process.
var processMetrics = []ownMetric{
	{record.ProcessCPU, "process_cpu_seconds_total", "", ""},
	{record.ProcessRSS, "process_resident_memory_bytes", "", ""},
	{record.HeapAlloc, "go_memstats_heap_alloc_bytes", "", ""},
}

// An ownQuantile is taken from a histogram, over the time since the last scrape.
type ownQuantile struct {
	metric record.Metric
	name   string
	q      float64
}

var ownQuantiles = map[Kind][]ownQuantile{
	Loadgen: {
		{record.LoadAnswerP50, "odigos_stress_loadgen_answer_seconds", 0.5},
		{record.LoadAnswerP99, "odigos_stress_loadgen_answer_seconds", 0.99},
		{record.LoadLatenessP50, "odigos_stress_loadgen_lateness_seconds", 0.5},
		{record.LoadLatenessP99, "odigos_stress_loadgen_lateness_seconds", 0.99},
	},
	Backend: {
		{record.BackendLatencyP50, "odigos_stress_backend_latency_seconds", 0.5},
		{record.BackendLatencyP90, "odigos_stress_backend_latency_seconds", 0.9},
		{record.BackendLatencyP99, "odigos_stress_backend_latency_seconds", 0.99},
	},
}

// read gives the canonical metrics of a scrape, and the distributions from which the
// next one's quantiles will be taken.
func read(t *Target, points []point, before distributions) (
	metrics map[record.Metric]float64, now distributions,
) {
	if t.Kind == Collector {
		metrics = readCollector(t, points)
	} else {
		metrics, now = readOwn(t.Kind, points, before)
	}
	// A sum of finite values may still be none, and JSON has no word for it.
	maps.DeleteFunc(metrics, func(_ record.Metric, v float64) bool { return !finite(v) })
	return metrics, now
}

func readOwn(kind Kind, points []point, before distributions) (
	map[record.Metric]float64, distributions,
) {
	metrics := map[record.Metric]float64{}
	now := distributions{}
	readGo(points, metrics)
	for _, p := range points {
		if p.histogram {
			now[p.name] = together(now[p.name], p.buckets)
			continue
		}
		for _, own := range ownMetrics[kind] {
			if own.name != p.name || own.label != "" && p.labels[own.label] != own.value {
				continue
			}
			metrics[own.metric] += p.value
		}
	}
	addQuantiles(kind, metrics, before, now)
	return metrics, now
}

// addQuantiles adds those of what came between two scrapes.
func addQuantiles(kind Kind, metrics map[record.Metric]float64, before, now distributions) {
	for _, own := range ownQuantiles[kind] {
		entries, ok := since(before[own.name], now[own.name])
		if !ok {
			continue
		}
		if v, ok := quantile(entries, own.q); ok {
			metrics[own.metric] = v
		}
	}
}
