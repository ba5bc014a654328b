package verdict

import (
	"fmt"
	"math"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// How many must lie above a percentile before it is said. Spans of a request are as
// late as each other, so that requests count, of which a few may be odd; each slot
// stands for itself.
const (
	beyondRequests = 5
	beyondSlots    = 1
)

// LatencyFigures are the ways in which time passed.
type LatencyFigures struct {
	// Total is from due to receipt at the backend, of measured spans; those that
	// were acknowledged and not delivered are infinitely late.
	Total *Spread `json:"due_to_delivery,omitempty"`
	// Answer is from due to acknowledgement, of measured, acknowledged spans.
	Answer *Spread `json:"due_to_acknowledgement,omitempty"`
	// The followed spans are a sample of those acknowledged and delivered, so that
	// the two halves of their way can be told apart.
	FollowedAnswer  *Spread `json:"followed_due_to_acknowledgement,omitempty"`
	FollowedTransit *Spread `json:"followed_acknowledgement_to_delivery,omitempty"`
	FollowedTotal   *Spread `json:"followed_due_to_delivery,omitempty"`
	// Unacknowledged are those in Total that were delivered and not acknowledged;
	// NeverCame are all that were offered and not delivered.
	Unacknowledged uint64 `json:"delivered_unacknowledged_spans"`
	NeverCame      uint64 `json:"undelivered_spans"`
}

// A Spread is a distribution of times. A nil percentile cannot be said: too few
// entries lie beyond it (the spans of five requests, or one slot).
type Spread struct {
	Entries int64 `json:"entries"`
	// Lost entries are infinitely late, and are among Entries.
	Lost int64       `json:"lost_entries,omitempty"`
	Mean *float64    `json:"mean_seconds,omitempty"` // nil when any is lost
	P50  *Percentile `json:"p50,omitempty"`
	P90  *Percentile `json:"p90,omitempty"`
	P95  *Percentile `json:"p95,omitempty"`
	P99  *Percentile `json:"p99,omitempty"`
	P999 *Percentile `json:"p99_9,omitempty"`
	Max  *Percentile `json:"max,omitempty"`
	p99  *Percentile // however few entries there are, for checks that only want a hint
}

// A Percentile is a time, or lies beyond what was delivered.
type Percentile struct {
	Seconds *float64 `json:"seconds,omitempty"`
	Lost    bool     `json:"lost,omitempty"`
}

// newSpread describes a histogram to which so many lost entries belong; nil when
// there is nothing in either.
func newSpread(h *ledger.Histogram, lost uint64, beyond float64) *Spread {
	s := &Spread{Lost: int64(lost)}
	if h != nil {
		s.Entries = h.Count()
	}
	s.Entries += s.Lost
	if s.Entries == 0 {
		return nil
	}
	at := func(q float64) *Percentile {
		p := s.rank(h, int64(math.Ceil(q*float64(s.Entries)-1e-6)))
		if !p.Lost && float64(s.Entries)*(1-q) < beyond-1e-6 {
			return nil
		}
		return p
	}
	s.P50, s.P90, s.P95, s.P99, s.P999 = at(.5), at(.9), at(.95), at(.99), at(.999)
	s.Max = s.rank(h, s.Entries)
	s.p99 = s.rank(h, int64(math.Ceil(.99*float64(s.Entries)-1e-6)))
	if s.Lost == 0 {
		s.Mean = new(h.Mean().Seconds())
	}
	return s
}

// rank is the r-th smallest entry, from 1; the lost come after all others.
func (s *Spread) rank(h *ledger.Histogram, r int64) *Percentile {
	there := s.Entries - s.Lost
	if r > there {
		return &Percentile{Lost: true}
	}
	if r == there {
		return &Percentile{Seconds: new(h.Max().Seconds())}
	}
	return &Percentile{Seconds: new(h.Quantile(float64(r) / float64(there)).Seconds())}
}

// worst is the p99, or the largest where there are too few entries for a p99.
func (s *Spread) worst() (p Percentile, name string) {
	if s.P99 != nil {
		return *s.P99, "at p99"
	}
	return *s.Max, "at most"
}

func (m measure) latency() LatencyFigures {
	var f LatencyFigures
	perRequest := float64(max(1, m.r.Header.Scenario.Load.SpansPerRequest))
	spans := beyondRequests * perRequest
	if m.received != nil {
		var lost uint64
		if a := m.account(); a != nil {
			lost = a.Acknowledged.NotDelivered - m.sampled()
			f.Unacknowledged = delivered(a) - a.Acknowledged.Delivered()
			for _, fate := range fates(a) {
				f.NeverCame += fate.NotDelivered
			}
		}
		f.Total = newSpread(m.received.Latency, lost, spans)
	}
	if m.sent != nil {
		f.Answer = newSpread(m.sent.Answer, 0, spans)
	}
	followed := beyondRequests * max(1, perRequest/float64(max(1, m.r.Header.SampleEvery)))
	f.FollowedAnswer = newSpread(m.ending.Answer, 0, followed)
	f.FollowedTransit = newSpread(m.ending.Transit, 0, followed)
	f.FollowedTotal = newSpread(m.ending.Total, 0, followed)
	return f
}

// lateSeconds is the p99 lateness from which a load generator is late: it then adds
// more to what users feel than the network of a data centre does.
const lateSeconds = 0.1

// A spare is in how many looks the load generator was late (or left spans unsent), and
// in how many of these it had a worker to spare (or half of them).
type spare struct{ looks, free int }

func (s *spare) add(free bool) {
	s.looks++
	if free {
		s.free++
	}
}

// most is whether there were workers to spare in at least half of the looks.
func (s spare) most() bool { return 2*s.free >= s.looks }

func (s spare) in(which string) string {
	if s.looks == 0 {
		return "as far as is known: no look shows when " + which
	}
	return fmt.Sprintf("in %d of %s in which %s", s.free, plural(s.looks, "second", "seconds"), which)
}

func (m measure) pacing() PacingFigures {
	f := PacingFigures{InFlight: m.r.Header.Scenario.Load.InFlight}
	inFlight := record.MetricSeries(m.samples, record.Loadgen, record.LoadInFlight)
	if top, _, ok := inFlight.Max(); ok {
		f.InFlightMax, f.InFlightMean = new(top), mean(inFlight)
	}
	unsentBefore := math.Inf(1)
	for i := range m.samples {
		metrics := m.samples[i].Actors[record.Loadgen].Metrics
		if late, ok := metrics[record.LoadLatenessP99]; ok && late > lateSeconds {
			f.late.add(m.roomAt(i, 1))
		}
		if unsent, ok := metrics[record.LoadUnsent]; ok {
			if unsent > unsentBefore {
				f.unsent.add(m.roomAt(i, 0.5))
			}
			unsentBefore = unsent
		}
	}
	if m.sent == nil {
		return f
	}
	f.SlopeError = m.sent.SlopeError
	f.Connections = new(m.sent.ConnectionsOpened)
	if m.sent.Lateness != nil {
		f.Slots = m.sent.Lateness.Count()
		f.Lateness = newSpread(m.sent.Lateness, 0, beyondSlots)
	}
	return f
}
