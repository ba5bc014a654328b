package search

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the table of synthetic gateways anew")

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
	if a.Brought || g.wandering() {
		edge /= a.Work // where work costs 1, the edge is the truth
	}
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
			out.missed = append(out.missed, fmt.Sprintf("seed %d: %.5g is not in %v–%v: %s, %d trials",
				seed, edge, a.Low, a.High, a.Standing, len(trials)))
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

// seedsHere is how many seeds of each family are searched: fewer where that is slow.
func seedsHere() int {
	switch {
	case raced:
		return 5
	case testing.Short():
		return 20
	}
	return 100
}

func TestSyntheticGatewaysLieInsideTheirIntervals(t *testing.T) {
	seeds := seedsHere()
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
	table := tableHead + strings.Join(rows, "\n") + "\n"
	t.Log("\n" + table)
	if *update && seeds == 100 {
		if err := os.WriteFile("testdata/synthetic.md", []byte(table), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const tableHead = `| of 100 seeds each | truth inside | found | trials | of them full | time | longest | width |
| --- | --- | --- | --- | --- | --- | --- | --- |
`

// An interval half as wide would not be honest, and the suite would say so.
func TestSyntheticGatewaysCatchAnIntervalHalfAsWide(t *testing.T) {
	if raced {
		t.Skip("five seeds say nothing of it")
	}
	seeds, caught, asked := seedsHere(), 0, 0
	for _, f := range families() {
		if !strings.HasPrefix(f.name, "noise 3 %") && !strings.HasPrefix(f.name, "noise 5 %") {
			continue
		}
		asked++
		if tallyOf(f, seeds, func(s *Search) { s.margin = 0.5 }).inside < seeds*95/100 {
			caught++
		}
	}
	if caught < 6 {
		t.Errorf("%d of %d families caught an interval half as wide, want 6 or more", caught, asked)
	}
}

// The rate that is expected to narrow most needs no more trials than taking turns on both
// sides of the median.
func TestLeastWidthAgainstTakingTurns(t *testing.T) {
	if raced {
		t.Skip("five seeds say nothing of it")
	}
	turns := func(p *posterior, most float64) float64 {
		return min(roundNear(p.quantile([]float64{0.3, 0.7}[p.taken%2])), most)
	}
	f := like("noise 1 %", 3e3, 3e5, .01, nil)
	seeds := seedsHere()
	with := tallyOf(f, seeds, nil)
	without := tallyOf(f, seeds, func(s *Search) { s.choose = turns })
	t.Logf("expected width: %s\ntaking turns: %s", with.row(), without.row())
	if with.found < without.found {
		t.Errorf("found %d of %d, and %d by taking turns", with.found, seeds, without.found)
	}
}
