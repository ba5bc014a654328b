package search

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// How far the host's own speed is followed.
const (
	// leastWorks is how many trials must tell the cost of work and the edge before it is
	// asked whether the one explains the other.
	leastWorks = 4
	// mostShift bounds, in ln, what is made of a cost of work.
	mostShift = 0.35
)

// reference is the cost of work to which the edge of each trial is brought: the median of
// the trials that were not short, if the guesses then lie nearer to each other than they do
// as they are; 0 where it explains nothing. A host that is slower for a while, because of
// what else runs on its processors, has a lower edge for that while.
func (e evidence) reference() float64 {
	median := medianWork(e.counted)
	var raw, brought []float64
	for _, t := range e.counted {
		if t.tells() && t.Work > 0 {
			raw = append(raw, math.Log(t.Guess))
			brought = append(brought, math.Log(t.Guess)+t.shift(median))
		}
	}
	if len(raw) < leastWorks || stat.StdDev(brought, nil) >= stat.StdDev(raw, nil) {
		return 0
	}
	return median
}

// medianWork is the median cost of work in the trials that were not short; 0: not known.
func medianWork(trials []Trial) float64 {
	all := works(trials)
	if len(all) == 0 {
		return 0
	}
	return all[len(all)/2]
}

// works are the costs of work in the trials that were not short, in order.
func works(trials []Trial) []float64 {
	var all []float64
	for _, t := range trials {
		if t.Length != Short && t.Work > 0 {
			all = append(all, t.Work)
		}
	}
	slices.Sort(all)
	return all
}

const (
	// ofDeviation times the median absolute deviation is the standard deviation, and ofMedian
	// times the standard error of the mean is that of the median, where deviations are normal
	// (Rousseeuw and Croux, 1993; √(π/2)).
	ofDeviation = 1.4826
	ofMedian    = 1.2533
)

// workError is the standard error of medianWork, as a share of it; 0: not known.
func workError(trials []Trial) float64 {
	all := works(trials)
	if len(all) < leastWorks {
		return 0
	}
	median := medianWork(trials)
	apart := make([]float64, len(all))
	for i, w := range all {
		apart[i] = math.Abs(w - median)
	}
	slices.Sort(apart)
	deviation := ofDeviation * apart[len(apart)/2]
	return ofMedian * deviation / math.Sqrt(float64(len(all))) / median
}

// Rescale brings an interval that holds with 95 % to a host on which work costs 1 ÷ factor as
// much. spread is the standard error of the factor, as a share of it: the ends move out by it
// as independent errors add, in squares.
func Rescale(low, estimate, high, factor, spread float64) (l, e, h float64) {
	const deviations = 1.96 // of a normal distribution, on both sides of 95 % of it
	out := deviations * spread * estimate
	l = estimate - math.Hypot(estimate-low, out)
	h = estimate + math.Hypot(high-estimate, out)
	return factor * l, factor * estimate, factor * h
}

// shift is what brings a trial's rates to the reference, in ln: on a host on which work costs
// twice as much the same gateway holds half.
func (t Trial) shift(reference float64) float64 {
	if reference <= 0 || t.Work <= 0 || t.Length == Short {
		return 0
	}
	return max(-mostShift, min(mostShift, math.Log(t.Work/reference)))
}
