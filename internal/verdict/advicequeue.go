package verdict

import (
	"fmt"
	"math"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// A queueCost is what the exporter's queue took of the gateway's memory: a line through
// memory over what the queue held.
type queueCost struct {
	empty, each float64 // bytes: with an empty queue, and for each unit of the queue
	most        float64 // units that the queue held at most
}

// queueMemory fits the cost of the queue where it rose to its highest level, at looks
// at which memory was below seven tenths of its limit: above them the garbage collector
// holds memory down, at the price of CPU. It wants four looks, and a queue that came to
// four times its first level.
func (s *subject) queueMemory() *queueCost {
	limit := s.f.Memory.Limit
	of := record.Gateway
	if s.pod != "" {
		of = s.pod // its queue is what fills its memory
	}
	queue := record.MetricSeries(s.r.Samples, of, record.QueueSize)
	high, at, ok := queue.Max()
	if !ok || limit == nil || high <= 0 {
		return nil
	}
	var fit record.Series // the queue stands where elapsed time does
	for _, sample := range s.r.Samples {
		a := sample.Actors[record.Gateway]
		level, seen := s.own(sample)[record.QueueSize]
		if !seen || a.Usage == nil || a.Usage.MemoryWorkingSet == nil || sample.Elapsed > at {
			continue
		}
		if used := float64(*a.Usage.MemoryWorkingSet); used <= comfortable**limit {
			fit.Elapsed, fit.Values = append(fit.Elapsed, level), append(fit.Values, used)
		}
	}
	if fit.Len() < 4 {
		return nil
	}
	empty, each, ok := line(fit)
	if !ok || each <= 0 || empty <= 0 {
		return nil
	}
	return &queueCost{empty: empty, each: each, most: high}
}

// line is the least-squares line through a series; ok is false where nothing varies.
func line(s record.Series) (alpha, beta float64, ok bool) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, x := range s.Elapsed {
		low, high = min(low, x), max(high, x)
	}
	if high < 4*max(1, low) {
		return 0, 0, false
	}
	var n, sx, sy, sxx, sxy float64
	for i, x := range s.Elapsed {
		y := s.Values[i]
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	beta = (n*sxy - sx*sy) / (n*sxx - sx*sx)
	return (sy - beta*sx) / n, beta, true
}

// shortOfMemory is whether memory was the gateway's trouble at all: it was killed for
// want of it, refused for want of it, or came to four fifths of its limit.
func (s *subject) shortOfMemory() bool {
	f := s.f.Failures
	return f.Killed || above(f.AdmissionRejections, 0) || above(f.ProcessorRefused, 0) ||
		above(over(s.f.Memory.PeakOfRun, s.f.Memory.Limit), 0.8)
}

// queueTooLarge speaks when memory was short, the exporter's queue held more than three
// tenths of the limit, and a full queue would hold more than there is. Odigos' own
// queue cannot be configured: there its admission check is what bounds it.
func queueTooLarge(s *subject) *Advice {
	m, e, ran, cost := s.f.Memory, s.f.Exports, s.ran(), s.queueMemory()
	if cost == nil || ran == nil || e.QueueSize == nil || s.odigos() || !s.shortOfMemory() {
		return nil
	}
	full := cost.empty + cost.each**e.QueueSize
	held := cost.each * cost.most
	fits := math.Floor((comfortable**m.Limit - cost.empty) / cost.each)
	if full <= *m.Limit || held < 0.3**m.Limit || fits < 1 {
		return nil
	}
	unit := e.Sizer
	size := math.Max(fits, 1)
	peak := cost.empty + cost.each*size
	a := &Advice{
		Name: "queue-larger-than-memory",
		Symptom: fmt.Sprintf("the exporter's queue may hold more than the gateway's memory: %s %s "+
			"would take %s, the limit is %s", Number(*e.QueueSize), unit, bytesText(full),
			bytesText(*m.Limit)),
		When: s.queuePeriod(),
		Evidence: []Evidence{
			proof("exports.queue_size_configured", unit, *e.QueueSize, "queue_size %s %s",
				Number(*e.QueueSize), unit),
			{
				Text:  fmt.Sprintf("the queue held %s %s at most, whole run", Number(cost.most), unit),
				Value: cost.most, Unit: unit,
				Source: record.SamplesFile + ": actors.gateway.metrics.exporter_queue_size",
			},
			{
				Text:  fmt.Sprintf("%.1f KiB of memory for each", cost.each/1024),
				Value: cost.each, Unit: "bytes", Source: record.SamplesFile +
					": slope of memory_working_set_bytes over exporter_queue_size",
			},
			proof("gateway_memory.whole_run_working_set_peak_bytes", "bytes", *m.PeakOfRun,
				"largest working set %s of %s", bytesText(*m.PeakOfRun), bytesText(*m.Limit)),
		},
		Change: "Let the queue hold what the memory can: what it then refuses is counted " +
			"(enqueue failed) and logged, where a killed gateway loses all that it holds.",
		Patches: []Patch{exporterPatch(ran.Exporter, fmt.Sprintf("sending_queue:\n"+
			"  queue_size: %.0f\n", size))},
		Effect: fmt.Sprintf("Computed: %s with an empty queue + %s × %.1f KiB = %s with a full one, "+
			"%s of the limit.", bytesText(cost.empty), Number(size), cost.each/1024, bytesText(peak),
			Percent(peak / *m.Limit)),
		Promise: &Promise{
			Figure: "gateway_memory.whole_run_working_set_peak_bytes", Unit: "bytes",
			Before: *m.PeakOfRun, After: peak, Sense: AtMost,
		},
		covers: []string{
			"memory-limit-too-small", "memory-near-its-limit", "memory-grows", "queue-fills",
			"cpu-held-back",
		},
	}
	// Garbage may fill the heap up to GOMEMLIMIT before it is collected.
	if told, ok := s.goMemLimit(); ok && told > peak && told < *m.Limit {
		a.Promise.After = told
		a.Effect += fmt.Sprintf(" Garbage may fill the heap up to GOMEMLIMIT, %s, before it is "+
			"collected: that is the most to be seen.", bytesText(told))
	}
	return a
}

// tooFewConsumers speaks when the exporter's consumers limit: see queueLimits.
func tooFewConsumers(s *subject) *Advice {
	c, e, taken := queueLimits(s), s.f.Exports, s.f.Rate.Acknowledged
	ran := s.ran()
	if c.State != Limits || taken == nil || ran == nil || *taken <= *e.Most ||
		backendLimits(s).State == Limits {
		return nil
	}
	rate, of := s.toLeave()
	needed := rate / *e.Spans * *e.Stay
	want := math.Ceil(1.5 * needed)
	a := &Advice{
		Name: "too-few-consumers",
		Symptom: fmt.Sprintf("all %.0f consumers of the exporter's queue waited for the backend, "+
			"while work waited for them", *e.atOnce()),
		When: c.When, Evidence: c.Evidence,
		Change: "Let more exports be under way at once, or make the backend faster. A larger queue " +
			"would only delay the loss, and cost memory.",
		Effect: fmt.Sprintf("Computed (Little's law): %s spans/s%s ÷ %s spans a request × %s = %.1f "+
			"under way; %.0f leave a third to spare, and let at most %s spans/s out, if the backend "+
			"takes no longer for each when there are more.", Number(rate), of,
			Number(math.Round(*e.Spans)), Seconds(*e.Stay), needed, want,
			Number(want / *e.Stay * *e.Spans)),
		covers: []string{
			"memory-near-its-limit", "memory-grows", "admission-refuses", "memory-limiter-refuses",
			"queue-fills", "more-consumers-than-the-queue-has", "queue-too-small",
		},
	}
	if s.odigos() {
		a.Change = "Spread the load over more gateways: Odigos sets no number of consumers, and each " +
			"gateway brings its own. Or make the backend faster."
		a.Patches = []Patch{s.replicaPatch(1.5 * rate / *e.Most)}
		return a
	}
	want = math.Ceil(want / s.spread()) // of each gateway
	settings := fmt.Sprintf("sending_queue:\n  num_consumers: %.0f\n", want)
	if e.AtOnce != nil {
		a.Symptom = fmt.Sprintf("the exporter's queue has room for %.0f requests, those under way "+
			"included: no more could wait for the backend at once, whatever the %.0f consumers",
			*e.AtOnce, *e.Consumers)
		a.Change = "Let more exports be under way at once: the queue must have room for those of all " +
			"consumers, and for what waits. Or make the backend faster."
	}
	if e.Sizer == "requests" && e.QueueSize != nil && *e.QueueSize < 2*want {
		settings += fmt.Sprintf("  queue_size: %.0f\n", 2*want)
	}
	a.Patches = []Patch{exporterPatch(ran.Exporter, settings)}
	if arrived := s.f.Rate.Arrived; arrived != nil && of == "" {
		a.Promise = &Promise{
			Figure: "rate.arrived_spans_per_second", Unit: "spans/s", Before: *arrived,
			After: *taken, Sense: AtLeast,
		}
	}
	return a
}

// toLeave is what must leave for the gateway to hold: what was taken, or, where some was
// refused, what was offered; of says which, in words, in the latter case.
func (s *subject) toLeave() (rate float64, of string) {
	taken, offered := *s.f.Rate.Acknowledged, s.f.Rate.Offered
	if s.f.Delivery.Refused > 0 && above(offered, taken) {
		return *offered, fmt.Sprintf(" offered (%s of them taken, the rest refused)", Number(taken))
	}
	return taken, ""
}

// queueTooSmall speaks when the exporter's queue was full at times though the backend
// failed nothing and its consumers let out as much as came.
func queueTooSmall(s *subject) *Advice {
	e, ran := s.f.Exports, s.ran()
	if !above(s.f.Failures.EnqueueFailed, 0) || ran == nil || s.odigos() ||
		e.Sizer != "requests" || !above(e.QueueSize, 0) || s.received == nil ||
		s.received.Failed > 0 || s.cpuFull() || s.shortOfMemory() {
		return nil
	}
	return &Advice{
		Name: "queue-too-small",
		Symptom: fmt.Sprintf("the exporter's queue of %s was full at times, and did not take what "+
			"came then", plural(int(*e.QueueSize), "request", "requests")),
		When: s.queuePeriod(),
		Evidence: []Evidence{
			s.notTaken(),
			proof("exports.queue_size_configured", e.Sizer, *e.QueueSize, "queue_size %s %s",
				Number(*e.QueueSize), e.Sizer),
		},
		Change: "Let the queue hold more, as long as the memory does: watch the working set.",
		Patches: []Patch{exporterPatch(ran.Exporter, fmt.Sprintf("sending_queue:\n"+
			"  queue_size: %.0f\n", 4**e.QueueSize))},
		Effect: "The queue takes longer bursts. Four times is a place to start, no estimate: it " +
			"refused, so that how much came at most is not known.",
	}
}

// queueFills speaks when the exporter's queue was half full or refused spans since the
// backend answered with failure: the exporter then waits before it tries again.
func queueFills(s *subject) *Advice {
	p := s.f.Pipeline
	if !above(p.QueueShare, 0.5) && !above(s.f.Failures.EnqueueFailed, 0) ||
		s.received == nil || s.received.Failed == 0 {
		return nil
	}
	a := &Advice{
		Name: "queue-fills",
		Symptom: "the exporter's queue filled up: spans came faster than they were exported to a " +
			"backend that failed some",
		When:     s.queuePeriod(),
		Evidence: []Evidence{s.failedEvidence()},
		Change:   "Let the exporter try again sooner, or mend the backend.",
		Patches: []Patch{exporterPatch(s.exporterID(), "retry_on_failure:\n  initial_interval: 1s\n"+
			"  max_interval: 5s\n")},
		Effect: "A consumer that waits to try again exports nothing else: shorter waits empty " +
			"the queue sooner, and ask more of a backend that is in trouble.",
	}
	if p.QueueMax != nil && p.QueueShare != nil {
		a.Evidence = append(a.Evidence, proof("collector.queue_max_requests", "requests", *p.QueueMax,
			"queue at most %s of %s requests", Number(*p.QueueMax), Number(*p.Capacity)))
	}
	if n := s.f.Failures.EnqueueFailed; above(n, 0) {
		a.Evidence = append(a.Evidence, proof("failures.whole_run_enqueue_failed_spans", "spans",
			*n, "%s spans refused by the full queue, whole run", Count(int64(*n))))
	}
	return a
}
