package verdict

import (
	"math/rand/v2"
	"testing"
)

// noisy is a series of means that wander by so much about a course.
func noisy(seed uint64, n int, spread float64, course func(i int) float64) []float64 {
	r := rand.New(rand.NewPCG(seed, 16))
	out := make([]float64, n)
	for i := range out {
		out[i] = course(i) + spread*r.NormFloat64()
	}
	return out
}

// The end of a way to the steady state is found, to a block.
func TestSteadyFindsTheEndOfTheWay(t *testing.T) {
	for _, c := range []struct {
		name   string
		course func(i int) float64
		blocks int
		late   bool
	}{
		{"three blocks higher", func(i int) float64 {
			if i < 3 {
				return 140
			}
			return 100
		}, 3, false},
		{"three blocks lower", func(i int) float64 {
			if i < 3 {
				return 60
			}
			return 100
		}, 3, false},
		{"a rise that goes on", func(i int) float64 { return 100 + 5*float64(i) }, 0, true},
	} {
		got, ok := steady(noisy(1, 12, 1, c.course), 5)
		if !ok || c.blocks > 0 && got.blocks != c.blocks || c.late && !got.late() {
			t.Errorf("%s: steady() = %+v, %v, want after %d blocks (0: any), late %v", c.name, got,
				ok, c.blocks, c.late)
		}
	}
}

// What is steady is rarely called anything else: where the means of blocks wander by 3 % or
// less, one time in three hundred at most; by more, one in thirty with the fewest blocks.
func TestSteadyRarelyErrs(t *testing.T) {
	const of = 3000
	for _, c := range []struct{ blocks, calm, most int }{{6, 10, 100}, {12, 10, 40}, {24, 10, 20}} {
		for _, spread := range []float64{1, 3, 10, 30} {
			wrong, most := 0, c.most
			if spread <= 3 {
				most = c.calm
			}
			for seed := range of {
				if _, ok := steady(noisy(uint64(seed), c.blocks, spread, func(int) float64 {
					return 100
				}), 5); ok {
					wrong++
				}
			}
			t.Logf("%d blocks, noise %g %%: %d of %d", c.blocks, spread, wrong, of)
			if wrong > most {
				t.Errorf("%d blocks, noise %g %%: %d of %d called not steady, want at most %d", c.blocks,
					spread, wrong, of, most)
			}
		}
	}
}

// A move that nobody need care for is none.
func TestSteadyHasAFloor(t *testing.T) {
	step := func(i int) float64 {
		if i < 3 {
			return 14
		}
		return 10
	}
	if got, ok := steady(noisy(1, 12, .1, step), 5); ok {
		t.Errorf("steady() with a floor of 5 = %+v, want no move", got)
	}
	if _, ok := steady(noisy(1, 12, .1, step), 3); !ok {
		t.Error("steady() with a floor of 3 found no move of 4")
	}
	if got, ok := steady(make([]float64, 8), 0); ok {
		t.Errorf("steady(nothing but zeros) = %+v", got)
	}
}
