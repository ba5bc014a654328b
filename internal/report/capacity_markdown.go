package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// CapacityMarkdown is for people: capacity.md. The answer comes first, then how to read it,
// then what it rests on.
func CapacityMarkdown(w io.Writer, c Capacity) error {
	var p page
	c = c.Concluded()
	p.capacityAnswer(c)
	p.capacityReading(c)
	p.capacityEdge(c)
	p.capacityCurve(c)
	p.capacityNextSpan(c)
	p.capacitySearch(c)
	p.capacityHeadroom(c)
	p.capacityRan(c)
	p.capacityUnknown(c)
	return p.to(w)
}

func (p *page) capacityAnswer(c Capacity) {
	p.line("# %s: %s", c.Name, c.Sentence)
	p.line("")
	if c.Description != "" {
		p.line("%s.", capital(strings.TrimRight(c.Description, ".")))
		p.line("")
	}
	p.line("- Gateway: %s; %s (enforced by %s)", orDash(c.Headline), c.limits(),
		orDash(c.Enforcement.Method))
	l, m := c.ran().Load, c.Machine
	p.line("- Load: %s; engine %s, %s, retry %s", c.workload(), l.Engine, connections(l.Connections),
		l.Retry)
	p.line("- Backend: %s", backendText(c.Scenario.Backend))
	if len(c.Nodes) > 0 {
		p.line("- Host: %s", nodesText(c.Nodes))
	} else {
		p.line("- Host: %s/%s, %s, %d cores, %s, kernel %s, cgroup %s", m.OS, m.Arch,
			orDash(m.CPUModel), m.Cores, mib(float64(m.MemoryBytes)), orDash(m.Kernel),
			orDash(m.Cgroup))
	}
	p.line("- Broke first above it: %s", c.brokeText())
	p.line("- Next span: %s", c.NextSpan.text())
	p.line("- Noise: %s", c.noiseText())
	p.line("- Speed of the host: %s", c.Host.text())
	p.line("- Outcome: **%s**, exit code %d%s", c.Answer.Standing, c.ExitCode, colon(c.Reason))
	p.line("- Trials: %s", c.trialsText())
	if why := c.lastWord(); why != "" && c.Answer.Standing == search.Stopped {
		p.line("- Stopped by the last trial: %s", why)
	}
	for _, note := range c.Notes {
		p.line("- Note: %s", note)
	}
	p.line("")
}

// colon is a text behind what it explains.
func colon(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

// capacityReading says what the figures mean, and what to plan with.
func (p *page) capacityReading(c Capacity) {
	a := c.Answer
	p.line("## How to read it")
	p.line("")
	p.line("A rate *holds* when a trial of it breaks none of the scenario's thresholds (%s) and "+
		"nothing grows in the gateway that would break one later.", c.thresholdsText())
	switch {
	case a.Estimate > 0 && a.Low > 0 && a.High > 0:
		p.line("Of trials at the estimate, %s, half hold. The edge lies from %s to %s with %s (%s).",
			briefRate(a.Estimate), brief(a.Low), briefRate(a.High), verdict.Percent(a.Confidence),
			c.reach())
		p.line("**Plan with the low end, %s**, and less where the load is not as even as this one.",
			briefRate(a.Low))
	case a.Standing == search.BeyondAll:
		p.line("No rate that was tried broke: the edge is above %s, and how far is not known.",
			briefRate(a.Low))
	case a.Standing == search.BelowAll:
		p.line("No rate that was tried held: whether a lower one does is not known.")
	default:
		p.line("There is no estimate: %s.", c.until())
	}
	if a.Standing == search.Wide {
		p.line("It is wider than was asked: %s. `odigos-stress capacity --resume %s` with a larger "+
			"`--budget` goes on where it ended.", c.more(), cmp.Or(c.Dir, "DIR"))
	}
	p.line("It holds for this collector and its configuration, these limits, spans and requests, " +
		"this backend and this host; another of them has an edge of its own.")
	if len(a.Dips) > 0 {
		p.line("**Dips**: %s. The answer is the edge of the lowest range in which all that was tried "+
			"held.", c.dipsText())
	}
	p.line("")
}

// thresholdsText is what a trial is held against.
func (c Capacity) thresholdsText() string {
	t := c.Scenario.Thresholds
	parts := []string{c.allowing()}
	if t.Refused == nil || *t.Refused == 0 {
		parts = append(parts, "nothing refused")
	}
	if p99 := time.Duration(t.LatencyP99).Seconds(); p99 > 0 {
		parts = append(parts, "p99 of latency up to "+verdict.Seconds(p99))
	}
	for _, of := range []struct {
		name  string
		share *float64
		limit bool
	}{
		{"CPU", ratioOf(t.CPU.Critical), c.Scenario.Gateway.CPULimit > 0},
		{"memory", ratioOf(t.Memory.Critical), c.Scenario.Gateway.MemoryLimit > 0},
	} {
		if of.share != nil && of.limit {
			parts = append(parts, fmt.Sprintf("%s below %s of its limit", of.name,
				verdict.Percent(*of.share)))
		}
	}
	for _, assertion := range c.Scenario.Assertions {
		parts = append(parts, "`"+string(assertion.That)+"`")
	}
	return strings.Join(parts, ", ")
}

func (p *page) capacityEdge(c Capacity) {
	p.line("## What breaks above it")
	p.line("")
	e := c.Edge
	if e == nil {
		p.line("%s.", capital(c.brokeText()))
		p.line("")
		return
	}
	p.line("Of the trials that broke from the low end of the interval to %s above the estimate, what "+
		"gave way first in time, and what limited the gateway there. Farther above everything breaks "+
		"at once. `%s`: edge.", verdict.Percent(aboveEdge), CapacityFile)
	p.line("")
	p.line("- Broke first: %s, %s", countedText(e.BrokeFirst, e.Trials), e.where())
	switch {
	case len(e.LimitedBy) == 0:
		p.line("- What limited it there: not known")
	default:
		p.line("- Limited by: %s", countedText(e.LimitedBy, total(e.LimitedBy)))
		p.line("- In the lowest of them: %s", e.LimitedText)
	}
	p.line("")
	p.cells("rate, spans/s", "", "what broke, in order", "from")
	p.line("|---:|---|---|---:|")
	for _, t := range c.brokeAtEdge() {
		rate, name := whole(t.Rate), t.link()
		if len(t.Holding.Breaks) == 0 {
			p.cells(rate, name, t.Holding.Why, "–")
		}
		for _, b := range t.Holding.Breaks {
			at := "not known"
			if b.At != nil {
				at = verdict.Clock(*b.At)
			}
			p.cells(rate, name, fmt.Sprintf("%s: %s", b.By, b.Text), at)
			rate, name = "", ""
		}
	}
	p.line("")
}

func total(all []Counted) (n int) {
	for _, w := range all {
		n += w.Trials
	}
	return n
}

// link leads to the trial's report.
func (t CapacityTrial) link() string {
	if t.Record == "" {
		return orDash(t.Name)
	}
	return fmt.Sprintf("[%s](%s/%s)", cmp.Or(t.Name, t.Record), t.Record, AnalysisFile)
}

func (p *page) capacitySearch(c Capacity) {
	p.line("## The search")
	p.line("")
	p.line("![How the search closed in](%s/search.png)", GraphsDir)
	p.line("")
	p.line("<details><summary>%d trials in their order, and why each was made</summary>",
		len(c.Trials))
	p.line("")
	p.cells("", "rate, spans/s", "length", "phase", "took", "result", "why it was made",
		"what it rests on")
	p.line("|---:|---:|---|---|---:|---|---|---|")
	for i, t := range c.Trials {
		result, why := string(t.Holding.Result), t.Holding.Why
		if t.Error != "" {
			result, why = "no trial", t.Error
		}
		p.cells(fmt.Sprint(i+1), whole(t.Rate), string(t.Length), string(t.Phase),
			verdict.Seconds(t.Took), result, t.Why, why)
	}
	p.line("")
	p.line("</details>")
	p.line("")
	if r := c.Answer.Reason; r != "" {
		p.line("It ended because: %s.", strings.TrimRight(r, "."))
		p.line("")
	}
}

func (p *page) capacityHeadroom(c Capacity) {
	p.line("## The load generator")
	p.line("")
	h := c.Headroom
	if h == nil {
		p.line("Not known: no trial was made.")
		p.line("")
		return
	}
	p.line("What it had left, so that the edge is the gateway's and not its own. `%s`: headroom.",
		CapacityFile)
	p.line("")
	p.cells("", "", "`headroom.`")
	p.line("|---|---:|---|")
	at := briefRate(h.Rate)
	for _, r := range []row{
		{"CPU at " + at + ", the highest rate", h.Cores, cores, "loadgen_average_cores"},
		{"Lateness of slots there, p99", h.Lateness, verdict.Seconds, "lateness_p99_seconds"},
		{
			"The largest p99 of lateness of the trials that held", h.HeldLateness, verdict.Seconds,
			"held_lateness_p99_max_seconds",
		},
		{
			"Ceiling of this host's own ends without a gateway, at least", h.CeilingLow, briefRate,
			"ceiling_low_spans_per_second",
		},
		{"– at most", h.CeilingHigh, briefRate, "ceiling_high_spans_per_second"},
		{"– over the edge", h.Ratio, times, "ceiling_ratio_of_edge"},
	} {
		p.cells(r.what, known(r.v, r.unit), "`"+r.path+"`")
	}
	p.line("")
	if h.NoCeiling != "" {
		p.line("The ceiling is not known: %s.", h.NoCeiling)
		p.line("")
	}
}

func (p *page) capacityRan(c Capacity) {
	s := c.Spec
	p.line("## What ran")
	p.line("")
	p.line("- Directory `%s`, begun %s", c.Record, c.Created.UTC().Format(time.RFC3339))
	p.line("- Command: `%s`", strings.Join(c.Command, " "))
	p.line("- Asked: from %s up to %s, %s, in at most %s", brief(s.From), briefRate(s.UpTo),
		plusMinus(s.Precision), budgetText(s))
	p.line("- Tool: odigos-stress %s, built with %s", c.Tool.Version, c.Tool.Go)
	p.line("- Collector: %s, %s, sha256 `%s`%s", orDash(c.Headline), programText(c.Collector),
		orDash(c.Collector.SHA256), ofImage(c.Collector))
	p.line("")
}

// ofImage names the image that a collector came out of.
func ofImage(c record.Collector) string {
	if c.Image == "" {
		return ""
	}
	return ", of image `" + c.Image + "`"
}

func budgetText(s search.Spec) string {
	if s.Budget == 0 {
		return "any time"
	}
	return lasting(s.Budget.Seconds())
}

// capacityUnknown names what is not there.
func (p *page) capacityUnknown(c Capacity) {
	p.line("## What is not known")
	p.line("")
	var all []string
	if shown := c.shown(); len(shown) > 0 {
		for _, col := range curveColumns {
			n := 0
			for _, t := range shown {
				if col.of == nil || col.of(t.Point) == nil {
					n++
				}
			}
			if col.of != nil && n > 0 {
				all = append(all, fmt.Sprintf("%s, of %d of the %d trials that show something", col.what, n,
					len(shown)))
			}
		}
	}
	n := c.NextSpan
	for _, of := range []struct{ kind, text string }{
		{"What the next span costs in CPU", n.gap(func(n *NextSpan) Cost { return n.CPU }, "cpu")},
		{"What it does to the live heap", n.gap(func(n *NextSpan) Cost { return n.Heap }, "heap")},
	} {
		if of.text != "" {
			all = append(all, of.kind+": "+of.text)
		}
	}
	if h := c.Headroom; h != nil && h.NoCeiling != "" {
		all = append(all, "How much the load generator itself can do: "+h.NoCeiling)
	}
	for _, line := range all {
		p.line("- %s", line)
	}
	if len(all) == 0 {
		p.line("Every figure of this report was measured.")
	}
}

// gap says why a cost is not known; empty where it is.
func (n *NextSpan) gap(of func(*NextSpan) Cost, kind string) string {
	switch {
	case n == nil:
		return "there is no estimate of the edge"
	case of(n).Difference == nil:
		return of(n).missing(kind)
	}
	return ""
}

// shown are the trials that say something of the gateway, by rate.
func (c Capacity) shown() []CapacityTrial {
	all := slices.DeleteFunc(slices.Clone(c.Trials), func(t CapacityTrial) bool { return !t.shows() })
	slices.SortStableFunc(all, byRate)
	return all
}
