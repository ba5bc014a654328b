package verdict

import (
	"fmt"
	"slices"
	"strings"
)

// sampled are the acknowledged spans whose absence is put down to the gateway's sampler:
// those of the traces that it was predicted to drop. Without a prediction they are those of
// the traces of which nothing came; all, where traces were not followed.
func (m measure) sampled() uint64 {
	a := m.account()
	switch p := m.predicted(); {
	case a == nil || len(m.r.Header.Sampling) == 0:
		return 0
	case p != nil:
		return p.Measured.Acknowledged.NotDelivered
	case a.Traces == nil:
		return a.Acknowledged.NotDelivered
	}
	return min(a.Traces.DroppedSpans, a.Acknowledged.NotDelivered)
}

// unsampled is loss where it is known which traces the gateway's samplers drop.
func (s *subject) unsampled() []Finding {
	d, items := s.f.Delivery, s.account().Acknowledged.Items
	share := ratio(d.Lost-s.sampled(), items)
	text := fmt.Sprintf("%s of %s acknowledged spans were not delivered; %s of them are of "+
		"traces that the configuration (%s) was predicted to drop, %s are loss (%s)",
		Count(d.Lost), Count(items), Count(s.sampled()), strings.Join(s.r.Header.Sampling, ", "),
		Count(d.Lost-s.sampled()), Percent(*share))
	return s.lossWithin(text, share)
}

// lostOrSampled is what can be said of loss where the gateway drops spans on purpose. A
// sampler keeps or drops a trace as one, so that a trace of which nothing came is put
// down to it, though it may have been lost; what is missing of a trace that came in part
// is loss. A filter may drop single spans, and then even that cannot be told.
func (s *subject) lostOrSampled() []Finding {
	const check = "loss"
	d, a := s.f.Delivery, s.account()
	ids := strings.Join(s.r.Header.Sampling, ", ")
	text := fmt.Sprintf("%s of %s acknowledged spans were not delivered (%s); the configuration "+
		"samples (%s), and loss cannot be told from that", Count(d.Lost),
		Count(a.Acknowledged.Items), Percent(*d.LostRatio), ids)
	limit := s.r.Header.Scenario.Thresholds.Loss
	if limit == nil {
		return with(one(check, Note, "%s; no threshold is set", text), d.LostRatio, nil,
			"ratio", ledgerSource)
	}
	allowed := float64(*limit)
	if a.Traces == nil {
		severity := Note
		if *d.LostRatio > allowed {
			severity = Reservation
		}
		return because(LostOrSampled, with(one(check, severity, "%s: whole traces were not followed",
			text), d.LostRatio, &allowed, "ratio", ledgerSource))
	}
	rest := ratio(d.Lost-s.sampled(), a.Acknowledged.Items)
	text += fmt.Sprintf(": %s traces of which nothing came (%s spans) are put down to it, assuming "+
		"that none of them was lost; %s spans missing of traces that came in part, or were not "+
		"acknowledged as a whole, are judged as loss (%s); allowed %s", Count(a.Traces.Dropped),
		Count(s.sampled()), Count(d.Lost-s.sampled()), Percent(*rest), Percent(allowed))
	severity, reason := Note, LostOrSampled
	if *rest > allowed {
		severity = Critical
		if slices.ContainsFunc(s.r.Header.Sampling, func(id string) bool {
			kind, _, _ := strings.Cut(id, "/")
			return kind == "filter"
		}) {
			severity = Reservation
			text += "; a filter may have dropped them one by one"
		} else if !s.ending.Drained.Complete && !s.gone() {
			severity, reason = Void, StillInside
			text += "; how many of them were still inside the gateway is not known"
		}
	}
	return because(reason, with(one(check, severity, "%s", text), rest, &allowed, "ratio",
		ledgerSource))
}
