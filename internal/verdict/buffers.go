package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// The buffers of a collector that can be told apart from outside.
const (
	bufferQueue  = "sending queue"
	bufferDecode = "requests not answered yet"
	bufferTail   = "tail_sampling's store"
	bufferRest   = "batches and the rest"
)

// defaultDecisionWait is tail_sampling's, in seconds.
const defaultDecisionWait = 30.0

// buffers shares out the spans that were held at the last look of a life. A queue counts
// its requests until they are exported. Where it is not known how many spans were held,
// the sum of what is known stands for it.
func (m measure) buffers(f *DeathFigures, l life) {
	s, ok := lastTold(l)
	if !ok {
		return
	}
	var all []Buffer
	add := func(name string, spans float64, evidence string, args ...any) {
		if spans > 0 {
			all = append(all, Buffer{Name: name, Spans: &spans, Evidence: fmt.Sprintf(evidence, args...)})
		}
	}
	gate := m.own(s)
	if each := m.perQueued(); each > 0 {
		add(bufferQueue, gate[record.QueueSize]*each, "%s requests of %.0f spans each",
			Number(gate[record.QueueSize]), each)
	}
	flying := s.Actors[record.Loadgen].Metrics[record.LoadInFlight] / m.spread()
	add(bufferDecode, flying*m.perRequest(), "%s requests of %.0f spans each", Number(flying),
		m.perRequest())
	if wait, ok := decisionWait(m.r.Header.Scenario.Gateway); ok {
		accepted := gate[record.ReceiverAccepted]
		looked := s.Elapsed - max(0, l.from)
		if looked > 0 {
			rate := accepted / looked
			add(bufferTail, min(accepted, rate*wait), "%.0f spans/s for its decision_wait of %s, or since "+
				"it was ready", rate, Seconds(wait))
		}
	}
	total := 0.0
	for _, b := range all {
		total += *b.Spans
	}
	held, ok := m.spansHeld(byBorder, s, l)
	if ok && m.pod == "" && len(m.r.Header.Sampling) == 0 && held > 1.001*total {
		add(bufferRest, held-total, "%s spans held, less those above", Number(held))
		total = held
	}
	for i := range all {
		all[i].Share = *all[i].Spans / total
		if f.Held != nil {
			all[i].Bytes = new(*all[i].Spans * f.Held.PerSpan)
		}
	}
	slices.SortStableFunc(all, func(a, b Buffer) int { return cmp.Compare(*b.Spans, *a.Spans) })
	f.Buffers = all
	if len(all) > 0 && all[0].Share > 0.5 && all[0].Name != bufferRest {
		f.Grew = all[0].Name
	}
}

// lastTold is the last look of a life at which the gateway told of itself, and the ends too.
func lastTold(l life) (record.Sample, bool) {
	for _, s := range slices.Backward(l.looks) {
		_, border := betweenEnds(s)
		if border && len(s.Actors[record.Gateway].Metrics) > 0 {
			return s, true
		}
	}
	return record.Sample{}, false
}

// decisionWait is how long a tail_sampling among the gateway's processors holds a trace,
// in seconds. That of a user's own configuration is not known.
func decisionWait(g scenario.Gateway) (seconds float64, ok bool) {
	for _, p := range g.Processors {
		if kind, _, _ := strings.Cut(p.ID, "/"); kind != "tail_sampling" {
			continue
		}
		seconds, ok = max(seconds, defaultDecisionWait), true
		text, _ := p.Config["decision_wait"].(string)
		if d, err := time.ParseDuration(text); err == nil {
			seconds = d.Seconds()
		}
	}
	return seconds, ok
}
