package sizing

import (
	"fmt"
	"math"
)

// Errors are how far predictions of peaks lie from what was measured, as shares of it.
type Errors struct {
	Trials int     `json:"trials"` // 0: none, and nothing is known
	Median float64 `json:"median_ratio"`
	Worst  float64 `json:"worst_ratio"`
	// RMS is the root of the mean square.
	RMS float64 `json:"root_mean_square_ratio"`
	// Above is how far the trial that lay furthest above its prediction did, as a share of
	// the prediction: so much more memory it may be.
	Above float64 `json:"above_ratio"`
}

// errorsOf compares predictions with trials, each with its own.
func errorsOf(trials []Tried, predicted []float64) Errors {
	e := Errors{Trials: len(trials)}
	if e.Trials == 0 {
		return e
	}
	all := make([]float64, len(trials))
	for i, t := range trials {
		off := math.Abs(predicted[i]/t.Measured - 1)
		all[i] = off
		e.Worst = max(e.Worst, off)
		e.RMS += off * off
		if predicted[i] > 0 {
			e.Above = max(e.Above, t.Measured/predicted[i]-1)
		}
	}
	e.Median, e.RMS = median(all), math.Sqrt(e.RMS/float64(len(all)))
	return e
}

// sameBits is how far two errors may lie apart and be one.
const sameBits = 1e-9

// hold holds the law against the trials of its baseline, below the ceiling and at it; others
// are those of the other baselines, below theirs.
//
// A law is worth using where it says more of a trial that it did not know than the trials
// beside it do. That is the bound, and no share of error that someone finds small: a trial's
// peak is the top of a sawtooth that few looks saw, and two trials at one rate differ by a
// tenth themselves.
func (f *Fit) hold(below, others []Tried) {
	predicted := make([]float64, len(f.Trials))
	for i, t := range f.Trials {
		predicted[i] = f.within(f.law, t)
		f.Trials[i].Predicted, f.Trials[i].Error = predicted[i], predicted[i]/t.Measured-1
	}
	f.Known, f.R2 = errorsOf(f.Trials, predicted), f.rSquared()

	var inner []Tried
	var unknown, between []float64
	last := f.Trials[len(f.Trials)-1].group
	var peaks curve
	for _, t := range f.Trials {
		peaks = append(peaks, knot{t.Rate, t.Measured})
	}
	peaks = peaks.gathered()
	for _, t := range f.Trials {
		rest := append(apart(below, t.group), others...)
		if t.group == 0 || t.group == last || tooFew(rest, "") != "" {
			continue
		}
		l, ok := lawOf(rest, forms)
		if beside, told := peaks.without(t.group).at(t.Rate); ok && told {
			inner = append(inner, t)
			unknown, between = append(unknown, f.within(l, t)), append(between, beside)
		}
	}
	f.Unknown, f.Between = errorsOf(inner, unknown), errorsOf(inner, between)
	f.Holds = f.Unknown.RMS <= f.Between.RMS+sameBits
	if !f.Holds {
		f.Why = fmt.Sprintf("of trials that it did not know it misses %.0f %% (root mean square), more "+
			"than the %.0f %% of a straight line between their neighbours", 100*f.Unknown.RMS,
			100*f.Between.RMS)
	}
}

// apart are the trials of other rates.
func apart(all []Tried, group int) []Tried {
	var out []Tried
	for _, t := range all {
		if t.group != group {
			out = append(out, t)
		}
	}
	return out
}
