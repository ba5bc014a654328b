package report

import (
	"fmt"
	"slices"

	"github.com/odigos-io/odigos-stress/internal/sizing"
)

// speedText is how fast the cores of an answer are; empty: not known.
func speedText(h sizing.Host) string {
	if h.Cost == 0 {
		return ""
	}
	return fmt.Sprintf("cores as fast as when a span costs our backend %s at %s",
		microseconds(h.Cost/1e6), spansPerSecond(h.Rate))
}

// broughtText is what a capacity was before it was brought to the answer's host; empty where
// it is as it was measured.
func broughtText(s sizing.Source) string {
	if s.Factor == 1 {
		return ""
	}
	text := fmt.Sprintf("; measured %s to %s at %s a span, × %.3f", decimal(s.Measured.Low),
		decimal(s.Measured.High), microseconds(s.Cost/1e6), s.Factor)
	if s.Error > 0 {
		text += fmt.Sprintf(" ± %.1f %%", 100*s.Error)
	}
	return text
}

// hostTexts is how fast a core of the answer is, what that made of the baselines of the first
// size, and how to find out how fast others are.
func hostTexts(a sizing.Answer) []string {
	h := a.Host
	if h.Cost == 0 {
		return append([]string{"Not known: capacities are as they were measured, on hosts that may " +
			"have been faster or slower than each other."}, leftTexts(a)...)
	}
	out := []string{fmt.Sprintf("All capacities are of %s, as when %s was measured: the slowest host "+
		"among the baselines.", speedText(h), h.Baseline)}
	out = append(out, besideText(a))
	out = append(out, leftTexts(a)...)
	return append(out, fmt.Sprintf("To compare a host: what a span costs our backend stands in the "+
		"line \"host\" of every capacity, as host_speed in capacity.json, and for each trial as "+
		"backend_cpu_seconds_per_million_spans. Take it at the same rate; where it is lower a pod holds "+
		"as much more. The selftest's cost of a span is of other requests and no measure of it."))
}

// besideText is how costs at different rates were compared.
func besideText(a sizing.Answer) string {
	b := a.Host.Beside
	if b == nil {
		return "Costs were compared as they are, though a span costs our backend less the more there " +
			"are of them: no baseline has the cost of its trials, by which that is told. What was " +
			"measured at higher rates is so taken to hold less than it does, not more."
	}
	text := fmt.Sprintf("Costs were compared at one rate: what our backend does besides costs it as "+
		"much as %s", spansPerSecond(round(*b, 0)))
	for _, s := range a.Sizes[0].Sources {
		if s.Factor != 1 {
			return text + fmt.Sprintf(". %s cost it %s, where it would be %s here.", s.Baseline,
				microseconds(s.Cost/1e6), microseconds(a.Host.CostAt(s.Measured.Estimate)/1e6))
		}
	}
	return text + "."
}

// leftTexts are the sources, of all sizes, that stay as they were measured.
func leftTexts(a sizing.Answer) []string {
	var out []string
	for _, size := range a.Sizes {
		for _, s := range size.Sources {
			text := fmt.Sprintf("%s is as it was measured: %s.", s.Baseline, s.Left)
			if s.Left != "" && !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	return out
}
