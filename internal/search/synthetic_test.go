package search

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// A tally is what became of the searches of one family.
type tally struct {
	name          string
	seeds, inside int
	found, wide   int
	trials, fulls []int
	took          []time.Duration
	width         []float64 // half of the interval, as a share of the estimate
	missed        []string
}

// inside says whether an answer is true.
func inside(a Answer, g gateway) bool {
	edge, more := g.truth()
	if more {
		return a.High == 0 && a.Low > 0 && a.Low <= edge
	}
	return a.Low <= edge && (edge <= a.High || a.High == 0 && a.Low > 0)
}

func tallyOf(f family, seeds int, with func(*Search)) tally {
	out := tally{name: f.name, seeds: seeds}
	for seed := range uint64(seeds) {
		g := f.make(rand.New(rand.NewPCG(seed, 5)))
		s := New(Spec{From: 1000, UpTo: g.upTo, Precision: 0.03, Budget: 10 * time.Minute})
		if with != nil {
			with(s)
		}
		a, trials := searchOf(s, g)
		if inside(a, g) {
			out.inside++
		} else {
			edge, _ := g.truth()
			out.missed = append(out.missed, fmt.Sprintf("seed %d: %.5g is not in %v–%v: %s, %s, %d trials",
				seed, edge, a.Low, a.High, a.Standing, a.Reason, len(trials)))
		}
		switch a.Standing {
		case Found, BeyondAll, BelowAll:
			out.found++
		case Wide:
			out.wide++
		}
		fulls, took := 0, time.Duration(0)
		for _, t := range trials {
			took += t.Took
			if t.Length == Full {
				fulls++
			}
		}
		out.trials, out.fulls = append(out.trials, len(trials)), append(out.fulls, fulls)
		out.took = append(out.took, took)
		if a.Estimate > 0 && a.High > 0 {
			out.width = append(out.width, (a.High-a.Low)/2/a.Estimate)
		}
	}
	return out
}

func median[T int | float64 | time.Duration](x []T) T {
	if len(x) == 0 {
		return 0
	}
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

// row is a tally as a line of the table of ADR 0019.
func (t tally) row() string {
	return fmt.Sprintf("| %s | %d | %d | %d | %d | %.0f s | %.0f s | ±%.1f %% |",
		t.name, t.inside*100/t.seeds, t.found*100/t.seeds, median(t.trials), median(t.fulls),
		median(t.took).Seconds(), slices.Max(t.took).Seconds(), 100*median(t.width))
}

func TestSynthetic(t *testing.T) {
	seeds := 100
	if testing.Short() {
		seeds = 20
	}
	all := families()
	rows := make([]string, len(all))
	t.Run("families", func(t *testing.T) {
		for i, f := range all {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				got := tallyOf(f, seeds, nil)
				rows[i] = got.row()
				if got.inside < seeds*95/100 {
					t.Errorf("the truth is in %d of %d intervals, want 95 of 100:\n%s",
						got.inside, seeds, strings.Join(got.missed, "\n"))
				}
			})
		}
	})
	t.Log("\n" + strings.Join(rows, "\n"))
}
