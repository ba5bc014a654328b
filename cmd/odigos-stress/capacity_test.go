package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/suite"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// A line before each trial says what and why, a line after it what was seen and what is known.
func TestSearchingTells(t *testing.T) {
	asked, err := scenario.Scenario{Name: "custom"}.Searched()
	if err != nil {
		t.Fatal(err)
	}
	c := &suite.Capacity{
		Name: "custom", Asked: asked, Spec: suite.SpecOf(*asked.Search),
		Collector: record.Collector{Headline: "otelcol 0.157.0"}, Trials: []suite.Tried{{}, {}},
	}
	resolved, err := asked.TrialAt(15200, asked.Search.Duration).Resolved()
	if err != nil {
		t.Fatal(err)
	}
	p := suite.Part{Plan: plan.Plan{Scenario: resolved}}
	tell := func(quiet bool) string {
		var b strings.Builder
		v := newSearching(&b, c, quiet)
		v.begin("results/x")
		v.trying(7, p, search.Try{Rate: 15200, Length: search.Full, Why: "half-way"})
		v.tried(report.CapacityTrial{Holding: verdict.Holding{
			Result: search.Broke, Why: "it broke",
			Breaks: []verdict.Break{{Text: "CPU 0.48 cores of 0.50 (96 %) from 0:08."}},
		}}, search.Answer{Low: 14900, High: 15600}, 151*time.Second)
		v.tried(report.CapacityTrial{Holding: verdict.Holding{Result: search.Held, Why: "all held"}},
			search.Answer{Low: 14900}, 180*time.Second)
		v.tried(report.CapacityTrial{Error: "start gateway: no such file"}, search.Answer{}, 0)
		return b.String()
	}
	want := `custom: otelcol 0.157.0
looking for the highest rate that holds, within ±3%, in at most 10m; into results/x
going on after 2 trials
 7  15.2k spans/s, full (3s + 20s): half-way
    broke: CPU 0.48 cores of 0.50 (96 %) from 0:08; edge 14.9k–15.6k; 2:31 of 10:00
    held: all held; edge above 14.9k; 3:00 of 10:00
    none: start gateway: no such file
`
	if diff := cmp.Diff(want, tell(false)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if got := tell(true); got != "" {
		t.Errorf("told %q when quiet", got)
	}
}

// Inside a search a trial tells nothing by itself where there is no terminal.
func TestProgressInsideSearch(t *testing.T) {
	var b strings.Builder
	v := newProgress(&b, plan.Plan{}, false)
	v.inside = true
	v.begin("results/x")
	v.sample(record.Sample{At: time.Unix(100, 0)}, []verdict.Finding{{Check: "cpu", Text: "CPU full"}})
	v.died(record.Death{Kind: record.DeathOOM}, 1)
	v.end()
	if b.String() != "" {
		t.Errorf("told %q", b.String())
	}
}

func TestFurther(t *testing.T) {
	spec := search.Spec{Budget: 10 * time.Minute}
	for _, c := range []struct {
		of   report.Capacity
		want string
	}{
		{report.Capacity{Answer: search.Answer{Standing: search.Found}}, ""},
		{report.Capacity{Answer: search.Answer{Standing: search.Stopped}, ExitCode: 4}, ""},
		{
			report.Capacity{Answer: search.Answer{Standing: search.Wide}, Spec: spec, Dir: "d"},
			"to go on: odigos-stress capacity --resume d --budget 20m",
		},
		{
			report.Capacity{Interrupted: "SIGINT", ExitCode: 130, Dir: "d"},
			"to go on: odigos-stress capacity --resume d",
		},
		{
			report.Capacity{ExitCode: 1, Dir: "d"},
			"to go on: odigos-stress capacity --resume d",
		},
	} {
		if got := further(c.of); got != c.want {
			t.Errorf("further(%s, %d) = %q; want %q", c.of.Answer.Standing, c.of.ExitCode, got, c.want)
		}
	}
}

// Trials of two collectors, or of two machines, are no one answer.
func TestResumeRefusesMixing(t *testing.T) {
	was := record.Collector{Name: "otelcol", Version: "1", Program: "/a", SHA256: "aa"}
	if err := sameCollector(was, gateway.Collector{Name: "other", SHA256: "aa"}); err != nil {
		t.Errorf("the same binary is refused: %v", err)
	}
	err := sameCollector(was, gateway.Collector{Name: "otelcol", Version: "2", Path: "/b", SHA256: "bb"})
	if err == nil || !strings.Contains(err.Error(), "sha256 bb") || !strings.Contains(err.Error(), "sha256 aa") {
		t.Errorf("another binary: %v; want both", err)
	}
	here := record.Machine{OS: "linux", Kernel: "6.1", CPUModel: "A", Cores: 2, Load1: 0.1}
	busy := here
	busy.Load1 = 3
	if err := sameMachine(here, busy); err != nil {
		t.Errorf("the same machine is refused: %v", err)
	}
	larger := here
	larger.Cores = 4
	if err := sameMachine(here, larger); err == nil || !strings.Contains(err.Error(), "A, 4 cores") ||
		!strings.Contains(err.Error(), "A, 2 cores") {
		t.Errorf("another machine: %v; want both", err)
	}
}
