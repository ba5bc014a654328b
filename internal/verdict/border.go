package verdict

import (
	"fmt"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
)

const (
	ledgerSource  = record.EndingFile + ": account_measured"
	latencySource = record.EndingFile + ": received.latency, account_measured"
)

// reachedShare is the share of the spans due that must have been sent for the target
// to be reached.
const reachedShare = 0.99

// lost holds spans that were acknowledged and not delivered against their threshold.
// Where the gateway was not empty at the end, lost and still inside cannot be told
// apart, unless the collector itself says that it gave up on as many.
func lost(s *subject) []Finding {
	const check = "loss"
	d := s.f.Delivery
	limit := s.r.Header.Scenario.Thresholds.Loss
	switch {
	case !d.Known:
		return one(check, Note, "not known: one of the two books is missing")
	case d.LostRatio == nil:
		return one(check, Note, "not judged: no measured span was acknowledged")
	}
	items := s.ending.Measured.Acknowledged.Items
	text := fmt.Sprintf("%s of %s acknowledged spans were not delivered (%s)",
		Count(d.Lost), Count(items), Percent(*d.LostRatio))
	if limit == nil {
		return with(one(check, Note, "%s; no threshold is set", text), d.LostRatio, nil,
			"ratio", ledgerSource)
	}
	allowed := float64(*limit)
	text += fmt.Sprintf("; allowed %s", Percent(allowed))
	severity := Held
	if *d.LostRatio > allowed {
		severity = Critical
		if !s.ending.Drained.Complete && !s.gone() && s.givenUp() <= allowed*float64(items) {
			severity = Void
			text += "; how many of them were still inside the gateway is not known"
		}
	}
	return with(one(check, severity, "%s", text), d.LostRatio, &allowed, "ratio", ledgerSource)
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

// refused holds spans that the gateway answered with an error against their threshold.
func refused(s *subject) []Finding {
	const check = "refused"
	d := s.f.Delivery
	limit := s.r.Header.Scenario.Thresholds.Refused
	switch {
	case !d.Known:
		return one(check, Note, "not known: one of the two books is missing")
	case d.RefusedPart == nil:
		return one(check, Note, "not judged: no measured span was offered")
	}
	text := fmt.Sprintf("%s of %s offered spans were refused (%s)", Count(d.Refused),
		Count(s.ending.Measured.Offered), Percent(*d.RefusedPart))
	if limit == nil {
		return with(one(check, Note, "%s; no threshold is set", text), d.RefusedPart, nil,
			"ratio", ledgerSource)
	}
	allowed, severity := float64(*limit), Held
	if *d.RefusedPart > allowed {
		severity = Critical
	}
	return with(one(check, severity, "%s; allowed %s", text, Percent(allowed)),
		d.RefusedPart, &allowed, "ratio", ledgerSource)
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

// pushedBack holds spans that were not sent because the gateway was slow to answer
// against what may be refused: it did not take them either. That the load generator
// itself was the cause is for generatorLate to say.
func pushedBack(s *subject) []Finding {
	const check = "unsent"
	a := s.account()
	if a == nil || a.Due == 0 {
		return nil
	}
	share := *s.f.Delivery.UnsentPart
	allowed := s.unsentAllowed()
	text := fmt.Sprintf("%s of %s spans due were not sent (%s)", Count(a.Unsent),
		Count(a.Due), Percent(share))
	severity := Held
	switch {
	case a.Unsent == 0:
	case s.ending.Interrupted != "" || s.ending.CutShort != "" || s.ending.Error != "":
		severity = Note
		text += "; the load ended before its time"
	case s.ownFault() != "":
		severity = Note
		text += "; not judged: the load generator was the cause"
	case share > allowed:
		severity = Critical
		text += "; the gateway pushed back: " + s.allBusy()
	default:
		severity = Note
		text += "; the gateway pushed back for a while: " + s.allBusy()
	}
	if a.Unsent > 0 {
		text += "; allowed " + Percent(allowed)
	}
	return with(one(check, severity, "%s", text), &share, &allowed, "ratio", ledgerSource)
}

func (s *subject) allBusy() string {
	text := fmt.Sprintf("all %d requests in flight were unanswered", s.f.Pacing.InFlight)
	if a := s.f.Latency.Answer; a != nil && a.P99 != nil && a.P99.Seconds != nil {
		text += fmt.Sprintf(", p99 of the answers %s", Seconds(*a.P99.Seconds))
	}
	return text
}

// late holds the p99 of due to delivery against its threshold. It counts from the due
// time, so that it says nothing of the gateway when the load generator was late.
func late(s *subject) []Finding {
	const check = "latency"
	total := s.f.Latency.Total
	allowed := time.Duration(s.r.Header.Scenario.Thresholds.LatencyP99).Seconds()
	switch {
	case total == nil || total.P99 == nil:
		return one(check, Note, "p99 from due to delivery is not known: too few spans")
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
		if s.ownFault() != "" {
			severity = Note
			text += ", not judged: the load generator was late"
		}
	}
	return with(one(check, severity, "%s; allowed %s", text, Seconds(allowed)), &p99,
		&allowed, "seconds", latencySource)
}
