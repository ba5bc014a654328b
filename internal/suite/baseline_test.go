package suite_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/suite"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// claim is a capacity that may be kept: a knee at 15,200 spans/s.
func claim() report.Capacity {
	h := trials.Calm().Record().Header
	c := report.Capacity{
		SchemaVersion: 1, Name: "made-up", Headline: h.Collector.Headline,
		Record: "20260314-092653_made-up_capacity", Created: begun, Finished: new(begun.Add(5 * time.Minute)),
		Tool: h.Tool, Machine: h.Machine, Enforcement: h.Enforcement, Collector: h.Collector,
		Scenario: h.Scenario, Spec: search.Spec{Precision: 0.03}, Took: 287,
		Answer: search.Answer{
			Standing: search.Found, Estimate: 15200, Low: 14900, High: 15600, Confidence: 0.95,
			Noise: 0.01, Reason: "as narrow as asked",
		},
	}
	for _, t := range []struct {
		rate   float64
		result search.Result
	}{
		{8000, search.Held},
		{32000, search.Broke},
		{16000, search.Broke},
		{15000, search.Unclear},
		{15000, search.Held},
		{14800, search.Held},
	} {
		one := report.CapacityTrial{
			Try: search.Try{Rate: t.rate}, Holding: verdict.Holding{Result: t.result},
			Point: verdict.Point{
				Rate: t.rate, Measured: 20, CPU: new(t.rate / 17000), EncodedPerSpan: new(1906.0),
				Inside: new(0.3 * t.rate),
			},
		}
		if t.result == search.Broke {
			by := "CPU"
			if t.rate > 30000 {
				by = "memory"
			}
			one.Holding.Breaks = []verdict.Break{{Check: by, By: by}}
		}
		c.Trials = append(c.Trials, one)
	}
	return c
}

func TestBaselineOf(t *testing.T) {
	c := claim()
	b, err := suite.BaselineOf(c, "made-up-1-600mi")
	if err != nil {
		t.Fatal(err)
	}
	want := baseline.Capacity{
		Estimate: 15200, Low: 14900, High: 15600, Confidence: 0.95, Noise: 0.01, Precision: 0.03,
		EncodedPerSpan: 1906, BrokeFirst: "CPU", Trials: 6, Took: 287,
	}
	if diff := cmp.Diff(want, b.Capacity); diff != "" {
		t.Errorf("capacity (-want +got):\n%s", diff)
	}
	type point struct {
		rate float64
		held bool
		cpu  float64
	}
	var got []point
	for _, p := range b.Points {
		got = append(got, point{p.Rate, p.Held, *p.CPU})
	}
	all := []point{
		{8000, true, 8000. / 17000},
		{14800, true, 14800. / 17000},
		{15000, true, 15000. / 17000},
		{16000, false, 16000. / 17000},
		{32000, false, 32000. / 17000},
	}
	if diff := cmp.Diff(all, got, cmp.AllowUnexported(point{})); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
	if b.Load.Rate != 15200 || b.Gateway.CPULimit != 1 || b.Host.Cores != 4 || b.Environment != "local" ||
		!b.Measured.Equal(*c.Finished) || b.Record != c.Record || b.Tool != c.Tool.Version {
		t.Errorf("baseline %+v", b)
	}
	// What is kept can be read again.
	dir := t.TempDir()
	if err := baseline.Write(dir, b); err != nil {
		t.Fatal(err)
	}
	again, err := baseline.Read(dir, b.Name)
	if diff := cmp.Diff(b, again); diff != "" || err != nil {
		t.Errorf("%v (-kept +read):\n%s", err, diff)
	}
}

// What is no claim is not kept, and the error says why.
func TestBaselineOfRefuses(t *testing.T) {
	for want, change := range map[string]func(c *report.Capacity){
		"found no interval, but \"stopped\"":        func(c *report.Capacity) { c.Answer = search.Answer{Standing: search.Stopped} },
		"found no interval, but \"beyond-all\"":     func(c *report.Capacity) { c.Answer = search.Answer{Standing: search.BeyondAll, Low: 15000} },
		"found no interval, but \"below-all\"":      func(c *report.Capacity) { c.Answer = search.Answer{Standing: search.BelowAll, High: 15000} },
		"found no interval, but \"under-way\"":      func(c *report.Capacity) { c.Answer.Standing = search.Underway },
		"found an interval from 12,000 to 15,600":   func(c *report.Capacity) { c.Answer.Standing, c.Answer.Low = search.Wide, 12000 },
		"found an interval from 14,900 to 0":        func(c *report.Capacity) { c.Answer.High = 0 },
		"it was interrupted by SIGINT":              func(c *report.Capacity) { c.Interrupted, c.ExitCode = "SIGINT", 130 },
		"it ended with exit code 1: no such file":   func(c *report.Capacity) { c.ExitCode, c.Reason = 1, "no such file" },
		"found 1 of 6 trials in which the tool":     func(c *report.Capacity) { c.Trials[3].Holding.Result = search.Void },
		"found 3 of 6 trials that showed nothing":   func(c *report.Capacity) { unclear(c, 0); unclear(c, 1) },
		"the CPU limit was not enforced: no cgroup": func(c *report.Capacity) { c.Enforcement.CPU, c.Enforcement.Reason = false, "no cgroup" },
		"the memory limit was not enforced":         func(c *report.Capacity) { c.Enforcement.Memory = false },
		"found no CPU limit":                        func(c *report.Capacity) { c.Scenario.Gateway.CPULimit = 0 },
		"found no memory limit":                     func(c *report.Capacity) { c.Scenario.Gateway.MemoryLimit = 0 },
		"found a CPU limit of 5 cores on a host":    func(c *report.Capacity) { c.Scenario.Gateway.CPULimit = 5 },
		"found a memory limit of 16Gi on a host":    func(c *report.Capacity) { c.Scenario.Gateway.MemoryLimit = 16 << 30 },
		"points: found none":                        func(c *report.Capacity) { c.Trials = c.Trials[3:4]; c.Trials[0].Holding.Result = "" },
		"capacity.encoded_bytes_per_span":           func(c *report.Capacity) { forget(c) },
	} {
		c := claim()
		change(&c)
		if _, err := suite.BaselineOf(c, "a"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("BaselineOf = %v; want %s", err, want)
		}
	}
	if _, err := suite.BaselineOf(claim(), "../a"); err == nil || !strings.Contains(err.Error(), "name baseline") {
		t.Errorf("BaselineOf(../a) = %v", err)
	}
}

func unclear(c *report.Capacity, i int) { c.Trials[i].Holding.Result = search.Unclear }

func forget(c *report.Capacity) {
	for i := range c.Trials {
		c.Trials[i].Point.EncodedPerSpan = nil
	}
}

// A wide answer whose ends are near enough is kept.
func TestBaselineOfWide(t *testing.T) {
	c := claim()
	c.Answer.Standing, c.Answer.Low, c.Answer.High = search.Wide, 14000, 16500
	if _, err := suite.BaselineOf(c, "a"); err != nil {
		t.Error(err)
	}
}
