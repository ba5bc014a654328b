package verdict

import (
	"fmt"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A Span is a time during which a threshold was reached or an assertion was violated, in
// elapsed seconds.
type Span struct {
	Severity Severity `json:"severity"`
	From     float64  `json:"from_seconds"`
	To       float64  `json:"to_seconds"`
	// Worst is in the finding's unit; nil where it is not known.
	Worst *float64 `json:"worst,omitempty"`
}

// CutByAssertion begins the record's cut_short where an assertion with abort_on_fail was
// the reason; the assertion and a colon follow.
const CutByAssertion = "assertion "

// An asserted is one assertion and what the samples so far say of it.
type asserted struct {
	scenario.Assertion
	of     string // which of several gateways; empty: the only one, or all
	c      scenario.Condition
	err    error  // it is of another version's grammar
	figure figure // nil where no sample tells

	soFar  reading
	open   *Span  // the violation of the moment
	failed bool   // it was said that it fails so far
	spans  []Span // those that are over
	from   float64
	abort  string // why the load is to end; empty while it is not
}

func newAsserted(h record.Header) (all []*asserted) {
	t := h.Scenario.Timing
	warmUp := (t.Total() - time.Duration(t.Duration)).Seconds()
	for _, a := range h.Scenario.Assertions {
		next := &asserted{Assertion: a, from: warmUp}
		if next.c, next.err = a.That.Condition(); next.err == nil {
			next.figure = newFigure(next.c, h)
		}
		all = append(all, next)
	}
	return all
}

// add takes the next look of the measured time and returns what begins or ends with it.
// Readings of usage that are up to reach seconds apart follow each other.
func (a *asserted) add(s record.Sample, reach float64) (news []Finding) {
	if a.figure == nil {
		return nil
	}
	if !a.ofUsage() {
		reach = bridge
	}
	now, soFar := a.figure.add(s)
	a.soFar = soFar
	wait := reach // for a reading that says more
	if now.known {
		wait = bridge
	}
	switch {
	case now.known && now.violated:
		news = a.violated(a.figure.moment(s), reach, now)
	case a.open != nil && s.Elapsed-a.open.To >= wait:
		news = a.settle()
	}
	fails := soFar.known && soFar.violated
	if !fails {
		a.failed = false
	}
	delay := time.Duration(a.DelayAbortEval).Seconds()
	if fails && a.AbortOnFail && a.abort == "" && s.Elapsed >= a.from+delay {
		a.abort = fmt.Sprintf("%s%s: violated at %s%s", CutByAssertion, a.That,
			Clock(s.Elapsed), a.valued(": ", a.worst()))
	}
	return news
}

// violated goes on with the violation of the moment, or begins one.
func (a *asserted) violated(at, reach float64, now reading) (news []Finding) {
	if a.open != nil && at-a.open.To > reach {
		news = a.settle()
	}
	fails := a.soFar.known && a.soFar.violated
	begun := a.open == nil
	if begun {
		a.open = &Span{From: max(a.from, at-a.figure.window())}
	}
	o := a.open
	o.To = at
	if now.value != nil && (o.Worst == nil || a.worse(*now.value, *o.Worst)) {
		o.Worst = new(*now.value)
	}
	if !begun && (!fails || a.failed) {
		return news
	}
	severity, text := Critical, "violated"+a.valued(": ", now.value)
	if _, moving := a.figure.(*times); moving {
		text = "violated in the last second" + a.valued(": ", now.value)
		if fails {
			text += "; over the measured time so far, too"
		} else {
			severity, text = Warning, text+"; not over the measured time so far"
		}
	}
	a.failed = fails
	return append(news, a.said(severity, text))
}

// ofUsage is whether the place's account of the gateway tells it.
func (a *asserted) ofUsage() bool {
	switch a.c.Subject {
	case scenario.CPUPeak, scenario.CPUAvg, scenario.MemoryPeak, scenario.MemoryAvg,
		scenario.Throttled:
		return true
	}
	return false
}

// ofProcess is whether it is of what one process uses, or says of itself as one.
func (a *asserted) ofProcess() bool {
	return a.ofUsage() || a.c.Subject == scenario.GoMemory || a.c.Subject == scenario.GCCPU
}

// worse is whether v breaks the condition by more than w.
func (a *asserted) worse(v, w float64) bool {
	if a.c.Operator == ">" || a.c.Operator == ">=" {
		return v < w
	}
	return v > w
}

// settle ends the violation of the moment.
func (a *asserted) settle() []Finding {
	o := *a.open
	a.spans, a.open = append(a.spans, o), nil
	f := a.said(Note, fmt.Sprintf("was violated from %s to %s%s", Clock(o.From), Clock(o.To),
		a.valued(", at worst ", o.Worst)))
	f.From, f.To, f.Ended = &o.From, &o.To, true
	return []Finding{f}
}

// over is the end of the measured time.
func (a *asserted) over() []Finding {
	if a.open == nil {
		return nil
	}
	return a.settle()
}

func (a *asserted) said(severity Severity, text string) Finding {
	if a.of != "" {
		text = a.of + " " + text
	}
	f := Finding{
		Check: checkAssert, Severity: severity, Assertion: string(a.That), Member: a.of,
		Text: fmt.Sprintf("%s: %s", a.That, text), Limit: &a.c.Bound, Unit: string(a.c.Unit),
	}
	if a.open != nil {
		f.From, f.Value = new(a.open.From), a.open.Worst
	}
	return f
}

// violations are all so far, the current one included.
func (a *asserted) violations() []Span {
	if a.open == nil {
		return a.spans
	}
	return append(a.spans[:len(a.spans):len(a.spans)], *a.open)
}

// worst is the figure so far; of a time, whose figure so far is not known, the largest
// of the looks that were beyond the bound.
func (a *asserted) worst() (v *float64) {
	if a.soFar.value != nil {
		return a.soFar.value
	}
	for _, s := range a.violations() {
		if s.Worst != nil && (v == nil || a.worse(*s.Worst, *v)) {
			v = s.Worst
		}
	}
	return v
}

// valued is a figure after some words; empty where it is not known.
func (a *asserted) valued(words string, v *float64) string {
	if v == nil {
		return ""
	}
	return words + InUnit(a.c.Unit, *v)
}

// InUnit prints a figure of a finding that has spans.
func InUnit(unit scenario.Unit, v float64) string {
	switch unit {
	case scenario.UnitShare:
		return Percent(v)
	case scenario.UnitSeconds:
		return Seconds(v)
	case scenario.UnitCores:
		return fmt.Sprintf("%.2f cores", v)
	case scenario.UnitBytes:
		return fmt.Sprintf("%.0f MiB", v/(1<<20))
	}
	if v == 1 && unit != scenario.UnitRate {
		return "1 " + strings.TrimSuffix(string(unit), "s")
	}
	return Number(v) + " " + string(unit)
}

// Abort is why the load is to end early, since an assertion that asks for it fails over
// the measured time so far; empty while none does. It is said in the record's cut_short.
func (w *Watch) Abort() string { return w.abort }
