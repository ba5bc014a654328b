package main

import (
	"math"
	"slices"
)

// A spread is the median, the least and the greatest of one figure over the rounds.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	N      int     `json:"n"` // rounds
}

// spreadOf is not ok where there is nothing, or something that is no number.
func spreadOf(all []float64) (s spread, ok bool) {
	if len(all) == 0 {
		return spread{}, false
	}
	sorted := slices.Sorted(slices.Values(all))
	if math.IsNaN(sorted[0]) || math.IsInf(sorted[0], 0) || math.IsInf(sorted[len(sorted)-1], 0) {
		return spread{}, false
	}
	n := len(sorted)
	return spread{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1], n}, true
}

// results are all samples, by case and round.
type results map[string]map[int]sample

func (r results) add(s sample) {
	if r[s.Case] == nil {
		r[s.Case] = map[int]sample{}
	}
	r[s.Case][s.Round] = s
}

// A figure is a number of a sample; ok is false where the sample does not have it.
type figure func(s sample) (v float64, ok bool)

// of is the spread of a figure of one case.
func (r results) of(name string, f figure) (spread, bool) {
	var all []float64
	for _, s := range r[name] {
		if v, ok := f(s); ok {
			all = append(all, v)
		}
	}
	return spreadOf(all)
}

// ratio is the spread of a's figure over b's, each of the same round: what a noisy
// machine does to both is not in it.
func (r results) ratio(a string, fa figure, b string, fb figure) (spread, bool) {
	var all []float64
	for round, s := range r[a] {
		other, ok := r[b][round]
		if !ok {
			continue
		}
		above, okA := fa(s)
		below, okB := fb(other)
		if okA && okB && below != 0 {
			all = append(all, above/below)
		}
	}
	return spreadOf(all)
}

// CPU seconds per million delivered spans.
func sending(s sample) (float64, bool)   { return s.perMillion(s.Send), s.Send.CPU > 0 }
func receiving(s sample) (float64, bool) { return s.perMillion(s.Receive), s.Receive.CPU > 0 }
func collecting(s sample) (float64, bool) {
	return s.perMillion(s.Gateway), s.Gateway.CPU > 0
}

// bothEnds is what the load generator and the backend use together.
func bothEnds(s sample) (float64, bool) {
	return s.perMillion(s.Send) + s.perMillion(s.Receive), s.Send.CPU > 0 && s.Receive.CPU > 0
}

// endsShare is what both ends use, of what the collector between them uses.
func endsShare(s sample) (float64, bool) {
	return (s.Send.CPU + s.Receive.CPU) / s.Gateway.CPU, s.Gateway.CPU > 0
}

// slopeError is how far the rate was off, without its sign.
func slopeError(s sample) (float64, bool) {
	if s.Pace == nil || s.Pace.Slope == nil {
		return 0, false
	}
	return math.Abs(*s.Pace.Slope), true
}

func lateP50(s sample) (float64, bool) {
	if s.Pace == nil {
		return 0, false
	}
	return s.Pace.P50, true
}

func lateP99(s sample) (float64, bool) {
	if s.Pace == nil {
		return 0, false
	}
	return s.Pace.P99, true
}

func unsent(s sample) (float64, bool) { return known(s.Unsent) }

func known(v *float64) (float64, bool) {
	if v == nil {
		return 0, false
	}
	return *v, true
}
