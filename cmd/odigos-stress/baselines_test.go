package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	made "github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// found is a capacity that may be kept.
func found() report.Capacity {
	h := made.Calm().Record().Header
	return report.Capacity{
		Name: "made-up", Record: "made-up", Created: made.Start, Tool: h.Tool, Machine: h.Machine,
		Enforcement: h.Enforcement, Collector: h.Collector, Scenario: h.Scenario,
		Answer: search.Answer{
			Standing: search.Found, Estimate: 1000, Low: 980, High: 1020, Confidence: 0.95,
		},
		Trials: []report.CapacityTrial{{
			Try: search.Try{Rate: 980}, Holding: verdict.Holding{Result: search.Held},
			Point: verdict.Point{Rate: 980, Measured: 20, EncodedPerSpan: new(1906.0)},
		}},
	}
}

func TestSaveBaseline(t *testing.T) {
	o := baselineOptions{name: "made-up", dir: t.TempDir()}
	var said bytes.Buffer
	cmd := &cobra.Command{}
	cmd.SetErr(&said)
	for _, want := range []string{"kept as ", "kept in place of "} {
		said.Reset()
		if err := o.keep(cmd, found()); err != nil || !strings.HasPrefix(said.String(), want) {
			t.Fatalf("keep = %v, said %q; want %q", err, said.String(), want)
		}
	}
	if b, err := baseline.Read(o.dir, "made-up"); err != nil || b.Capacity.Estimate != 1000 {
		t.Errorf("Read = %+v, %v", b.Capacity, err)
	}
	// What is no claim is not kept, which is the exit code of an invalid trial.
	c := found()
	c.Answer.Standing = search.BeyondAll
	o.name = "beyond"
	err := o.keep(cmd, c)
	if e, ok := err.(*exit); !ok || e.code != exitInvalid { //nolint:errorlint // the outermost says the code
		t.Errorf("keep = %v; want exit code %d", err, exitInvalid)
	}
	if all, err := baseline.List(o.dir); len(all) != 1 || err != nil {
		t.Errorf("List = %v, %v; want the first alone", all, err)
	}
	// Who did not ask for it gets none.
	if err := (&baselineOptions{dir: t.TempDir()}).keep(cmd, c); err != nil {
		t.Error(err)
	}
}
