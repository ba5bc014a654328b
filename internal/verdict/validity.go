package verdict

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// Limits of validity.
const (
	// unsentNoise is the share of unsent spans below which nothing is asked.
	unsentNoise = 0.001
	// throttledShare is the share of held-back periods from which one of our own
	// actors wanted for CPU.
	throttledShare = 0.10
	// fullShare is the share of 5 s windows with a full CPU from which it counts.
	fullShare = 0.10
	// gapShare and gapSeconds are how much may be missing of what was looked at.
	gapShare   = 0.05
	gapSeconds = 5.0
)

// neverMeasured is whether the trial is known to have ended before its measured time.
func (s *subject) neverMeasured() bool {
	return s.r.Ending != nil && (s.time.Measured <= 0 || s.sent != nil && s.sent.Measured.Due == 0)
}

// schedule asks whether as much became due as the scenario asks for.
func schedule(s *subject) []Finding {
	const check = "schedule"
	f := s.f.Rate
	load := s.r.Header.Scenario.Load
	switch {
	case s.neverMeasured():
		return because(NothingMeasured, one(check, Void, "the trial ended before its measured time"))
	case f.Due == nil:
		return because(BookMissing, one(check, Void, "the load generator's book is missing: what was "+
			"due is not known"))
	case load.Pattern != scenario.PatternConstant || s.time.Measured < s.time.Planned:
		return nil
	}
	severity := Held
	// What is due comes in whole requests: in a short trial one of them is a share of it.
	request := float64(load.SpansPerRequest) / s.time.Planned
	if *f.Due+request < reachedShare**f.Target {
		severity = Void
	}
	return because(TargetNotReached, with(one(check, severity, "%s spans/s became due, target %s "+
		"spans/s", Number(*f.Due), Number(*f.Target)), f.Due, f.Target, "spans/s", ledgerSource))
}

// fault says why the load generator, and not the gateway, was the cause of late or
// unsent slots; empty when it was not, or when nothing was late or unsent.
//
// There is harm when the p99 of lateness is above 100 ms, or more than 0.1 % of the
// spans due were unsent or given up by the SDK. It is our own when the generator's CPU
// was full (95 % of its cores in a tenth of the 5 s windows, or held back in a tenth of
// the periods), when
// it was late with a worker to spare, or when spans went unsent although the answers
// came too fast to have kept all workers busy.
func (s *subject) fault() (Reason, string) {
	p := s.f.Pacing
	isLate := false
	if p.Lateness != nil {
		worst, _ := p.Lateness.worst()
		isLate = *worst.Seconds > lateSeconds
	}
	unsent := s.f.Delivery.UnsentPart
	isUnsent := unsent != nil && *unsent > unsentNoise &&
		s.time.Measured >= s.time.Planned
	dropped := s.f.Delivery.DroppedPart
	isDropped := dropped != nil && *dropped > unsentNoise && !s.brokenOff()
	if !isLate && !isUnsent && !isDropped {
		return "", ""
	}
	if cpu := s.f.Loadgen.wanted(); cpu != "" {
		return GeneratorCPUFull, cpu
	}
	if isLate && p.late.most() {
		return GeneratorLate, "it had a worker to spare " + p.late.in("it was late")
	}
	if isUnsent {
		return GeneratorUnsent, s.fastAnswers()
	}
	return "", ""
}

// ownFault is what fault says.
func (s *subject) ownFault() string {
	_, why := s.fault()
	return why
}

// fastAnswers says that the answers came too fast to have kept all workers busy; empty
// when they may have. No more requests can be under way than become due during the
// slowest answer. Where that one was slow, or some were refused, but 99 of 100 would
// have left half of the workers free, the looks at which spans went unsent decide: a
// gateway that stood still shows all workers waiting.
func (s *subject) fastAnswers() string {
	p, a, requests := s.f.Pacing, s.f.Latency.Answer, s.requestRate()
	if a == nil || a.Max == nil || requests == 0 {
		return ""
	}
	const format = "the answers came so fast (%s %s) that at most %.0f of its %d workers could " +
		"have waited at %s requests/s"
	workers := float64(p.InFlight)
	c := s.sent.Measured
	others := c.Due > c.Unsent+c.Acknowledged // how long their answers took is not known
	if slowest := *a.Max.Seconds; !others && slowest*requests < workers {
		return fmt.Sprintf(format, "slowest", Seconds(slowest), math.Ceil(slowest*requests),
			p.InFlight, Number(requests))
	}
	p99 := *a.p99.Seconds
	if p99*requests >= workers/2 || !p.unsent.most() {
		return ""
	}
	return fmt.Sprintf(format, "p99", Seconds(p99), math.Ceil(p99*requests), p.InFlight,
		Number(requests)) +
		", and half of them were free " + p.unsent.in("spans went unsent")
}

// requestRate is how many requests a second became due at most.
func (s *subject) requestRate() float64 {
	spans := s.r.Header.Scenario.Load.SpansPerRequest
	if spans == 0 || s.f.Rate.Due == nil {
		return 0
	}
	rate := *s.f.Rate.Due
	if high := top(record.MetricSeries(s.samples, record.Loadgen, record.LoadTarget)); high != nil {
		rate = max(rate, *high)
	}
	return rate / float64(spans)
}

// wanted says how an actor of ours wanted for CPU; empty when it did not.
func (e EndFigures) wanted() string {
	if e.FullShare != nil && *e.FullShare >= fullShare {
		windows := "5 s windows"
		if every := e.Every(); every != "" {
			windows = "times between readings, " + every
		}
		return fmt.Sprintf("its CPU was full: %.2f of %.2f cores at most, at least %s of them "+
			"in %s of the %s", *e.Max, *e.Allowed, Percent(fullCPU), Percent(*e.FullShare), windows)
	}
	if e.ThrottledPeriods != nil && *e.ThrottledPeriods >= throttledShare {
		return fmt.Sprintf("its CPU limit held it back in %s of the periods (allowed %s)",
			Percent(*e.ThrottledPeriods), Percent(throttledShare))
	}
	return ""
}

// generatorLate asks whether the load generator did its part.
func generatorLate(s *subject) []Finding {
	const check = "pacing"
	p := s.f.Pacing
	if p.Lateness == nil && s.neverMeasured() {
		return nil // schedule says so
	}
	if p.Lateness == nil {
		return because(NothingSent, one(check, Void, "no slot was sent: how late the load generator "+
			"was is not known"))
	}
	worst, at := p.Lateness.worst()
	p99 := *worst.Seconds
	text := fmt.Sprintf("slots were sent %s late %s (allowed %s)", Seconds(p99), at,
		Seconds(lateSeconds))
	if share := s.f.Delivery.UnsentPart; share != nil && *share > 0 {
		text += fmt.Sprintf(", %s of the spans due unsent", Percent(*share))
	}
	if share := s.f.Delivery.DroppedPart; share != nil && *share > 0 {
		text += fmt.Sprintf(", %s of them given up by the SDK", Percent(*share))
	}
	severity := Held
	reason, why := s.fault()
	switch {
	case why != "":
		severity = Void
		text = "the load generator did not keep up: " + text + "; " + why
	case p99 > lateSeconds:
		severity = Note
		text += "; all its workers waited for the gateway"
	}
	return because(reason, with(one(check, severity, "%s", text), &p99, new(lateSeconds), "seconds",
		record.EndingFile+": sent.lateness"))
}

// looked asks whether the actors were seen well enough. A gateway that does not
// answer for its metrics while its usage is known may be overloaded: that is a
// reservation.
func looked(s *subject) []Finding {
	const check = "looks"
	found := s.usageSeldom()
	unread := len(found) > 0
	worst := 0.0
	for _, actor := range []string{record.Loadgen, record.Gateway, record.Backend} {
		l, ok := s.f.Looks[actor]
		if !ok {
			continue
		}
		severity := Void
		missing, longest := l.Missing, l.Longest
		if actor == record.Gateway && l.UsageMissing != nil && !unread {
			severity = Reservation
			_, coarse := s.steps[actor]
			if !coarse && (*l.UsageMissing > gapShare || *l.UsageLongest > gapSeconds) {
				severity, missing, longest = Void, *l.UsageMissing, *l.UsageLongest
			}
		}
		worst = max(worst, missing)
		if missing > gapShare || longest > gapSeconds {
			why := NotSeen
			if severity == Reservation {
				why = GatewaySilent
			}
			found = append(found, because(why, with(one(check, severity, "the %s was not seen in %s "+
				"of the measured seconds, for %s at most (allowed %s, %s)", actor, Percent(missing),
				Seconds(longest), Percent(gapShare), Seconds(gapSeconds)), &missing,
				new(gapShare), "ratio", record.SamplesFile+": actors."+actor))...)
		}
	}
	if len(found) > 0 || len(s.f.Looks) == 0 {
		return found
	}
	return with(one(check, Held, "every actor was seen in all but %s of the measured seconds "+
		"(allowed %s)", Percent(worst), Percent(gapShare)), &worst, new(gapShare), "ratio",
		record.SamplesFile)
}

// usageSeldom tells when the gateway's usage, which the place reads seldom, was not read for
// longer than chance has it. What the gateway says of itself may still have been seen.
func (s *subject) usageSeldom() []Finding {
	l, ok := s.f.Looks[record.Gateway]
	step, coarse := s.steps[record.Gateway]
	allowed := record.Reach * step
	if !ok || !coarse || l.UsageLongest == nil || *l.UsageLongest <= allowed {
		return nil
	}
	return because(UsageSeldom, with(one("looks", Reservation, "the gateway's usage was not read "+
		"for %s (allowed %s, %g times the %s between readings): what it used meanwhile is not known",
		Seconds(*l.UsageLongest), Seconds(allowed), record.Reach, Seconds(math.Round(step))),
		l.UsageLongest, &allowed, "seconds", record.SamplesFile+": actors.gateway.usage"))
}

// balanced asks whether the books sum up. They do by construction; when they do not,
// none of their figures can be believed.
func balanced(s *subject) []Finding {
	const check = "ledger"
	if s.account() == nil {
		if s.r.Ending == nil || s.neverMeasured() {
			return nil // completed and schedule say so
		}
		return because(BookMissing, one(check, Void, "the books of the load generator and the "+
			"backend could not be joined: one is missing"))
	}
	var wrong []string
	for _, of := range []struct {
		name string
		a    ledger.Account
	}{{"measured", s.ending.Measured}, {"whole run", s.ending.All}} {
		for _, w := range unbalanced(of.a) {
			wrong = append(wrong, of.name+": "+w)
		}
	}
	if len(wrong) > 0 {
		return because(BooksUnbalanced, with(one(check, Void, "the ledger does not balance: %s",
			strings.Join(wrong, "; ")), nil, nil, "", ledgerSource))
	}
	a := s.ending.Measured
	return with(one(check, Held, "the ledger balances: %s due = %s offered + %s unsent, each "+
		"offered span has one fate", Count(a.Due), Count(a.Offered), Count(a.Unsent)),
		nil, nil, "", ledgerSource)
}

func unbalanced(a ledger.Account) (wrong []string) {
	differ := func(text string, got, want uint64) {
		if got != want {
			wrong = append(wrong, fmt.Sprintf("%s: %s against %s", text, Count(got),
				Count(want)))
		}
	}
	differ("due against offered + unsent", a.Due, a.Offered+a.Unsent)
	var items uint64
	for i, f := range fates(&a) {
		items += f.Items
		name := []string{
			"acknowledged", "refused, retryable", "refused, permanent",
			"rejected in part", "unknown", "dropped",
		}[i]
		differ(name+" against its fates", f.Items, f.Once+f.Repeatedly+f.NotDelivered)
	}
	differ("offered against its classes", a.Offered, items)
	differ("spans that arrived and were never offered", a.Impossible, 0)
	return slices.Clip(wrong)
}
