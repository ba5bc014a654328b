package sizing

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// A law is peak memory as a sum of what is always there, of what goes with the rate, and of
// what goes with the spans inside. No term is negative.
type law struct{ base, perRate, perSpan float64 }

func (l law) at(rate, inside float64) float64 {
	return l.base + l.perRate*rate + l.perSpan*inside
}

// The columns of a law, and the sums of them that are tried: the first that misses least is
// taken. To try every choice of columns is the exact way to least squares without negative
// terms (Lawson and Hanson, 1974), and with three there are seven. Where rate and spans
// inside rose together both lines miss alike, and that over the spans inside is taken, as a
// slower backend would then cost more and not nothing.
const (
	always = iota
	ofRate
	ofInside
)

var forms = [][]int{
	{always, ofInside},
	{always, ofRate},
	{always, ofRate, ofInside},
	{ofInside},
	{ofRate},
	{ofRate, ofInside},
	{always},
}

// insideForms know of no rate.
var insideForms = [][]int{{always, ofInside}, {ofInside}, {always}}

const (
	// better is how much less a later form must miss, in squares a trial: more than the last
	// bits of a number.
	better = 1e-12
	// mostAlike is the condition number from which on two columns are not told apart.
	mostAlike = 1e4
)

// lawOf is the law that misses trials least: by squares of errors as shares of what was
// measured, since a peak scatters by a share of itself. ok is false where there is no trial.
func lawOf(all []Tried, forms [][]int) (l law, ok bool) {
	least := math.Inf(1)
	var total float64
	for _, t := range all {
		total += t.weight
	}
	for _, form := range forms {
		found, told := solve(all, form)
		if !told {
			continue
		}
		var squares float64
		for _, t := range all {
			off := found.at(t.Rate, t.Inside)/t.Measured - 1
			squares += t.weight * off * off
		}
		if !ok || squares < least-better*total {
			l, least, ok = found, squares, true
		}
	}
	return l, ok
}

// solve is the law of some columns by least squares; ok is false where they are too much
// alike, or a term is negative.
func solve(all []Tried, form []int) (l law, ok bool) {
	if len(all) < len(form) {
		return law{}, false
	}
	var of [3]float64 // the largest of each column, so that all are near 1
	for _, t := range all {
		for c, v := range t.columns() {
			of[c] = max(of[c], v)
		}
	}
	rows, want := mat.NewDense(len(all), len(form), nil), mat.NewVecDense(len(all), nil)
	for i, t := range all {
		weight := math.Sqrt(t.weight)
		want.SetVec(i, weight)
		for j, c := range form {
			if of[c] == 0 {
				return law{}, false
			}
			rows.Set(i, j, weight*t.columns()[c]/of[c])
		}
	}
	var qr mat.QR
	qr.Factorize(rows)
	var terms mat.VecDense
	if qr.Cond() > mostAlike || qr.SolveVecTo(&terms, false, want) != nil {
		return law{}, false
	}
	into := [3]*float64{always: &l.base, ofRate: &l.perRate, ofInside: &l.perSpan}
	for j, c := range form {
		term := terms.AtVec(j) / of[c]
		if !(term >= 0) {
			return law{}, false
		}
		*into[c] = term
	}
	return l, true
}

// columns are a trial's by its measured peak.
func (t Tried) columns() [3]float64 {
	return [3]float64{
		always: 1 / t.Measured, ofRate: t.Rate / t.Measured, ofInside: t.Inside / t.Measured,
	}
}
