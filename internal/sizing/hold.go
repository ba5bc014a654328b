package sizing

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Errors are how far predictions of peaks lie from what was measured.
type Errors struct {
	Trials int `json:"trials"` // 0: none, and nothing is known
	// Median and Worst are shares of what was measured.
	Median float64 `json:"median_ratio"`
	Worst  float64 `json:"worst_ratio"`
	// OfLimit is the worst as a share of the memory limit, which is what memory is sized
	// against, and RMS the root of the mean square of such shares.
	OfLimit float64 `json:"worst_ratio_of_limit"`
	RMS     float64 `json:"root_mean_square_ratio_of_limit"`
	// Above is how far the trial that lay furthest above its prediction did, as a share of
	// the prediction: so much more memory it may be.
	Above float64 `json:"above_ratio"`
}

// errorsOf compares predictions with trials, each with its own, in a limit.
func errorsOf(trials []Tried, predicted []float64, limit float64) Errors {
	e := Errors{Trials: len(trials)}
	if e.Trials == 0 {
		return e
	}
	shares := make([]float64, len(trials))
	for i, t := range trials {
		off := math.Abs(predicted[i] - t.Measured)
		shares[i] = off / t.Measured
		e.Worst, e.OfLimit = max(e.Worst, shares[i]), max(e.OfLimit, off/limit)
		e.RMS += off / limit * off / limit / float64(e.Trials)
		if predicted[i] > 0 {
			e.Above = max(e.Above, t.Measured/predicted[i]-1)
		}
	}
	e.Median, e.RMS = median(shares), math.Sqrt(e.RMS)
	return e
}

const (
	// sure is how sure it must be that neighbours say more of a trial than the law does.
	sure = 0.95
	// sameBits is how far squares of shares may lie apart and be one.
	sameBits = 1e-12
)

// hold holds the law against the trials of its baseline, below the ceiling and at it; others
// are those of the other baselines, below theirs.
//
// A law is worth using unless the trials beside one that it did not know say more of it than
// the law does, by more than chance. That is the bound, and no share of error that someone
// finds small: a trial's peak is the top of a sawtooth that few looks saw, and two trials at
// one rate differ by a tenth themselves.
func (f *Fit) hold(below, others []Tried) {
	predicted := make([]float64, len(f.Trials))
	for i, t := range f.Trials {
		predicted[i] = f.within(f.law, t)
		f.Trials[i].Predicted, f.Trials[i].Error = predicted[i], predicted[i]/t.Measured-1
	}
	f.Known, f.R2 = errorsOf(f.Trials, predicted, f.limit), f.rSquared()

	var inner []Tried
	var unknown, between []float64
	last := f.Trials[len(f.Trials)-1].group
	peaks := f.tried()
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
	f.Unknown = errorsOf(inner, unknown, f.limit)
	f.Between = errorsOf(inner, between, f.limit)
	f.Holds = !worse(inner, unknown, between, f.limit)
	if !f.Holds {
		f.Why = fmt.Sprintf("of trials that it did not know it misses %.1f %% of the limit (root mean "+
			"square), a straight line between their neighbours %.1f %%, and that is no chance",
			100*f.Unknown.RMS, 100*f.Between.RMS)
	}
}

// worse is whether one prediction misses more than another by more than chance: whether the
// mean difference of their squared errors, each rate counted once, is above 0 (Diebold and
// Mariano, 1995; by Student's distribution, as Harvey, Leybourne and Newbold, 1997, say for
// few).
func worse(trials []Tried, one, other []float64, limit float64) bool {
	var differences []float64
	for i, t := range trials {
		a, b := (one[i]-t.Measured)/limit, (other[i]-t.Measured)/limit
		if i == 0 || t.group != trials[i-1].group {
			differences = append(differences, 0)
		}
		differences[len(differences)-1] += t.weight * (a*a - b*b)
	}
	n := float64(len(differences))
	if n < 2 {
		return false
	}
	mean, spread := stat.MeanStdDev(differences, nil)
	return mean > sameBits+spread/math.Sqrt(n)*distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(sure)
}

// tried is the curve of the peaks of the trials.
func (f *Fit) tried() curve {
	var c curve
	for _, t := range f.Trials {
		c = append(c, knot{t.Rate, t.Measured})
	}
	return c.gathered()
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
