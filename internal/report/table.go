package report

import (
	"fmt"

	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// A row is one figure: what it is of, its value, and where it stands under figures in
// the summary.
type row struct {
	what string
	v    *float64
	unit unit
	path string
}

// A unit writes a value for a reader.
type unit func(float64) string

// A section is the figures of one kind.
type section struct {
	title string
	of    string // what all of them are of, and the raw files they come from
	rows  []row
}

func spansPerSecond(v float64) string { return decimal(v) + " spans/s" }
func perSecond(v float64) string      { return decimal(v) + "/s" }
func megabytes(v float64) string      { return decimal(v/1e6) + " MB/s" }
func bytesASpan(v float64) string     { return decimal(v) + " B" }
func times(v float64) string          { return fmt.Sprintf("%.2f", v) }
func cores(v float64) string          { return fmt.Sprintf("%.2f cores", v) }
func mib(v float64) string            { return decimal(v/(1<<20)) + " MiB" }
func whole(v float64) string          { return verdict.Count(int64(v)) }
func items(v float64) string          { return decimal(v) }
func requests(v float64) string       { return decimal(v) + " requests" }
func cpuSeconds(v float64) string     { return decimal(v) + " CPU-s" }
func spansPerCore(v float64) string   { return decimal(v) + " spans/s per core" }

func decimal(v float64) string { return verdict.Number(v) }

func count(v *uint64) *float64 {
	if v == nil {
		return nil
	}
	return new(float64(*v))
}

// sections are all figures of a report but the account and the latency, which have
// tables of their own.
func sections(f verdict.Figures) []section {
	return []section{
		rateSection(f), failureSection(f.Failures), gatewaySection(f), observedSection(f),
		collectorSection(f), endsSection(f), growthSection(f.Growth),
	}
}

func rateSection(f verdict.Figures) section {
	r := f.Rate
	return section{"Rate", "Of the measured time. Bytes are of the load generator's request " +
		"bodies. From `raw/ending.json` (sent, account_measured); what arrived from " +
		"`raw/samples.jsonl` (actors.backend.metrics.unique_spans).", []row{
		{"Target", r.Target, spansPerSecond, "rate.target_spans_per_second"},
		{"Due by schedule", r.Due, spansPerSecond, "rate.due_spans_per_second"},
		{"Offered", r.Offered, spansPerSecond, "rate.offered_spans_per_second"},
		{"Acknowledged", r.Acknowledged, spansPerSecond, "rate.acknowledged_spans_per_second"},
		{
			"Delivered at last, of the spans due in the measured time", r.Delivered, spansPerSecond,
			"rate.delivered_spans_per_second",
		},
		{
			"Arrived at the backend during the measured time", r.Arrived, spansPerSecond,
			"rate.arrived_spans_per_second",
		},
		{"Encoded", r.Encoded, megabytes, "rate.encoded_bytes_per_second"},
		{"On the wire", r.Wire, megabytes, "rate.wire_bytes_per_second"},
		{"A span, encoded", r.EncodedPerSpan, bytesASpan, "rate.encoded_bytes_per_span"},
		{"A span, on the wire", r.WirePerSpan, bytesASpan, "rate.wire_bytes_per_span"},
		{"Compression (encoded ÷ wire)", r.Compression, times, "rate.compression_ratio"},
	}}
}

func failureSection(f verdict.FailureFigures) section {
	return section{"Failures by cause", "The load generator's are of the measured time and in " +
		"spans; the collector's counters are of the whole run. Collectors show a counter of " +
		"failures after the first failure only. From `raw/ending.json` (sent) and " +
		"`raw/samples.jsonl` (gateway).", with([]row{
		{
			"Refused, may be tried again", count(f.RefusedRetryable), whole,
			"failures.refused_retryable_spans",
		},
		{"Refused for good", count(f.RefusedPermanent), whole, "failures.refused_permanent_spans"},
		{
			"In requests rejected in part", count(f.RejectedInPart), whole,
			"failures.rejected_in_part_spans",
		},
		{
			"Unknown (deadline passed, connection cut)", count(f.Unknown), whole,
			"failures.unknown_spans",
		},
		{"Given up by the sending SDK", count(f.Dropped), whole, "failures.dropped_spans"},
		{"Unsent (no worker free)", count(f.Unsent), whole, "failures.unsent_spans"},
		{
			"Collector: receiver refused", f.ReceiverRefused, whole,
			"failures.whole_run_receiver_refused_spans",
		},
		{
			"Collector: receiver failed", f.ReceiverFailed, whole,
			"failures.whole_run_receiver_failed_spans",
		},
		{
			"Collector: processors refused", f.ProcessorRefused, whole,
			"failures.whole_run_processor_refused_spans",
		},
		{
			"Collector: exports failed", f.ExportFailed, whole,
			"failures.whole_run_export_failed_spans",
		},
		{
			"Collector: queue full", f.EnqueueFailed, whole,
			"failures.whole_run_enqueue_failed_spans",
		},
		{
			"Collector: requests refused at admission", f.AdmissionRejections, whole,
			"failures.whole_run_admission_rejected_requests",
		},
	}, f.KilledAt, row{
		"Gateway ended at (elapsed)", f.KilledAt, verdict.Seconds,
		"failures.gateway_ended_at_seconds",
	})}
}

// with adds rows when v is there; without it they would not be unknown, but nothing.
func with(rows []row, v *float64, more ...row) []row {
	if v == nil {
		return rows
	}
	return append(rows, more...)
}

func gatewaySection(f verdict.Figures) section {
	c, m := f.CPU, f.Memory
	return section{
		"Gateway: CPU and memory", "Of the measured time. " + ofPods(f) + ofUsage(c, m),
		gatewayRows(c, m),
	}
}

func gatewayRows(c verdict.CPUFigures, m verdict.MemoryFigures) []row {
	rows := []row{
		{"CPU, average", c.Average, cores, "gateway_cpu.average_cores"},
		{"CPU, p95", c.P95, cores, "gateway_cpu.p95_cores"},
		{"CPU, p99", c.P99, cores, "gateway_cpu.p99_cores"},
		{"CPU, most", c.Max, cores, "gateway_cpu.max_cores"},
		{
			"Arrived per core (over the same looks)", c.SpansPerCore, spansPerCore,
			"gateway_cpu.arrived_spans_per_second_per_core",
		},
		{
			"CPU a million spans arrived (over the same looks)", c.PerMillion, cpuSeconds,
			"gateway_cpu.cpu_seconds_per_million_arrived_spans",
		},
		{"Working set, peak", m.Peak, mib, "gateway_memory.working_set_peak_bytes"},
		{
			"Working set, peak, whole run", m.PeakOfRun, mib,
			"gateway_memory.whole_run_working_set_peak_bytes",
		},
		{"Working set, average", m.Average, mib, "gateway_memory.working_set_average_bytes"},
		{"Working set, first", m.First, mib, "gateway_memory.working_set_first_bytes"},
		{"Working set, last", m.Last, mib, "gateway_memory.working_set_last_bytes"},
		{
			"Anonymous and kernel, peak", m.Unreclaimable, mib,
			"gateway_memory.anon_and_kernel_peak_bytes",
		},
		{"RSS, peak (never judged)", m.RSS, mib, "gateway_memory.rss_peak_bytes"},
	}
	rows = with(rows, c.All,
		row{"CPU of all gateways, average", c.All, cores, "gateway_cpu.all_pods_average_cores"})
	rows = with(rows, c.Limit,
		row{"CPU limit", c.Limit, cores, "gateway_cpu.limit_cores"},
		row{
			"CPU, most, of its limit", c.Share, verdict.Percent,
			"gateway_cpu.max_ratio_of_limit",
		},
		row{
			"Periods held back by the limit", c.ThrottledPeriods, verdict.Percent,
			"gateway_cpu.throttled_periods_ratio",
		},
		row{
			"Time held back, over all threads, a second", c.ThrottledTime, verdict.Seconds,
			"gateway_cpu.throttled_seconds_per_second",
		})
	return with(rows, m.Limit,
		row{"Memory limit", m.Limit, mib, "gateway_memory.limit_bytes"},
		row{
			"Working set, peak, of its limit", m.Share, verdict.Percent,
			"gateway_memory.working_set_peak_ratio_of_limit",
		},
		row{
			"Distance to an OOM kill", m.Distance, mib,
			"gateway_memory.distance_to_oom_kill_bytes",
		})
}

func collectorSection(f verdict.Figures) section {
	p := f.Pipeline
	return section{"Collector", "What the collector says of itself, of the measured time. " +
		"Batches are over all batch processors: three in a row, as Odigos has them, count a span " +
		"three times. The queue is in requests, unless the collector was configured otherwise. " +
		"From `raw/samples.jsonl` (actors.gateway.metrics).", []row{
		{"Received", p.Accepted, spansPerSecond, "collector.receiver_accepted_spans_per_second"},
		{"Sent", p.Sent, spansPerSecond, "collector.exporter_sent_spans_per_second"},
		{
			"Own processing, mean of a processor's call", p.Processing, verdict.Seconds,
			"collector.processing_mean_seconds",
		},
		{"Export call, mean", p.ExportCall, verdict.Seconds, "collector.export_call_mean_seconds"},
		{
			"Exports under way, mean (calls a second × their mean)", p.ExportsUnder, items,
			"collector.export_calls_under_way_mean",
		},
		{"Batches", p.Batches, perSecond, "collector.batches_per_second"},
		{"Spans a batch, mean", p.BatchMean, items, "collector.batch_mean_spans"},
		{"Batches cut by the timer", p.ByTimeout, whole, "collector.batches_by_timeout"},
		{"Batches cut by their size", p.BySize, whole, "collector.batches_by_size"},
		{
			"Spans a request at the backend, mean, whole run", p.ArrivedMean, items,
			"collector.whole_run_spans_per_backend_request_mean",
		},
		{"Queue, most", p.QueueMax, requests, "collector.queue_max_requests"},
		{"Queue, mean", p.QueueMean, requests, "collector.queue_mean_requests"},
		{"Queue, capacity", p.Capacity, requests, "collector.queue_capacity_requests"},
		{"Heap, most", p.HeapMax, mib, "collector.heap_max_bytes"},
	}}
}

func endsSection(f verdict.Figures) section {
	p := f.Pacing
	rows := []row{
		{"In flight, most", p.InFlightMax, items, "pacing.in_flight_max_requests"},
		{"In flight, limit", new(float64(p.InFlight)), items, "pacing.in_flight_limit_requests"},
		{"Slope of send time, error", p.SlopeError, verdict.Percent, "pacing.slope_error_ratio"},
		{
			"Connections opened, whole run", count(p.Connections), whole,
			"pacing.whole_run_connections_opened",
		},
	}
	if l := p.Lateness; l != nil {
		late := func(what string, q *verdict.Percentile, name string) {
			r := row{what: what, unit: verdict.Seconds, path: "pacing.lateness." + name + ".seconds"}
			if q != nil {
				r.v = q.Seconds
			}
			rows = append(rows, r)
		}
		late("Lateness of slots, p50", l.P50, "p50")
		late("Lateness of slots, p99", l.P99, "p99")
		late("Lateness of slots, most", l.Max, "max")
	}
	for _, e := range []struct {
		name, path string
		f          verdict.EndFigures
	}{{"Load generator", "loadgen", f.Loadgen}, {"Backend", "backend", f.Backend}} {
		rows = append(rows,
			row{endTitle(e.name, "CPU, average", e.f), e.f.Cores, cores, e.path + ".average_cores"},
			row{endTitle(e.name, "CPU, most", e.f), e.f.Max, cores, e.path + ".max_cores"},
			row{endTitle(e.name, "CPU allowed", e.f), e.f.Allowed, cores, e.path + ".allowed_cores"},
			row{
				endTitle(e.name, "working set, peak", e.f), e.f.Memory, mib,
				e.path + ".working_set_peak_bytes",
			})
	}
	for _, actor := range []string{"loadgen", "gateway", "backend"} {
		if l, ok := f.Looks[actor]; ok {
			rows = append(rows, row{
				"Seconds without an answer: " + actor, &l.Missing,
				verdict.Percent, "looks." + actor + ".missing_ratio",
			})
		}
	}
	return section{"The two ends", fmt.Sprintf("Whether the load generator and the backend did "+
		"their part, of the measured time; lateness is over %s slots. %sFrom `raw/ending.json` "+
		"(sent) and `raw/samples.jsonl`.", verdict.Count(p.Slots), ofEnds(f.Loadgen, f.Backend)), rows}
}
