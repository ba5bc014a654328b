package verdict

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/odigos-io/odigos-stress/internal/record"
)

const (
	// settleSeconds is the length of a block, over which figures are averaged: five
	// looks, as in MSER-5.
	settleSeconds = 5.0
	// settleBlocks is how many blocks it takes to tell a way from a state.
	settleBlocks = 6
	// settleShare is how far the first blocks must be from the others, as a share of
	// these, and settleSpread how many standard deviations of a block's noise.
	settleShare  = 0.10
	settleSpread = 4.0
)

// A steadiness is how one figure came to its steady state: Head is its mean in the first
// Blocks of the measured time, Rest in all others.
type steadiness struct {
	blocks, of int
	head, rest float64
	cut        int // the truncation before blocks were taken back
}

// late is whether no steady state was reached in the first half of the time.
func (s steadiness) late() bool { return s.cut >= s.of/2 }

// steady finds the steady state of a series by its means over blocks. The truncation is
// MSER-5's (White 1997): the number of first blocks to leave out for which the standard
// error of the mean of the others is least, at most half of them. It leaves out rather
// too many, so that those at its end that are no further from the others than noise are
// taken back. ok is false when none remain, or when they are no further off on average.
//
// Noise is the standard deviation by the median of successive differences, which neither
// a step nor a slow way changes much.
func steady(blocks []float64, floor float64) (s steadiness, ok bool) {
	s = steadiness{of: len(blocks)}
	least := math.Inf(1)
	for d := 0; d <= len(blocks)/2; d++ {
		rest := blocks[d:]
		if e := stat.PopVariance(rest, nil) / float64(len(rest)); e < least {
			least, s.cut = e, d
		}
	}
	s.rest = stat.Mean(blocks[s.cut:], nil)
	far := max(floor, settleShare*math.Abs(s.rest), settleSpread*noise(blocks))
	for s.blocks = s.cut; s.blocks > 0; s.blocks-- {
		if math.Abs(blocks[s.blocks-1]-s.rest) > far {
			break
		}
	}
	if s.blocks == 0 {
		return s, false
	}
	s.head = stat.Mean(blocks[:s.blocks], nil)
	return s, math.Abs(s.head-s.rest) > far
}

// noise is the standard deviation of independent values about a course that changes
// slowly, or seldom: 1.4826 times the median of successive differences, over the root of
// two.
func noise(values []float64) float64 {
	var steps []float64
	for i := 1; i < len(values); i++ {
		steps = append(steps, math.Abs(values[i]-values[i-1]))
	}
	slices.Sort(steps)
	n := len(steps)
	return 1.4826 * (steps[(n-1)/2] + steps[n/2]) / 2 / math.Sqrt2
}

// inBlocks averages a series over blocks of so many seconds from one moment to another; nil
// when a block has no point.
func inBlocks(s record.Series, from, to, seconds float64) (means []float64) {
	for b := from; b+seconds <= to+1e-9; b += seconds {
		values := s.Between(b, b+seconds).Values
		if len(values) == 0 {
			return nil
		}
		means = append(means, stat.Mean(values, nil))
	}
	return means
}
