package report

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/odigos-io/odigos-stress/internal/profile"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/search"
)

// A NextSpan is what a span costs the gateway below the edge and above it, and where in the
// collector the difference is, from the profiles of the trials.
type NextSpan struct {
	// Edge is the rate that parts the sides, in spans per second.
	Edge float64 `json:"edge_spans_per_second"`
	// CPU is in seconds a span that went through; Heap is the live heap in bytes.
	CPU  Cost `json:"cpu_seconds_per_span"`
	Heap Cost `json:"live_heap_bytes"`
}

// A Cost is one sort of cost on both sides of the edge.
type Cost struct {
	Below CostSide `json:"below"`
	Above CostSide `json:"above"`
	// Difference is above less below; nil where a side has no profile.
	Difference *float64 `json:"difference,omitempty"`
	// Within is how far around it the difference lies with 95 % (Welch's t); nil where a side
	// has fewer than two profiles.
	Within *float64 `json:"difference_within,omitempty"`
	// Parts are the components, what grew most first; none where a side has no profile.
	Parts []CostPart `json:"parts,omitempty"`
}

// A CostSide is what one side of the edge rests on: one profile a trial.
type CostSide struct {
	Trials []string `json:"trials,omitempty"`
	// Lowest and Highest are their rates.
	Lowest  float64  `json:"lowest_spans_per_second,omitempty"`
	Highest float64  `json:"highest_spans_per_second,omitempty"`
	Mean    *float64 `json:"mean,omitempty"`
	// Spread is the standard deviation from trial to trial; nil of fewer than two.
	Spread *float64 `json:"standard_deviation,omitempty"`
	// Missing are trials on this side of which there is no such profile.
	Missing int `json:"trials_without_profile,omitempty"`

	each []map[string]float64 // by component, a trial
}

// A CostPart is the cost of one component.
type CostPart struct {
	Component  string   `json:"component"`
	Below      float64  `json:"below"`
	Above      float64  `json:"above"`
	Difference float64  `json:"difference"`
	Within     *float64 `json:"difference_within,omitempty"`
}

// stands is whether a difference stands out of the noise: the interval around it does not
// hold 0. Without an interval it is not known to.
func stands(difference float64, within *float64) bool {
	return within != nil && math.Abs(difference) > *within
}

const (
	// costBelow and costAbove are how far from the edge, as a share of it, trials tell what
	// a span costs next to it.
	costBelow = 0.15
	costAbove = 0.20
)

// nextSpan reckons both costs; nil where there is no edge with trials on both sides.
func (c Capacity) nextSpan() *NextSpan {
	edge := c.Answer.Estimate
	if edge <= 0 {
		return nil
	}
	below := c.fullest(func(t CapacityTrial) bool {
		return t.Holding.Result == search.Held && t.Rate <= edge && t.Rate >= (1-costBelow)*edge
	})
	above := c.fullest(func(t CapacityTrial) bool {
		return t.Holding.Result == search.Broke && t.Rate > edge && t.Rate <= (1+costAbove)*edge
	})
	return &NextSpan{
		Edge: edge,
		CPU:  difference(sideOf(below, cpuPerSpan), sideOf(above, cpuPerSpan)),
		Heap: difference(sideOf(below, liveHeap), sideOf(above, liveHeap)),
	}
}

// fullest are the trials that fit; the short ones, whose profiles see a second or two, only
// where there is no other.
func (c Capacity) fullest(fits func(CapacityTrial) bool) (all []CapacityTrial) {
	for _, t := range c.Trials {
		if fits(t) {
			all = append(all, t)
		}
	}
	isShort := func(t CapacityTrial) bool { return t.Length == search.Short }
	if slices.ContainsFunc(all, func(t CapacityTrial) bool { return !isShort(t) }) {
		all = slices.DeleteFunc(all, isShort)
	}
	return all
}

// sideOf gathers a cost over trials; of gives it by component, nil where it is not known.
func sideOf(trials []CapacityTrial, of func(CapacityTrial) map[string]float64) CostSide {
	var s CostSide
	var totals []float64
	for _, t := range trials {
		parts := of(t)
		if parts == nil {
			s.Missing++
			continue
		}
		s.Lowest, s.Highest = min(cmp.Or(s.Lowest, t.Rate), t.Rate), max(s.Highest, t.Rate)
		s.Trials, s.each = append(s.Trials, t.Name), append(s.each, parts)
		total := 0.0
		for _, name := range slices.Sorted(maps.Keys(parts)) { // in one order: equal sums
			total += parts[name]
		}
		totals = append(totals, total)
	}
	s.Mean, s.Spread = meanAndSpread(totals)
	return s
}

// meanAndSpread are the mean, and the standard deviation of two values or more.
func meanAndSpread(values []float64) (mean, spread *float64) {
	if len(values) == 0 {
		return nil, nil
	}
	n, sum, squares := float64(len(values)), 0.0, 0.0
	for _, v := range values {
		sum += v
	}
	for _, v := range values {
		squares += (v - sum/n) * (v - sum/n)
	}
	if len(values) > 1 {
		spread = new(math.Sqrt(squares / (n - 1)))
	}
	return new(sum / n), spread
}

// part is the mean and the spread of one component; where a profile does not have it, it
// cost nothing there.
func (s CostSide) part(component string) (mean, spread *float64) {
	var values []float64
	for _, parts := range s.each {
		values = append(values, parts[component])
	}
	return meanAndSpread(values)
}

// difference is a cost with both of its sides.
func difference(below, above CostSide) Cost {
	c := Cost{Below: below, Above: above}
	if below.Mean == nil || above.Mean == nil {
		return c
	}
	c.Difference = new(*above.Mean - *below.Mean)
	c.Within = within95(below, above, below.Spread, above.Spread)
	names := map[string]bool{}
	for _, parts := range slices.Concat(below.each, above.each) {
		for name := range parts {
			names[name] = true
		}
	}
	for name := range names {
		b, bSpread := below.part(name)
		a, aSpread := above.part(name)
		c.Parts = append(c.Parts, CostPart{
			Component: name, Below: *b, Above: *a, Difference: *a - *b,
			Within: within95(below, above, bSpread, aSpread),
		})
	}
	slices.SortFunc(c.Parts, func(a, b CostPart) int {
		return cmp.Or(cmp.Compare(b.Difference, a.Difference), cmp.Compare(a.Component, b.Component))
	})
	return c
}

// within95 is how far around a difference of two means it lies with 95 %, by Welch's t: the
// standard error √(s₁²/n₁ + s₂²/n₂), times the quantile of Student's t with the degrees of
// freedom of Welch and Satterthwaite. nil where a side has fewer than two values.
func within95(below, above CostSide, s1, s2 *float64) *float64 {
	if s1 == nil || s2 == nil {
		return nil
	}
	n1, n2 := float64(len(below.each)), float64(len(above.each))
	v1, v2 := *s1**s1/n1, *s2**s2/n2
	if v1+v2 == 0 {
		return new(0.0)
	}
	freedom := (v1 + v2) * (v1 + v2) / (v1*v1/(n1-1) + v2*v2/(n2-1))
	t := distuv.StudentsT{Sigma: 1, Nu: freedom}.Quantile(0.975)
	return new(t * math.Sqrt(v1+v2))
}

// cpuPerSpan is a trial's CPU profile over the spans that went through meanwhile.
func cpuPerSpan(t CapacityTrial) map[string]float64 {
	p := profileOf(t.Data, record.ProfileCPU)
	if p == nil || p.Parsed.Total <= 0 {
		return nil
	}
	seconds := cmp.Or(p.Parsed.Seconds, p.Seconds)
	rate := through(t, p.Elapsed, p.Elapsed+seconds)
	if seconds <= 0 || rate == nil || *rate <= 0 {
		return nil
	}
	return partsOver(p.Parsed, *rate*seconds)
}

func liveHeap(t CapacityTrial) map[string]float64 {
	p := profileOf(t.Data, record.ProfileHeap)
	if p == nil {
		return nil
	}
	return partsOver(p.Parsed, 1)
}

func partsOver(p *profile.Profile, n float64) map[string]float64 {
	parts := map[string]float64{}
	for _, part := range p.Parts {
		parts[part.Component] += part.Value / n
	}
	return parts
}

// profileOf is the gateway's profile of a kind: of the steady state where there is one, as
// in all trials, else when a threshold became critical, or a warning began.
func profileOf(r *record.Record, kind string) *record.Profile {
	if r == nil {
		return nil
	}
	for _, moment := range []record.Moment{
		record.MomentSteady, record.MomentLimit, record.MomentWarning,
	} {
		for i, p := range r.Profiles {
			if p.Actor == record.Gateway && p.Kind == kind && p.Moment == moment && p.Parsed != nil {
				return &r.Profiles[i]
			}
		}
	}
	return nil
}

// through is how many spans a second went through the gateway from one moment to another:
// those that arrived at the backend, or with a sampler, which drops some on purpose, those
// that were acknowledged. Without looks at both ends it is the rate of the measured time.
func through(t CapacityTrial, from, to float64) *float64 {
	counter := record.MetricSeries(t.Data.Samples, record.Backend, record.BackendUnique)
	sampled := len(t.Data.Header.Sampling) > 0
	if sampled {
		counter = record.MetricSeries(t.Data.Samples, record.Loadgen, record.LoadAcknowledged)
	}
	first, ok := valueAt(counter, from)
	last, okToo := valueAt(counter, to)
	if ok && okToo && last > first && to > from {
		return new((last - first) / (to - from))
	}
	if sampled {
		return nil
	}
	return t.Point.Arrived
}

// valueAt is a series at a moment, on the straight line between the looks beside it.
func valueAt(s record.Series, at float64) (v float64, ok bool) {
	for i := 1; i < s.Len(); i++ {
		if at >= s.Elapsed[i-1] && at <= s.Elapsed[i] && s.Elapsed[i] > s.Elapsed[i-1] {
			share := (at - s.Elapsed[i-1]) / (s.Elapsed[i] - s.Elapsed[i-1])
			return s.Values[i-1] + share*(s.Values[i]-s.Values[i-1]), true
		}
	}
	return 0, false
}
