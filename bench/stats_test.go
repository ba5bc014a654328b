package main

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSpreadOf(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want spread
		ok   bool
	}{
		{nil, spread{}, false},
		{[]float64{math.NaN(), 1}, spread{}, false},
		{[]float64{1, math.Inf(1)}, spread{}, false},
		{[]float64{3}, spread{3, 3, 3, 1}, true},
		{[]float64{4, 1}, spread{2.5, 1, 4, 2}, true},
		{[]float64{9, 1, 2}, spread{2, 1, 9, 3}, true},
		{[]float64{4, 3, 2, 1}, spread{2.5, 1, 4, 4}, true},
	} {
		got, ok := spreadOf(c.in)
		if diff := cmp.Diff(c.want, got); diff != "" || ok != c.ok {
			t.Errorf("spreadOf(%v) = %v, %v (-want +got):\n%s", c.in, got, ok, diff)
		}
	}
}

// costing is a sample whose sender used so many CPU seconds for a million spans.
func costing(name string, round int, cpu float64) sample {
	return sample{Case: name, Round: round, Spans: 1e6, Send: usage{CPU: cpu}}
}

func TestRatioPairsRounds(t *testing.T) {
	r := results{}
	for _, s := range []sample{
		costing("a", 1, 10), costing("b", 1, 2), // 5
		costing("a", 2, 30), costing("b", 2, 10), // 3: both were slow
		costing("a", 3, 99),                    // no b in this round
		costing("a", 4, 8), costing("b", 4, 2), // 4
	} {
		r.add(s)
	}
	got, ok := r.ratio("a", sending, "b", sending)
	if want := (spread{4, 3, 5, 3}); !ok || got != want {
		t.Errorf("ratio(a, b) = %v, %v, want %v", got, ok, want)
	}
	if got, ok := r.ratio("a", receiving, "b", receiving); ok {
		t.Errorf("ratio of what nobody measured = %v", got)
	}
	if got, ok := r.ratio("a", sending, "c", sending); ok {
		t.Errorf("ratio to a case that did not run = %v", got)
	}
}

func TestLearn(t *testing.T) {
	var s saturation
	for _, step := range []struct{ rate, unsent, ask float64 }{
		{100, 0, 150},                 // all was sent: more
		{400, 0.5, 220},               // 200 can be had
		{220, 0.5, 220},               // a bad moment is no news
		{220, 0.01, 330},              // all but a hiccup was sent
		{330, 0.2, 330 * 0.8 * 1.1},   // 264 can be had
		{290.4, 0.1, 330 * 0.8 * 1.1}, // less than before
	} {
		s.learn(step.rate, step.unsent)
		if math.Abs(s.ask-step.ask) > 1e-9 {
			t.Errorf("after learn(%v, %v) ask %v, want %v", step.rate, step.unsent, s.ask, step.ask)
		}
	}
}

func TestJudge(t *testing.T) {
	marks := func(r results) map[string]string {
		all := map[string]string{}
		for _, j := range judge(r) {
			all[j.What] = j.Mark
		}
		return all
	}
	const against, cheaper = "load generator against sending raw TCP", "load generator cheaper than pdata client"
	for what, mark := range marks(results{}) {
		if mark != notMeasured {
			t.Errorf("nothing was measured, and %q is marked %s", what, mark)
		}
	}
	for _, c := range []struct {
		floor, ours, pdata     float64
		wantFloor, wantCheaper string
	}{
		{1, 1.8, 16.2, passed, passed}, // both on the border
		{1, 1.7, 1, passed, failed},
		{1, 2, 100, failed, passed},
	} {
		r := results{}
		r.add(costing(floorCase, 1, c.floor))
		r.add(costing(loadgenCase, 1, c.ours))
		r.add(costing("pdata"+usual, 1, c.pdata))
		got := marks(r)
		if got[against] != c.wantFloor || got[cheaper] != c.wantCheaper {
			t.Errorf("judge(floor %v, ours %v, pdata %v) = %s, %s, want %s, %s", c.floor, c.ours, c.pdata,
				got[against], got[cheaper], c.wantFloor, c.wantCheaper)
		}
	}
}
