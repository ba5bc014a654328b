package main

import (
	"strings"
	"testing"
)

// What goals and tables refer to is what runs.
func TestNamesOfCases(t *testing.T) {
	names := map[string]bool{}
	for _, c := range allCases() {
		if names[c.name] {
			t.Errorf("there are two cases %q", c.name)
		}
		names[c.name] = true
	}
	for _, r := range append(senderRows(), receiverRows()...) {
		if !names[r.name] || !names[r.floor] {
			t.Errorf("row %q refers to %q and %q: one is no case", r.what, r.name, r.floor)
		}
	}
	r := results{}
	slope := 0.0
	for name := range names {
		s := costing(name, 1, 1)
		s.Receive.CPU, s.Gateway.CPU, s.Pace = 1, 1, &pace{Slope: &slope}
		r.add(s)
	}
	for _, j := range judge(r) {
		if j.Mark == notMeasured {
			t.Errorf("all cases ran, and %q is not measured", j.What)
		}
	}
}

func TestInTurn(t *testing.T) {
	cases := []benchCase{{name: "a"}, {name: "b"}, {name: "c"}}
	for round, want := range map[int]string{1: "abc", 2: "cba", 3: "abc"} {
		var got strings.Builder
		for _, c := range inTurn(cases, round) {
			got.WriteString(c.name)
		}
		if got.String() != want {
			t.Errorf("inTurn(abc, %d) = %s, want %s", round, got.String(), want)
		}
	}
}

func TestText(t *testing.T) {
	r := &report{results: results{}, Goals: judge(results{}), Failures: []string{"sdk/b1000, round 2: no span arrived"}}
	for i, cpu := range []float64{2, 1, 3} {
		r.results.add(costing(floorCase, i, 1))
		r.results.add(costing(loadgenCase, i, cpu))
	}
	text := r.text()
	for _, want := range []string{
		"| **odigos-stress loadgen**, 1,000 a request | 2.00              | 1.00 – 3.00 | 2.00      | 1.00 – 3.00 | –      |",
		"- sdk/b1000, round 2: no span arrived\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("text() lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "| pdata client") || strings.Contains(text, "Pacing") {
		t.Errorf("text() has tables of what did not run:\n%s", text)
	}
}

func TestFigures(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.00123456: "0.00123", 0.0996: "0.0996", 0.1: "0.10", 1.234: "1.23", 12.34: "12.3", 1234: "1234",
	} {
		if got := figures(v); got != want {
			t.Errorf("figures(%v) = %s, want %s", v, got, want)
		}
	}
}
