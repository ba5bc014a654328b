package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// A report is everything that one run found.
type report struct {
	Machine machine `json:"machine"`
	Rounds  int     `json:"rounds"`
	Seconds float64 `json:"seconds"`
	// PaceSeconds is how long a case of pacing sends.
	PaceSeconds float64  `json:"pace_seconds"`
	Took        float64  `json:"took_seconds"` // without building
	Goals       []judged `json:"goals"`
	Failures    []string `json:"failures,omitempty"` // runs of a case that gave no sample
	Samples     []sample `json:"samples"`
	results     results
}

// measure builds what is measured and runs the cases in rounds, so that what a busy
// machine does to one case it does to its neighbours as well. A run that fails is
// noted, and the rest goes on.
func measure(ctx context.Context, s *settings, cases []benchCase, log io.Writer) (*report, error) {
	if len(cases) == 0 {
		return nil, fmt.Errorf("-case %s: no case matches (see -list)", s.only)
	}
	p, err := build(ctx, s.root, log)
	if err != nil {
		return nil, err
	}
	st, err := newStage(s, p)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(st.dir)
	r := &report{
		Machine: describe(ctx, s.root, p), Rounds: s.rounds, Seconds: s.seconds,
		PaceSeconds: s.paceSeconds, results: results{},
	}
	began := time.Now()
	for round := 1; round <= s.rounds; round++ {
		for _, c := range inTurn(cases, round) {
			if err := locked(s.lock, func() { r.one(ctx, st, c, round, log) }); err != nil {
				return nil, err
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
	}
	r.Took = time.Since(began).Round(time.Second).Seconds()
	r.Goals = judge(r.results)
	return r, nil
}

// inTurn is the order of a round: every second one goes backwards, so that no case
// always follows the same other.
func inTurn(cases []benchCase, round int) []benchCase {
	order := slices.Clone(cases)
	if round%2 == 0 {
		slices.Reverse(order)
	}
	return order
}

// one runs a case once.
func (r *report) one(ctx context.Context, st *stage, c benchCase, round int, log io.Writer) {
	got, err := c.run(ctx, st)
	fmt.Fprintf(log, "round %d/%d  %-26s ", round, r.Rounds, c.name)
	if err != nil {
		fmt.Fprintln(log, err)
		text, _, _ := strings.Cut(err.Error(), "\n")
		r.Failures = append(r.Failures, fmt.Sprintf("%s, round %d: %s", c.name, round, text))
		return
	}
	got.Case, got.Round = c.name, round
	r.results.add(got)
	r.Samples = append(r.Samples, got)
	fmt.Fprintf(log, "send %6.3f  receive %6.3f CPU-s/M  %8.3f M spans",
		got.perMillion(got.Send), got.perMillion(got.Receive), float64(got.Spans)/1e6)
	if got.Gateway.CPU > 0 {
		fmt.Fprintf(log, "  collector %.3f", got.perMillion(got.Gateway))
	}
	if got.Unsent != nil {
		fmt.Fprintf(log, "  unsent %.1f %%", *got.Unsent*100)
	}
	if strings.HasPrefix(c.name, "pace/") && got.Pace != nil {
		fmt.Fprintf(log, "  late %.0f/%.0f µs", got.Pace.P50*1e6, got.Pace.P99*1e6)
	}
	fmt.Fprintln(log)
}

// missed tells whether a goal was missed or not measured.
func (r *report) missed() bool {
	return slices.ContainsFunc(r.Goals, func(j judged) bool { return j.Mark != passed })
}
