package sizing

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/odigos-io/odigos-stress/internal/baseline"
)

// A Model is what is said of one baseline's memory: the law of all baselines of its workload,
// held against its own trials.
//
// By Little's law the spans inside are the rate × the time that a span stays; each is decoded
// and waits, for its batch and for the backend. What goes with the rate alone is what a batch
// needs while it is copied and encoded, as its timer lets as many spans gather as come
// meanwhile, and what is allocated while a collection runs. Go lets garbage lie beside all
// that, up to GOGC/100 of what lives. GOMEMLIMIT ends it: towards it the runtime collects
// more often, and pays in CPU.
type Model struct {
	Baseline string `json:"baseline"`
	// Anon is anonymous and kernel memory, which an OOM kill is about; WorkingSet what is
	// held against the thresholds, as kubelet counts it.
	Anon       Fit `json:"anon_and_kernel"`
	WorkingSet Fit `json:"working_set"`
	// InsideMost is how many spans were inside on average in the fullest held trial.
	InsideMost float64 `json:"inside_most_spans,omitempty"`

	stays curve
}

// A Fit is a law of the peaks of memory, and how far it is from the trials that held.
type Fit struct {
	Base    float64 `json:"base_bytes"`
	PerRate float64 `json:"per_span_a_second_bytes"`
	PerSpan float64 `json:"per_span_inside_bytes"`
	// PerSpanAlone is the slope of a line over the spans inside alone, with all that goes with
	// the rate in it: more than a span inside can cost.
	PerSpanAlone float64 `json:"per_span_inside_at_most_bytes"`
	// Ceiling is where GOMEMLIMIT ends the law: the most of the trials that it held down, or
	// else itself; 0: no GOMEMLIMIT.
	Ceiling float64 `json:"ceiling_bytes,omitempty"`
	// Of is how many trials the law is of, in all baselines, without those at the ceiling.
	Of int     `json:"of_trials"`
	R2 float64 `json:"r_squared"`
	// Known is how the law misses its trials, Unknown how laws do that did not know the trial
	// nor others of its rate, Between how a straight line between the neighbours does. The
	// last two are of the same trials: those that have a neighbour on each side.
	Known   Errors `json:"errors"`
	Unknown Errors `json:"left_out_errors"`
	Between Errors `json:"neighbours_errors"`
	// Most is the largest peak that was measured in a trial that held; 0: not known.
	Most   float64 `json:"measured_most_bytes"`
	Trials []Tried `json:"trials"`
	// Holds is whether the law is used; else Why says why not, and what was measured at the
	// nearest rates stands for it.
	Holds bool   `json:"holds"`
	Why   string `json:"why,omitempty"`

	law
	limit      float64 // of memory
	goMemLimit float64
	peaks      curve
}

// A Tried is a trial that a law is held against.
type Tried struct {
	Rate float64 `json:"rate_spans_per_second"`
	// Inside is the mean of spans inside.
	Inside    float64 `json:"inside_spans"`
	Measured  float64 `json:"measured_bytes"`
	Predicted float64 `json:"predicted_bytes"`
	Error     float64 `json:"error_ratio"` // of the measured

	// weight is 1 for all trials at one rate together: most of a search's are at the edge.
	weight float64
	group  int
}

const (
	// fewestRates of a law, and how many times as high the highest must be as the lowest: a
	// cloud at one rate has no slope.
	fewestRates = 3
	leastSpread = 1.5
	// atCeiling is the share of GOMEMLIMIT from which on a trial says nothing of the law. The
	// runtime gives memory back to stay below 95 % (reduceExtraPercent in mgcscavenge.go), and
	// counts a little that the kernel does not.
	atCeiling     = 0.9
	defaultGOGC   = 100 // percent
	workingSetFor = "working set"
	anonFor       = "anonymous and kernel memory"
)

// ModelsOf fits both laws of baselines of one workload, and holds them against each.
func ModelsOf(all ...baseline.Baseline) []Model {
	out := make([]Model, len(all))
	anon := make([]*Fit, len(all))
	set := make([]*Fit, len(all))
	for i, b := range all {
		m := &out[i]
		m.Baseline = b.Name
		m.stays = curveOf(b.Points, stayOf)
		for _, k := range m.stays {
			m.InsideMost = max(m.InsideMost, k.rate*k.value)
		}
		m.Anon = fitOf(b, func(p baseline.Point) *float64 { return p.Anon })
		m.WorkingSet = fitOf(b, func(p baseline.Point) *float64 { return p.Memory })
		anon[i], set[i] = &m.Anon, &m.WorkingSet
	}
	fit(anon, anonFor)
	fit(set, workingSetFor)
	return out
}

// stayOf is how long a span stays: the mean latency, or else the median; where neither is
// known the spans inside as they were counted by the rate. Batches leave a gateway five
// times a second, and looks come once: a count is of one moment between two batches, in all
// looks the same.
func stayOf(p baseline.Point) *float64 {
	switch {
	case p.Mean != nil:
		return p.Mean
	case p.P50 == nil && p.Inside != nil && p.Rate > 0:
		return new(*p.Inside / p.Rate)
	}
	return p.P50
}

// fitOf is the trials of one baseline that say something of one kind of memory.
func fitOf(b baseline.Baseline, of func(baseline.Point) *float64) Fit {
	f := Fit{limit: float64(b.Gateway.MemoryLimit), goMemLimit: float64(b.Gateway.GoMemLimit)}
	for _, p := range b.Points {
		memory, stay := of(p), stayOf(p)
		if !p.Held || memory == nil || *memory <= 0 {
			continue
		}
		f.Most = max(f.Most, *memory)
		if stay != nil {
			f.Trials = append(f.Trials, Tried{Rate: p.Rate, Inside: p.Rate * *stay, Measured: *memory})
		}
	}
	f.peaks = curveOf(b.Points, of)
	if f.Ceiling = f.goMemLimit; f.Most >= atCeiling*f.goMemLimit && f.goMemLimit > 0 {
		f.Ceiling = f.Most
	}
	f.group()
	return f
}

// group weighs the trials: those at one rate, as a curve takes them for one, count as one.
func (f *Fit) group() {
	slices.SortStableFunc(f.Trials, func(a, b Tried) int { return cmp.Compare(a.Rate, b.Rate) })
	for i, g := 0, 0; i < len(f.Trials); g++ {
		n := i + 1
		for n < len(f.Trials) && f.Trials[n].Rate <= alike*f.Trials[i].Rate {
			n++
		}
		for j := i; j < n; j++ {
			f.Trials[j].weight, f.Trials[j].group = 1/float64(n-i), g
		}
		i = n
	}
}

// below are the trials that were not held down by GOMEMLIMIT.
func (f *Fit) below() []Tried {
	var out []Tried
	for _, t := range f.Trials {
		if f.Ceiling == 0 || t.Measured < atCeiling*f.goMemLimit {
			out = append(out, t)
		}
	}
	return out
}

// fit finds the law of several baselines, and holds it against each.
func fit(all []*Fit, what string) {
	below := make([][]Tried, len(all))
	for i, f := range all {
		below[i] = f.below()
	}
	pool := slices.Concat(below...)
	why := tooFew(pool, what)
	for i, f := range all {
		switch {
		case len(f.Trials) == 0:
			f.Why = "no trial that held knows the " + what + " and the spans inside"
			continue
		case why != "":
			f.Why = why
			continue
		}
		f.law, _ = lawOf(pool, forms)
		f.Base, f.PerRate, f.PerSpan, f.Of = f.base, f.perRate, f.perSpan, len(pool)
		alone, _ := lawOf(pool, insideForms)
		f.PerSpanAlone = alone.perSpan
		f.hold(below[i], slices.Concat(slices.Concat(below[:i]...), slices.Concat(below[i+1:]...)))
	}
}

// tooFew is why trials have no law; empty: they have one.
func tooFew(all []Tried, what string) string {
	var rates []float64
	for _, t := range all {
		if !slices.ContainsFunc(rates, func(r float64) bool {
			return max(r, t.Rate) <= alike*min(r, t.Rate)
		}) {
			rates = append(rates, t.Rate)
		}
	}
	switch {
	case len(rates) == 0:
		return "no trial that held below GOMEMLIMIT knows the " + what + " and the spans inside"
	case slices.Max(rates) < leastSpread*slices.Min(rates):
		return fmt.Sprintf("the trials that held below GOMEMLIMIT had %.0f to %.0f spans/s: too much "+
			"alike for a law", slices.Min(rates), slices.Max(rates))
	case len(rates) < fewestRates:
		return fmt.Sprintf("trials held below GOMEMLIMIT at %d rates, %d are needed", len(rates),
			fewestRates)
	}
	return ""
}

// within is the law's peak within the baseline's GOMEMLIMIT.
func (f *Fit) within(l law, t Tried) float64 {
	bytes := l.at(t.Rate, t.Inside)
	if f.Ceiling > 0 {
		return min(bytes, f.Ceiling)
	}
	return bytes
}

// rSquared is 1 − the squares that are left over those about the mean.
func (f *Fit) rSquared() float64 {
	var mean, left, all float64
	for _, t := range f.Trials {
		mean += t.Measured / float64(len(f.Trials))
	}
	for _, t := range f.Trials {
		left += (t.Measured - t.Predicted) * (t.Measured - t.Predicted)
		all += (t.Measured - mean) * (t.Measured - mean)
	}
	if all == 0 {
		return 0
	}
	return math.Max(1-left/all, 0)
}
