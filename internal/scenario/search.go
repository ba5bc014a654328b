package scenario

import (
	"errors"
	"fmt"
	"time"
)

// A Search says how the highest rate is looked for that a gateway holds. Its trials have
// the times that stand here, in place of Timing's warm-up and duration.
type Search struct {
	// From is the rate of the first trial, UpTo the highest that is tried.
	From Rate `yaml:"from,omitempty" json:"from_spans_per_second"`
	UpTo Rate `yaml:"up_to,omitempty" json:"up_to_spans_per_second"`
	// Precision is how far the ends of the interval may lie from the estimate.
	Precision Ratio `yaml:"precision,omitempty" json:"precision_ratio"`
	// Budget is how long all trials may take together.
	Budget Duration `yaml:"budget,omitempty" json:"budget_seconds"`
	// Duration is the measured time of a trial at the edge, Probe of one far from it,
	// Confirm of the one that confirms the lower end; WarmUp comes before each.
	Duration Duration `yaml:"duration,omitempty" json:"duration_seconds"`
	Probe    Duration `yaml:"probe,omitempty" json:"probe_seconds"`
	Confirm  Duration `yaml:"confirm,omitempty" json:"confirm_seconds"`
	WarmUp   Duration `yaml:"warm_up,omitempty" json:"warm_up_seconds"`
}

// What a search does where its scenario says nothing. UpTo is far beyond any gateway on one
// machine: where it is in the way, the load generator is long before.
const (
	defaultUpTo      Rate  = 1e6
	defaultPrecision Ratio = 0.03
	defaultBudget          = Duration(10 * time.Minute)
	defaultEdge            = Duration(20 * time.Second)
	defaultProbe           = Duration(6 * time.Second)
	defaultConfirm         = Duration(40 * time.Second)
	defaultLeadIn          = Duration(3 * time.Second)
)

// The bounds of what a search can be asked for. Below the least precision the noise of one
// trial is far more than what is asked; above the most there is nothing to search.
const (
	leastPrecision Ratio = 0.005
	mostPrecision  Ratio = 0.5
	leastMeasured        = Duration(time.Second)
)

// leastProbe is how long even a trial far from the edge must be where something is limited:
// the window in which usage counts, and a second for the looks.
const leastProbe = Duration(6 * time.Second)

// A usage counts against a limit in windows of 5 s, and the looks at both ends of the
// measured time may be a second late: a threshold that holds for a while can only be seen in
// a trial that is so much longer.
const usageMargin = Duration(7 * time.Second)

// Searched returns s with its search filled in, and all else as its author left it. The
// defaults of load and gateway follow from the rate, so that each trial has its own: see
// TrialAt. An error says why no highest rate can be looked for.
func (s Scenario) Searched() (Scenario, error) {
	wrong := s.check()
	if len(s.Variants) > 0 {
		wrong.add("variants", fmt.Sprintf("%d variants", len(s.Variants)),
			"one of them, since each has a capacity of its own")
	}
	if s.Load.Pattern != "" && s.Load.Pattern != PatternConstant {
		wrong.add("load.pattern", string(s.Load.Pattern),
			"constant: the rate that is looked for is one that stays")
	}
	if s.Expect != ExpectNothing {
		wrong.add("expect", string(s.Expect),
			"nothing (null): a rate holds, or it does not")
	}
	if s.Gateway.OnDeath == DeathRestart {
		wrong.add("gateway.on_death", string(s.Gateway.OnDeath),
			"end: a rate at which the gateway dies does not hold")
	}
	if len(wrong) > 0 {
		return Scenario{}, join(wrong)
	}
	s.Search = new(s.search())
	var errs []error
	for _, measured := range []Duration{s.Search.Probe, s.Search.Duration, s.Search.Confirm} {
		if _, err := s.TrialAt(s.Search.From, measured).Resolved(); err != nil {
			errs = append(errs, fmt.Errorf("a trial of %s: %w", measured, err))
		}
	}
	return s, errors.Join(errs...)
}

// TrialAt returns one trial of a search: the scenario at that rate, with so much measured
// time. It is not resolved.
func (s Scenario) TrialAt(rate Rate, measured Duration) Scenario {
	warmUp := s.Search.WarmUp
	s.Load.Rate = rate
	s.Timing.WarmUp, s.Timing.Duration = &warmUp, measured
	s.Search = nil
	return s
}

// search is the search of s, given or not, with its defaults.
func (s Scenario) search() Search {
	var o Search
	if s.Search != nil {
		o = *s.Search
	}
	fill(&o.From, s.Load.Rate)
	fill(&o.From, defaultRate)
	fill(&o.UpTo, max(defaultUpTo, o.From))
	fill(&o.Precision, defaultPrecision)
	fill(&o.Budget, defaultBudget)
	least, _ := s.leastEdge()
	fill(&o.Duration, max(defaultEdge, least, o.Probe))
	fill(&o.Probe, min(defaultProbe, o.Duration))
	fill(&o.Confirm, max(defaultConfirm, 2*o.Duration))
	fill(&o.WarmUp, defaultLeadIn)
	return o
}

// leastEdge is how long a trial at the edge must be for the thresholds of usage to be seen,
// and which of them asks for it; 0 where nothing is limited.
func (s Scenario) leastEdge() (least Duration, by string) {
	limits, t := s.Gateway.resolved(), s.Thresholds.resolved()
	if limits.CPULimit > 0 {
		least, by = t.CPU.For+usageMargin, "thresholds.cpu.for"
	}
	if limits.MemoryLimit > 0 && t.Memory.For+usageMargin > least {
		least, by = t.Memory.For+usageMargin, "thresholds.memory.for"
	}
	return least, by
}

// checkSearch holds a search that is given against itself and the thresholds.
func (s Scenario) checkSearch(p *problems) {
	if s.Search == nil {
		return
	}
	given, all := *s.Search, s.search()
	switch {
	case given.From != 0 && given.From < 1:
		p.add("search.from", given.From.String(), "at least 1 span per second")
	case all.From > all.UpTo:
		p.add("search.up_to", all.UpTo.String(), fmt.Sprintf(
			"at least search.from, where it begins (%s)", all.From))
	}
	if given.Precision != 0 && (given.Precision < leastPrecision || given.Precision > mostPrecision) {
		p.add("search.precision", given.Precision.String(), fmt.Sprintf("%s to %s",
			leastPrecision, mostPrecision))
	}
	given.checkTimes(p)
	least, by := s.leastEdge()
	switch {
	case all.Duration < least:
		p.add("search.duration", all.Duration.String(), fmt.Sprintf("at least %s: %s (%s), a window "+
			"of 5s, and 2s for the looks at both ends", least, by, least-usageMargin))
	case least > 0 && all.Probe < leastProbe:
		p.add("search.probe", all.Probe.String(), fmt.Sprintf("at least %s: usage counts against a "+
			"limit in windows of 5s", leastProbe))
	case all.Probe > all.Duration:
		p.add("search.probe", all.Probe.String(), fmt.Sprintf(
			"at most search.duration, a trial at the edge (%s)", all.Duration))
	case all.Confirm < all.Duration:
		p.add("search.confirm", all.Confirm.String(), fmt.Sprintf(
			"at least search.duration, a trial at the edge (%s)", all.Duration))
	}
	if once := all.WarmUp + all.Duration; all.Budget < once {
		p.add("search.budget", all.Budget.String(), fmt.Sprintf(
			"at least %s, the warm-up and measured time of one trial at the edge", once))
	}
}

// checkTimes holds the parts of a schedule against their unit.
func (o Search) checkTimes(p *problems) {
	for _, t := range []struct {
		path  string
		value Duration
	}{
		{"search.duration", o.Duration}, {"search.probe", o.Probe}, {"search.confirm", o.Confirm},
	} {
		if t.value != 0 && t.value < leastMeasured {
			p.add(t.path, t.value.String(), "at least "+leastMeasured.String())
		}
		p.whole(t.path, t.value)
	}
	p.whole("search.warm_up", o.WarmUp)
}
