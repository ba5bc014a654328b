package search

import (
	"math"
	"math/rand/v2"
	"testing"
)

// An interval that was brought to another host is wider by what is not known of the two,
// and only by that.
func TestRescale(t *testing.T) {
	for _, c := range []struct{ factor, spread, low, estimate, high float64 }{
		{1, 0, 90, 100, 120},
		{0.5, 0, 45, 50, 60},
		{1, 0.1 / 1.96, 100 - math.Sqrt(200), 100, 100 + math.Sqrt(500)},
	} {
		l, e, h := Rescale(90, 100, 120, c.factor, c.spread)
		for _, v := range [][2]float64{{l, c.low}, {e, c.estimate}, {h, c.high}} {
			if math.Abs(v[0]-v[1]) > 1e-9 {
				t.Errorf("Rescale(90, 100, 120, %g, %g) = %g, %g, %g; want %g, %g, %g", c.factor, c.spread,
					l, e, h, c.low, c.estimate, c.high)
				break
			}
		}
	}
}

// The error that is told of a median is the one that it has.
func TestWorkError(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const of, times = 15, 2000
	var told, real float64
	for range times {
		var trials []Trial
		for range of {
			trials = append(trials, Trial{Length: Full, Work: 2 * (1 + 0.05*r.NormFloat64())})
		}
		told += workError(trials) / times
		real += math.Pow(medianWork(trials)/2-1, 2) / times
	}
	if ratio := told / math.Sqrt(real); ratio < 0.85 || ratio > 1.15 {
		t.Errorf("told %.4f on average, and it is %.4f", told, math.Sqrt(real))
	}
	short := []Trial{{Length: Short, Work: 1}, {Length: Full, Work: 1}, {Length: Full}, {Length: Full}}
	if got := workError(short); got != 0 {
		t.Errorf("workError of one trial that counts = %g, want 0: not known", got)
	}
}
