package verdict

import (
	"fmt"
	"math"
	"time"
)

// leftOver is the share of a memory limit that a computed setting leaves used: the rest is
// for what a line through a few looks does not know.
const leftOver = 0.85

// A need is what the first death for want of memory says of the memory that would have
// been needed.
type need struct {
	death DeathFigures
	held  HeldFigures
	// spans that the gateway comes to hold: the backlog at the end of the load, or what
	// its queue takes, if that is less.
	spans float64
	// how spans comes about, with its numbers; full is set where the queue is the bound.
	how  string
	full bool
	// each is how many spans a queued request has; 0 where that is not known.
	each float64
	// cost is the memory of a span, and why.
	cost float64
	why  string
}

// needed is nil when it cannot be computed: memory did not go with the spans that the
// gateway held, or these did not grow.
func (s *subject) needed() *need {
	for _, d := range s.f.Deaths {
		if !d.ForMemory() || d.Held == nil || d.Limit == nil {
			continue
		}
		n := &need{death: d, held: *d.Held, each: s.perQueued()}
		n.cost, n.why = s.spanCost(d)
		if n.held.Growth <= 0 {
			return nil
		}
		lasts := s.r.Header.Scenario.Timing.Total().Seconds()
		n.spans = n.held.Growth * lasts
		n.how = fmt.Sprintf("%s spans/s more held × %s of load = %s spans",
			Number(math.Round(n.held.Growth)), Seconds(lasts), Number(math.Round(n.spans)))
		capacity := s.capacity()
		if queue := capacity * n.each; queue > 0 && queue < n.spans {
			n.spans, n.full = queue, true
			n.how = fmt.Sprintf("queue of %s requests × %.0f spans = %s spans", Number(capacity), n.each,
				Number(math.Round(queue)))
		}
		return n
	}
	return nil
}

// spanCost is the memory that is to be reckoned with for a span. The collector lets the
// heap grow to its live part and GOGC percent of it before it works (100 unless it is set,
// https://go.dev/doc/gc-guide), and to less where GOMEMLIMIT is below the memory limit: a
// quarter is left for it then. Where the heap is not told, and where nothing has it
// collected, it is the slope of memory.
func (s *subject) spanCost(d DeathFigures) (bytes float64, why string) {
	told, ok := s.goMemLimit()
	bounded, gogc := ok && told <= 0.9**d.Limit, s.gateway().GoRuntime().GC
	if d.Held.Live == nil || gogc == 0 && !bounded {
		return d.Held.PerSpan, "as memory rose"
	}
	headroom := 1 + float64(gogc)/100
	if bounded && (gogc == 0 || headroom > 1.25) {
		headroom = 1.25
	}
	why = fmt.Sprintf("%.1f KiB of live heap × %s for what is not collected yet",
		*d.Held.Live/(1<<10), Number(headroom))
	return max(d.Held.PerSpan, *d.Held.Live*headroom), why
}

// capacity is how many requests a gateway's sending queue takes; 0 where that is not known.
func (s *subject) capacity() float64 {
	if c := s.f.Pipeline.Capacity; c != nil {
		return *c / s.spread()
	}
	return 0
}

// bytes is the limit that holds so many spans.
func (n *need) bytes(spans float64) float64 {
	return (n.held.Base + spans*n.cost) / leftOver
}

// arithmetic is bytes in words.
func (n *need) arithmetic(spans float64) string {
	return fmt.Sprintf("(%s + %s spans × %.1f KiB) ÷ %.2f = %s", bytesText(n.held.Base),
		Number(math.Round(spans)), n.cost/(1<<10), leftOver, bytesText(n.bytes(spans)))
}

func (n *need) evidence() []Evidence {
	h := n.held
	all := []Evidence{
		proof("deaths[].held.bytes_per_span", "bytes", h.PerSpan,
			"%.1f KiB of memory a span held (%s), R² %.2f over %d points", h.PerSpan/(1<<10), h.By, h.Fit,
			h.Looks),
		proof("deaths[].held.base_bytes", "bytes", h.Base, "%s without any", bytesText(h.Base)),
		proof("deaths[].held.growth_spans_per_second", "spans/s", h.Growth,
			"%s spans/s more were held each second", Number(math.Round(h.Growth))),
		proof("deaths[].memory_limit_bytes", "bytes", *n.death.Limit, "memory limit %s",
			bytesText(*n.death.Limit)),
	}
	if h.Live != nil {
		all = append(all, proof("deaths[].held.live_bytes_per_span", "bytes", *h.Live,
			"%.1f KiB a span reckoned: %s", n.cost/(1<<10), n.why))
	}
	return all
}

// memoryForThis is the memory limit that this load would have needed.
func memoryForThis(s *subject) *Advice {
	n := s.needed()
	if n == nil {
		return nil
	}
	a := &Advice{
		Name:     "memory-limit-too-small",
		Symptom:  "the gateway was killed for want of memory" + s.whenDied(n.death),
		Evidence: n.evidence(),
		Patches:  s.memoryPatches(n.bytes(n.spans)),
		Change: "Raise the memory limit to what this load comes to. It buys time and no more: the " +
			"gateway takes in more than it gives, and a longer load needs more again.",
		Effect: fmt.Sprintf("Computed: %s; %s. GOMEMLIMIT is to be above %s, so that the collector "+
			"does not work for nothing.", n.how, n.arithmetic(n.spans),
			bytesText(n.held.Base+n.spans*n.cost/2)),
	}
	if n.full {
		a.Change = "Raise the memory limit to what a full sending queue takes. Then it refuses instead " +
			"of being killed."
	}
	return a
}

// queueForLimit is the largest sending queue that the limit has room for: beyond it spans
// are refused or dropped, and the gateway lives. Odigos' own queue cannot be configured.
func queueForLimit(s *subject) *Advice {
	n, ran := s.needed(), s.ran()
	if n == nil || ran == nil || s.odigos() || n.each <= 0 || n.death.Grew != bufferQueue {
		return nil
	}
	room := leftOver**n.death.Limit - n.held.Base
	size := math.Floor(room / (n.cost * n.each))
	if size < 1 || s.capacity() > 0 && size >= s.capacity() {
		return nil
	}
	a := &Advice{
		Name: "queue-larger-than-memory",
		Symptom: "the sending queue filled the memory before it was full: " +
			n.death.Where(),
		Evidence: n.evidence(),
		Change: "Make the sending queue no larger than the memory limit has room for. What does not " +
			"fit is refused or dropped, and counted; the gateway lives.",
		Patches: []Patch{
			exporterPatch(ran.Exporter, fmt.Sprintf("sending_queue:\n  queue_size: %.0f\n", size)),
		},
		Effect: fmt.Sprintf("Computed: (%.2f × %s - %s) ÷ (%.0f spans a request × %.1f KiB) = %.0f "+
			"requests.", leftOver, bytesText(*n.death.Limit), bytesText(n.held.Base), n.each,
			n.cost/(1<<10), size),
	}
	if c := s.f.Pipeline.Capacity; c != nil {
		a.Evidence = append(a.Evidence, proof("collector.queue_capacity_requests", "requests", *c,
			"the queue takes %s requests, which would be %s", Number(*c),
			bytesText(n.held.Base+*c*n.each*n.cost)))
	}
	return a
}

// consumersForRate are the exports that must be under way at once for the queue not to
// grow: the rate × how long an export takes ÷ the spans in each (Little's law).
func consumersForRate(s *subject) *Advice {
	n, p, ran := s.needed(), s.f.Pipeline, s.ran()
	have := s.f.Exports.Consumers
	delay := time.Duration(s.r.Header.Scenario.Backend.Delay).Seconds()
	if n == nil || ran == nil || have == nil || n.each <= 0 ||
		s.r.Header.Scenario.Backend.MaxConcurrent > 0 || n.death.Grew != bufferQueue {
		return nil
	}
	takes := delay
	if p.ExportCall != nil {
		takes = max(takes, *p.ExportCall)
	}
	rate := float64(s.r.Header.Scenario.Load.Rate)
	consumers := math.Ceil(rate * takes / n.each)
	if consumers <= *have {
		return nil // they were no bottleneck
	}
	steady := rate * takes
	a := &Advice{
		Name: "more-consumers-than-the-queue-has",
		Symptom: fmt.Sprintf("an export takes %s, and with %.0f under way at once the queue grows",
			Seconds(takes), *have),
		Evidence: n.evidence(),
		Change: "Let more exports be under way at once, so that as much goes out as comes in. Keep the " +
			"queue bounded all the same.",
		Patches: []Patch{exporterPatch(ran.Exporter, fmt.Sprintf("sending_queue:\n"+
			"  num_consumers: %.0f\n", math.Ceil(1.2*consumers/s.spread())))},
		Effect: fmt.Sprintf("Computed: %s spans/s × %s ÷ %.0f spans a request = %.0f consumers, and a "+
			"fifth more. Then %s × %s = %s spans are held, which takes %s.", Number(rate),
			Seconds(takes), n.each, consumers, Number(rate), Seconds(takes), Number(steady),
			n.arithmetic(steady)),
	}
	if s.odigos() {
		a.Change = "Spread the load over more gateways: Odigos sets no number of consumers, and each " +
			"gateway brings its own. Or make the backend faster."
		a.Patches = []Patch{s.replicaPatch(1.2 * consumers / *have)}
		return a
	}
	if n.bytes(steady) > *n.death.Limit {
		a.Effect += " That is more than the limit: raise it too."
	}
	return a
}
