package report

import (
	"cmp"
	"slices"

	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// An Edge is how the trials ended that broke next to the edge.
type Edge struct {
	// From and To bound the rates of the trials that are counted: from the low end of the
	// interval to 15 % above the estimate or, where none broke there, the lowest rate above
	// it that did.
	From   float64 `json:"from_spans_per_second"`
	To     float64 `json:"to_spans_per_second"`
	Trials int     `json:"trials"` // that broke there
	// BrokeFirst is what gave way first in time, by trials, the most first.
	BrokeFirst []Counted `json:"broke_first"`
	// LimitedBy is what limited the gateway there; a trial whose record is not at hand is
	// not counted.
	LimitedBy []Counted `json:"limited_by,omitempty"`
	// LimitedText is what was found in the trial of them whose rate is the lowest.
	LimitedText string `json:"limited_text,omitempty"`
}

// A Counted is a word, and the trials of which it was said.
type Counted struct {
	By     string `json:"by"`
	Trials int    `json:"trials"`
}

// aboveEdge is how far above the edge, as a share of it, a trial says what breaks there:
// far above it everything breaks at once.
const aboveEdge = 0.15

// untold is the word for a trial that broke without saying by what.
const untold = "not told"

func (c Capacity) edge() *Edge {
	broke := c.brokeAtEdge()
	if len(broke) == 0 {
		return nil
	}
	e := &Edge{From: broke[0].Rate, To: broke[len(broke)-1].Rate, Trials: len(broke)}
	first, limited := map[string]int{}, map[string]int{}
	for _, t := range broke {
		by := untold
		if len(t.Holding.Breaks) > 0 {
			by = t.Holding.Breaks[0].By
		}
		first[by]++
		if by := t.Holding.LimitedBy; by != "" {
			limited[string(by)]++
			e.LimitedText = cmp.Or(e.LimitedText, t.Holding.LimitedText)
		}
	}
	e.BrokeFirst, e.LimitedBy = counted(first), counted(limited)
	return e
}

// brokeAtEdge are the trials that broke next to the edge, by rate.
func (c Capacity) brokeAtEdge() []CapacityTrial {
	low := cmp.Or(c.Answer.Low, c.nearest())
	var all []CapacityTrial
	for _, t := range c.Trials {
		if t.Holding.Result == search.Broke && t.Rate >= low {
			all = append(all, t)
		}
	}
	slices.SortStableFunc(all, byRate)
	high := (1 + aboveEdge) * c.nearest()
	if len(all) > 0 && all[0].Rate > high {
		high = all[0].Rate
	}
	return slices.DeleteFunc(all, func(t CapacityTrial) bool { return t.Rate > high })
}

func byRate(a, b CapacityTrial) int { return cmp.Compare(a.Rate, b.Rate) }

func counted(n map[string]int) []Counted {
	var all []Counted
	for by, trials := range n {
		all = append(all, Counted{by, trials})
	}
	slices.SortFunc(all, func(a, b Counted) int {
		return cmp.Or(cmp.Compare(b.Trials, a.Trials), cmp.Compare(a.By, b.By))
	})
	return all
}

// A Headroom is what the load generator had left.
type Headroom struct {
	// Rate is the highest that was asked and whose usage is known; Cores and Lateness (p99,
	// of slots) are of that trial.
	Rate     float64  `json:"at_spans_per_second"`
	Cores    *float64 `json:"loadgen_average_cores,omitempty"`
	Lateness *float64 `json:"lateness_p99_seconds,omitempty"`
	// HeldLateness is the largest p99 of the trials that held.
	HeldLateness *float64 `json:"held_lateness_p99_max_seconds,omitempty"`
	// CeilingLow and CeilingHigh are between which rates the most lies that this host's own
	// ends can do of this load without a gateway, by the selftest; nil is not known.
	CeilingLow  *float64 `json:"ceiling_low_spans_per_second,omitempty"`
	CeilingHigh *float64 `json:"ceiling_high_spans_per_second,omitempty"`
	// Ratio is CeilingLow over the edge.
	Ratio *float64 `json:"ceiling_ratio_of_edge,omitempty"`
	// NoCeiling is why it is not known.
	NoCeiling string `json:"no_ceiling,omitempty"`
}

func (c Capacity) headroom() *Headroom {
	if len(c.Trials) == 0 {
		return nil
	}
	h := &Headroom{}
	for _, t := range c.Trials {
		if t.Point.LoadgenCPU != nil && t.Rate >= h.Rate {
			h.Rate, h.Cores, h.Lateness = t.Rate, t.Point.LoadgenCPU, t.Point.Lateness
		}
		l := t.Point.Lateness
		if t.Holding.Result == search.Held && l != nil &&
			(h.HeldLateness == nil || *l > *h.HeldLateness) {
			h.HeldLateness = l
		}
	}
	h.CeilingLow, h.CeilingHigh, h.NoCeiling = verdict.CeilingOf(c.Selftest, c.ran().Load,
		c.EncodedPerSpan)
	if edge := c.nearest(); edge > 0 && h.CeilingLow != nil {
		h.Ratio = new(*h.CeilingLow / edge)
	}
	return h
}
