package verdict

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// What a trend test asks; ADR 0018 has the simulations that chose it.
const (
	// trendAlpha is the chance to see growth in a healthy series by accident.
	trendAlpha = 0.001
	// A series is cut into so many blocks, at least and at most. Below ten no order of the
	// blocks is as unlikely as trendAlpha once their kinship is allowed for.
	fewestBlocks = 10
	mostBlocks   = 30
)

// A Trend is how the lower envelope of a series goes: of a sawtooth, its troughs. Slopes
// are per second.
type Trend struct {
	// Known is false when the series was too short; nothing else is then known but Blocks.
	Known  bool
	Blocks int
	// Slope is Sen's: the median of the slopes between all pairs of blocks. Low and High
	// hold it with 99.9 %; they are infinite where neighbours are too much alike to say.
	Slope, Low, High float64
	// Chance is that of a series without growth to rise as much, one-sided.
	Chance float64
	// From and To are elapsed seconds, of the first and the last block, Base the height of
	// Sen's line at From.
	From, To, Base float64
	// Late is the part of the rise from the first quarter to the last that came in the
	// last step: a third of a straight line, less of what settles.
	Late float64
	// Mean of the blocks.
	Mean float64
}

// Rise is by how much the line rises from its beginning to its end.
func (t Trend) Rise() float64 { return t.Slope * (t.To - t.From) }

// Significant is whether the rise is no accident.
func (t Trend) Significant() bool { return t.Known && t.Slope > 0 && t.Chance <= trendAlpha }

// newTrend cuts a series into blocks of so many points at least and takes the lowest of
// each: what lies above is garbage that was not collected yet, and work under way. On these
// it makes the test of Mann and Kendall, with Sen's slope. Blocks
// lie wide apart, but what is slow in a healthy series still makes neighbours alike, which
// the plain test takes for a trend: its variance is multiplied as Hamed and Rao (1998) do,
// for autocorrelation that falls off geometrically.
func newTrend(s record.Series, points int) Trend {
	at, low := blocks(s, points)
	t := Trend{Blocks: len(low)}
	if t.Blocks < fewestBlocks {
		return t
	}
	slopes := pairSlopes(at, low)
	t.Slope = stat.Quantile(0.5, stat.LinInterp, slopes, nil)
	rest := make([]float64, len(low))
	for i := range low {
		rest[i] = low[i] - t.Slope*(at[i]-at[0])
	}
	variance := kendallVariance(low) * kinship(rest)
	score := kendall(low)
	if variance == 0 {
		t.Chance = 1
	} else {
		t.Chance = distuv.UnitNormal.Survival((score - 1) / math.Sqrt(variance))
	}
	width := distuv.UnitNormal.Quantile(1-trendAlpha/2) * math.Sqrt(variance)
	t.Low, t.High = around(slopes, width)
	t.Known = true
	t.From, t.To, t.Mean = at[0], at[len(at)-1], stat.Mean(low, nil)
	t.Base = median(rest)
	t.Late = lateShare(low)
	return t
}

// blocks are the mean moments of the blocks of a series and the lowest point of each. They
// are of so many points at least, and all of as many, give or take one: the lowest of many
// is lower than that of few.
func blocks(s record.Series, points int) (at, low []float64) {
	n := min(mostBlocks, s.Len()/points)
	for i := range n {
		from, to := i*s.Len()/n, (i+1)*s.Len()/n
		at = append(at, stat.Mean(s.Elapsed[from:to], nil))
		low = append(low, slices.Min(s.Values[from:to]))
	}
	return at, low
}

// pairSlopes are the slopes between all pairs, sorted.
func pairSlopes(x, y []float64) []float64 {
	var all []float64
	for i := range y {
		for j := i + 1; j < len(y); j++ {
			all = append(all, (y[j]-y[i])/(x[j]-x[i]))
		}
	}
	slices.Sort(all)
	return all
}

// kendall is how many pairs rise less how many fall.
func kendall(y []float64) (score float64) {
	for i := range y {
		for j := i + 1; j < len(y); j++ {
			switch {
			case y[j] > y[i]:
				score++
			case y[j] < y[i]:
				score--
			}
		}
	}
	return score
}

// kendallVariance is the variance of the score of independent values, ties allowed for.
func kendallVariance(y []float64) float64 {
	of := func(n float64) float64 { return n * (n - 1) * (2*n + 5) / 18 }
	v := of(float64(len(y)))
	ties := map[float64]float64{}
	for _, value := range y {
		ties[value]++
	}
	for _, n := range ties {
		v -= of(n)
	}
	return v
}

// kinship is by how much likeness of neighbours multiplies the variance of the score: Hamed
// and Rao's sum, over ranks, with the correlation of lag k being that of lag 1 to the power
// k. Taking the slope out makes the correlation of a short series look smaller by
// (1+4r)/n (Marriott and Pope, 1954; Kendall, 1954); that is put back. It is never below 1.
func kinship(rest []float64) float64 {
	n := float64(len(rest))
	ranks := rank(rest)
	mean, same, next := stat.Mean(ranks, nil), 0.0, 0.0
	for i, r := range ranks {
		same += (r - mean) * (r - mean)
		if i > 0 {
			next += (r - mean) * (ranks[i-1] - mean)
		}
	}
	if same == 0 {
		return 1
	}
	r := next / same
	r = min(0.95, r+(1+4*r)/n)
	if r <= 0 {
		return 1
	}
	sum := 0.0
	for k := 1.0; k < n-2; k++ {
		sum += (n - k) * (n - k - 1) * (n - k - 2) * math.Pow(r, k)
	}
	return 1 + 2*sum/(n*(n-1)*(n-2))
}

// rank gives each value its place, and equal ones the mean of theirs.
func rank(y []float64) []float64 {
	sorted := slices.Sorted(slices.Values(y))
	ranks := make([]float64, len(y))
	for i, v := range y {
		from, _ := slices.BinarySearch(sorted, v)
		to := from
		for to < len(sorted) && sorted[to] == v {
			to++
		}
		ranks[i] = float64(from+to-1) / 2
	}
	return ranks
}

// around is Sen's interval: the slopes so many places beside the median. There is none
// where that is beyond the ends.
func around(slopes []float64, width float64) (low, high float64) {
	n := float64(len(slopes))
	from, to := int(math.Floor((n-width)/2)), int(math.Ceil((n+width)/2))
	if from < 0 || to >= len(slopes) {
		return math.Inf(-1), math.Inf(1)
	}
	return slopes[from], slopes[to]
}

func median(y []float64) float64 {
	return stat.Quantile(0.5, stat.LinInterp, slices.Sorted(slices.Values(y)), nil)
}

// lateShare is the rise from the third quarter to the last over that from the first.
func lateShare(y []float64) float64 {
	var q [4]float64
	for i := range q {
		q[i] = median(y[i*len(y)/4 : (i+1)*len(y)/4])
	}
	if q[3] == q[0] {
		return 0
	}
	return (q[3] - q[2]) / (q[3] - q[0])
}

// changes are the points that differ from the one before: of what the last collection found,
// one for each collection that was seen.
func changes(s record.Series) (out record.Series) {
	for i, v := range s.Values {
		if i == 0 || v != s.Values[i-1] {
			out.Elapsed = append(out.Elapsed, s.Elapsed[i])
			out.Values = append(out.Values, v)
		}
	}
	return out
}

// minima are the points below their neighbours: of a heap that is looked at now and then,
// those that came soon after a collection.
func minima(s record.Series) (out record.Series) {
	for i := 1; i+1 < s.Len(); i++ {
		if s.Values[i] < s.Values[i-1] && s.Values[i] <= s.Values[i+1] {
			out.Elapsed = append(out.Elapsed, s.Elapsed[i])
			out.Values = append(out.Values, s.Values[i])
		}
	}
	return out
}
