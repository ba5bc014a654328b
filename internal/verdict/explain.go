package verdict

import (
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// ExplainedFigures say where the acknowledged spans are that were not delivered, over
// the whole run: the sum of all the others is the first. What none of them holds is
// Unexplained.
type ExplainedFigures struct {
	Known        bool   `json:"known"`
	NotDelivered uint64 `json:"acknowledged_and_not_delivered_spans"`
	// Sampled are of traces that were predicted to be dropped; where nothing could be
	// predicted (Assumed), all that nothing else explains.
	Sampled uint64 `json:"sampled_spans"`
	Assumed bool   `json:"sampled_by_assumption,omitempty"`
	// GivenUp are within what the exporter says that it gave up; TurnedAway, of these,
	// reached the backend and were answered with failure every time.
	GivenUp    uint64 `json:"given_up_by_the_exporter_spans"`
	TurnedAway uint64 `json:"turned_away_by_the_backend_spans"`
	// NotQueued were not taken by a sending queue, RefusedInside refused by a
	// memory_limiter behind the acknowledgement, Evicted dropped by a tail_sampling before
	// it decided.
	NotQueued     uint64 `json:"not_queued_spans"`
	RefusedInside uint64 `json:"refused_inside_spans"`
	Evicted       uint64 `json:"evicted_spans"`
	// Inside is the rest of a gateway that was not empty at the end, or that died.
	Inside uint64 `json:"still_inside_spans"`
	// Unexplained is nil where it cannot be told from Sampled or Inside.
	Unexplained *uint64 `json:"unexplained_spans,omitempty"`
	// Contradicting were delivered although they were predicted to be dropped; nil where
	// nothing was predicted.
	Contradicting *uint64 `json:"delivered_against_prediction_spans,omitempty"`
	// Books are the collector's counters beside the ledger.
	Books []Book `json:"books,omitempty"`
}

// predicted is the account of what was predicted to be dropped; nil where nothing was
// predicted, or where what came shows that the prediction does not hold.
func (m measure) predicted() *record.Predicted {
	p := m.ending.Predicted
	if m.sent == nil || m.received == nil || p == nil || delivered(&p.All) > 0 {
		return nil
	}
	return p
}

// unpredictable is whether the gateway samples and nobody can say what.
func (m measure) unpredictable() bool {
	return len(m.r.Header.Sampling) > 0 && m.predicted() == nil
}

// counter is a counter of the whole run, 0 where there is none.
func (m measure) counter(metric record.Metric) uint64 {
	if v := m.total(metric); v != nil && *v > 0 {
		return uint64(*v)
	}
	return 0
}

// whole is the fate of the acknowledged spans of the whole run whose traces were to be
// kept, as far as anything was predicted.
func (m measure) whole() (kept, dropped ledger.Fate) {
	kept = m.ending.All.Acknowledged
	if p := m.predicted(); p != nil {
		dropped = p.All.Acknowledged
		kept.Items -= dropped.Items
		kept.Once -= dropped.Once
		kept.Repeatedly -= dropped.Repeatedly
		kept.NotDelivered -= dropped.NotDelivered
		kept.TurnedAway -= dropped.TurnedAway
	}
	return kept, dropped
}

func (m measure) explained() ExplainedFigures {
	if m.account() == nil {
		return ExplainedFigures{}
	}
	kept, dropped := m.whole()
	f := ExplainedFigures{
		Known: true, NotDelivered: m.ending.All.Acknowledged.NotDelivered,
		Sampled: dropped.NotDelivered, TurnedAway: kept.TurnedAway,
	}
	rest := kept.NotDelivered
	take := func(n uint64) uint64 {
		n = min(n, rest)
		rest -= n
		return n
	}
	f.GivenUp = take(max(kept.TurnedAway, m.counter(record.ExporterSendFailed)))
	f.NotQueued = take(m.counter(record.ExporterEnqueueFailed))
	f.RefusedInside = take(m.refusedInside())
	f.Evicted = take(m.counter(record.TailEvicted) * m.traceSpans())
	killed, _, at := m.killed()
	switch {
	case killed || at != nil || !m.ending.Drained.Complete:
		f.Inside = take(rest)
	case m.unpredictable():
		f.Sampled, f.Assumed = take(rest), true
	}
	if f.Inside == 0 && (!f.Assumed || f.Sampled == 0) {
		f.Unexplained = &rest
	}
	if p := m.ending.Predicted; p != nil {
		f.Contradicting = new(delivered(&p.All))
	}
	f.Books = m.books(f)
	return f
}

// refusedInside is what a memory_limiter refused when the sender had its answer already:
// the refusals that the receivers did not pass on.
func (m measure) refusedInside() uint64 {
	refused := m.counter(record.ProcessorRefused)
	return refused - min(refused, m.counter(record.ReceiverRefused))
}

func (m measure) traceSpans() uint64 {
	return uint64(m.r.Header.Scenario.Load.Shape.Spans())
}
