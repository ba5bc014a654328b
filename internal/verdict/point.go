package verdict

import "github.com/odigos-io/odigos-stress/internal/record"

// A Point is one trial as a point of the curves over the rate. Figures are of the measured
// time; nil is not known.
type Point struct {
	Rate      float64  `json:"rate_spans_per_second"` // asked
	Arrived   *float64 `json:"arrived_spans_per_second,omitempty"`
	Measured  float64  `json:"measured_seconds"`
	CPU       *float64 `json:"cpu_average_cores,omitempty"`
	CPUMax    *float64 `json:"cpu_max_cores,omitempty"` // over 5 s
	Throttled *float64 `json:"throttled_periods_ratio,omitempty"`
	GC        *float64 `json:"gc_ratio_of_cpu,omitempty"`
	// CPU a span, of the gateway and of the two ends, in seconds per million that arrived.
	// That of the ends is a gauge of the host: between trials of like rates it moves only
	// with how fast its cores were.
	PerMillion        *float64 `json:"cpu_seconds_per_million_spans,omitempty"`
	LoadgenPerMillion *float64 `json:"loadgen_cpu_seconds_per_million_spans,omitempty"`
	BackendPerMillion *float64 `json:"backend_cpu_seconds_per_million_spans,omitempty"`

	Memory *float64 `json:"working_set_peak_bytes,omitempty"`
	Anon   *float64 `json:"anon_and_kernel_peak_bytes,omitempty"`
	// HeapLive is the mean of what collections found in use; MemLimit is GOMEMLIMIT.
	HeapLive *float64 `json:"heap_live_mean_bytes,omitempty"`
	MemLimit *float64 `json:"gomemlimit_bytes,omitempty"`
	P50      *float64 `json:"latency_p50_seconds,omitempty"`
	P99      *float64 `json:"latency_p99_seconds,omitempty"` // nil too when it is beyond the loss
	// Mean is how long a span stayed between its due time and its receipt, on average;
	// nil when any was lost.
	Mean     *float64 `json:"latency_mean_seconds,omitempty"`
	Queue    *float64 `json:"queue_mean_requests,omitempty"`
	QueueMax *float64 `json:"queue_max_requests,omitempty"`
	// Inside is how many spans were in the gateway, or under way to and from it, on average
	// and at most: sent and not yet delivered, look by look.
	Inside    *float64 `json:"inside_mean_spans,omitempty"`
	InsideMax *float64 `json:"inside_max_spans,omitempty"`
	// EncodedPerSpan is bytes a span as it was sent, before compression.
	EncodedPerSpan *float64 `json:"encoded_bytes_per_span,omitempty"`
	Refused        *float64 `json:"refused_ratio_of_offered,omitempty"`
	Lost           *float64 `json:"lost_ratio_of_acknowledged,omitempty"`
	Unsent         *float64 `json:"unsent_ratio_of_due,omitempty"`
	// BatchMean is spans an export, Exports how many there were a second.
	BatchMean *float64 `json:"spans_per_export,omitempty"`
	Exports   *float64 `json:"exports_per_second,omitempty"`
	// Consumers is the share of the exporter's consumers that waited for the backend.
	Consumers *float64 `json:"consumers_busy_ratio,omitempty"`
	// LoadgenCPU is in cores; Lateness the p99 of how late slots were sent, in seconds.
	LoadgenCPU *float64 `json:"loadgen_average_cores,omitempty"`
	Lateness   *float64 `json:"lateness_p99_seconds,omitempty"`
}

// PointOf takes the figures of a point from a record.
func PointOf(r *record.Record) Point {
	m := newMeasure(r)
	f := Measure(r)
	p := Point{
		Rate: float64(r.Header.Scenario.Load.Rate), Arrived: f.Rate.Arrived,
		Measured: f.Time.Measured,
		CPU:      f.CPU.Average, CPUMax: f.CPU.Max, Throttled: f.CPU.ThrottledPeriods,
		GC: f.Runtime.Share, Memory: f.Memory.Peak, Anon: f.Memory.Unreclaimable,
		HeapLive: f.Runtime.LiveMean, MemLimit: f.Runtime.MemLimit,
		Queue: f.Pipeline.QueueMean, QueueMax: f.Pipeline.QueueMax,
		EncodedPerSpan: f.Rate.EncodedPerSpan,
		Refused:        f.Delivery.RefusedPart, Lost: m.lostShare(f), Unsent: f.Delivery.UnsentPart,
		BatchMean: f.Exports.Spans, Exports: f.Exports.Requests,
		Consumers:  (&subject{measure: m, f: f}).consumersBusy(),
		LoadgenCPU: f.Loadgen.Cores, PerMillion: f.CPU.PerMillion,
		LoadgenPerMillion: m.perMillion(record.Loadgen),
		BackendPerMillion: m.perMillion(record.Backend),
	}
	if p.MemLimit == nil {
		if limit, ok := m.goMemLimit(); ok {
			p.MemLimit = &limit
		}
	}
	if l := f.Latency.Total; l != nil {
		p.P50, p.P99, p.Mean = l.P50.seconds(), l.P99.seconds(), l.Mean
	}
	if l := f.Pacing.Lateness; l != nil {
		p.Lateness = l.P99.seconds()
	}
	if f.CPU.Resolution != nil {
		p.CPUMax = nil // over longer than 5 s
	}
	inside := m.inside(m.samples, false)
	p.Inside, p.InsideMax = mean(inside), top(inside)
	return p
}

// perMillion is an actor's CPU seconds per million spans that arrived.
func (m measure) perMillion(actor string) *float64 {
	spans, seconds := m.worked(actor)
	return over(seconds, over(spans, new(1e6)))
}

// lostShare is of the acknowledged spans, without those that a sampler was predicted to drop;
// nil where what it drops cannot be predicted.
func (m measure) lostShare(f Figures) *float64 {
	a := m.account()
	switch {
	case a == nil:
		return nil
	case f.Delivery.Sampled != nil:
		return ratio(f.Delivery.Lost-min(f.Delivery.Lost, *f.Delivery.Sampled), a.Acknowledged.Items)
	case len(m.r.Header.Sampling) > 0 && f.Delivery.Lost > 0:
		return nil
	}
	return f.Delivery.LostRatio
}

// seconds is nil of a percentile that is not known, or lies beyond the loss.
func (p *Percentile) seconds() *float64 {
	if p == nil {
		return nil
	}
	return p.Seconds
}
