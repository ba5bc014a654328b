package verdict

import (
	"fmt"
	"math"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

const checkAssert = "assert"

// A judged is the figure of an assertion at the end of a trial.
type judged struct {
	value *float64 // nil: not known; infinite: the time of a span that never came
	// holds is known without the figure: all times are within the bound.
	holds  bool
	why    string // it is not known, or why it is not judged
	ours   bool   // it is not judged: the load generator was the cause
	void   bool   // how much of it is lost and how much still inside is not known
	detail string // beside the figure
	source string
}

// assertionsHeld holds each of the scenario's assertions against the whole record: those
// that the accounts know exactly against these, the others against the samples.
func assertionsHeld(s *subject) (found []Finding) {
	for i, a := range s.watch.asserted {
		if p := s.watch.worstAsserted(i); p != nil && a.err == nil && a.ofProcess() {
			a = p.asserted[i]
		}
		found = append(found, s.assertionHeld(a))
	}
	return found
}

func (s *subject) assertionHeld(a *asserted) Finding {
	if a.err != nil {
		f := a.said(Reservation, "not judged: "+a.err.Error())
		f.Limit, f.Unit, f.Reason = nil, "", AssertionUnknown
		return f
	}
	j := s.figureOf(a)
	severity, text := s.weigh(a, j)
	f := a.said(severity, text)
	f.Value, f.From, f.Source = j.value, nil, j.source
	switch severity {
	case Reservation:
		f.Reason = AssertionUnknown
	case Void:
		f.Reason = StillInside
	}
	if j.value != nil && math.IsInf(*j.value, 0) {
		f.Value = nil // JSON has no infinity
	}
	if f.Spans = marked(a.violations(), severity); len(f.Spans) > 0 {
		of, total := longest(f.Spans)
		f.From, f.To = &of.From, &of.To
		f.Text += fmt.Sprintf("; violated from %s to %s", Clock(of.From), Clock(of.To))
		if n := len(f.Spans); n > 1 {
			f.Text += fmt.Sprintf(" (longest of %d times, %s in all)", n, Seconds(total))
		}
	}
	return f
}

// marked gives the violations of a failed assertion their weight; those of one that holds
// over the whole time are warnings.
func marked(spans []Span, severity Severity) []Span {
	weight := Warning
	if severity == Critical {
		weight = Critical
	}
	out := make([]Span, 0, len(spans))
	for _, s := range spans {
		s.Severity = weight
		out = append(out, s)
	}
	return out
}

// weigh says how a figure weighs against its assertion.
func (s *subject) weigh(a *asserted, j judged) (Severity, string) {
	figure := j.detail
	if j.value != nil {
		figure = InUnit(a.c.Unit, *j.value) + j.detail
		if math.IsInf(*j.value, 0) {
			figure = "lost" + j.detail
		}
	}
	cut := strings.HasPrefix(s.ending.CutShort, CutByAssertion+string(a.That)+": ")
	fails := j.value != nil && !j.holds && !a.c.Holds(*j.value)
	switch {
	case fails && j.ours && !cut:
		return Note, figure + ", not judged: the load generator was the cause"
	case fails && j.void:
		return Void, figure + "; how many of them were still inside the gateway is not known"
	case fails && cut:
		return Critical, "fails, and ended the load: " + figure
	case cut:
		return Critical, "failed while the load ran, and ended it (" +
			strings.TrimPrefix(s.ending.CutShort, CutByAssertion+string(a.That)+": ") + "); at the end " +
			ifEmpty(figure, j.why)
	case fails:
		return Critical, "fails: " + figure
	case j.value != nil || j.holds:
		return Held, "holds: " + figure
	case s.gone(): // the death says it all
		return Note, "not known: " + j.why
	}
	return Reservation, "not known: " + j.why
}

func ifEmpty(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}

// figureOf is the figure of an assertion over the whole measured time.
func (s *subject) figureOf(a *asserted) judged {
	switch a.c.Subject {
	case scenario.Latency, scenario.Acknowledgement:
		return s.timeOf(a.c)
	case scenario.Loss:
		return s.lossOf(a.c)
	case scenario.Undelivered, scenario.Refused, scenario.Unanswered, scenario.Unsent,
		scenario.Duplicated:
		return s.spansOf(a.c)
	case scenario.Offered:
		if s.f.Rate.Offered != nil {
			return judged{value: s.f.Rate.Offered, source: ledgerSource}
		}
	case scenario.Restarts:
		return s.restartsOf(a)
	}
	return s.fromSamples(a)
}

// fromSamples is what the samples come to.
func (s *subject) fromSamples(a *asserted) judged {
	j := judged{value: a.soFar.value, source: record.SamplesFile}
	if s.usageTooSeldom(a, j.value) {
		step := s.paceOf(a).step()
		return judged{why: "it takes two readings within the measured time, which are " + apart(step)}
	}
	if j.value != nil {
		return j
	}
	j.why = "no sample tells"
	if len(s.samples) > 0 && s.time.Measured < record.CPUWindow+edges {
		j.why = fmt.Sprintf("the measured time of %s is too short", Seconds(s.time.Measured))
	}
	return j
}

// usageTooSeldom is whether the place reads usage too seldom for an assertion to hold in the
// time that was measured. One reading is enough for a peak to be too high.
func (s *subject) usageTooSeldom(a *asserted, v *float64) bool {
	samples := s.samples
	if a.of != "" {
		samples = s.on(a.of).samples
	}
	if !a.ofUsage() || !record.Coarse(s.paceOf(a).step()) ||
		record.WorkingSet(samples, record.Gateway).Len() > 1 {
		return false
	}
	switch {
	case a.c.Subject == scenario.CPUPeak || a.c.Subject == scenario.CPUAvg:
		return v == nil // else its own metrics told
	case a.c.Subject == scenario.MemoryPeak && a.c.Upper():
		return v == nil || a.c.Holds(*v)
	}
	return true
}

// paceOf is how often the place reads the usage that an assertion is about.
func (s *subject) paceOf(a *asserted) *pace {
	for _, p := range s.watch.pods {
		if p.name == a.of {
			return &p.pace
		}
	}
	return &s.watch.pace
}

// restartsOf counts the new processes of the gateway in the whole run as they were noted,
// and at least those that its uptime shows.
func (s *subject) restartsOf(a *asserted) judged {
	j := s.fromSamples(a)
	n := 0.0
	for _, d := range s.ending.Deaths {
		if d.Restarted != nil {
			n++
		}
	}
	if j.value == nil && n == 0 && !s.gone() && s.r.Ending != nil {
		return judged{value: new(0.0), source: record.EndingFile + ": states.gateway"}
	}
	if n > 0 && (j.value == nil || n > *j.value) {
		j = judged{value: &n, source: record.EndingFile + ": deaths"}
	}
	return j
}

// spansOf is a count of spans of the measured account, or its share.
func (s *subject) spansOf(c scenario.Condition) judged {
	d, a := s.f.Delivery, s.account()
	if a == nil {
		return judged{why: s.noBooks()}
	}
	j := judged{source: ledgerSource}
	var count, of uint64
	switch c.Subject {
	case scenario.Undelivered:
		count, of = d.Undelivered, a.Offered
	case scenario.Refused:
		count, of = d.Refused, a.Offered
	case scenario.Unanswered:
		count, of = d.Unanswered, a.Offered
		if s.brokenOff() && !s.gone() {
			return judged{why: "the load ended before its time, and what was under way was cut off"}
		}
		j.ours = s.ownFault() != ""
	case scenario.Unsent:
		count, of = a.Unsent, a.Due
		j.ours = s.ownFault() != ""
	case scenario.Duplicated:
		count, of = d.Extra, d.Delivered
	}
	return j.counted(c, count, of)
}

// counted is so many spans, or their share where that is what the bound is.
func (j judged) counted(c scenario.Condition, count, of uint64) judged {
	j.detail = fmt.Sprintf(" of %s", Count(of))
	if c.Unit != scenario.UnitShare {
		j.value = new(float64(count))
		return j
	}
	j.detail = fmt.Sprintf(" (%s of %s spans)", Count(count), Count(of))
	if j.value = ratio(count, of); j.value == nil {
		j.why = "there were no spans to take a share of"
	}
	return j
}

// lossOf is what was acknowledged and did not come, and was not to be dropped.
func (s *subject) lossOf(c scenario.Condition) judged {
	d, a := s.f.Delivery, s.account()
	switch {
	case a == nil:
		return judged{why: s.noBooks()}
	case d.Lost > 0 && len(s.r.Header.Sampling) > 0 && s.predicted() == nil:
		return judged{why: fmt.Sprintf("%s acknowledged spans did not come, and loss cannot be told "+
			"from what %s drops", Count(d.Lost), strings.Join(s.r.Header.Sampling, ", "))}
	}
	lost := d.Lost
	if d.Lost > 0 && s.predicted() != nil {
		lost -= s.sampled()
	}
	j := judged{source: ledgerSource}
	j.void = !s.ending.Drained.Complete && !s.gone() && s.givenUp() < float64(lost)
	return j.counted(c, lost, a.Acknowledged.Items)
}

// timeOf is an aggregation of a distribution of times; latency counts from the due time,
// so that it says nothing of the gateway when the load generator was late.
func (s *subject) timeOf(c scenario.Condition) judged {
	h, spread, why := (*ledger.Histogram)(nil), s.f.Latency.Answer, "no span was acknowledged"
	j := judged{source: record.EndingFile + ": sent.answer", ours: s.ownFault() != ""}
	if s.sent != nil {
		h = s.sent.Answer
	}
	if c.Subject == scenario.Latency {
		h, spread, why = nil, s.f.Latency.Total, "no span came"
		if s.received != nil {
			h = s.received.Latency
		}
		j.source = latencySource
	}
	if spread == nil {
		j.why = why
		return j
	}
	if c.Aggregation == scenario.AggregateMean {
		if j.value = spread.Mean; j.value == nil {
			j.value = new(math.Inf(1))
		}
		return j.late(spread)
	}
	share := rankShare(c)
	rank := spread.rank(h, max(1, int64(math.Ceil(share*float64(spread.Entries)-1e-6))))
	switch perRequest := s.r.Header.Scenario.Load.SpansPerRequest; {
	case rank.Lost:
		j.value = new(math.Inf(1))
	case share == 1 || float64(spread.Entries)*(1-share) >= float64(beyondRequests*perRequest)-1e-6:
		j.value = rank.Seconds
	case c.Upper() && spread.Max.Seconds != nil && c.Holds(*spread.Max.Seconds):
		j.holds, j.detail = true, "all within "+Seconds(*spread.Max.Seconds)
	default:
		j.why = fmt.Sprintf("fewer than %d requests lie beyond it", beyondRequests)
	}
	return j.late(spread)
}

// late says how many never came.
func (j judged) late(spread *Spread) judged {
	if j.value != nil && math.IsInf(*j.value, 1) {
		j.detail = fmt.Sprintf(" (%s of %s spans never came)", Count(spread.Lost),
			Count(spread.Entries))
		j.ours = false
	}
	return j
}
