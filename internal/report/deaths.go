package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// mostDeaths are told one by one.
const mostDeaths = 20

// deaths tells when and of what the gateway died, what it held then, and what each death
// cost; nothing when it did not die.
func (p *page) deaths(s Summary) {
	all := s.Figures.Deaths
	if len(all) == 0 {
		return
	}
	p.line("## When it died")
	p.line("")
	p.line("Memory is anonymous and the kernel's, which a kill for want of memory goes by. Its "+
		"growth is the slope over the last seconds before. From `%s` (deaths), `%s` and `%s`; "+
		"`summary.json`: figures.deaths.", record.EndingFile, record.PulsesFile, record.SamplesFile)
	p.line("")
	p.cells("", "of", "after the start of the load", "after it was ready", "memory at the last look",
		"of its limit", "growth before", "ready again at")
	p.line("|---:|---|---:|---:|---:|---:|---:|---:|")
	for i, d := range all[:min(len(all), mostDeaths)] {
		p.cells(strconv.Itoa(i+1), deathOf(d), after(d, d.Elapsed), after(d, d.Uptime),
			known(d.Last, mib), ofLimit(d), growthBefore(d), again(d))
	}
	p.line("")
	if more := len(all) - mostDeaths; more > 0 {
		p.line("And %d more in `%s`.", more, record.EndingFile)
		p.line("")
	}
	p.filled(all)
	p.costs(s)
	p.words(all)
}

// deathOf is the kind of a death, or what the place says where that took the gateway away.
func deathOf(d verdict.DeathFigures) string {
	if d.State.Taken() {
		why, _, _ := strings.Cut(d.State.Reason, ":")
		return why
	}
	if d.Member != "" {
		return d.Member + " " + string(d.Kind)
	}
	return string(d.Kind)
}

// after is a time that has a meaning only where the load had begun.
func after(d verdict.DeathFigures, seconds float64) string {
	if seconds <= 0 {
		return notKnown
	}
	text := verdict.Seconds(seconds)
	if d.Kind == record.DeathHang {
		text += " (noticed)"
	}
	return text
}

// again is when a new process was ready, or a hang was over; a record has neither where
// there was none.
func again(d verdict.DeathFigures) string {
	switch {
	case d.Restarted != nil:
		return verdict.Seconds(*d.Restarted)
	case d.Until != nil:
		return verdict.Seconds(*d.Until)
	}
	return "never"
}

func ofLimit(d verdict.DeathFigures) string {
	if d.Last == nil || d.Limit == nil {
		return notKnown
	}
	return fmt.Sprintf("%s of %s", verdict.Percent(*d.Last / *d.Limit), mib(*d.Limit))
}

func growthBefore(d verdict.DeathFigures) string {
	if d.Growth == nil {
		return notKnown
	}
	text := fmt.Sprintf("%+.1f MiB/s over %s", *d.Growth/(1<<20), verdict.Seconds(d.GrowthOver))
	if room := d.Room(); room != nil && d.ForMemory() {
		text += fmt.Sprintf("; the rest in %s", verdict.Seconds(*room))
	}
	return text
}

// filled tells where the spans were that the gateway held at the first death of which it
// is known. The deaths of one loop are alike.
func (p *page) filled(all []verdict.DeathFigures) {
	for i, d := range all {
		if !d.ForMemory() {
			continue
		}
		p.line("What filled its memory before death %d: **%s**.", i+1, d.Where())
		p.line("")
		if h := d.Held; h != nil {
			charged := "charged for it, garbage that is not collected yet included"
			if h.OfHeap() {
				charged = "in use for it; garbage that is not collected yet comes on top"
			}
			p.line("Memory went with the spans that it held (%s): %s and %s a span, R² %.2f over %d "+
				"points; %s were held at the last look, %+.0f each second. A span's memory is what is %s.",
				h.By, mib(h.Base), kib(h.PerSpan), h.Fit, h.Looks, decimal(h.Spans), h.Growth, charged)
			p.line("")
		}
		p.buffers(d.Buffers)
		p.heap(d)
		return
	}
}

func kib(v float64) string { return fmt.Sprintf("%.1f KiB", v/(1<<10)) }

func (p *page) buffers(all []verdict.Buffer) {
	if len(all) == 0 {
		return
	}
	p.cells("held in", "spans", "share", "memory", "from")
	p.line("|---|---:|---:|---:|---|")
	for _, b := range all {
		p.cells(b.Name, known(b.Spans, decimal), verdict.Percent(b.Share), known(b.Bytes, mib),
			b.Evidence)
	}
	p.line("")
}

// heap is what the profiles of the life say. They name who allocated what is held.
func (p *page) heap(d verdict.DeathFigures) {
	if len(d.Heap) == 0 {
		return
	}
	p.line("By the heap profiles (%s), by who allocated it, which is not who holds it:", d.HeapOf)
	p.line("")
	p.cells("component", "memory", "share")
	p.line("|---|---:|---:|")
	for _, h := range d.Heap {
		p.cells(h.Component, mib(h.Bytes), verdict.Percent(h.Share))
	}
	p.line("")
}

// costs is the ledger cut by the deaths.
func (p *page) costs(s Summary) {
	var rows [][]string
	n := verdict.Count[uint64]
	var sum record.Cost
	for i, d := range s.Figures.Deaths {
		c := d.Cost
		if c == nil {
			continue
		}
		sum.Due, sum.Acknowledged = sum.Due+c.Due, sum.Acknowledged+c.Acknowledged
		sum.Lost, sum.Refused = sum.Lost+c.Lost, sum.Refused+c.Refused
		sum.Unknown, sum.Unsent = sum.Unknown+c.Unknown, sum.Unsent+c.Unsent
		sum.Dropped, sum.Sampled = sum.Dropped+c.Dropped, sum.Sampled+c.Sampled
		if i < mostDeaths {
			rows = append(rows, []string{
				strconv.Itoa(i + 1), verdict.Clock(c.From) + " to " + verdict.Clock(c.To), n(c.Due),
				n(c.Acknowledged), n(c.Lost), n(c.Refused), n(c.Unknown + c.Dropped), n(c.Unsent),
			})
		}
	}
	all := s.Account.All
	if len(rows) == 0 || all == nil {
		return
	}
	p.line("What each cost: the spans that were due from the start before it (of a hang: from its " +
		"beginning) to the start after it, by identity. Lost is acknowledged and not delivered.")
	p.line("")
	p.cells("", "due from", "due", "acknowledged", "lost", "refused", "not answered", "unsent")
	p.line("|---:|---|---:|---:|---:|---:|---:|---:|")
	for _, cells := range rows {
		p.cells(cells...)
	}
	p.cells("**sum**", "", n(sum.Due), n(sum.Acknowledged), n(sum.Lost), n(sum.Refused),
		n(sum.Unknown+sum.Dropped), n(sum.Unsent))
	refused := all.RefusedRetryable.Items + all.RefusedPermanent.Items + all.RejectedInPart.Items
	p.cells("rest of the run", "", n(rest(all.Due, sum.Due)),
		n(rest(all.Acknowledged.Items, sum.Acknowledged)),
		n(rest(all.Acknowledged.NotDelivered, sum.Lost+sum.Sampled)), n(rest(refused, sum.Refused)),
		n(rest(all.Unknown.Items+all.Dropped.Items, sum.Unknown+sum.Dropped)),
		n(rest(all.Unsent, sum.Unsent)))
	p.line("")
}

// rest is what of a whole is in no part; the parts do not overlap.
func rest(whole, parts uint64) uint64 { return whole - min(whole, parts) }

// words are the last that it said, of the first of each sort of death.
func (p *page) words(all []verdict.DeathFigures) {
	told := map[record.DeathKind]bool{}
	for i, d := range all {
		if d.Text == "" || told[d.Kind] {
			continue
		}
		told[d.Kind] = true
		in := ""
		if d.Component != "" {
			in = ", in " + d.Component
		}
		p.line("Death %d (%s%s):", i+1, d.Kind, in)
		p.line("")
		for line := range strings.Lines(d.Text) {
			p.line("    %s", strings.TrimRight(line, "\n"))
		}
		p.line("")
	}
}
