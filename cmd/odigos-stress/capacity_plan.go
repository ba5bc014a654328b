package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/suite"
)

// describeSearch tells what a search would do: its times, and the plan of its first trial at the
// edge.
func describeSearch(w io.Writer, c *suite.Capacity, output string) error {
	s := *c.Asked.Search
	first, err := c.Plan(c.Asked.TrialAt(s.From, s.Duration))
	if err != nil {
		return err
	}
	if output == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Search *scenario.Search `json:"search"`
			Plan   plan.Plan        `json:"plan"`
		}{&s, first})
	}
	once := time.Duration(s.WarmUp + s.Duration)
	fmt.Fprintf(w, `the highest rate that %s holds
  begins       at %s spans/s, and goes up to %s
  precision    ±%s
  each trial   %s of warm-up, then measured: short %s, full %s, long %s
  budget       %s, at most %d full trials; no trial is begun that would go beyond it

The first full trial:

`, c.Name, s.From, s.UpTo, s.Precision, s.WarmUp, s.Probe, s.Duration, s.Confirm,
		s.Budget, int(time.Duration(s.Budget)/once))
	return first.WriteText(w)
}
