package suite

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

const (
	// widestBaseline is how far an end of the interval may lie from the estimate, as a
	// share of it: what is less exact tells two sizes of a gateway apart no more.
	widestBaseline = 0.10
	// Of all trials, what may have been made in vain: voidBaseline because the tool or the
	// host was the limit, unclearBaseline because they were disturbed too. Each was made
	// again and counts for nothing; more of them, and the rest is not to be trusted either.
	voidBaseline    = 0.10
	unclearBaseline = 1.0 / 3
)

// BaselineOf is a capacity to be kept, under that name. An error says everything for which
// it is no claim.
func BaselineOf(c report.Capacity, name string) (baseline.Baseline, error) {
	if err := baseline.CheckName(name); err != nil {
		return baseline.Baseline{}, err
	}
	c = c.Concluded()
	if problems := noClaim(c); len(problems) > 0 {
		return baseline.Baseline{}, fmt.Errorf("keep %s as baseline %s: %w", c.Record, name,
			errors.Join(problems...))
	}
	b := baseline.Baseline{
		SchemaVersion: baseline.SchemaVersion, Name: name, Measured: c.Created, Tool: c.Tool.Version,
		Record: c.Record, Environment: environment(c),
		Host: baseline.Host{
			CPUModel: c.Machine.CPUModel, InstanceType: c.Machine.InstanceType,
			Cores: c.Machine.Cores, MemoryBytes: c.Machine.MemoryBytes,
			OS: c.Machine.OS, Arch: c.Machine.Arch, Kernel: c.Machine.Kernel, Cgroup: c.Machine.Cgroup,
		},
		Collector: baseline.Collector{
			Headline: c.Collector.Headline, Name: c.Collector.Name, Version: c.Collector.Version,
			SHA256: c.Collector.SHA256,
		},
		Scenario: c.Scenario.Name, Gateway: c.Scenario.Gateway, Load: c.Scenario.Load,
		Backend: c.Scenario.Backend, Thresholds: c.Scenario.Thresholds,
		Capacity: baseline.Capacity{
			Estimate: c.Answer.Estimate, Low: c.Answer.Low, High: c.Answer.High,
			Confidence: c.Answer.Confidence, Noise: c.Answer.Noise, Precision: c.Spec.Precision,
			HostCost: c.Answer.Work, HostCostError: c.Answer.WorkError, Brought: c.Answer.Brought,
			Trials: len(c.Trials), Took: c.Took,
		},
		Points: points(c),
	}
	if c.Finished != nil {
		b.Measured = *c.Finished
	}
	// What follows from the rate is taken from a trial at the edge, where it can be read.
	if r := nearest(c); r != nil {
		b.Load = r.Header.Scenario.Load
	}
	b.Load.Rate = scenario.Rate(c.Answer.Estimate)
	if v := c.EncodedPerSpan; v != nil {
		b.Capacity.EncodedPerSpan = *v
	}
	b.Capacity.BrokeFirst, b.Capacity.Limited = gaveWay(c.Edge)
	if err := b.Check(); err != nil {
		return b, fmt.Errorf("keep %s as baseline %s: %w", c.Record, name, err)
	}
	return b, nil
}

// noClaim is everything for which a capacity may not be kept.
func noClaim(c report.Capacity) (problems []error) {
	add := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf(format, args...))
	}
	a := c.Answer
	switch a.Standing {
	case search.Found, search.Wide:
		off := max(a.Estimate-a.Low, a.High-a.Estimate)
		if !(a.Low > 0 && a.High > 0) || off > widestBaseline*a.Estimate {
			add("found an interval from %s to %s spans/s, want both ends within %s of the estimate, %s: "+
				"search for longer", verdict.Number(a.Low), verdict.Number(a.High),
				verdict.Percent(widestBaseline), verdict.Number(a.Estimate))
		}
	default:
		add("found no interval, but %q: %s", a.Standing, a.Reason)
	}
	if n := c.Scenario.Gateway.Replicas; n > 1 {
		add("found gateway.replicas %d, want 1: a baseline is what one gateway can do, and what several "+
			"can do depends on how evenly they are loaded", n)
	}
	if c.Interrupted != "" {
		add("it was interrupted by %s", c.Interrupted)
	}
	if c.ExitCode != 0 && c.Interrupted == "" {
		add("it ended with exit code %d: %s", c.ExitCode, c.Reason)
	}
	return slices.Concat(problems, inVain(c), unlimited(c), onWhich(c))
}

// inVain is what is wrong with the trials that showed nothing.
func inVain(c report.Capacity) (problems []error) {
	void, unclear := 0, 0
	for _, t := range c.Trials {
		switch t.Holding.Result {
		case search.Void:
			void++
		case search.Unclear:
			unclear++
		}
	}
	all := len(c.Trials)
	if float64(void) > voidBaseline*float64(all) {
		problems = append(problems, fmt.Errorf("found %d of %d trials in which the tool or the host was "+
			"the limit, want at most %s", void, all, verdict.Percent(voidBaseline)))
	}
	if float64(void+unclear) > unclearBaseline*float64(all) {
		problems = append(problems, fmt.Errorf("found %d of %d trials that showed nothing, want at most "+
			"%s: the host is not quiet enough", void+unclear, all, verdict.Percent(unclearBaseline)))
	}
	return problems
}

// unlimited is what is wrong with the limits: a baseline says what given limits hold.
func unlimited(c report.Capacity) (problems []error) {
	g := c.Scenario.Gateway
	for _, l := range []struct {
		what       string
		given      bool
		enforced   bool
		asked, has string
		beyond     bool
	}{
		{
			"CPU", g.CPULimit > 0, c.Enforcement.CPU, g.CPULimit.String() + " cores",
			fmt.Sprintf("%d", c.Machine.Cores),
			c.Machine.Cores > 0 && float64(g.CPULimit) > float64(c.Machine.Cores),
		},
		{
			"memory", g.MemoryLimit > 0, c.Enforcement.Memory, g.MemoryLimit.String(),
			scenario.Bytes(c.Machine.MemoryBytes).String(),
			c.Machine.MemoryBytes > 0 && int64(g.MemoryLimit) > c.Machine.MemoryBytes,
		},
	} {
		switch {
		case !l.given:
			problems = append(problems, fmt.Errorf("found no %s limit, want one", l.what))
		case !l.enforced:
			problems = append(problems, fmt.Errorf("the %s limit was not enforced%s", l.what,
				because(c.Enforcement.Reason)))
		case l.beyond:
			problems = append(problems, fmt.Errorf("found a %s limit of %s on a host that has %s: it "+
				"cannot bind", l.what, l.asked, l.has))
		}
	}
	return problems
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// environment is where the trials ran.
func environment(c report.Capacity) string {
	for _, t := range c.Trials {
		if t.Data != nil {
			return t.Data.Header.Environment
		}
	}
	return "local" // a claim has trials
}

// nearest is the record of the trial that showed something next to the edge; nil where none
// can be read.
func nearest(c report.Capacity) *record.Record {
	var best *record.Record
	off := 0.0
	for _, t := range c.Trials {
		d := max(t.Rate-c.Answer.Estimate, c.Answer.Estimate-t.Rate)
		if t.Data != nil && shows(t) && (best == nil || d < off) {
			best, off = t.Data, d
		}
	}
	return best
}

// shows is whether a trial says something of the gateway.
func shows(t report.CapacityTrial) bool {
	return t.Holding.Result == search.Held || t.Holding.Result == search.Broke
}

// points are the trials that showed something, by rate.
func points(c report.Capacity) []baseline.Point {
	var all []baseline.Point
	for _, t := range c.Trials {
		if !shows(t) {
			continue
		}
		p := t.Point
		all = append(all, baseline.Point{
			Rate: t.Rate, Held: t.Holding.Result == search.Held, Measured: p.Measured,
			CPU: p.CPU, CPUMax: p.CPUMax, Memory: p.Memory, Anon: p.Anon, P50: p.P50, Mean: p.Mean,
			P99: p.P99, Inside: p.Inside, InsideMax: p.InsideMax, Queue: p.Queue, BatchMean: p.BatchMean,
			Exports: p.Exports, HostCost: p.BackendPerMillion,
		})
	}
	slices.SortStableFunc(all, func(a, b baseline.Point) int { return cmp.Compare(a.Rate, b.Rate) })
	return all
}

// gaveWay is what broke first in most of the trials that broke next to the edge, and what
// limited the gateway in most of them; empty where it is not known.
func gaveWay(e *report.Edge) (first, limited string) {
	if e == nil {
		return "", ""
	}
	if len(e.BrokeFirst) > 0 {
		first = e.BrokeFirst[0].By
	}
	if len(e.LimitedBy) > 0 {
		limited = e.LimitedBy[0].By
	}
	return first, limited
}
