package sizing

import (
	"cmp"
	"math"
	"slices"
)

// An xy is a point that a line is drawn through.
type xy struct{ x, y float64 }

// A weighed is a value that counts as much as its weight.
type weighed struct{ value, weight float64 }

// line is the line of weighted medians through points: its slope is the median of the slopes
// of all pairs, each as heavy as its points lie apart, so that the many trials at the edge,
// which differ by noise alone, do not outvote the few far from it (Theil, 1950; Sen, 1968;
// the weights: Sievers, 1978; Scholz, 1978). Its base is the median of what the slope
// leaves.
func line(all []xy) (base, slope float64) {
	var slopes []weighed
	for i, a := range all {
		for _, b := range all[:i] {
			if apart := math.Abs(a.x - b.x); apart > 0 {
				slopes = append(slopes, weighed{(a.y - b.y) / (a.x - b.x), apart})
			}
		}
	}
	slope = weightedMedian(slopes)
	rest := make([]float64, len(all))
	for i, p := range all {
		rest[i] = p.y - slope*p.x
	}
	return median(rest), slope
}

// weightedMedian is the value at which half of the weight is reached; where it is reached
// exactly, the middle between that value and the next.
func weightedMedian(all []weighed) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.SortFunc(all, func(a, b weighed) int { return cmp.Compare(a.value, b.value) })
	var total, sum float64
	for _, w := range all {
		total += w.weight
	}
	for i, w := range all {
		sum += w.weight
		if sum > total/2 || i == len(all)-1 {
			return w.value
		}
		if sum == total/2 {
			return (w.value + all[i+1].value) / 2
		}
	}
	return all[len(all)-1].value
}

func median(values []float64) float64 {
	var all []weighed
	for _, v := range values {
		all = append(all, weighed{v, 1})
	}
	return weightedMedian(all)
}
