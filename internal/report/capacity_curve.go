package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

func ratioOf(r *scenario.Ratio) *float64 {
	if r == nil {
		return nil
	}
	return new(float64(*r))
}

// A curveColumn is one figure of the trials over the rate.
type curveColumn struct {
	head, what string
	of         func(verdict.Point) *float64
	unit       unit
	// limit is what the figure is also told as a share of; 0 is none.
	limit func(scenario.Gateway) float64
}

// curveColumns are the columns of the table of the curve; their fields are those of
// trials[].point.
var curveColumns = []curveColumn{
	{
		head: "arrived, spans/s", what: "what arrived",
		of: func(p verdict.Point) *float64 { return p.Arrived }, unit: whole,
	},
	{
		head: "CPU, average, cores", what: "CPU",
		of: func(p verdict.Point) *float64 { return p.CPU }, unit: times,
	},
	{
		head: "CPU, most over 5 s (of limit)", what: "the most CPU over 5 s",
		of: func(p verdict.Point) *float64 { return p.CPUMax }, unit: times,
		limit: func(g scenario.Gateway) float64 { return float64(g.CPULimit) },
	},
	{
		head: "CPU a span that arrived", what: "CPU a span",
		of: cpuOfSpan, unit: microseconds,
	},
	{
		head: "throttled periods", what: "throttled periods",
		of: func(p verdict.Point) *float64 { return p.Throttled }, unit: verdict.Percent,
	},
	{
		head: "GC, of CPU", what: "garbage collection's share of CPU",
		of: func(p verdict.Point) *float64 { return p.GC }, unit: verdict.Percent,
	},
	{
		head: "working set, peak, MiB (of limit)", what: "the peak of the working set",
		of: func(p verdict.Point) *float64 { return p.Memory }, unit: mebibytes,
		limit: func(g scenario.Gateway) float64 { return float64(g.MemoryLimit) },
	},
	{
		head: "p50", what: "p50 of latency",
		of: func(p verdict.Point) *float64 { return p.P50 }, unit: verdict.Seconds,
	},
	{
		head: "p99", what: "p99 of latency",
		of: func(p verdict.Point) *float64 { return p.P99 }, unit: verdict.Seconds,
	},
	{
		head: "queue, mean, requests", what: "the queue",
		of: func(p verdict.Point) *float64 { return p.Queue }, unit: items,
	},
	{
		head: "inside, mean, spans", what: "spans inside",
		of: func(p verdict.Point) *float64 { return p.Inside }, unit: rounded,
	},
	{
		head: "refused, of offered", what: "the refused",
		of: func(p verdict.Point) *float64 { return p.Refused }, unit: verdict.Percent,
	},
	{
		head: "lost, of acknowledged", what: "the lost",
		of: func(p verdict.Point) *float64 { return p.Lost }, unit: verdict.Percent,
	},
	{
		head: "unsent, of due", what: "the unsent",
		of: func(p verdict.Point) *float64 { return p.Unsent }, unit: verdict.Percent,
	},
}

// cpuOfSpan is in seconds, over the measured time.
func cpuOfSpan(p verdict.Point) *float64 {
	if p.CPU == nil || p.Arrived == nil || *p.Arrived <= 0 {
		return nil
	}
	return new(*p.CPU / *p.Arrived)
}

func mebibytes(v float64) string { return fmt.Sprintf("%.0f", v/(1<<20)) }
func rounded(v float64) string   { return whole(math.Round(v)) }

func (col curveColumn) cell(p verdict.Point, g scenario.Gateway) string {
	v := col.of(p)
	if v == nil {
		return "–"
	}
	text := col.unit(*v)
	if col.limit != nil && col.limit(g) > 0 {
		text += fmt.Sprintf(" (%s)", verdict.Percent(*v/col.limit(g)))
	}
	return text
}

// capacityCurve is every trial by its rate.
func (p *page) capacityCurve(c Capacity) {
	p.line("## The curve")
	p.line("")
	p.line("![CPU, memory, latency and what is inside over the rate](%s/capacity.png)", GraphsDir)
	p.line("")
	if len(c.Trials) == 0 {
		p.line("No trial was made.")
		p.line("")
		return
	}
	p.line("All trials by rate, figures of their measured time, as `%s` has them in trials[].point; "+
		"latency is from due to delivery; inside is sent and not yet delivered. – is not known, or of a "+
		"percentile beyond what was lost.", CapacityFile)
	p.line("")
	heads, rule := []string{"rate, spans/s", "measured", "result"}, "|---:|---:|---|"
	for _, col := range curveColumns {
		heads, rule = append(heads, col.head), rule+"---:|"
	}
	p.cells(append(heads, "report")...)
	p.line("%s---|", rule)
	trials := slices.Clone(c.Trials)
	slices.SortStableFunc(trials, byRate)
	for _, t := range trials {
		cells := []string{whole(t.Rate), verdict.Seconds(t.Point.Measured), t.resultText()}
		for _, col := range curveColumns {
			cells = append(cells, col.cell(t.Point, c.Scenario.Gateway))
		}
		p.cells(append(cells, t.link())...)
	}
	p.line("")
}

func (t CapacityTrial) resultText() string {
	if t.Error != "" {
		return "no trial"
	}
	if t.Holding.Result == search.Broke && len(t.Holding.Breaks) > 0 {
		return fmt.Sprintf("%s: %s", t.Holding.Result, t.Holding.Breaks[0].By)
	}
	return string(t.Holding.Result)
}

// capacityNextSpan is what a span costs on both sides of the edge.
func (p *page) capacityNextSpan(c Capacity) {
	p.line("## What the next span costs, and where")
	p.line("")
	n := c.NextSpan
	if n == nil {
		p.line("%s.", capital(n.text()))
		p.line("")
		return
	}
	p.line("From a CPU and a heap profile of each trial, taken in its steady state, by component of "+
		"the collector (as in `docs/bottleneck.md`): means over the trials that held up to %s below "+
		"the edge and over those that broke up to %s above it. ± holds the difference with 95 %%; one "+
		"within it may be noise, and of twenty components one is beyond it by chance. `%s`: "+
		"next_span.", verdict.Percent(costBelow), verdict.Percent(costAbove), CapacityFile)
	p.line("")
	p.cost("CPU of a span that went through", "cpu", n.CPU, microseconds)
	p.cost("Live heap", "heap", n.Heap, func(v float64) string { return digits3(v/(1<<20)) + " MiB" })
}

// mostCostParts is how many components a report names of each cost.
const mostCostParts = 12

func (p *page) cost(title, kind string, c Cost, unit unit) {
	p.line("### %s", title)
	p.line("")
	if c.Difference == nil {
		p.line("Not known: %s.", c.missing(kind))
		p.line("")
		return
	}
	for _, of := range []struct {
		name string
		side CostSide
	}{{"Below", c.Below}, {"Above", c.Above}} {
		p.line("- %s: %s", of.name, of.side.text(unit))
	}
	p.line("")
	p.cells("component", "below", "above", "difference", "")
	p.line("|---|---:|---:|---:|---|")
	p.cells("**all**", unit(*c.Below.Mean), unit(*c.Above.Mean),
		differenceText(*c.Difference, c.Within, unit), standing(*c.Difference, c.Within))
	var rest CostPart
	for _, part := range c.told() {
		if part.Component == "" {
			rest = part
			continue
		}
		p.cells(part.Component, unit(part.Below), unit(part.Above),
			differenceText(part.Difference, part.Within, unit), standing(part.Difference, part.Within))
	}
	if rest.Below != 0 || rest.Above != 0 {
		p.cells("the rest", unit(rest.Below), unit(rest.Above), signed(rest.Difference, unit), "")
	}
	p.line("")
}

// told are the components that changed most, in their order, and after them the sum of the
// others, without a name.
func (c Cost) told() []CostPart {
	bySize := slices.Clone(c.Parts)
	slices.SortStableFunc(bySize, func(a, b CostPart) int {
		switch x, y := math.Abs(a.Difference), math.Abs(b.Difference); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	told := map[string]bool{}
	for i, part := range bySize {
		told[part.Component] = i < mostCostParts
	}
	var all []CostPart
	var rest CostPart
	for _, part := range c.Parts {
		if told[part.Component] {
			all = append(all, part)
			continue
		}
		rest.Below, rest.Above = rest.Below+part.Below, rest.Above+part.Above
		rest.Difference += part.Difference
	}
	return append(all, rest)
}

func differenceText(v float64, within *float64, unit unit) string {
	if within == nil {
		return signed(v, unit)
	}
	return signed(v, unit) + " ± " + unit(*within)
}

// standing says whether a difference can be told from noise.
func standing(v float64, within *float64) string {
	switch {
	case v == 0:
		return ""
	case within == nil:
		return "spread not known"
	case !stands(v, within):
		return "may be noise"
	}
	return ""
}

// text is what a side rests on.
func (s CostSide) text(unit unit) string {
	text := fmt.Sprintf("%s, from %s", unit(*s.Mean), profilesText(len(s.Trials)))
	if s.Lowest == s.Highest {
		text += " at " + briefRate(s.Lowest)
	} else {
		text += fmt.Sprintf(" at %s–%s", brief(s.Lowest), briefRate(s.Highest))
	}
	if s.Spread != nil {
		text += fmt.Sprintf(", standard deviation %s", unit(*s.Spread))
	}
	if s.Missing > 0 {
		text += fmt.Sprintf("; %d more of its trials have none", s.Missing)
	}
	return text
}

func profilesText(n int) string {
	if n == 1 {
		return "one profile"
	}
	return fmt.Sprintf("%d profiles, one a trial,", n)
}
