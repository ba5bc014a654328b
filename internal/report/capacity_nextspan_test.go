package report_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

func near(a, b, share float64) bool { return math.Abs(a-b) <= share*math.Abs(b) }

// Profile seconds over the spans that arrived are µs a span, and the parts sum to the whole.
func TestNextSpan(t *testing.T) {
	n := found().Concluded().NextSpan
	below, above := n.CPU.Below, n.CPU.Above
	if !near(*below.Mean, 31e-6, 0.01) || !near(*above.Mean, 36.37e-6, 0.01) {
		t.Errorf("CPU below %g, above %g; want 31 and 36.4 µs", *below.Mean, *above.Mean)
	}
	names := [][]string{
		{"08-15100sps", "11-14900sps", "16-14800sps"}, {"06-16800sps", "09-15900sps", "13-15600sps"},
	}
	if diff := cmp.Diff(names, [][]string{below.Trials, above.Trials}); diff != "" {
		t.Errorf("trials (-want +got):\n%s", diff)
	}
	if below.Lowest != 14800 || below.Highest != 15100 || above.Missing != 1 {
		t.Errorf("below %g to %g, above without a profile %d; want 14,800, 15,100, 1 (15,400)",
			below.Lowest, below.Highest, above.Missing)
	}
	var sums [3]float64
	for _, p := range n.CPU.Parts {
		sums[0], sums[1], sums[2] = sums[0]+p.Below, sums[1]+p.Above, sums[2]+p.Difference
	}
	if !near(sums[0], *below.Mean, 1e-9) || !near(sums[1], *above.Mean, 1e-9) ||
		!near(sums[2], *n.CPU.Difference, 1e-9) {
		t.Errorf("the parts sum to %v, want %g, %g, %g", sums, *below.Mean, *above.Mean,
			*n.CPU.Difference)
	}
	if p := n.CPU.Parts[0]; p.Component != "gc" || !near(p.Difference, 5.07e-6, 0.02) {
		t.Errorf("first is %+v, want gc, +5.07 µs", p)
	}
	if got := *n.Heap.Below.Mean; !near(got, 29*trials.MiB, 1e-9) {
		t.Errorf("live heap below %g, want 29 MiB", got)
	}
	// The deviations are 0.2 and 0.306 µs over three trials each: a standard error of 0.211 µs
	// with 3.45 degrees of freedom, for which Student's t is 2.96.
	if w := *n.CPU.Parts[0].Within; !near(w, 0.625e-6, 0.01) {
		t.Errorf("the difference of gc is within %g, want 0.625 µs", w)
	}
}

func TestNextSpanText(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(*report.Capacity)
		want string
	}{
		{
			"as it is", func(*report.Capacity) {},
			"31.0 µs → 36.4 µs of CPU, below → above the edge; most of the difference: garbage collection " +
				"+5.07 µs\n",
		},
		{
			"one profile a side", func(c *report.Capacity) {
				for _, i := range []int{7, 10, 8, 5} {
					c.Trials[i].Data = nil
				}
			},
			"how much of the difference is noise is not known; most of the difference: garbage collection " +
				"+5.00 µs\n",
		},
		{
			"noise", func(c *report.Capacity) {
				c.Trials[5].Data = costing(16800, 4, 13, 20)
				c.Trials[8].Data = costing(15900, 24, 14, 20)
			},
			"a difference below 26.1 µs may be noise\n",
		},
		{
			"less above", func(c *report.Capacity) {
				c.Trials[8].Data, c.Trials[5].Data = costing(15900, 14, 4, 20), costing(16800, 14, 4.1, 20)
				c.Trials[12].Data = costing(15600, 14, 4.2, 20)
			},
			"most of the difference: garbage collection −3.90 µs\n",
		},
		{
			"none below", func(c *report.Capacity) {
				for i := range c.Trials {
					if c.Trials[i].Holding.Result == search.Held {
						c.Trials[i].Data = nil
					}
				}
			},
			"not known: none of the 3 trials that held up to 15 % below the edge has a cpu profile\n",
		},
		{
			"none above", func(c *report.Capacity) { c.Trials = c.Trials[10:11] },
			"not known: no trial broke up to 20 % above the edge\n",
		},
		{
			"no edge", func(c *report.Capacity) { c.Answer.Estimate = 0 },
			"not known: there is no estimate of the edge\n",
		},
	} {
		c := found()
		tt.set(&c)
		text := formatted(t, "text", c)
		if !strings.Contains(text, tt.want) {
			t.Errorf("%s: the text does not say %q:\n%s", tt.name, tt.want, text)
		}
	}
}

// The spans are those that arrived while the profile was taken, not those that were asked
// for; without looks, those of the measured time; behind a sampler, the acknowledged.
func TestNextSpanCountsWhatWentThrough(t *testing.T) {
	cost := func(set func(*report.CapacityTrial)) float64 {
		c := found()
		c.Trials[10].Data = nil
		c.Trials[15].Data = nil
		set(&c.Trials[7])
		mean := c.Concluded().NextSpan.CPU.Below.Mean
		if mean == nil {
			return 0
		}
		return 1e6 * *mean
	}
	half := func(actor string, m record.Metric) func(*report.CapacityTrial) {
		return func(t *report.CapacityTrial) {
			for _, s := range t.Data.Samples {
				if metrics := s.Actors[actor].Metrics; metrics != nil {
					metrics[m] /= 2
				}
			}
		}
	}
	for _, tt := range []struct {
		name string
		set  func(*report.CapacityTrial)
		want float64
	}{
		{"all arrived", func(*report.CapacityTrial) {}, 31.2},
		{"half arrived", half(record.Backend, record.BackendUnique), 62.4},
		{"no looks", func(t *report.CapacityTrial) {
			t.Data.Samples, t.Point.Arrived = nil, new(7550.0)
		}, 62.4},
		{"nothing known", func(t *report.CapacityTrial) {
			t.Data.Samples, t.Point.Arrived = nil, nil
		}, 0},
		{"behind a sampler", func(t *report.CapacityTrial) {
			half(record.Backend, record.BackendUnique)(t)
			t.Data.Header.Sampling = []string{"tail_sampling"}
		}, 31.2},
	} {
		if got := cost(tt.set); !near(got, tt.want, 0.01) {
			t.Errorf("%s: %g µs a span, want %g", tt.name, got, tt.want)
		}
	}
}

// A short trial's profile, of a second or two, counts only where there is no other.
func TestNextSpanLeavesShortTrialsOut(t *testing.T) {
	c := found()
	c.Trials[2].Data = costing(14500, 90, 8, 20)
	if got := c.Concluded().NextSpan.CPU.Below; len(got.Trials) != 3 {
		t.Errorf("below rests on %v, want the three full ones", got.Trials)
	}
	for _, i := range []int{7, 10, 11, 15} {
		c.Trials[i].Rate = 3000
	}
	if got := c.Concluded().NextSpan.CPU.Below; len(got.Trials) != 1 || got.Trials[0] != "03-14500sps" {
		t.Errorf("below rests on %v, want the short one", got.Trials)
	}
}
