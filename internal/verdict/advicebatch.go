package verdict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/gateway"
)

const (
	// batchSpans and batchWait are what a batch processor, and the batch of a sending
	// queue, wait for unless told otherwise.
	batchSpans = 8192
	batchWait  = 0.2
	// smallRequest is below how many spans a request costs more for itself than for them.
	smallRequest = 500
)

// noBatching speaks when nothing on the way puts requests together, requests of less
// than 500 spans go to the backend at 20 a second or more, and that costs: half of the
// CPU was used, or the exporter's consumers were busy.
func noBatching(s *subject) *Advice {
	e, ran, arrived := s.f.Exports, s.ran(), s.f.Rate.Arrived
	if ran == nil || ran.Batches() || e.Spans == nil || arrived == nil || *e.Spans >= smallRequest ||
		*e.Requests < 20 {
		return nil
	}
	allowed, _ := s.cpuAllowed()
	busy := over(s.f.CPU.Average, allowed)
	if !above(busy, 0.5) && !above(e.Busy, 0.8) {
		return nil
	}
	taken := *arrived
	if t := s.f.Rate.Acknowledged; t != nil {
		taken = max(taken, *t)
	}
	spans := min(batchSpans, taken*batchWait)
	if spans < 2**e.Spans {
		return nil
	}
	a := &Advice{
		Name: "no-batching",
		Symptom: fmt.Sprintf("nothing between receiver and backend batches: each request of %.0f "+
			"spans is exported by itself", *e.Spans),
		Evidence: []Evidence{
			proof("exports.spans_per_request", "spans", *e.Spans, "%.0f spans a request to the "+
				"backend", *e.Spans),
			proof("exports.requests_per_second", "requests/s", *e.Requests,
				"%.0f requests/s to the backend", *e.Requests),
		},
		Change: "Put spans together before they are exported, in the exporter's own queue.",
		Effect: fmt.Sprintf("Computed: a batch is full at %s spans or after %s, so that %s spans/s "+
			"make requests of %s spans, %.1f/s in the place of %.0f/s; up to %s more latency.",
			Number(batchSpans), Seconds(batchWait), Number(taken), Number(spans), taken/spans,
			*e.Requests, Seconds(batchWait)),
		Promise: &Promise{
			Figure: "exports.requests_per_second", Unit: "requests/s", Before: *e.Requests,
			After: taken / spans, Sense: AtMost,
		},
		covers: []string{"small-batches", "too-few-consumers"},
	}
	if busy != nil {
		a.Evidence = append(a.Evidence, proof("gateway_cpu.average_cores", "cores",
			*s.f.CPU.Average, "%.2f of %.2f cores on average", *s.f.CPU.Average, *allowed))
	}
	full := float64(batchSpans)
	if q := ran.Queue; q.Sizer == "items" && q.Size != nil {
		full = min(full, *q.Size) // a batch must find room in the queue
	}
	a.Patches = []Patch{exporterPatch(ran.Exporter, fmt.Sprintf("sending_queue:\n  batch:\n"+
		"    flush_timeout: 200ms\n    sizer: items\n    min_size: %.0f\n", full))}
	if !ran.Queue.Enabled {
		a.Change = "Put spans together before they are exported, with a batch processor."
		a.Patches = []Patch{batchProcessorPatch(ran)}
	}
	return a
}

// batchProcessorPatch puts a batch processor last on the way.
func batchProcessorPatch(ran *gateway.Ran) Patch {
	pipelines, of := ran.Processors()
	last := ran.First()
	if len(pipelines) > 0 {
		last = pipelines[len(pipelines)-1]
	}
	of[last] = append(of[last], "batch")
	p := processorsPatch([]string{last}, of)
	p.YAML = "processors:\n  batch: {}\n" + p.YAML
	return p
}

// limiterAfterBatch speaks when a memory limiter stands behind a batch processor and
// refused spans: the batch had acknowledged them, and drops what is refused after it.
func limiterAfterBatch(s *subject) *Advice {
	refused, ran := s.f.Failures.ProcessorRefused, s.ran()
	if ran == nil || !above(refused, 0) {
		return nil
	}
	late := ran.Before("batch", "memory_limiter")
	if len(late) == 0 {
		return nil
	}
	pipelines, of := ran.Processors()
	var ids []string
	changed := map[string]bool{ran.First(): true}
	for _, l := range late {
		changed[l.Pipeline] = true
		of[l.Pipeline] = slices.DeleteFunc(of[l.Pipeline], func(id string) bool { return id == l.ID })
		if !slices.Contains(ids, l.ID) {
			ids = append(ids, l.ID)
		}
	}
	of[ran.First()] = append(ids, of[ran.First()]...)
	pipelines = slices.DeleteFunc(pipelines, func(id string) bool { return !changed[id] })
	d := s.f.Delivery
	a := &Advice{
		Name: "limiter-after-batch",
		Symptom: fmt.Sprintf("%s stands behind a batch processor: what it refuses was acknowledged "+
			"to the sender already, and is lost", strings.Join(ids, ", ")),
		When: memoryLimits(s).When,
		Evidence: []Evidence{proof("failures.whole_run_processor_refused_spans", "spans", *refused,
			"%s spans refused by it, whole run", Count(int64(*refused)))},
		Change:  "Put the memory limiter first, so that what it refuses is refused to the sender.",
		Patches: []Patch{processorsPatch(pipelines, of)},
		Effect:  "What it refuses is refused to the sender, who may try again.",
		covers:  []string{"memory-limiter-refuses"},
	}
	if d.Known {
		a.Evidence = append(a.Evidence, proof("delivery.lost_spans", "spans", float64(d.Lost),
			"%s acknowledged spans lost in the measured time", Count(d.Lost)))
		after := max(0, float64(d.Lost)-*refused)
		a.Effect = fmt.Sprintf("Computed: of the %s spans lost in the measured time, the %s that were "+
			"refused behind their acknowledgement (whole run) go: at most %s are left. As many are "+
			"refused to the sender, who may try again.", Count(d.Lost), Number(*refused), Number(after))
		a.Promise = &Promise{
			Figure: "delivery.lost_spans", Unit: "spans", Before: float64(d.Lost), After: after,
			Sense: AtMost,
		}
	}
	return a
}
