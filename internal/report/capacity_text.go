package report

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// CapacityText is the ending on a terminal: up to fifteen lines, the first of which is the
// answer; the last names the outcome and the exit code.
func CapacityText(w io.Writer, c Capacity) error {
	var p page
	c = c.Concluded()
	p.line("%s", c.Sentence)
	p.line("  ran       %s, %s", orDash(c.Headline), c.limits())
	p.line("  load      %s: %s", c.Name, c.workload())
	switch c.Answer.Standing {
	case search.Wide:
		p.line("  wide      %s; %s", c.reach(), c.more())
	case search.Stopped:
		if why := c.lastWord(); why != "" {
			p.line("  stopped   %s", why)
		}
	}
	if text := c.heldText(); text != "" {
		p.line("  held      %s", text)
	}
	p.line("  broke     first %s", c.brokeText())
	p.line("  next span %s", c.NextSpan.text())
	p.line("  noise     %s", c.noiseText())
	p.line("  host      %s", c.Host.text())
	if len(c.Answer.Dips) > 0 {
		p.line("  ! dips    %s", c.dipsText())
	}
	p.line("  loadgen   %s", c.headroomText())
	p.line("  trials    %s%s", c.trialsText(), colon(c.Answer.Reason))
	if n := len(c.Notes); n > 0 {
		p.line("  notes     %d, see the report", n)
	}
	p.line("  report    %s", filepath.Join(c.Dir, CapacityTextFile))
	p.line("outcome: %s, exit code %d", c.Answer.Standing, c.ExitCode)
	return p.to(w)
}

// limits of the gateway, and whether they hold.
func (c Capacity) limits() string {
	cpu, memory := "no CPU limit", "no memory limit"
	g, unenforced := c.ran().Gateway, ""
	if g.CPULimit > 0 {
		cpu = cores(float64(g.CPULimit))
	}
	if g.MemoryLimit > 0 {
		memory = mib(float64(g.MemoryLimit))
	}
	if g.CPULimit > 0 && !c.Enforcement.CPU || g.MemoryLimit > 0 && !c.Enforcement.Memory {
		unenforced = ", not enforced"
	}
	return cpu + ", " + memory + unenforced
}

// workload is what was sent, without the rate.
func (c Capacity) workload() string {
	l, size := c.ran().Load, ""
	if c.EncodedPerSpan != nil {
		size = fmt.Sprintf(" of %s B", whole(*c.EncodedPerSpan))
	}
	return fmt.Sprintf("%s spans%s, %d a request, %s, compression %s", l.Shape, size,
		l.SpansPerRequest, l.Protocol, l.Compression)
}

// backendText is how the backend answered.
func backendText(b scenario.Backend) string {
	text := "answers at once"
	if b.Delay > 0 {
		text = "answers after " + verdict.Seconds(time.Duration(b.Delay).Seconds())
	}
	if b.SuccessRate != nil && *b.SuccessRate < 1 {
		text += ", " + verdict.Percent(float64(*b.SuccessRate)) + " of the requests with success"
	}
	if b.MaxConcurrent > 0 {
		text += fmt.Sprintf(", at most %d requests at once", b.MaxConcurrent)
	}
	if b.MaxConnections > 0 {
		text += fmt.Sprintf(", over at most %d connections", b.MaxConnections)
	}
	if b.CutEvery > 0 {
		text += ", cuts its connections every " + verdict.Seconds(time.Duration(b.CutEvery).Seconds())
	}
	return text
}

func (c Capacity) brokeText() string {
	e := c.Edge
	if e == nil {
		if c.Answer.Standing == search.BeyondAll {
			return "nothing"
		}
		return "not known: no trial broke"
	}
	text := fmt.Sprintf("%s %s", countedText(e.BrokeFirst, e.Trials), e.where())
	if len(e.LimitedBy) > 0 {
		var names []string
		for _, l := range e.LimitedBy {
			if l.By != string(verdict.ByNothing) {
				names = append(names, l.By)
			}
		}
		if len(names) > 0 {
			text += "; limited there by " + strings.Join(names, ", ")
		}
	}
	return text
}

// heldText is what the gateway used in the trial next to the low end that held; empty where
// there is none.
func (c Capacity) heldText() string {
	var next *CapacityTrial
	for i, t := range c.Trials {
		if t.Holding.Result == search.Held && t.Rate <= c.nearest() && (next == nil ||
			math.Abs(t.Rate-c.Answer.Low) < math.Abs(next.Rate-c.Answer.Low)) {
			next = &c.Trials[i]
		}
	}
	if next == nil {
		return ""
	}
	g, pt := c.Scenario.Gateway, next.Point
	of := func(v *float64, limit float64, unit unit) string {
		switch {
		case v == nil:
			return notKnown
		case limit <= 0:
			return unit(*v)
		}
		return fmt.Sprintf("%s (%s)", unit(*v), verdict.Percent(*v/limit))
	}
	return fmt.Sprintf("at %s: CPU %s, memory %s, p50 %s, p99 %s", briefRate(next.Rate),
		of(pt.CPUMax, float64(g.CPULimit), cores), of(pt.Memory, float64(g.MemoryLimit), mib),
		of(pt.P50, 0, verdict.Seconds), of(pt.P99, 0, verdict.Seconds))
}

func (c Capacity) noiseText() string {
	text := "from trial to trial: not known"
	if n := c.Answer.Noise; n > 0 {
		text = fmt.Sprintf("the edge moves by %s from trial to trial", verdict.Percent(n))
	}
	switch confirmed := c.Answer.Confirmed; {
	case confirmed > 0:
		text += fmt.Sprintf("; %s held for longer", briefRate(confirmed))
	case c.Answer.Standing == search.Found || c.Answer.Standing == search.Wide:
		text += "; no rate was confirmed by a longer trial"
	}
	return text
}

func (c Capacity) dipsText() string {
	var rates []string
	for _, d := range c.Answer.Dips {
		rates = append(rates, brief(d))
	}
	return fmt.Sprintf("%s spans/s broke, though a higher rate held", strings.Join(rates, ", "))
}

func (c Capacity) headroomText() string {
	h := c.Headroom
	if h == nil {
		return "not known: no trial was made"
	}
	text := "its usage is not known"
	if h.Cores != nil {
		text = fmt.Sprintf("%s at %s", cores(*h.Cores), briefRate(h.Rate))
		if h.Lateness != nil {
			text += fmt.Sprintf(", p99 of slots %s late", verdict.Seconds(*h.Lateness))
		}
	}
	switch {
	case h.Ratio != nil:
		return fmt.Sprintf("%s; its ceiling here is %s × the edge or more", text, digits3(*h.Ratio))
	case h.CeilingHigh != nil:
		return fmt.Sprintf("%s; its ceiling here is at most %s", text, briefRate(*h.CeilingHigh))
	}
	return text + "; its ceiling here is not known: " + h.NoCeiling
}

// trialsText is how many trials there were, and how long they took.
func (c Capacity) trialsText() string {
	took := lasting(c.Took)
	if c.Spec.Budget > 0 {
		took = verdict.Clock(c.Took) + " of " + lasting(c.Spec.Budget.Seconds())
	}
	return fmt.Sprintf("%d in %s", len(c.Trials), took)
}
