package sizing

import (
	"fmt"
	"math"

	"github.com/odigos-io/odigos-stress/internal/baseline"
)

// A Model is what one baseline says of memory: a line over the spans inside, held against
// the very trials that it comes from.
//
// By Little's law the spans inside are the rate × the time that a span stays. What a span
// inside costs is more than its own bytes: it is decoded, copied and encoded on its way, and
// Go lets garbage lie up to GOGC/100 of what lives before it is collected. All that is in
// the slope. GOMEMLIMIT ends it: towards it the runtime collects more often, and pays in
// CPU.
type Model struct {
	Baseline string `json:"baseline"`
	// Stay is how long a span stays, in seconds, where one time for all rates predicts the
	// trials better than the time of each; 0: that of each.
	Stay float64 `json:"one_residence_seconds,omitempty"`
	// Anon is anonymous and kernel memory, which an OOM kill is about; WorkingSet what is
	// held against the thresholds, as kubelet counts it.
	Anon       Fit `json:"anon_and_kernel"`
	WorkingSet Fit `json:"working_set"`
	// InsideMost is how many spans were inside on average in the fullest held trial.
	InsideMost float64 `json:"inside_most_spans,omitempty"`

	stays curve
}

// A Fit is a line through the peaks of memory of the trials that held.
type Fit struct {
	Base    float64 `json:"base_bytes"`
	PerSpan float64 `json:"per_span_inside_bytes"`
	// Ceiling is where GOMEMLIMIT ends the line; 0: no GOMEMLIMIT.
	Ceiling float64 `json:"ceiling_bytes,omitempty"`
	R2      float64 `json:"r_squared"`
	// Worst and Median are errors of the prediction as shares of what was measured. Those
	// left out are of lines that did not know the trial that they are held against.
	Worst         float64 `json:"worst_error_ratio"`
	Median        float64 `json:"median_error_ratio"`
	LeftOutWorst  float64 `json:"left_out_worst_error_ratio"`
	LeftOutMedian float64 `json:"left_out_median_error_ratio"`
	// Most is the largest peak that was measured in a trial that held; 0: not known.
	Most   float64 `json:"measured_most_bytes"`
	Trials []Tried `json:"trials"`
	// Holds is whether the line may be used; else Why says why not, and Most stands for it.
	Holds bool   `json:"holds"`
	Why   string `json:"why,omitempty"`

	goMemLimit float64
}

// A Tried is a trial that a line is held against.
type Tried struct {
	Rate float64 `json:"rate_spans_per_second"`
	// Inside is the mean of spans inside.
	Inside    float64 `json:"inside_spans"`
	Measured  float64 `json:"measured_bytes"`
	Predicted float64 `json:"predicted_bytes"`
	Error     float64 `json:"error_ratio"`    // of the measured
	LeftOut   float64 `json:"left_out_ratio"` // the same, of a line without this trial
}

const (
	// mostError is how far a prediction may lie from the trial before the line is not
	// believed.
	mostError = 0.25
	// fewestTrials of a line, and how many times as many spans the fullest must have inside
	// as the emptiest: a cloud at one rate has no slope.
	fewestTrials  = 3
	leastSpread   = 1.5
	atCeiling     = 0.95 // of GOMEMLIMIT: such a trial says nothing of the slope
	defaultGOGC   = 100  // percent
	workingSetFor = "working set"
	anonFor       = "anonymous and kernel memory"
)

// ModelOf fits both lines of a baseline, and takes the residence that predicts better.
func ModelOf(b baseline.Baseline) Model {
	each := modelOf(b, 0)
	one := modelOf(b, medianStay(b.Points))
	switch better := one.Anon.LeftOutMedian < each.Anon.LeftOutMedian; {
	case one.Stay == 0, each.Anon.Holds && !one.Anon.Holds:
		return each
	case better, one.Anon.Holds && !each.Anon.Holds:
		return one
	}
	return each
}

func modelOf(b baseline.Baseline, stay float64) Model {
	m := Model{Baseline: b.Name, Stay: stay}
	limit := float64(b.Gateway.GoMemLimit)
	m.Anon = fitOf(b.Points, stay, limit, anonFor,
		func(p baseline.Point) *float64 { return p.Anon })
	m.WorkingSet = fitOf(b.Points, stay, limit, workingSetFor,
		func(p baseline.Point) *float64 { return p.Memory })
	m.stays = curveOf(b.Points, stayOf)
	for _, k := range m.stays {
		m.InsideMost = max(m.InsideMost, k.rate*k.value)
	}
	return m
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

// medianStay is the median of the trials that held, 0 where none is known.
func medianStay(all []baseline.Point) float64 {
	var stays []float64
	for _, p := range all {
		if stay := stayOf(p); p.Held && stay != nil {
			stays = append(stays, *stay)
		}
	}
	return median(stays)
}

// fitOf fits the line of one kind of memory; limit is GOMEMLIMIT, and stay the residence, or
// 0 for that of each trial.
func fitOf(
	all []baseline.Point, stay, limit float64, what string, of func(baseline.Point) *float64,
) Fit {
	f := Fit{goMemLimit: limit}
	for _, p := range all {
		memory, own := of(p), stayOf(p)
		if !p.Held || memory == nil || *memory <= 0 {
			continue
		}
		f.Most = max(f.Most, *memory)
		if own == nil {
			continue
		}
		inside := p.Rate * *own
		if stay > 0 {
			inside = p.Rate * stay
		}
		f.Trials = append(f.Trials, Tried{Rate: p.Rate, Inside: inside, Measured: *memory})
	}
	if limit > 0 {
		f.Ceiling = max(limit, f.Most)
	}
	below := f.below()
	switch low, high := extent(below); {
	case len(f.Trials) == 0:
		f.Why = "no trial that held knows the " + what + " and the spans inside"
		return f
	case len(below) < fewestTrials:
		f.Why = fmt.Sprintf("of %d trials that held below GOMEMLIMIT a line says nothing, %d are "+
			"needed", len(below), fewestTrials)
		return f
	case high < leastSpread*low:
		f.Why = fmt.Sprintf("the trials that held had %.0f to %.0f spans inside: too much alike for "+
			"a line", low, high)
		return f
	}
	f.Base, f.PerSpan = line(below)
	f.hold(below)
	return f
}

// below are the trials that were not held down by GOMEMLIMIT.
func (f *Fit) below() []Tried {
	var out []Tried
	for _, t := range f.Trials {
		if f.Ceiling == 0 || t.Measured < atCeiling*f.Ceiling {
			out = append(out, t)
		}
	}
	return out
}

// hold holds the line against its trials.
func (f *Fit) hold(below []Tried) {
	var errs, left []float64
	for i, t := range f.Trials {
		t.Predicted = f.at(t.Inside)
		t.Error = t.Predicted/t.Measured - 1
		errs = append(errs, math.Abs(t.Error))
		without := *f
		if rest := others(below, t); len(rest) >= 2 {
			without.Base, without.PerSpan = line(rest)
			t.LeftOut = without.at(t.Inside)/t.Measured - 1
			left = append(left, math.Abs(t.LeftOut))
		}
		f.Trials[i] = t
	}
	f.Worst, f.Median = most(errs), median(errs)
	f.LeftOutWorst, f.LeftOutMedian = most(left), median(left)
	f.R2 = f.rSquared()
	switch {
	case f.PerSpan <= 0:
		f.Why = "memory does not rise with the spans inside"
	case f.Worst > mostError:
		f.Why = fmt.Sprintf("it misses a trial by %.0f %%, more than %.0f %%", 100*f.Worst,
			100*mostError)
	case f.LeftOutMedian > mostError:
		f.Why = fmt.Sprintf("without the trial that it is held against it misses by %.0f %% (median), "+
			"more than %.0f %%", 100*f.LeftOutMedian, 100*mostError)
	default:
		f.Holds = true
	}
}

// at is the peak that the line says of so many spans inside.
func (f *Fit) at(inside float64) float64 {
	bytes := max(f.Base+f.PerSpan*inside, 0)
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
	return 1 - left/all
}

func others(all []Tried, but Tried) []Tried {
	var out []Tried
	for _, t := range all {
		if t.Rate != but.Rate || t.Inside != but.Inside || t.Measured != but.Measured {
			out = append(out, t)
		}
	}
	return out
}

func extent(all []Tried) (low, high float64) {
	low = math.Inf(1)
	for _, t := range all {
		low, high = min(low, t.Inside), max(high, t.Inside)
	}
	return low, high
}
