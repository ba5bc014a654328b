package sizing_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/sizing"
)

// What our backend costs on a host of slowness 1: a span 0.8 µs, and what it does besides as
// much as 4,000 spans/s.
const (
	perSpan = 0.8
	beside  = 4000
)

func costAt(slowness, rate float64) float64 { return slowness * perSpan * (1 + beside/rate) }

// on is made as it would be measured on a host on which everything takes slowness times as
// long: the same pod holds so much less, and what it takes of memory goes with the rate.
func on(slowness float64, name string, cores, mib, low float64) baseline.Baseline {
	b := made(name, cores, mib, low/slowness)
	b.Capacity.BrokeFirst = "CPU"
	b.Capacity.HostCost = costAt(slowness, b.Capacity.Estimate)
	for i, p := range b.Points {
		b.Points[i].CPU = new(slowness * *p.CPU)
		b.Points[i].HostCost = new(costAt(slowness, p.Rate))
	}
	return b
}

// blind is a baseline without the cost of each trial.
func blind(b baseline.Baseline) baseline.Baseline {
	b.Points = slices.Clone(b.Points)
	for i := range b.Points {
		b.Points[i].HostCost = nil
	}
	return b
}

// sameSizes compares answers but for the figures of what was measured, from which they come, and
// for the last bits.
var sameSizes = cmp.Options{
	cmpopts.IgnoreFields(sizing.Source{}, "Measured", "Speed"),
	cmpopts.IgnoreFields(sizing.Trials{}, "Breaks"),
	cmpopts.EquateApprox(1e-6, 1e-9),
}

// A size is the same on whatever hosts its baselines were measured, if one of them is as
// slow as the slowest.
func TestHostsMakeNoDifference(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		slow, other := 1+r.Float64(), 1+r.Float64()
		slow, other = max(slow, other), min(slow, other)
		w := sizing.Wish{Rate: 30000 / slow, Replicas: 2, Headroom: r.Float64() * 0.2}
		small, large := on(slow, "small", 0.5, 300, 10000), on(slow, "large", 1, 600, 20300)
		want := sizes(t, w, small, large).Sizes
		for _, all := range [][]baseline.Baseline{
			{on(other, "small", 0.5, 300, 10000), large},
			{small, on(other, "large", 1, 600, 20300)},
			{on(other, "large", 1, 600, 20300), small}, // in another order
		} {
			got := sizes(t, w, all...).Sizes
			// Memory and exports go with rates that were measured, which differ.
			for _, s := range [][]sizing.Size{got, want} {
				for i := range s {
					s[i].Memory.Measured = true
				}
			}
			if diff := cmp.Diff(want, got, sameSizes); diff != "" {
				t.Fatalf("hosts of %.3f and %.3f (-want +got):\n%s", slow, other, diff)
			}
		}
	}
}

// A slower host takes more pods, by what it is slower.
func TestSlowerHost(t *testing.T) {
	w := sizing.Wish{Rate: 60000}
	a, slow := on(1, "a", 1, 600, 20000), on(1.25, "b", 2, 1200, 40000)
	s := byName(sizes(t, w, a, slow))["a"]
	if !near(s.Capacity.Low, 16000, 1e-6) || s.Replicas != 4 || !near(s.Sources[0].Factor, 0.8, 1e-6) ||
		!near(s.Sources[0].Measured.Low, 20000, 1e-9) {
		t.Errorf("beside a host that is slower by a quarter: %+v", s)
	}
	// What should break it does so on a host that is as fast as its own was.
	if !slices.Contains(s.Trials.Breaks, "24200") {
		t.Errorf("breaks: %v, want a tenth above the 22,000 that were measured", s.Trials.Breaks)
	}
	// As many cores are used at a lower rate: the target of the autoscaler stays.
	if alone := sizes(t, w, a).Sizes[0]; !near(s.Scaler.CPU, alone.Scaler.CPU, 1e-6) {
		t.Errorf("CPU target %v, alone %v", s.Scaler.CPU, alone.Scaler.CPU)
	}
	h := sizes(t, w, a, slow).Host
	if h.Baseline != "b" || !near(h.Cost, slow.Capacity.HostCost, 1e-9) || h.Beside == nil ||
		!near(*h.Beside, beside, 1e-6) || !near(h.CostAt(8000), costAt(1.25, 8000), 1e-6) {
		t.Errorf("host: %+v", h)
	}
}

// Equal hosts change nothing, though what a span costs our backend differs with the rate.
func TestEqualHosts(t *testing.T) {
	all := []baseline.Baseline{on(1.3, "a", 0.3, 300, 5000), on(1.3, "b", 1, 600, 20000)}
	got := sizes(t, sizing.Wish{Rate: 60000}, all...)
	for _, s := range got.Sizes {
		if !near(s.Sources[0].Factor, 1, 1e-9) {
			t.Errorf("%s: factor %v, want 1", s.Sources[0].Baseline, s.Sources[0].Factor)
		}
	}
	// Without the cost of each trial it cannot be told from a host's: what is measured at the
	// higher rate is taken to hold less, never more.
	got = sizes(t, sizing.Wish{Rate: 60000}, blind(all[0]), blind(all[1]))
	b := byName(got)["b"].Sources[0]
	if want := all[1].Capacity.HostCost / all[0].Capacity.HostCost; !near(b.Factor, want, 1e-9) ||
		got.Host.Beside != nil {
		t.Errorf("without costs of trials: factor %v, want %v; host %+v", b.Factor, want, got.Host)
	}
	// And equal costs change nothing then.
	same := blind(all[1])
	same.Capacity.HostCost = all[0].Capacity.HostCost
	for _, s := range sizes(t, sizing.Wish{Rate: 60000}, blind(all[0]), same).Sizes {
		if s.Sources[0].Factor != 1 {
			t.Errorf("%s: equal costs, factor %v", s.Sources[0].Baseline, s.Sources[0].Factor)
		}
	}
}

// What is not bound by its CPU, or of an unknown host, stays as it was measured.
func TestLeftAsMeasured(t *testing.T) {
	slow := on(2, "slow", 1, 600, 20000)
	for _, c := range []struct {
		change func(b *baseline.Baseline)
		factor float64
		want   string
	}{
		{func(*baseline.Baseline) {}, 0.5, ""},
		{func(b *baseline.Baseline) { b.Capacity.BrokeFirst = "memory" }, 1, "first gave way memory"},
		{func(b *baseline.Baseline) { b.Capacity.BrokeFirst = "" }, 1, "what is not known"},
		{func(b *baseline.Baseline) { b.Capacity.HostCost = 0 }, 1, "does not know what a span cost"},
		{func(b *baseline.Baseline) {
			b.Capacity.BrokeFirst, b.Capacity.Limited = "refusals", "cpu-quota"
		}, 0.5, ""},
	} {
		b := on(1, "b", 2, 1200, 40000)
		c.change(&b)
		s := byName(sizes(t, sizing.Wish{Rate: 10000}, slow, b))["b"].Sources[0]
		if !near(s.Factor, c.factor, 1e-6) || !strings.Contains(s.Left, c.want) ||
			c.want == "" && s.Left != "" {
			t.Errorf("factor %v, left %q; want %v, %q", s.Factor, s.Left, c.factor, c.want)
		}
	}
	unknown := made("a", 1, 600, 20000)
	a := sizes(t, sizing.Wish{Rate: 10000}, unknown)
	if a.Host.Cost != 0 || a.Sizes[0].Sources[0].Factor != 1 {
		t.Errorf("no costs: %+v", a.Host)
	}
}

// Scatter of 5 % in the cost of each trial moves no capacity by more than that.
func TestNoisyCosts(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 200 {
		a, b := on(1, "a", 0.3, 300, 5000), on(1, "b", 1, 600, 40000)
		for _, x := range []baseline.Baseline{a, b} {
			for i, p := range x.Points {
				x.Points[i].HostCost = new(*p.HostCost * math.Exp(0.05*r.NormFloat64()))
			}
		}
		for _, s := range sizes(t, sizing.Wish{Rate: 60000}, a, b).Sizes {
			if f := s.Sources[0].Factor; f < 0.85 || f > 1 {
				t.Fatalf("factor %v of equal hosts", f)
			}
		}
	}
}

// A pod between two gets the CPU that the larger one takes at its rate, where the straight
// line through the limits says less.
func TestCPUBetween(t *testing.T) {
	small, large := on(1, "small", 0.5, 300, 8000), on(1, "large", 1, 600, 20000)
	s := sizes(t, sizing.Wish{Rate: 14000, Replicas: 1}, small, large).Sizes[0]
	if !near(s.Limits.CPU, 0.75, 1e-9) {
		t.Errorf("half-way: %v cores, want 0.75 of the line, more than the 0.70 of the curve", s.Limits.CPU)
	}
	for i, p := range large.Points {
		large.Points[i].CPU = new(0.3 + 15e-6*p.Rate) // the lower the rate, the more a span takes
	}
	s = sizes(t, sizing.Wish{Rate: 14000, Replicas: 1}, small, large).Sizes[0]
	if !near(s.Limits.CPU, 0.85, 1e-9) { // 0.51 of 0.60 at the low end
		t.Errorf("half-way: %v cores, want 0.85, the share of the curve", s.Limits.CPU)
	}
}
