package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"

	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// mostViolations is how many lines the table of violations has.
const mostViolations = 30

// violations are the times at which thresholds were reached and assertions violated.
func (p *page) violations(s Summary) {
	lines := 0
	for _, f := range s.Findings {
		for _, span := range f.Spans {
			if lines++; lines == 1 {
				p.line("## Violations")
				p.line("")
				p.line("When a threshold was reached for as long as it must be, or an assertion was " +
					"violated; shaded in the pictures. `summary.json`: findings[].spans.")
				p.line("")
				p.cells("", "what", "weight", "from", "to", "lasted", "at worst")
				p.line("|---|---|---|---:|---:|---:|---:|")
			}
			if lines > mostViolations {
				continue
			}
			worst := "not known"
			if span.Worst != nil {
				worst = verdict.InUnit(scenario.Unit(f.Unit), *span.Worst)
			}
			p.cells(mark(span.Severity), violated(s, f, span.Severity), string(span.Severity),
				verdict.Clock(span.From), verdict.Clock(span.To), verdict.Seconds(span.To-span.From), worst)
		}
	}
	if lines == 0 {
		return
	}
	p.line("")
	if lines > mostViolations {
		p.line("- %d more in `%s`", lines-mostViolations, SummaryFile)
		p.line("")
	}
}

// violated says what was: an assertion, or a threshold of a resource.
func violated(s Summary, f verdict.Finding, severity verdict.Severity) string {
	if f.Assertion != "" {
		return f.Assertion
	}
	of := s.Scenario.Thresholds.CPU
	if f.Check == "memory" {
		of = s.Scenario.Thresholds.Memory
	}
	share := of.Warning
	if severity == verdict.Critical {
		share = of.Critical
	}
	if share == nil {
		return f.Check
	}
	return fmt.Sprintf("%s at %s of its limit", f.Check, verdict.Percent(float64(*share)))
}

// A band is the time of one violation.
type band struct {
	from, to float64
	severity verdict.Severity
}

// Plot fills it. However short it was, it is to be seen.
func (b band) Plot(c vgdraw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	from := min(max(c.Min.X, x(b.from)), c.Max.X-2)
	to := min(c.Max.X, max(x(b.to), from+2))
	fill := warningColor
	if b.severity == verdict.Critical {
		fill = criticalColor
	}
	c.FillPolygon(fill, box(from, c.Min.Y, to, c.Max.Y))
}

// A subject is what the violations are of that a panel shows, and how a bound of it is
// drawn: in the panel's unit it is so many, and where it is a share, a share of whole.
type subject struct {
	name         string // of a check, or of an assertion's subject
	scale, whole float64
}

// about are subjects whose bounds are in the panel's unit.
func about[N ~string](names ...N) (all []subject) {
	for _, n := range names {
		all = append(all, subject{name: string(n), scale: 1})
	}
	return all
}

// shaded are subjects without a line: their bounds are of another kind than the panel's
// unit.
func shaded[N ~string](names ...N) (all []subject) {
	for _, n := range names {
		all = append(all, subject{name: string(n)})
	}
	return all
}

// marked is the panel with bands and lines for what was found of its subjects. Warnings
// come first, so that what is critical is not hidden.
func (p panel) marked(findings []verdict.Finding) panel {
	for _, f := range findings {
		name, bound := f.Check, scenario.Condition{}
		if f.Assertion != "" {
			c, err := scenario.Expression(f.Assertion).Condition()
			if err != nil {
				continue
			}
			name, bound = string(c.Subject), c
		}
		i := slices.IndexFunc(p.of, func(s subject) bool { return s.name == name })
		if i < 0 {
			continue
		}
		for _, s := range f.Spans {
			p.bands = append(p.bands, band{s.From, s.To, s.Severity})
		}
		if f.Assertion != "" {
			p.bound(p.of[i], bound, f.Assertion)
		}
	}
	slices.SortStableFunc(p.bands, func(a, b band) int {
		return strings.Compare(string(b.severity), string(a.severity)) // warning before critical
	})
	return p
}

// bound adds a line for the bound of an assertion, named by all but its subject. Two
// lines at one place have one name.
func (p *panel) bound(of subject, c scenario.Condition, text string) {
	at := of.scale * c.Bound
	if c.Unit == scenario.UnitShare {
		at = of.whole * c.Bound
	}
	if at <= 0 {
		return
	}
	name := strings.TrimSpace(strings.TrimPrefix(text, string(c.Subject)))
	if c.Subject == scenario.Acknowledgement { // latency is in the same panel
		name = "ack. " + name
	}
	if !p.log && at > 5*p.top() {
		p.title += fmt.Sprintf(" (%s is far above)", name) // its line would press it flat
		return
	}
	p.limits = slices.Clone(p.limits)
	for i, l := range p.limits {
		if math.Abs(l.at-at) < 0.001*at {
			p.limits[i].name += ", " + name
			return
		}
	}
	p.limits = append(p.limits, limit{at: at, name: name})
}

// top is the largest value there is, or limit.
func (p *panel) top() float64 {
	most := 0.0
	p.each(func(v float64) { most = max(most, v) })
	for _, l := range p.limits {
		most = max(most, l.at)
	}
	return most
}

// apart moves the names of lines that are too near each other.
func apart(limits []limit, height float64) []limit {
	out := slices.Clone(limits)
	slices.SortStableFunc(out, func(a, b limit) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	least := math.Inf(-1)
	for i := range out {
		out[i].label = max(out[i].at, least)
		least = out[i].label + 0.085*height
	}
	return out
}

// bandKey names the colours of the bands there are, right-aligned at a height.
func bandKey(c vgdraw.Canvas, panels []panel, y vg.Length) {
	x := c.Max.X
	for _, k := range []struct {
		severity verdict.Severity
		name     string
	}{{verdict.Critical, "critical"}, {verdict.Warning, "warning"}} {
		if !slices.ContainsFunc(panels, func(p panel) bool {
			return slices.ContainsFunc(p.bands, func(b band) bool { return b.severity == k.severity })
		}) {
			continue
		}
		style := text(10, soft)
		style.XAlign = vgdraw.XRight
		c.FillText(style, vg.Point{X: x, Y: y}, k.name)
		right := x - style.Width(k.name) - 5
		fill := warningColor
		if k.severity == verdict.Critical {
			fill = criticalColor
		}
		c.FillPolygon(fill, box(right-14, y-1, right, y+8))
		x = right - 14 - 14
	}
}

// thresholdLines are a limit and the shares of it that are its thresholds.
func thresholdLines(t scenario.ResourceThreshold, at float64, name string) (all []limit) {
	if at <= 0 {
		return nil
	}
	for _, share := range []*scenario.Ratio{t.Warning, t.Critical} {
		if share == nil || *share >= 1 || len(all) > 0 && all[0].at == float64(*share)*at {
			continue
		}
		all = append(all, limit{at: float64(*share) * at, name: verdict.Percent(float64(*share))})
	}
	return append(all, limit{at: at, name: name})
}

// shareLines are the thresholds of both resources as percentages; where they differ each
// is named.
func shareLines(t scenario.Thresholds) (all []limit) {
	cpu := thresholdLines(t.CPU, 100, "limit")
	memory := thresholdLines(t.Memory, 100, "limit")
	if slices.Equal(cpu, memory) {
		return cpu
	}
	for i, of := range [][]limit{cpu, memory} {
		for _, l := range of[:len(of)-1] {
			name := []string{"CPU", "memory"}[i]
			all = append(all, limit{at: l.at, name: fmt.Sprintf("%s %s", name, l.name)})
		}
	}
	return append(all, cpu[len(cpu)-1])
}
