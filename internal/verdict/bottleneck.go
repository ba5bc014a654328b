package verdict

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// A Limit is what keeps a gateway from taking, or passing on, more.
type Limit string

// The limits, the cause before what follows from it: a slow backend fills the queue,
// the queue the memory, full memory the garbage collector's hands, and those the CPU.
const (
	ByLoadgen  Limit = "load-generator"
	ByBackend  Limit = "backend"
	ByQueue    Limit = "exporter-queue" // its consumers, each of which waits for the backend
	ByMemory   Limit = "memory-limit"
	ByGC       Limit = "gc"
	ByCPU      Limit = "cpu-quota"
	ByReceiver Limit = "receiver"
	ByNothing  Limit = "none"
	ByUnknown  Limit = "not-known"
)

// A State is how near a candidate was to be the limit.
type State string

// The states.
const (
	Limits  State = "limits"
	Near    State = "near"
	Clear   State = "clear"
	Unknown State = "not-known"
)

// Limited says what limited the gateway, and what else was looked at.
type Limited struct {
	By Limit `json:"by"`
	// Text is one sentence.
	Text     string     `json:"text"`
	Evidence []Evidence `json:"evidence,omitempty"`
	// When is the time of the symptom, where it has one.
	When *Period `json:"when,omitempty"`
	// Candidates are all that were looked at, in the order in which they are asked; the
	// first that limits is the answer.
	Candidates []Candidate `json:"candidates"`
	// Components are where the gateway's CPU went; nil without a profile.
	Components *Components `json:"cpu_by_component,omitempty"`
	// NoProfile is why there is none, where one was asked for.
	NoProfile string `json:"no_cpu_profile,omitempty"`
}

// A Candidate is one thing that may limit, held against its threshold.
type Candidate struct {
	By       Limit      `json:"by"`
	State    State      `json:"state"`
	Text     string     `json:"text"`
	Evidence []Evidence `json:"evidence,omitempty"`
	When     *Period    `json:"when,omitempty"`
}

// A Period is a stretch of time, in seconds from the start of the load.
type Period struct {
	From float64 `json:"from_seconds"`
	To   float64 `json:"to_seconds"`
}

// String is the period as minutes and seconds.
func (p *Period) String() string {
	if p == nil {
		return "the measured time"
	}
	return Clock(p.From) + " to " + Clock(p.To)
}

// period is from the first moment at which a series was at a limit to the last.
func period(s record.Series, limit float64) *Period {
	var p *Period
	for i, v := range s.Values {
		switch {
		case v < limit:
		case p == nil:
			p = &Period{s.Elapsed[i], s.Elapsed[i]}
		default:
			p.To = s.Elapsed[i]
		}
	}
	return p
}

// candidates are all that may limit, in the order of Limit.
var candidates = []func(*subject) Candidate{
	loadgenLimits, backendLimits, queueLimits, memoryLimits, gcLimits, cpuLimits, receiverLimits,
}

// limited asks every candidate. Nothing is the answer when none of them limits and at
// least the CPU is known.
func limited(s *subject) *Limited {
	if len(s.loaded()) == 0 {
		return nil // nothing was measured
	}
	l := &Limited{By: ByNothing, Components: components(s.r)}
	if l.Components == nil {
		l.NoProfile = noProfile(s.r)
	}
	var near, unknown []string
	for _, ask := range candidates {
		c := ask(s)
		l.Candidates = append(l.Candidates, c)
		switch {
		case c.State == Limits && l.By == ByNothing:
			l.By, l.Text, l.Evidence, l.When = c.By, c.Text, c.Evidence, c.When
		case c.State == Near:
			near = append(near, string(c.By))
		case c.State == Unknown:
			unknown = append(unknown, string(c.By))
		}
	}
	if l.By != ByNothing {
		return l
	}
	l.Text = "nothing limited the gateway under this load"
	switch {
	case slices.Contains(unknown, string(ByCPU)):
		l.By = ByUnknown
		l.Text = "what limited the gateway is not known: its CPU was not seen"
	case len(near) > 0:
		l.Text += "; nearest to a limit: " + strings.Join(near, ", ")
	}
	if l.By == ByNothing && len(unknown) > 0 {
		l.Text += "; not known: " + strings.Join(unknown, ", ")
	}
	return l
}

func candidate(by Limit, state State, format string, args ...any) Candidate {
	return Candidate{By: by, State: state, Text: fmt.Sprintf(format, args...)}
}

func (c *Candidate) add(e ...Evidence) { c.Evidence = append(c.Evidence, e...) }

// state holds a value against the threshold from which it limits and the one from which
// it is near that.
func state(v *float64, near, limits float64) State {
	switch {
	case v == nil:
		return Unknown
	case *v >= limits:
		return Limits
	case *v >= near:
		return Near
	}
	return Clear
}

// loadgenLimits when slots were late or unsent by the load generator's own fault: see
// ownFault. The trial is invalid then.
func loadgenLimits(s *subject) Candidate {
	if why := s.ownFault(); why != "" {
		return candidate(ByLoadgen, Limits, "the load generator, not the gateway: %s", why)
	}
	if s.f.Pacing.Lateness == nil {
		return candidate(ByLoadgen, Unknown, "how late it was is not known")
	}
	worst, at := s.f.Pacing.Lateness.worst()
	return candidate(ByLoadgen, Clear, "sent %s late %s", Seconds(*worst.Seconds), at)
}

// backlogged is whether work waited in the exporter's queue: it refused some, grew all
// the measured time, was half full, or held more than twice what its consumers have in
// hand.
func (s *subject) backlogged() bool {
	p, e := s.f.Pipeline, s.f.Exports
	if above(s.f.Failures.EnqueueFailed, 0) || above(p.QueueShare, 0.5) {
		return true
	}
	if e.Sizer == "requests" && e.Consumers != nil && above(p.QueueMean, 2**e.Consumers) {
		return true
	}
	grew := backlog(s)
	return len(grew) > 0 && (grew[0].Severity == Critical || grew[0].Severity == Reservation)
}

// When work waited, it was for the backend if that answered nothing, failed 1 % of
// what came and more, or was told to work on fewer requests at once than the exporter
// has consumers, and had four fifths of those in hand; or if it wanted for CPU itself,
// which makes the trial invalid.
func backendLimits(s *subject) Candidate {
	e, told := s.f.Exports, s.r.Header.Scenario.Backend
	inHand := record.MetricSeries(s.samples, record.Backend, record.BackendInFlight)
	if cpu := s.f.Backend.wanted(); cpu != "" {
		return candidate(ByBackend, Limits, "the mock backend, not the gateway: %s", cpu)
	}
	if e.UnderWay == nil {
		return candidate(ByBackend, Unknown, "what the backend had in hand is not known")
	}
	waits := s.backlogged()
	c := candidate(ByBackend, Clear, "%.1f requests in its hands on average", *e.UnderWay)
	c.add(proof("exports.under_way_mean_requests", "requests", *e.UnderWay,
		"%.1f requests in the backend's hands on average", *e.UnderWay))
	if e.Requests != nil {
		c.add(proof("exports.requests_per_second", "requests/s", *e.Requests,
			"%.1f requests/s came to it", *e.Requests))
	}
	most := float64(told.MaxConcurrent)
	switch failed := s.failedShare(); {
	case waits && e.Requests == nil && *e.UnderWay > 0:
		c.State, c.Text = Limits, "the backend answered nothing in the measured time"
	case waits && failed != nil && *failed >= 0.01:
		c.State = Limits
		c.Text = fmt.Sprintf("the backend failed %s of the spans that came to it, after which the "+
			"exporter waits before it tries again", Percent(*failed))
		c.add(s.failedEvidence())
	case waits && most > 0 && (e.Consumers == nil || most < *e.Consumers) && *e.UnderWay >= 0.8*most:
		c.State = Limits
		c.Text = fmt.Sprintf("the backend works on %.0f requests at once, and had %.1f in its hands "+
			"on average", most, *e.UnderWay)
	}
	if c.State == Limits {
		c.When = s.queuePeriod()
	} else if inHand.Len() > 0 && e.Stay != nil {
		c.Text += ", each for " + Seconds(*e.Stay)
	}
	return c
}

// failedShare is the share of all spans that came to the backend, that it failed.
func (s *subject) failedShare() *float64 {
	if s.received == nil {
		return nil
	}
	all := s.received.Unique + s.received.Duplicate + s.received.Failed
	return ratio(s.received.Failed, all)
}

func (s *subject) failedEvidence() Evidence {
	return Evidence{
		Text:  Count(s.received.Failed) + " spans answered with failure by the backend, whole run",
		Value: float64(s.received.Failed), Unit: "spans",
		Source: record.EndingFile + ": received.failed_spans",
	}
}

// queuePeriod is while more than half of the queue's highest level waited.
func (s *subject) queuePeriod() *Period {
	queue := record.MetricSeries(s.loaded(), record.Gateway, record.QueueSize)
	if high := top(queue); high != nil && *high > 0 {
		return period(queue, *high/2)
	}
	return nil
}

// notTaken is what a full queue refused.
func (s *subject) notTaken() Evidence {
	n := *s.f.Failures.EnqueueFailed
	return proof("failures.whole_run_enqueue_failed_spans", "spans", n,
		"%s spans not taken by the full queue, whole run", Number(n))
}

// queueLimits when four fifths of the consumers waited for the backend on average, and
// work waited for them, or when the queue was full at times. The most that can leave is
// consumers ÷ the time that each waits × spans a request (Little's law). A gateway whose
// CPU is full keeps its exports under way by itself: then the wait counts only if most of
// it was the backend's, as told.
func queueLimits(s *subject) Candidate {
	e := s.f.Exports
	if e.Busy != nil && e.Most == nil {
		return candidate(ByQueue, Clear, "%s", e.waiting())
	}
	if e.Busy == nil {
		if ran := s.ran(); ran != nil && !ran.Queue.Enabled {
			return candidate(ByQueue, Clear, "the exporter has no queue")
		}
		return candidate(ByQueue, Unknown, "the exporter's consumers, or how long each waits, "+
			"are not known")
	}
	c := candidate(ByQueue, Clear, "%s", e.waiting())
	c.add(
		proof("exports.consumers", "consumers", *e.Consumers, "%.0f consumers", *e.Consumers),
		proof("exports.under_way_mean_requests", "requests", *e.UnderWay,
			"%.1f exports under way on average", *e.UnderWay),
		proof("exports.stay_at_backend_seconds", "seconds", *e.Stay,
			"each waits %s for the backend", Seconds(*e.Stay)),
		proof("exports.spans_per_request", "spans", *e.Spans, "%s spans a request",
			Number(math.Round(*e.Spans))),
		proof("exports.most_spans_per_second", "spans/s", *e.Most,
			"at most %s spans/s can leave", Number(*e.Most)))
	if e.AtOnce != nil {
		c.add(proof("exports.queue_size_configured", "requests", *e.QueueSize, "queue_size %s requests",
			Number(*e.QueueSize)))
	}
	taken := s.f.Rate.Acknowledged
	share := over(taken, e.Most)
	if taken != nil {
		c.add(proof("rate.acknowledged_spans_per_second", "spans/s", *taken,
			"%s spans/s taken", Number(*taken)))
	}
	told := float64(s.r.Header.Scenario.Backend.Delay) / 1e9
	itself := s.cpuFull() && told < *e.Stay/2
	switch {
	case *e.Busy >= 0.8 && s.backlogged() && !itself:
		c.State, c.When = Limits, s.queuePeriod()
		c.Text = fmt.Sprintf("%s: each waits %s for the backend with %s spans, so that at most %s "+
			"spans/s can leave", e.by(), Seconds(*e.Stay), Number(math.Round(*e.Spans)), Number(*e.Most))
		if taken != nil {
			c.Text += fmt.Sprintf("; %s spans/s were taken", Number(*taken))
		}
	case above(s.f.Failures.EnqueueFailed, 0) && !itself:
		c.State, c.When = Limits, s.queuePeriod()
		c.Text = fmt.Sprintf("the exporter's queue was full at times, and did not take %s spans; %s",
			Number(*s.f.Failures.EnqueueFailed), e.waiting())
		c.add(s.notTaken())
	case *e.Busy >= 0.8 && !itself, above(share, 0.8) && !itself:
		c.State = Near
		c.Text += fmt.Sprintf("; at most %s spans/s can leave", Number(*e.Most))
	}
	return c
}
