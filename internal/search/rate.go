package search

import (
	"math"
	"strconv"
)

// step is what a rate is rounded to: its third significant digit, and whole spans/s.
func step(rate float64) float64 {
	return max(1, math.Pow(10, math.Floor(math.Log10(rate)+1e-12)-2))
}

// fine is what the ends of an interval are rounded to: step, or half of it where that is
// more than half a percent.
func fine(rate float64) float64 {
	if s := step(rate); s > 1 && rate < 200*s {
		return s / 2
	}
	return step(rate)
}

func roundNear(rate float64) float64 { return math.Round(rate/step(rate)) * step(rate) }

func roundDown(rate float64) float64 {
	return math.Floor(rate/fine(rate)+1e-9) * fine(rate)
}

func roundUp(rate float64) float64 { return math.Ceil(rate/fine(rate)-1e-9) * fine(rate) }

// same says whether two rates are one, but for rounding.
func same(a, b float64) bool { return math.Abs(a-b) <= 0.002*max(a, b) }

// spoken is a rate as a sentence has it: 950, 14.8k, 1.25M.
func spoken(rate float64) string {
	unit := ""
	switch {
	case rate >= 999_500:
		rate, unit = rate/1e6, "M"
	case rate >= 999.5:
		rate, unit = rate/1e3, "k"
	}
	return strconv.FormatFloat(rate, 'g', 3, 64) + unit
}
