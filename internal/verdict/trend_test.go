package verdict

import (
	"flag"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/record"
)

var simulate = flag.Int("simulate", 100, "how many sawtooths TestTrendOfSawtooths makes up")

// A sawtooth is the heap of a gateway: what is in use wanders about its base, in waves and
// with the memory of a first-order process, and allocation piles garbage on it until it is
// GOGC/100 larger.
type sawtooth struct {
	base, alloc    float64 // MiB, MiB/s
	gogc           float64
	noise, seconds float64 // of the base; how long it remembers
	wave, period   float64
	leak           float64 // MiB/s
	settles, over  float64 // MiB that fill up, with this time constant
}

// healthy draws one at random. What it remembers is short beside the trial: of what wanders
// as slowly as the trial is long nobody can say that it does not grow.
func healthy(r *rand.Rand, seconds float64) sawtooth {
	between := func(a, b float64) float64 { return a * math.Pow(b/a, r.Float64()) }
	return sawtooth{
		base: between(15, 200), alloc: between(2, 100), gogc: []float64{0.5, 1, 2}[r.IntN(3)],
		noise: 0.005 + 0.045*r.Float64(), seconds: between(0.5, seconds/20),
		wave: 0.02 * r.Float64(), period: between(5, 60),
	}
}

// looks are what a look each second sees: what the last collection found, and the heap.
func (s sawtooth) looks(r *rand.Rand, seconds float64) (live, heap record.Series) {
	phase, wander, before := 2*math.Pi*r.Float64(), r.NormFloat64(), 0.0
	used := func(t float64) float64 {
		keep := math.Exp(-(t - before) / s.seconds)
		wander = keep*wander + math.Sqrt(1-keep*keep)*r.NormFloat64()
		before = t
		u := 1 + s.noise*wander + s.wave*math.Sin(phase+2*math.Pi*t/s.period)
		u = s.base*u + s.leak*t
		if s.over > 0 {
			u -= s.settles * math.Exp(-t/s.over)
		}
		return max(1, u)
	}
	at, found := 0.0, used(0)
	for t := 0.0; t < seconds; t++ {
		for next := at + found*s.gogc/s.alloc; next <= t; next = at + found*s.gogc/s.alloc {
			at, found = next, used(next)
		}
		live.Elapsed, heap.Elapsed = append(live.Elapsed, t), append(heap.Elapsed, t)
		live.Values = append(live.Values, found)
		heap.Values = append(heap.Values, found+s.alloc*(t-at))
	}
	return live, heap
}

// called is how many of so many sawtooths are said to grow, by what the collector says and
// by what looks see; and by the plain test of Mann and Kendall over all looks.
func called(r *rand.Rand, n int, seconds float64, change func(*sawtooth)) (live, heap, plain int) {
	grows := func(s record.Series, points int) bool {
		t := newTrend(s, points)
		return t.Significant() && t.Rise() >= leastRise*t.Mean && t.Late >= settledShare
	}
	for range n {
		s := healthy(r, seconds)
		change(&s)
		l, h := s.looks(r, seconds)
		if grows(changes(l), 1) {
			live++
		}
		if grows(minima(h), 2) {
			heap++
		}
		if seconds <= 600 { // it takes the square of their number
			score := (kendall(l.Values) - 1) / math.Sqrt(kendallVariance(l.Values))
			if score > 3.09 {
				plain++
			}
		}
	}
	return live, heap, plain
}

// The figures of ADR 0018 come from -simulate 10000.
func TestTrendOfSawtooths(t *testing.T) {
	n := *simulate
	for _, seconds := range []float64{60, 120, 600, 7200} {
		if seconds > 600 && n <= 100 {
			continue
		}
		r := rand.New(rand.NewPCG(18, uint64(seconds)))
		live, heap, plain := called(r, n, seconds, func(*sawtooth) {})
		t.Logf("%.0f s, healthy: of %d are said to grow %d by live heap, %d by looks; %d by the "+
			"plain test over all looks", seconds, n, live, heap, plain)
		// At one in a thousand, more than this happens once in 10,000 times.
		if most := n/1000 + 4*int(math.Sqrt(float64(n)/1000)) + 3; live > most || heap > most {
			t.Errorf("%.0f s: %d and %d of %d healthy sawtooths are said to grow", seconds, live,
				heap, n)
		}
		for _, rise := range []float64{0.05, 0.1, 0.2, 0.5, 1} {
			live, heap, _ := called(r, n/10, seconds, func(s *sawtooth) {
				s.leak = rise * s.base / seconds
			})
			t.Logf("%.0f s, rising by %.0f %%: %d %% by live heap, %d %% by looks", seconds,
				100*rise, 1000*live/n, 1000*heap/n)
		}
		for _, over := range []float64{0.1, 0.25, 0.5} {
			live, heap, _ := called(r, n/10, seconds, func(s *sawtooth) {
				s.settles, s.over = 0.3*s.base, over*seconds
			})
			t.Logf("%.0f s, settling in %.2f of it: %d %% by live heap, %d %% by looks", seconds,
				over, 1000*live/n, 1000*heap/n)
		}
	}
}

func series(values ...float64) (s record.Series) {
	for i, v := range values {
		s.Elapsed, s.Values = append(s.Elapsed, float64(10*i)), append(s.Values, v)
	}
	return s
}

func TestTrendOfALine(t *testing.T) {
	got := newTrend(series(5, 8, 11, 14, 17, 20, 23, 26, 29, 32, 35, 38), 1)
	want := Trend{
		Known: true, Blocks: 12, Slope: 0.3, Low: 0.3, High: 0.3, Chance: got.Chance, From: 0,
		To: 110, Base: 5, Late: got.Late, Mean: 21.5,
	}
	if got != want {
		t.Errorf("newTrend(line) = %+v, want %+v", got, want)
	}
	// All of 66 pairs rise, whose standard deviation is that of Kendall's table.
	if z := 65 / math.Sqrt(12.0*11*29/18); math.Abs(got.Chance-0.5*math.Erfc(z/math.Sqrt2)) > 1e-12 {
		t.Errorf("chance of a line of 12 is %v", got.Chance)
	}
	if math.Abs(got.Late-1.0/3) > 1e-9 {
		t.Errorf("late share of a line is %v, want a third", got.Late)
	}
}

func TestTrendNeedsTenBlocks(t *testing.T) {
	if got := newTrend(series(1, 2, 3, 4, 5, 6, 7, 8, 9), 1); got.Known || got.Blocks != 9 {
		t.Errorf("newTrend of nine points = %+v, want too few", got)
	}
}

func TestTrendOfAConstant(t *testing.T) {
	got := newTrend(series(4, 4, 4, 4, 4, 4, 4, 4, 4, 4), 1)
	if !got.Known || got.Chance != 1 || got.Slope != 0 || got.Significant() {
		t.Errorf("newTrend of a constant = %+v", got)
	}
}

// What wanders slowly has fewer degrees of freedom than points.
func TestKinship(t *testing.T) {
	alternating := []float64{1, 9, 2, 8, 3, 7, 2, 9, 1, 8}
	if k := kinship(alternating); k != 1 {
		t.Errorf("kinship of what alternates is %v, want 1", k)
	}
	if k := kinship([]float64{1, 2, 3, 4, 5, 5, 4, 3, 2, 1}); k < 2 {
		t.Errorf("kinship of a hill is %v, want more than 2", k)
	}
}
