package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// digits3 is a number with three significant digits, as an interval has them.
func digits3(v float64) string {
	switch {
	case v == 0:
		return "0"
	case math.Abs(v) >= 1000:
		return decimal(v)
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v))*(1+1e-12))))
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// brief is a rate as short as three significant digits allow: 950, 15.2k, 1.25M.
func brief(v float64) string {
	of, suffix := v, ""
	switch {
	case v >= 999.5e3:
		of, suffix = v/1e6, "M"
	case v >= 999.5:
		of, suffix = v/1e3, "k"
	}
	text := digits3(of)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + suffix
}

func briefRate(v float64) string { return brief(v) + " spans/s" }

// sentence is the answer in one line.
func (c Capacity) sentence() string {
	a := c.Answer
	switch a.Standing {
	case search.Found:
		return fmt.Sprintf("%s (%s) %s", c.amount(a.Estimate), c.interval(), c.allowing())
	case search.Wide:
		return fmt.Sprintf("about %s (%s; %s was asked) %s", c.amount(a.Estimate), c.interval(),
			plusMinus(c.Spec.Precision), c.allowing())
	case search.BeyondAll:
		return fmt.Sprintf("at least %s: everything that was tried held, %s", c.amount(a.Low),
			c.allowing())
	case search.BelowAll:
		if a.High <= 0 {
			return "nothing that was tried held"
		}
		return fmt.Sprintf("less than %s: nothing that was tried held", briefRate(a.High))
	}
	return fmt.Sprintf("no answer: %s; until then %s", c.whyStopped(), c.until())
}

// amount is a rate in spans and in bytes.
func (c Capacity) amount(rate float64) string {
	if c.EncodedPerSpan == nil {
		return briefRate(rate)
	}
	return fmt.Sprintf("%s, %s MB/s", briefRate(rate), digits3(rate**c.EncodedPerSpan/1e6))
}

// interval holds the edge with the confidence before it.
func (c Capacity) interval() string {
	a := c.Answer
	return fmt.Sprintf("%s: %s–%s", verdict.Percent(a.Confidence), brief(a.Low), brief(a.High))
}

func plusMinus(share float64) string { return "±" + verdict.Percent(share) }

// reach is how far the ends of the interval lie from the estimate.
func (c Capacity) reach() string {
	a := c.Answer
	if a.Estimate <= 0 {
		return ""
	}
	return fmt.Sprintf("−%s/+%s", verdict.Percent(1-a.Low/a.Estimate),
		verdict.Percent(a.High/a.Estimate-1))
}

// allowing is the loss with which a rate counts as held, and the refusals where any may be.
func (c Capacity) allowing() string {
	t, text := c.Scenario.Thresholds, "at zero loss"
	if t.Loss != nil && *t.Loss > 0 {
		text = fmt.Sprintf("with up to %s lost", verdict.Percent(float64(*t.Loss)))
	}
	if t.Refused != nil && *t.Refused > 0 {
		text += fmt.Sprintf(", up to %s refused", verdict.Percent(float64(*t.Refused)))
	}
	return text
}

// whyStopped is why a search has no answer.
func (c Capacity) whyStopped() string {
	if c.Interrupted != "" {
		return "interrupted by " + c.Interrupted
	}
	if c.Answer.Standing == search.Underway {
		return "the search is not over"
	}
	if len(c.Trials) == 0 {
		return "no trial was made"
	}
	switch last := c.Trials[len(c.Trials)-1]; {
	case last.Error != "":
		return "a trial could not be run"
	case last.Holding.Result == search.Void:
		return "the tool or the host, not the gateway, is the limit"
	case last.Holding.Result == search.Unclear:
		return "its trials were disturbed"
	}
	return "the search was stopped"
}

// until is what is known all the same.
func (c Capacity) until() string {
	switch a := c.Answer; {
	case a.Low > 0 && a.High > 0 && a.Estimate > 0:
		return fmt.Sprintf("%s (%s)", c.amount(a.Estimate), c.interval())
	case a.Low > 0 && a.High > 0:
		return fmt.Sprintf("it lies between %s and %s", brief(a.Low), briefRate(a.High))
	case a.Low > 0:
		return fmt.Sprintf("at least %s held", c.amount(a.Low))
	case a.High > 0:
		return fmt.Sprintf("%s did not hold", c.amount(a.High))
	}
	return "nothing is known of it"
}

// lastWord is what the last trial of a stopped search says of itself, with the names of its
// reasons; empty where that is nothing.
func (c Capacity) lastWord() string {
	if len(c.Trials) == 0 || c.Interrupted != "" {
		return ""
	}
	last := c.Trials[len(c.Trials)-1]
	if last.Error != "" {
		return last.Error
	}
	if last.shows() {
		return ""
	}
	var names []string
	for _, r := range last.Holding.Reasons {
		names = append(names, string(r))
	}
	if len(names) > 0 {
		return fmt.Sprintf("%s (%s)", last.Holding.Why, strings.Join(names, ", "))
	}
	return last.Holding.Why
}

// more is what more time would do for an answer that is wider than was asked.
func (c Capacity) more() string {
	n, took := 0, 0.0
	for _, t := range c.Trials {
		if t.shows() && t.Length != search.Short &&
			math.Abs(t.Rate/c.Answer.Estimate-1) <= aboveEdge {
			n, took = n+1, took+t.Took
		}
	}
	// The standard error of a threshold from n trials at the best place is √(π/2)·σ/√n.
	needed := math.Pow(1.96*math.Sqrt(math.Pi/2)*c.Answer.Noise/c.Spec.Precision, 2)
	extra := math.Ceil(needed - float64(n))
	if n == 0 || extra < 1 || math.IsInf(extra, 0) || math.IsNaN(extra) {
		return "more time would narrow it"
	}
	return fmt.Sprintf("with trials that differ by %s, %s takes roughly %s more at the edge, %s",
		verdict.Percent(c.Answer.Noise), plusMinus(c.Spec.Precision), decimal(extra),
		lasting(extra*took/float64(n)))
}

func lasting(seconds float64) string { return verdict.Clock(seconds) + " min" }

// countedText is "CPU in 5 of 6, backlog in 1".
func countedText(all []Counted, of int) string {
	var parts []string
	for i, w := range all {
		text := fmt.Sprintf("%s in %d", w.By, w.Trials)
		if i == 0 {
			text += fmt.Sprintf(" of %d", of)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// where says at which rates the trials of an edge broke.
func (e Edge) where() string {
	if e.From == e.To {
		return "at " + briefRate(e.From)
	}
	return fmt.Sprintf("at %s–%s", brief(e.From), briefRate(e.To))
}

// microseconds is a cost of CPU; one that is negative or grew has its sign.
func microseconds(v float64) string { return digits3(1e6*v) + " µs" }

// componentText is a component's name as a sentence has it.
func componentText(name string) string {
	switch name {
	case "gc":
		return "garbage collection"
	case "runtime":
		return "the Go runtime"
	}
	return name
}

// signed is a difference in its unit.
func signed(v float64, unit unit) string {
	switch {
	case v < 0:
		return "−" + unit(-v)
	case v > 0:
		return "+" + unit(v)
	}
	return unit(v)
}

// text is what the next span costs, in a line.
func (n *NextSpan) text() string {
	switch {
	case n == nil:
		return "not known: there is no estimate of the edge"
	case n.CPU.Difference == nil:
		return "not known: " + n.CPU.missing(record.ProfileCPU)
	}
	text := fmt.Sprintf("%s → %s of CPU, below → above the edge",
		microseconds(*n.CPU.Below.Mean), microseconds(*n.CPU.Above.Mean))
	most := n.CPU.most()
	switch {
	case most == nil:
		return text
	case n.CPU.Within == nil:
		text += "; how much of the difference is noise is not known"
	case !stands(*n.CPU.Difference, n.CPU.Within):
		return fmt.Sprintf("%s; a difference below %s may be noise", text, microseconds(*n.CPU.Within))
	}
	return fmt.Sprintf("%s; most of the difference: %s %s", text, componentText(most.Component),
		signed(most.Difference, microseconds))
}

// most is the component that changed most of those that changed as the whole did; nil where
// nothing changed.
func (c Cost) most() *CostPart {
	var most *CostPart
	for i, p := range c.Parts {
		same := p.Difference > 0 == (*c.Difference > 0)
		if same && p.Difference != 0 &&
			(most == nil || math.Abs(p.Difference) > math.Abs(most.Difference)) {
			most = &c.Parts[i]
		}
	}
	return most
}

// missing says of which side there is no profile of a kind.
func (c Cost) missing(kind string) string {
	var sides []string
	for _, side := range []struct {
		s    CostSide
		what string
	}{
		{c.Below, "held up to " + verdict.Percent(costBelow) + " below"},
		{c.Above, "broke up to " + verdict.Percent(costAbove) + " above"},
	} {
		switch {
		case side.s.Mean != nil:
		case side.s.Missing == 0:
			sides = append(sides, "no trial "+side.what+" the edge")
		default:
			sides = append(sides, fmt.Sprintf("none of the %d trials that %s the edge has a %s profile",
				side.s.Missing, side.what, kind))
		}
	}
	return strings.Join(sides, ", and ")
}
