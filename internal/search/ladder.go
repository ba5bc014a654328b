package search

import (
	"math"
	"slices"
)

// gap is how far apart rates that held may lie below the edge, as a share of it; ladderTop
// is where the ladder ends.
const gap, ladderTop = 0.2, 0.95

// rungs are the rates that are still to be tried below the estimate, so that no gap between
// those that held is wider than a fifth of it, in rising order; below and above are what the
// first lies between. While the estimate is rough they end at the highest that held: a dip
// is better found before the edge above it is looked at closely.
func (s *Search) rungs(narrow bool) (rungs []float64, below, above float64) {
	if s.belief == nil || !s.known.held() {
		return nil, 0, 0
	}
	edge := min(s.belief.quantile(0.5), s.spec.UpTo)
	end := ladderTop * edge
	if !narrow {
		end = s.known.top
	}
	held := []float64{0, end}
	for _, t := range s.known.counted {
		if t.Result == Held && t.Rate < end {
			held = append(held, t.Rate)
		}
	}
	slices.Sort(held)
	for i := range len(held) - 1 {
		parts := math.Ceil((held[i+1] - held[i]) / (gap * edge) * (1 - 1e-9))
		for j := 1.0; j < parts; j++ {
			rate := roundNear(held[i] + (held[i+1]-held[i])*j/parts)
			if rate <= held[i] || rate >= held[i+1] || rate < s.spec.floor() || s.refused(rate) {
				continue
			}
			if len(rungs) == 0 {
				below, above = held[i], held[i+1]
			}
			rungs = append(rungs, rate)
		}
	}
	return rungs, below, above
}

// refused says whether a rung broke already, so that it is for the posterior, or for the
// dips, to say what that means.
func (s *Search) refused(rate float64) bool {
	return slices.ContainsFunc(s.known.counted, func(t Trial) bool {
		return t.Result == Broke && same(t.Rate, rate)
	})
}
