package verdict

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// Each reason of the table is somebody's, and none is that the table does not have.
func TestEveryReasonIsSomebodys(t *testing.T) {
	listed := map[Reason]bool{}
	for _, e := range Reasons() {
		listed[e.Name] = true
		c, ok := charges[e.Name]
		if !ok || c.of == 0 {
			t.Errorf("whose %s is stands nowhere: add it to charges", e.Name)
		}
		if e.Effect == Unusable && c.of != ofTool && e.Name != StillInside {
			t.Errorf("%s makes a trial invalid, and in a search it would not be void", e.Name)
		}
	}
	for name := range charges {
		if !listed[name] {
			t.Errorf("charges has %s, and the table of reasons does not", name)
		}
	}
}

// Each check has a word for what it finds wanting, or never fails a trial.
func TestEveryBreakHasAWord(t *testing.T) {
	harmless := map[string]bool{
		"completed": true, "schedule": true, "pacing": true, "backend": true, "paused": true,
		"looks": true, "clock": true, "clocks": true, "ledger": true, "limits": true, "host": true,
		"ceiling": true, "notes": true, "drain": true, "unanswered": true, "settled": true,
		"counters": true, checkBalance: true,
	}
	names := []string{"cpu", "memory"}
	for _, c := range checks {
		if c.Name != "cpu/memory" {
			names = append(names, c.Name)
		}
	}
	for _, kind := range deathChecks {
		names = append(names, kind)
	}
	for _, name := range names {
		if brokenBy[name] == "" && !harmless[name] {
			t.Errorf("check %s has no word in brokenBy", name)
		}
	}
}

// A glance at a gateway of three batch processors: what is inside is a sawtooth that beats
// with the looks, and the median of a second wanders with the phase of the requests. Both
// figures are the spread that trials of 3,000 to 18,000 spans/s showed.
type batched struct {
	looks    int
	overload float64 // share of the rate that it cannot do
}

const (
	insideSpread, insideKinship = 0.17, 0.3
	medianSpread, medianKinship = 0.07, 0.7
)

func (b batched) series(seed uint64) (left, median record.Series) {
	r := rand.New(rand.NewPCG(seed, 1))
	wander := func(spread, kinship float64) func() float64 {
		at := spread * r.NormFloat64()
		return func() float64 {
			at = kinship*at + spread*math.Sqrt(1-kinship*kinship)*r.NormFloat64()
			return at
		}
	}
	saw, phase := wander(insideSpread, insideKinship), wander(medianSpread, medianKinship)
	for i := range b.looks {
		t := float64(i)
		left.Elapsed, median.Elapsed = append(left.Elapsed, t), append(median.Elapsed, t)
		left.Values = append(left.Values, max(0, 0.45+saw()+b.overload*t))
		median.Values = append(median.Values, max(0, 0.45+phase()+b.overload*t))
	}
	return left, median
}

// Of trials without growth next to none is said to grow; of an overload of 3 % in 20 s, and
// of 20 % in 6 s, next to all are.
func TestBacklogGrowth(t *testing.T) {
	const trials = 600
	for _, c := range []struct {
		batched
		from, to float64 // of the trials, said to grow
	}{
		{batched{20, 0}, 0, 0.0005},
		{batched{6, 0}, 0, 0.0005},
		{batched{60, 0}, 0, 0.0005},
		{batched{20, 0.01}, 0, 0.05},
		{batched{20, 0.03}, 0.75, 1},
		{batched{20, 0.05}, 0.98, 1},
		{batched{60, 0.01}, 0.95, 1},
		{batched{6, 0.2}, 0.85, 1},
	} {
		grew := 0
		for seed := range uint64(trials) {
			left, median := c.series(seed)
			work, _ := newRising(left)
			wait, _ := newRising(median)
			if work.up(grewOfBatches*3*batchTimeout) && wait.up(grewOfBatches*3*batchTimeout) &&
				wait.lasts(c.looks) {
				grew++
			}
		}
		share := float64(grew) / trials
		t.Logf("%d looks, overload %s: %s", c.looks, Percent(c.overload), Percent(share))
		if share < c.from || share > c.to {
			t.Errorf("of %d trials of %d looks with an overload of %s, %s grew, want %s to %s", trials,
				c.looks, Percent(c.overload), Percent(share), Percent(c.from), Percent(c.to))
		}
	}
}
