package sizing

import (
	"math"
	"strconv"
)

// A Queue is what becomes of one pod whose backend is away, at the rate of one pod. Spans
// then gather in the exporter's queue, live, until its places or the memory are used up.
type Queue struct {
	// Exports is how many requests a second go into the queue at most.
	Exports float64 `json:"requests_per_second,omitempty"` // 0: not known
	// Requests is the size of the queue, which in Odigos cannot be set.
	Requests float64 `json:"size_requests"`
	Fixed    bool    `json:"size_cannot_be_set,omitempty"`
	// Span is what a span in it takes of the live heap, SpanFrom who says so.
	Span     float64  `json:"span_bytes,omitempty"` // 0: not known
	SpanFrom SpanFrom `json:"span_bytes_from,omitempty"`
	// Lasts is how long the places last, MemoryLasts how long the memory of the pod as it
	// was measured; 0: not known.
	Lasts       float64 `json:"size_lasts_seconds,omitempty"`
	MemoryLasts float64 `json:"memory_lasts_seconds,omitempty"`
	// Asked is what the outage that was asked for would take.
	Asked *Outage `json:"outage,omitempty"`
}

// A SpanFrom is where the cost of a queued span comes from.
type SpanFrom string

// The sources, the best first.
const (
	SpanGiven    SpanFrom = "given"    // by the user
	SpanMeasured SpanFrom = "baseline" // measured in a queue
	SpanSlope    SpanFrom = "slope"    // the live part of what a span inside takes on its way
)

// An Outage is what a backend that is away for so long takes of one pod.
type Outage struct {
	Seconds float64 `json:"seconds"`
	// Spans are those that come meanwhile, Held those of them that the queue has places for.
	Spans float64 `json:"spans"`
	Held  float64 `json:"held_spans"`
	// Times is Held by the most that was inside when it was measured: how far the memory
	// is extrapolated.
	Times float64 `json:"times_the_measured,omitempty"`
	// Size is how many places the queue needs.
	Size float64 `json:"size_needed_requests,omitempty"`
	// Live is the live heap then, GoMemLimit and MemoryLimit what has room for it.
	Live        float64 `json:"live_heap_bytes,omitempty"`
	GoMemLimit  float64 `json:"gomemlimit_needed_bytes,omitempty"`
	MemoryLimit float64 `json:"memory_limit_needed_bytes,omitempty"`
	// CatchUp is how long the queue takes to empty afterwards with all pods, while the load
	// goes on; 0: never, there is no spare rate.
	CatchUp float64 `json:"catch_up_seconds,omitempty"`
}

const (
	// defaultQueue is queue_size of a collector's exporter, in requests.
	defaultQueue = 1000
	// batchTimer and batchSize cut batches in Odigos' gateway: those of the batch processor.
	batchTimer = 0.2 // seconds
	batchSize  = 8192
	// liveShare is how much of GOMEMLIMIT may live. The runtime collects each time that the
	// rest is filled: with a fifth free four times as often as GOGC=100 would.
	liveShare = 0.8
	// chartShare and chartRest are Odigos' chart: GOMEMLIMIT is 80 % of the limit less 50 MiB.
	chartShare = 0.8
	chartRest  = 50 * mebi
	// outageStep is what a memory limit is rounded up to.
	outageStep = 50 * mebi
)

// queue is what the pod's queue does at its rate, and what an outage takes.
func (p pod) queue(w Wish, rate float64) Queue {
	q := Queue{Requests: defaultQueue, Fixed: odigos(p.gateway)}
	q.Exports, _ = p.exports.at(rate)
	if odigos(p.gateway) {
		q.Exports = max(q.Exports, 1/batchTimer+rate/batchSize)
		if rate*batchTimer < batchSize {
			q.Exports = 1 / batchTimer // the timer alone cuts them
		}
	}
	q.Span, q.SpanFrom = p.span(w)
	if q.Exports > 0 {
		q.Lasts = q.Requests / q.Exports
	}
	base, known := p.base()
	limit := float64(p.gateway.GoMemLimit)
	if limit == 0 {
		limit = float64(p.gateway.MemoryLimit) / (1 + p.garbage()) / liveShare
	}
	if q.Span > 0 && known {
		q.MemoryLasts = max(liveShare*limit-base, 0) / (q.Span * rate)
	}
	if w.Outage > 0 {
		q.Asked = p.outage(w, q, rate, base)
	}
	return q
}

// outage is what w.Outage takes. Memory is sized for what the queue has places for: in
// Odigos, whose queue cannot be set, the rest is lost whatever the memory.
func (p pod) outage(w Wish, q Queue, rate, base float64) *Outage {
	o := &Outage{Seconds: w.Outage, Spans: rate * w.Outage}
	o.Held = o.Spans
	if q.Fixed && q.Lasts > 0 {
		o.Held = rate * min(w.Outage, q.Lasts)
	}
	if q.Exports > 0 {
		o.Size = math.Ceil(q.Exports*w.Outage - 1e-6)
	}
	if spare := p.capacity.Low - rate; spare > 0 {
		o.CatchUp = o.Held / spare
	}
	for _, m := range p.models {
		if m.InsideMost > 0 {
			o.Times = max(o.Times, o.Held/m.InsideMost)
		}
	}
	if q.Span == 0 {
		return o
	}
	o.Live = base + q.Span*o.Held
	if p.gateway.GoMemLimit == 0 {
		o.MemoryLimit = up(o.Live*(1+p.garbage()), outageStep)
		return o
	}
	o.GoMemLimit = o.Live / liveShare // in whole MiB below: one is added
	share := float64(p.gateway.GoMemLimit) / float64(p.gateway.MemoryLimit)
	o.MemoryLimit = up((o.GoMemLimit+mebi)/share, outageStep)
	if p.gateway.GoMemLimit == derive(p.gateway).GoMemLimit {
		o.MemoryLimit = up((o.GoMemLimit+mebi)/chartShare+chartRest, outageStep)
	}
	return o
}

// base is memory with nothing inside: the model's, or what it cannot be above, the least
// peak of a trial; ok is false where neither is known.
func (p pod) base() (bytes float64, ok bool) {
	for _, m := range p.models {
		if m.Anon.Holds {
			bytes, ok = max(bytes, m.Anon.Base, 0), true
			continue
		}
		least := math.Inf(1)
		for _, t := range m.Anon.Trials {
			least, ok = min(least, t.Measured), true
		}
		if len(m.Anon.Trials) > 0 {
			bytes = max(bytes, least)
		}
	}
	return bytes, ok
}

// span is what a queued span takes of the live heap. A span on its way is decoded, copied
// and encoded at once, and garbage lies beside it; of that the slope over the spans inside
// alone, without the garbage, is more than a queued span takes, as far as was seen.
func (p pod) span(w Wish) (bytes float64, from SpanFrom) {
	if w.QueuedSpan > 0 {
		return w.QueuedSpan, SpanGiven
	}
	if p.queuedSpan != nil && *p.queuedSpan > 0 {
		return *p.queuedSpan, SpanMeasured
	}
	for _, m := range p.models {
		if m.Anon.Holds {
			bytes, from = max(bytes, m.Anon.PerSpanAlone/(1+p.garbage())), SpanSlope
		}
	}
	return bytes, from
}

// garbage is how much of the live heap the runtime lets lie beside it: GOGC as a share.
func (p pod) garbage() float64 {
	percent, err := strconv.ParseFloat(p.gateway.Env["GOGC"], 64)
	if err != nil || percent < 0 {
		percent = defaultGOGC
	}
	return percent / 100
}
