package report

import (
	"fmt"
	"image/color"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// pods are several gateways beside each other; nothing of one.
func (p *page) pods(f verdict.PodFigures) {
	if len(f.All) == 0 {
		return
	}
	p.line("## Gateways")
	p.line("")
	p.line("Each by itself, of the measured time and against its own limits. %s From "+
		"`raw/samples.jsonl` (actors.gateway/…); `summary.json`: figures.gateway_pods.", balanceText(f))
	p.line("")
	p.cells("gateway", "node", "CPU, average", "CPU, most", "of its limit", "working set, peak",
		"of its limit", "accepted", "of all", "")
	p.line("|---|---|---:|---:|---:|---:|---:|---:|---:|---|")
	for _, g := range f.All {
		p.cells(g.Name, orDash(g.Node), orNot(g.CPU, cores), orNot(g.CPUMax, cores),
			orNot(g.CPUShare, verdict.Percent), orNot(g.Memory, mib), orNot(g.MemoryShare, verdict.Percent),
			orNot(g.Rate, spansPerSecond), orNot(g.Share, verdict.Percent), there(g))
	}
	p.line("")
}

func orNot(v *float64, unit unit) string {
	if v == nil {
		return notKnown
	}
	return unit(*v)
}

func balanceText(f verdict.PodFigures) string {
	if f.Balance == nil {
		return "How evenly they were loaded is not known."
	}
	return fmt.Sprintf("%s accepted %s times the mean of them, each over the time that it was there.",
		f.Busiest, times(*f.Balance))
}

// there is when a gateway was there, where it was not all the time, and how it ended.
func there(g verdict.PodFigure) string {
	switch {
	case g.From == nil:
		return "not there"
	case g.Ended != "":
		return "until " + verdict.Clock(*g.To) + ": " + g.Ended
	}
	return "from " + verdict.Clock(*g.From) + " to " + verdict.Clock(*g.To)
}

// podsText is the line of several gateways on a terminal; nothing of one.
func (p *page) podsText(f verdict.PodFigures) {
	if len(f.All) == 0 {
		return
	}
	most := "how evenly they were loaded is not known"
	if f.Balance != nil {
		most = fmt.Sprintf("%s accepted %s times the mean", f.Busiest, times(*f.Balance))
	}
	p.line("  gateways  %d, %d at once at most; %s", len(f.All), f.Most, most)
}

// of is which of several gateways a figure is of; empty for the only one.
func ofPod(pod string) string {
	if pod == "" {
		return ""
	}
	return " of " + pod
}

// ofPods says which of several gateways the figures of CPU and memory are of.
func ofPods(f verdict.Figures) string {
	if f.CPU.Pod == "" {
		return ""
	}
	return fmt.Sprintf("CPU is of %s, which used most, and memory of %s: each gateway has its own "+
		"limits. ", f.CPU.Pod, f.Memory.Pod)
}

// whose says which of several gateways a picture is of, and why.
func whose(r *record.Record, pod, why string) string {
	if pod == "" {
		return ""
	}
	return fmt.Sprintf(" of %s, which %s of %d", pod, why, len(r.Members(record.Gateway)))
}

// othersColors are of gateways beside the one that a picture is of; there are no more lines
// than colours.
var othersColors = []color.RGBA{green, purple, orange}

// othersLines are the same figure of other gateways, by index.
func othersLines(r *record.Record, but string, scale float64,
	of func(samples []record.Sample, name string) record.Series,
) (lines []line) {
	if but == "" {
		return nil
	}
	samples := fromWarmUp(r.Samples)
	for _, name := range r.Members(record.Gateway) {
		if name == but || len(lines) == len(othersColors) {
			continue
		}
		lines = append(lines, line{
			name: name, s: scaled(of(samples, name), scale), color: othersColors[len(lines)], dashed: true,
		})
	}
	return lines
}

// acceptedPanels are what each of several gateways took, the first of them.
func acceptedPanels(r *record.Record) []panel {
	var lines []line
	colors := []color.RGBA{blue, green, vermillion, orange, purple, sky}
	members := r.Members(record.Gateway)
	for i, name := range members[:min(len(members), len(colors))] {
		lines = append(lines, line{
			name: name, color: colors[i],
			s: record.Rate(record.MetricSeries(r.Samples, name, record.ReceiverAccepted)),
		})
	}
	if lines == nil {
		return nil
	}
	title := "Accepted by each gateway"
	if n := len(members); n > len(lines) {
		title += fmt.Sprintf(", the first %d of %d", len(lines), n)
	}
	return []panel{{title: title, unit: "spans/s", zero: true, lines: lines}}
}
