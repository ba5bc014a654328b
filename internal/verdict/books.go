package verdict

import (
	"slices"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A Book is a counter of the collector, over the whole run, beside what the ledger knows
// of the same spans. The ledger may leave room: nobody knows whether a span was accepted
// that nobody answered.
type Book struct {
	Counter string `json:"counter"`
	Says    uint64 `json:"says_spans"`
	// The ledger allows from Least to Most.
	Least uint64 `json:"ledger_at_least_spans"`
	Most  uint64 `json:"ledger_at_most_spans"`
	// Unexplained is by how much the counter lies outside.
	Unexplained uint64 `json:"unexplained_spans"`
	of, room    string // what is counted, and what leaves the room
	metrics     []record.Metric
}

// settled fills in what is unexplained.
func (b Book) settled() Book {
	switch {
	case b.Says < b.Least:
		b.Unexplained = b.Least - b.Says
	case b.Says > b.Most:
		b.Unexplained = b.Says - b.Most
	}
	return b
}

// books holds every counter against the ledger that can be, of a gateway that lived to
// tell it.
func (m measure) books(f ExplainedFigures) (books []Book) {
	if killed, _, at := m.killed(); killed || at != nil {
		return nil
	}
	for _, book := range []func(ExplainedFigures) (Book, bool){
		m.acceptedBook, m.refusedBook, m.sentBook, m.givenUpBook, m.samplerBook,
	} {
		if b, ok := book(f); ok {
			books = append(books, b.settled())
		}
	}
	return books
}

// retries is whether a span may have been taken by the gateway more than once.
func (m measure) retries() bool {
	return m.r.Header.Scenario.Load.Retry == scenario.RetryExporter
}

// acceptedBook is what came in: all acknowledged, and what nobody answered perhaps.
func (m measure) acceptedBook(ExplainedFigures) (Book, bool) {
	all := m.ending.All
	b := Book{
		Counter: string(record.ReceiverAccepted), metrics: []record.Metric{record.ReceiverAccepted},
		Least: all.Acknowledged.Items, of: "acknowledged spans",
		room: "of the spans that nobody answered some may have been accepted",
	}
	b.Most = b.Least + all.Unknown.Items + all.RejectedInPart.Items
	if m.retries() {
		b.Most = max(b.Most, all.Attempts)
		b.room = "retried spans may have been accepted more than once"
	}
	v := m.total(record.ReceiverAccepted)
	if v == nil {
		return b, false
	}
	b.Says = uint64(*v)
	return b, true
}

// arrivals are the deliveries that the backend accepted, and how many of them were the
// first of a span.
func (m measure) arrivals() (all, first uint64) {
	first = delivered(&m.ending.All) + m.received.Foreign
	all = first
	for _, fate := range fates(&m.ending.All) {
		all += fate.Extra
	}
	return all, first
}

// sentBook is what went out. An answer that is lost on the way leaves a delivery
// uncounted: the span is sent again, or given up though it was delivered.
func (m measure) sentBook(ExplainedFigures) (Book, bool) {
	v := m.total(record.ExporterSent)
	if v == nil {
		return Book{}, false
	}
	all, first := m.arrivals()
	b := Book{
		Counter: string(record.ExporterSent), metrics: []record.Metric{record.ExporterSent},
		Says: uint64(*v), Least: all, Most: all, of: "deliveries that the backend accepted",
	}
	if all > first {
		b.room = "an answer that is lost on the way leaves a delivery uncounted"
		b.Least = first
	}
	if given := m.surplus(); given > 0 && b.Says < first {
		b.room = "answers were lost on the way, and what was delivered was given up for all that"
		b.Least = first - min(first, given)
	}
	if after := m.received.AfterMark; after > 0 {
		b.room = "some came while the gateway stopped, after its last look"
		b.Least -= min(b.Least, after)
	}
	if under := m.underWay(); under > m.received.AfterMark {
		b.room = "the gateway was not empty at the end: exports were under way at its last look"
		b.Least -= min(b.Least, under-m.received.AfterMark)
	}
	return b, true
}

// underWay are, of a gateway that was not empty at the end, the spans whose delivery it
// could not have counted at its last look: those in the backend's hands then, each request
// as large as the largest, and those that came later. It is 0 where it was empty.
func (m measure) underWay() uint64 {
	if m.ending.Drained.Complete {
		return 0
	}
	for _, sample := range slices.Backward(m.r.Samples) {
		_, counted := sample.Actors[record.Gateway].Metrics[record.ExporterSent]
		back := sample.Actors[record.Backend].Metrics
		if !counted || back == nil {
			continue
		}
		came := back[record.BackendUnique] + back[record.BackendDuplicate]
		under := max(0, float64(m.received.Unique+m.received.Duplicate)-came)
		if h := m.received.RequestSpans; h != nil {
			under += back[record.BackendInFlight] * float64(h.HDR().Max())
		}
		return uint64(under)
	}
	return 0
}

// surplus is how much more the collector says that it gave up than is missing: all that
// it gave up, where nobody knows what was to come.
func (m measure) surplus() uint64 {
	kept, _ := m.whole()
	given := m.counter(record.ExporterSendFailed) + m.counter(record.ExporterEnqueueFailed)
	if m.unpredictable() || m.severalWays() {
		return given
	}
	return given - min(given, kept.NotDelivered)
}

// givenUpBook is what the exporter gave up: what is missing, and what was delivered
// without its hearing of it; of what nobody answered perhaps some.
func (m measure) givenUpBook(f ExplainedFigures) (Book, bool) {
	sent := m.total(record.ExporterSent)
	b := Book{
		Counter: "exporter_send_failed_spans + exporter_enqueue_failed_spans",
		metrics: []record.Metric{record.ExporterSendFailed, record.ExporterEnqueueFailed},
		of:      "acknowledged spans missing that a queue or an exporter explains",
	}
	b.Says = m.counter(record.ExporterSendFailed) + m.counter(record.ExporterEnqueueFailed)
	b.Least = f.GivenUp + f.NotQueued
	if sent == nil || m.total(record.ExporterSendFailed) == nil || b.Says+b.Least == 0 ||
		m.severalWays() || m.retries() || m.unpredictable() {
		return b, false
	}
	// A span that was delivered and yet given up is one delivery that was not counted.
	_, first := m.arrivals()
	if n := uint64(*sent); n < first {
		b.Least += first - n
		b.of += ", and delivered ones that were not counted as sent"
	}
	b.Most = b.Least
	if unknown := m.unknownMissing(); unknown > 0 {
		b.Most += unknown
		b.room = "of the spans that nobody answered some may have been accepted and given up"
	}
	if after := max(m.received.AfterMark, m.underWay()); after > 0 {
		b.Least -= min(b.Least, after)
	}
	return b, true
}

// unknownMissing are the spans that were to be kept, that nobody answered and that did
// not come.
func (m measure) unknownMissing() uint64 {
	n := m.ending.All.Unknown.NotDelivered
	if p := m.predicted(); p != nil {
		n -= p.All.Unknown.NotDelivered
	}
	return n
}

// severalWays is whether a span may reach the backend on more than one.
func (m measure) severalWays() bool {
	p := m.r.Header.Prediction
	return p != nil && len(p.Paths) > 1
}

// samplerBook is what the samplers say that they dropped.
func (m measure) samplerBook(ExplainedFigures) (Book, bool) {
	p := m.predicted()
	if p == nil || m.severalWays() || m.retries() || m.counter(record.TailEvicted) > 0 {
		return Book{}, false
	}
	b := Book{
		Counter: "probabilistic_sampler_dropped_spans + tail_sampling_dropped_traces",
		metrics: []record.Metric{record.SamplerDropped, record.TailDropped},
		Least:   p.All.Acknowledged.Items, of: "acknowledged spans predicted to be dropped",
		room: "of the spans that nobody answered some may have been dropped",
	}
	b.Most = b.Least + p.All.Unknown.Items + p.All.RejectedInPart.Items
	b.Says = m.counter(record.SamplerDropped) + m.counter(record.TailDropped)*m.traceSpans()
	return b, m.total(record.SamplerDropped) != nil || m.total(record.TailDropped) != nil
}
