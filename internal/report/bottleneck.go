package report

import (
	"fmt"

	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// mostComponents is how many parts of the collector a report names.
const mostComponents = 12

// limited is what limited the gateway, what else was looked at, and where its CPU went.
func (p *page) limited(l *verdict.Limited) {
	p.line("## What limited it")
	p.line("")
	if l == nil {
		p.line("Not known: nothing was seen of the gateway under load.")
		p.line("")
		return
	}
	p.line("**%s**: %s.", l.By, l.Text)
	p.line("")
	for _, e := range l.Evidence {
		p.line("- %s (`%s`)", e.Text, e.Source)
	}
	if l.When != nil {
		p.line("- From %s since the start of the load", l.When)
	}
	if len(l.Evidence) > 0 || l.When != nil {
		p.line("")
	}
	p.line("All that was looked at, the cause before what follows from it; the first that limits is " +
		"the answer. `summary.json`: figures.limited.")
	p.line("")
	p.cells("", "candidate", "found")
	p.line("|---|---|---|")
	for _, c := range l.Candidates {
		p.cells(string(c.State), string(c.By), c.Text)
	}
	p.line("")
	p.components(l)
}

func (p *page) components(l *verdict.Limited) {
	c := l.Components
	p.line("### Where its CPU went")
	p.line("")
	if c == nil {
		text := "Not known: there is no CPU profile of the gateway."
		if l.NoProfile != "" {
			text += " " + capital(l.NoProfile) + "."
		}
		p.line("%s", text)
		p.line("")
		return
	}
	p.line("By component of the collector, and of the runtime and the libraries below it, from "+
		"the profile `%s` (moment %s, %s since the start of the load, %.2f CPU-s).", c.File, c.Moment,
		verdict.Clock(c.Elapsed), c.Seconds)
	p.line("")
	p.cells("component", "CPU-s", "share")
	p.line("|---|---:|---:|")
	rest, share := 0.0, 0.0
	for i, part := range c.Parts {
		if i < mostComponents {
			p.cells(part.Name, fmt.Sprintf("%.2f", part.Seconds), verdict.Percent(part.Share))
			continue
		}
		rest, share = rest+part.Seconds, share+part.Share
	}
	if rest > 0 {
		p.cells("the rest", fmt.Sprintf("%.2f", rest), verdict.Percent(share))
	}
	p.line("")
}

// limitedText is the one line of it on a terminal.
func (p *page) limitedText(l *verdict.Limited) {
	if l == nil {
		p.line("  limited   not known: nothing was seen of the gateway under load")
		return
	}
	p.line("  limited   %s: %s", l.By, l.Text)
}
