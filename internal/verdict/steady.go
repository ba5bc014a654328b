package verdict

import (
	"math"

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
	// these, and settleSpread how many of their standard deviations.
	settleShare  = 0.10
	settleSpread = 3.0
)

// A steadiness is how one figure came to its steady state: Head is its mean in the first
// Blocks of the measured time, Rest in all others.
type steadiness struct {
	blocks, of int
	head, rest float64
}

// late is whether no steady state was reached in the first half of the time.
func (s steadiness) late() bool { return s.blocks >= s.of/2 }

// steady finds the steady state of a series by its means over blocks. The truncation is
// MSER-5's (White 1997): the number of first blocks to leave out for which the standard
// error of the mean of the others is least, at most half of them. ok is false when what
// it leaves out differs by no more than noise, or by less than floor.
func steady(blocks []float64, floor float64) (s steadiness, ok bool) {
	s = steadiness{of: len(blocks)}
	least := math.Inf(1)
	for d := 0; d <= len(blocks)/2; d++ {
		rest := blocks[d:]
		n := float64(len(rest))
		if e := stat.PopVariance(rest, nil) / n; e < least {
			least, s.blocks = e, d
		}
	}
	if s.blocks == 0 {
		return s, false
	}
	rest := blocks[s.blocks:]
	s.head, s.rest = stat.Mean(blocks[:s.blocks], nil), stat.Mean(rest, nil)
	noise := stat.StdDev(rest, nil)
	if s.late() { // the rest may still be on its way: its noise is what no line explains
		noise = residual(rest)
	}
	moved := math.Abs(s.rest - s.head)
	return s, moved > floor && moved > settleShare*math.Abs(s.rest) && moved > settleSpread*noise
}

// residual is the standard deviation of equally spaced values around their least-squares
// line.
func residual(values []float64) float64 {
	at := make([]float64, len(values))
	for i := range at {
		at[i] = float64(i)
	}
	alpha, beta := stat.LinearRegression(at, values, nil, false)
	sum := 0.0
	for i, v := range values {
		d := v - alpha - beta*at[i]
		sum += d * d
	}
	return math.Sqrt(sum / float64(max(1, len(values)-2)))
}

// inBlocks averages a series over blocks of settleSeconds from one moment to another; nil
// when a block has no point.
func inBlocks(s record.Series, from, to float64) (means []float64) {
	for b := from; b+settleSeconds <= to+1e-9; b += settleSeconds {
		values := s.Between(b, b+settleSeconds).Values
		if len(values) == 0 {
			return nil
		}
		means = append(means, stat.Mean(values, nil))
	}
	return means
}
