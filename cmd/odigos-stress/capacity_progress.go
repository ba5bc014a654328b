package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/suite"
)

// A searching tells how a search goes on: a line before each trial, and one after it.
type searching struct {
	w     io.Writer
	of    *suite.Capacity
	quiet bool
	now   string // the trial under way
}

func newSearching(w io.Writer, c *suite.Capacity, quiet bool) *searching {
	return &searching{w: w, of: c, quiet: quiet}
}

func (v *searching) say(format string, a ...any) {
	if !v.quiet {
		fmt.Fprintf(v.w, format+"\n", a...)
	}
}

// begin says what is looked for, and with which trials.
func (v *searching) begin(dir string) {
	s := v.of.Asked.Search
	v.say("%s: %s", v.of.Name, v.of.Collector.Headline)
	v.say("looking for the highest rate that holds, within %s, in at most %s; into %s",
		"±"+s.Precision.String(), s.Budget, dir)
	if n := len(v.of.Trials); n > 0 {
		v.say("going on after %d trials", n)
	}
}

// trying says which trial is next, and why.
func (v *searching) trying(n int, p suite.Part, t search.Try) {
	timing := p.Plan.Scenario.Timing
	v.now = fmt.Sprintf("%d %s", n, short(t.Rate))
	v.say("%2d  %s spans/s, %s (%s + %s): %s", n, short(t.Rate), t.Length,
		timing.Total()-time.Duration(timing.Duration), timing.Duration, t.Why)
}

// label is how the live line calls the trial under way.
func (v *searching) label(suite.Part) string { return v.now }

// tried says what a trial has shown, and what is known since.
func (v *searching) tried(t report.CapacityTrial, a search.Answer, spent time.Duration) {
	if t.Error != "" {
		v.say("    none: %s", t.Error)
		return
	}
	why := t.Holding.Why
	if len(t.Holding.Breaks) > 0 {
		why = t.Holding.Breaks[0].Text
	}
	v.say("    %s: %s; edge %s; %s of %s", t.Holding.Result, strings.TrimSuffix(why, "."), edge(a),
		clock(spent.Seconds()), clock(v.of.Spec.Budget.Seconds()))
}

// roughly is how wide an interval is at most that says something.
const roughly = 2

// edge is where the highest rate that holds lies, as far as it is known.
func edge(a search.Answer) string {
	switch {
	case a.Standing == search.Underway && (a.High == 0 || a.High > roughly*a.Low):
		return "not known yet"
	case a.Low > 0 && a.High > 0:
		return short(a.Low) + "–" + short(a.High)
	case a.Low > 0:
		return "above " + short(a.Low)
	case a.High > 0:
		return "below " + short(a.High)
	}
	return "not known"
}
