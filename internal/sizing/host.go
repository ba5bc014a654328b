package sizing

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/search"
)

// A Host is the speed of the cores that every size of an answer is of, told by what a span
// costs our own backend there, which does the same with each.
//
// What else runs on a shared host makes it slower by a tenth or two within minutes, and the
// edge of a gateway that is bound by its CPU goes with it: edge × cost stays. So baselines
// that are used together are brought to the slowest host among them, where all sizes hold.
type Host struct {
	// Cost is what a million spans cost our backend there at Rate, in CPU seconds; 0: no
	// baseline says so, and all are as they were measured.
	Cost     float64 `json:"cpu_seconds_per_million_spans,omitempty"`
	Rate     float64 `json:"at_spans_per_second,omitempty"`
	Baseline string  `json:"baseline,omitempty"` // which was measured there
	// Beside is the rate whose spans cost our backend as much as what it does each second
	// whatever the rate: a span costs it the more the fewer there are, on any host. nil: not
	// known, and costs at different rates are compared as they are.
	Beside *float64 `json:"beside_spans_per_second,omitempty"`
}

// CostAt is what a million spans cost our backend on the host at another rate.
func (h Host) CostAt(rate float64) float64 {
	return h.Cost * less(h.Rate, h.Beside) / less(rate, h.Beside)
}

// less is the share of a cost at a rate that is of the spans themselves.
func less(rate float64, beside *float64) float64 {
	if beside == nil || !(rate > 0) {
		return 1
	}
	return rate / (rate + *beside)
}

// A Speed is how a baseline was brought to the host of an answer.
type Speed struct {
	// Cost is what a million spans cost our backend while it was measured; 0: not known.
	Cost float64 `json:"host_cpu_seconds_per_million_spans,omitempty"`
	// Factor is what its rates were multiplied by, 1 where it is Left as it was measured.
	Factor float64 `json:"host_factor"`
	// Error is the standard error of Factor, as a share of it: both costs are medians of
	// trials. The capacity's ends moved out by it. 0: not known, or nothing was brought.
	Error float64 `json:"host_factor_error_ratio,omitempty"`
	Left  string  `json:"host_left_because,omitempty"`
}

// A brought is a baseline whose capacity is that of the answer's host.
type brought struct {
	baseline.Baseline
	measured baseline.Capacity
	speed    Speed
}

// bring brings baselines of one workload to the slowest host among them. All of them count,
// also those that no size rests on in the end: the sizes of one answer are compared.
//
// Only what hangs on the CPU is brought: a span takes more of it on a slower host, so that
// the capacity, and the rate at which so many cores are used, shrink alike. Memory, spans
// inside and requests to the backend go with the rate itself, as bytes and timers do not
// know how fast cores are; they are taken from the trials as they ran.
func bring(all []baseline.Baseline) ([]brought, Host) {
	beside := besides(all)
	slowness := func(b baseline.Baseline) float64 {
		return b.Capacity.HostCost * less(b.Capacity.Estimate, beside)
	}
	var host Host
	var at baseline.Capacity // of the slowest
	slowest := 0.0
	for _, b := range all {
		slow := slowness(b)
		if whyLeft(b) != "" || slow < slowest || slow == slowest && b.Name > host.Baseline {
			continue
		}
		slowest, at = slow, b.Capacity
		host = Host{
			Cost: b.Capacity.HostCost, Rate: b.Capacity.Estimate, Baseline: b.Name, Beside: beside,
		}
	}
	out := make([]brought, len(all))
	for i, b := range all {
		s := Speed{Cost: b.Capacity.HostCost, Factor: 1, Left: whyLeft(b)}
		if s.Left == "" {
			s.Factor = slowness(b) / slowest
		}
		if s.Left == "" && b.Name != host.Baseline {
			s.Error = math.Hypot(b.Capacity.HostCostError, at.HostCostError)
		}
		out[i] = brought{Baseline: b, measured: b.Capacity, speed: s}
		c := &out[i].Capacity
		c.Low, c.Estimate, c.High = search.Rescale(c.Low, c.Estimate, c.High, s.Factor, s.Error)
	}
	return out, host
}

// What a baseline says of a gateway that was bound by its CPU.
const (
	brokeByCPU   = "CPU"
	limitedByCPU = "cpu-quota"
)

// whyLeft is why a baseline stays as it was measured; empty: it does not.
func whyLeft(b baseline.Baseline) string {
	first := cmp.Or(b.Capacity.BrokeFirst, "what is not known")
	switch {
	case !(brought{Baseline: b}).boundByCPU():
		return "it was not bound by its CPU: first gave way " + first
	case !(b.Capacity.HostCost > 0):
		return "it does not know what a span cost our backend"
	}
	return ""
}

// boundByCPU is whether it was processor time that gave way first, or that limited the
// gateway when something else did.
func (b brought) boundByCPU() bool {
	c := b.Capacity
	return strings.EqualFold(c.BrokeFirst, brokeByCPU) || c.Limited == limitedByCPU
}

const (
	// fewestCosts of a baseline, and how many times as high the highest of their rates must be
	// as the lowest, tell what our backend does beside spans.
	fewestCosts = 4
	leastApart  = 2
)

// besides is the rate whose spans cost our backend as much as what it does besides: the
// median over the baselines whose trials tell it; nil where none does. Within one baseline
// cost = a + b ÷ rate, and it is b ÷ a, which knows nothing of the host's speed.
func besides(all []baseline.Baseline) *float64 {
	var found []float64
	for _, b := range all {
		var costs []xy
		lowest, highest := math.Inf(1), 0.0
		for _, p := range b.Points {
			if p.HostCost == nil || !(*p.HostCost > 0) {
				continue
			}
			costs = append(costs, xy{1 / p.Rate, *p.HostCost})
			lowest, highest = min(lowest, p.Rate), max(highest, p.Rate)
		}
		if len(costs) < fewestCosts || highest < leastApart*lowest {
			continue
		}
		if base, slope := line(costs); base > 0 {
			found = append(found, max(slope, 0)/base)
		}
	}
	if len(found) == 0 {
		return nil
	}
	slices.Sort(found)
	return new(median(found))
}
