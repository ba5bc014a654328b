package verdict

import (
	"fmt"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

const (
	ledgerSource  = record.EndingFile + ": account_measured"
	latencySource = record.EndingFile + ": received.latency, account_measured"
)

// reachedShare is the share of the spans due that must have been sent for the target
// to be reached.
const reachedShare = 0.99

// noBooks says why there is no account.
func (s *subject) noBooks() string {
	if s.neverMeasured() {
		return "the trial ended before its measured time"
	}
	return "one of the two books is missing"
}

// lost holds spans that were acknowledged and not delivered against their threshold.
// Where the gateway was not empty at the end, lost and still inside cannot be told
// apart, unless the collector itself says that it gave up on as many.
func lost(s *subject) []Finding {
	const check = "loss"
	d := s.f.Delivery
	switch {
	case !d.Known:
		return one(check, Note, "not known: %s", s.noBooks())
	case d.LostRatio == nil:
		return one(check, Note, "not judged: no measured span was acknowledged")
	}
	switch {
	case d.Lost == 0 || len(s.r.Header.Sampling) == 0:
	case s.predicted() != nil:
		return s.unsampled()
	default:
		return s.lostOrSampled()
	}
	items := s.ending.Measured.Acknowledged.Items
	return s.lossWithin(fmt.Sprintf("%s of %s acknowledged spans were not delivered (%s)",
		Count(d.Lost), Count(items), Percent(*d.LostRatio)), d.LostRatio)
}

// lossWithin holds a share of the acknowledged, measured spans against the threshold.
func (s *subject) lossWithin(text string, share *float64) []Finding {
	const check = "loss"
	limit := s.r.Header.Scenario.Thresholds.Loss
	if limit == nil {
		return with(one(check, Note, "%s; no threshold is set", text), share, nil,
			"ratio", ledgerSource)
	}
	allowed, items := float64(*limit), float64(s.ending.Measured.Acknowledged.Items)
	text += fmt.Sprintf("; allowed %s", Percent(allowed))
	severity := Held
	if *share > allowed {
		severity = Critical
		if !s.ending.Drained.Complete && !s.gone() && s.givenUp() <= allowed*items {
			severity = Void
			text += "; how many of them were still inside the gateway is not known"
		}
	}
	return because(StillInside, with(one(check, severity, "%s", text), share, &allowed, "ratio",
		ledgerSource))
}

// givenUp is how many spans the collector says that it dropped, over the whole run.
func (s *subject) givenUp() float64 {
	var sum float64
	for _, v := range []*float64{s.f.Failures.ExportFailed, s.f.Failures.EnqueueFailed} {
		if v != nil {
			sum += *v
		}
	}
	return sum
}

// brokenOff is whether the load ended before its time: what was under way then says
// nothing of the gateway.
func (s *subject) brokenOff() bool {
	return s.ending.Interrupted != "" || s.ending.CutShort != "" || s.ending.Error != ""
}

// refused holds spans that the gateway answered with an error, and those that it did
// not answer and that never came, against their threshold: to its sender both are
// gone. What was delivered though nobody answered is no failure.
func refused(s *subject) []Finding {
	const check = "refused"
	d := s.f.Delivery
	limit := s.r.Header.Scenario.Thresholds.Refused
	switch {
	case !d.Known:
		return one(check, Note, "not known: %s", s.noBooks())
	case d.RefusedPart == nil:
		return one(check, Note, "not judged: no measured span was offered")
	}
	text := fmt.Sprintf("%s of %s offered spans were refused (%s)", Count(d.Refused),
		Count(s.ending.Measured.Offered), Percent(*d.RefusedPart))
	share := *d.RefusedPart
	if d.Unanswered > 0 {
		text += fmt.Sprintf(", %s went unanswered and were not delivered (%s)",
			Count(d.Unanswered), Percent(*d.UnansweredPart))
		switch {
		case s.brokenOff() && !s.gone():
			text += ", not judged: the load ended before its time"
		case s.ownFault() != "":
			text += ", not judged: the load generator was the cause"
		default:
			share += *d.UnansweredPart
		}
	}
	if limit == nil {
		return with(one(check, Note, "%s; no threshold is set", text), &share, nil,
			"ratio", ledgerSource)
	}
	allowed, severity := float64(*limit), Held
	if share > allowed {
		severity = Critical
		if why := s.backendFault(); why != "" {
			severity = Note
			text += ", not judged: " + why
		}
	}
	return with(one(check, severity, "%s; allowed %s in all", text, Percent(allowed)),
		&share, &allowed, "ratio", ledgerSource)
}

// unheard tells of spans that were delivered though nobody answered.
func unheard(s *subject) []Finding {
	d := s.f.Delivery
	if d.Unheard == 0 {
		return nil
	}
	n := float64(d.Unheard)
	return with(one("unanswered", Note, "%s offered spans were delivered though nobody answered: "+
		"the deadline passed or the connection was cut; they count against no threshold",
		Count(d.Unheard)), &n, nil, "spans", ledgerSource)
}

// unsentAllowed is the share of the spans due that may stay unsent because the
// gateway pushed back: as much as may be refused, and at least 1 %.
func (s *subject) unsentAllowed() float64 {
	allowed := 1 - reachedShare
	if r := s.r.Header.Scenario.Thresholds.Refused; r != nil {
		allowed = max(allowed, float64(*r))
	}
	return allowed
}

// busy is how many requests would have been under way on average if every slot had
// been sent and answered as fast as those that were (Little's law): due requests a
// second times the mean time to an answer. The time counts from the due moment, so
// that it is never too low.
func (s *subject) busy() *float64 {
	if s.f.Rate.Due == nil || s.f.Rate.SpansPerRequest == 0 || s.f.Latency.Answer == nil ||
		s.f.Latency.Answer.Mean == nil {
		return nil
	}
	requests := *s.f.Rate.Due / float64(s.f.Rate.SpansPerRequest)
	return new(requests * *s.f.Latency.Answer.Mean)
}

// pushedBack holds spans that were not sent, or that the SDK gave up, because the
// gateway was slow to answer against what may be refused: it did not take them either.
// That the load generator itself was the cause is for generatorLate to say.
func pushedBack(s *subject) []Finding {
	const check = "unsent"
	a := s.account()
	if a == nil || a.Due == 0 {
		return nil
	}
	left := a.Unsent + a.Dropped.Items
	share := *ratio(left, a.Due)
	allowed := s.unsentAllowed()
	text := fmt.Sprintf("%s of %s spans due were not sent (%s)", Count(left),
		Count(a.Due), Percent(share))
	if a.Dropped.Items > 0 {
		text += fmt.Sprintf(", %s of them given up by the SDK, whose queue was full",
			Count(a.Dropped.Items))
	}
	severity := Held
	switch {
	case left == 0:
	case s.brokenOff():
		severity = Note
		text += "; the load ended before its time"
	case s.ownFault() != "":
		severity = Note
		text += "; not judged: the load generator was the cause"
	case s.backendFault() != "":
		severity = Note
		text += "; not judged: " + s.backendFault()
	case share > allowed:
		severity = Critical
		text += "; the gateway pushed back: " + s.allBusy()
	default:
		severity = Note
		text += "; the gateway pushed back for a while: " + s.allBusy()
	}
	if left > 0 {
		text += "; allowed " + Percent(allowed)
	}
	return with(one(check, severity, "%s", text), &share, &allowed, "ratio", ledgerSource)
}

func (s *subject) allBusy() string {
	text := fmt.Sprintf("all %d requests in flight were unanswered", s.f.Pacing.InFlight)
	if l := s.r.Header.Scenario.Load; l.Engine == scenario.EngineSDK {
		text = fmt.Sprintf("the SDK waits for one answer at a time on each connection (%d)",
			l.Connections)
	}
	if a := s.f.Latency.Answer; a != nil && a.P99 != nil && a.P99.Seconds != nil {
		text += fmt.Sprintf(", p99 of the answers %s", Seconds(*a.P99.Seconds))
	}
	return text
}

// lateAtMost holds the largest latency against the threshold of the p99, where there are
// too few requests for one: the p99 is not above it.
func (s *subject) lateAtMost(total *Spread, allowed float64) []Finding {
	const check = "latency"
	text := fmt.Sprintf("p99 from due to delivery is not known: fewer than %d requests lie "+
		"beyond it", beyondRequests)
	switch {
	case allowed == 0:
		return one(check, Note, "%s", text)
	case total != nil && !total.Max.Lost && *total.Max.Seconds <= allowed:
		return with(one(check, Held, "%s; all came within %s, allowed %s", text,
			Seconds(*total.Max.Seconds), Seconds(allowed)), total.Max.Seconds, &allowed,
			"seconds", latencySource)
	case total != nil && total.Max.Seconds != nil:
		text += fmt.Sprintf(", the latest came after %s", Seconds(*total.Max.Seconds))
	}
	return because(TooFewForQuantile, with(one(check, Reservation, "%s; it could not be held "+
		"against the allowed %s", text, Seconds(allowed)), nil, &allowed, "seconds", latencySource))
}

// late holds the p99 of due to delivery against its threshold. It counts from the due
// time to a receipt by the backend, so that it says nothing of the gateway when one of
// these was late, or the clock was set.
func late(s *subject) []Finding {
	const check = "latency"
	total := s.f.Latency.Total
	allowed := time.Duration(s.r.Header.Scenario.Thresholds.LatencyP99).Seconds()
	switch {
	case total == nil || total.P99 == nil:
		return s.lateAtMost(total, allowed)
	case total.P99.Lost:
		text := fmt.Sprintf("p99 from due to delivery is lost: %s of %s spans never came",
			Count(total.Lost), Count(total.Entries))
		if allowed == 0 {
			return with(one(check, Note, "%s; no threshold is set", text), nil, nil, "seconds",
				latencySource)
		}
		return with(one(check, Critical, "%s; allowed %s", text, Seconds(allowed)), nil,
			&allowed, "seconds", latencySource)
	}
	p99 := *total.P99.Seconds
	text := fmt.Sprintf("p99 from due to delivery %s", Seconds(p99))
	if allowed == 0 {
		return with(one(check, Note, "%s; no threshold is set", text), &p99, nil, "seconds",
			latencySource)
	}
	severity := Held
	if p99 > allowed {
		severity = Critical
		if why := s.lateFault(); why != "" {
			severity = Note
			text += ", not judged: " + why
		}
	}
	return with(one(check, severity, "%s; allowed %s", text, Seconds(allowed)), &p99,
		&allowed, "seconds", latencySource)
}
