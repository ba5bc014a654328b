package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/suite"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// runVariants runs every variant and tells how they compare.
func (o *runOptions) runVariants(cmd *cobra.Command, all *several) error {
	s := suite.Suite{
		Name: all.Name, Description: all.Description, Kind: suite.Variants,
		Created: time.Now().UTC(), Tool: tool(),
		Command: commandLine(),
	}
	for _, v := range all.Variants {
		s.Parts = append(s.Parts, suite.Part{
			Name: v.Name, Description: v.Description, Settings: v.Settings, Plan: v.Plan,
		})
	}
	say := cmd.ErrOrStderr()
	if o.quiet {
		say = io.Discard
	}
	run := func(_ context.Context, p suite.Part, dir string) error {
		n := slices.IndexFunc(s.Parts, func(other suite.Part) bool { return other.Name == p.Name })
		t := task{plan: p.Plan, label: fmt.Sprintf("%d/%d %s", n+1, len(s.Parts), p.Name)}
		t.create = func(h record.Header, _ time.Time) (*record.Log, error) {
			return record.CreateIn(dir, h)
		}
		_, err := o.trial(cmd, t)
		return err
	}
	c, err := s.Run(cmd.Context(), o.results, run, suite.Options{
		Begun: func(dir string) {
			fmt.Fprintf(say, "%s: %d variants, one after the other, into %s\n", s.Name, len(s.Parts), dir)
		},
		Told: func(p suite.Part, r report.Summary) {
			fmt.Fprintf(say, "%s: %s: %s\n", p.Name, r.Outcome, r.Reason)
		},
	})
	if err != nil {
		return err
	}
	if err := tellComparison(cmd.OutOrStdout(), o.output, c); err != nil {
		return err
	}
	return o.leave(cmd, c.ExitCode)
}

func tellComparison(w io.Writer, output string, c report.Comparison) error {
	if output == "json" {
		return report.ComparisonJSON(w, c)
	}
	return report.ComparisonText(w, c)
}

// judgeSuite judges every record of a suite again.
func judgeSuite(w io.Writer, dir, output string) error {
	c, err := suite.Compare(dir)
	if err != nil {
		return err
	}
	type judged struct {
		Name    string           `json:"name"`
		Record  string           `json:"record"`
		Error   string           `json:"error,omitempty"`
		Verdict *verdict.Verdict `json:"verdict,omitempty"`
	}
	var all []judged
	for _, p := range c.Parts {
		j := judged{Name: p.Name, Record: p.Record, Error: p.Error}
		r, err := record.Open(filepath.Join(dir, filepath.FromSlash(p.Record)))
		if err == nil {
			j.Verdict = new(verdict.Judge(r))
		} else if j.Error == "" {
			j.Error = p.Sentence
		}
		all = append(all, j)
	}
	if output == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		err := e.Encode(struct {
			Outcome  verdict.Outcome `json:"outcome"`
			ExitCode int             `json:"exit_code"`
			Reason   string          `json:"reason"`
			Parts    []judged        `json:"parts"`
		}{c.Outcome, c.ExitCode, c.Reason, all})
		if err != nil {
			return err
		}
		return told(c.ExitCode)
	}
	for _, j := range all {
		fmt.Fprintf(w, "%s (%s)\n", j.Name, j.Record)
		if j.Verdict == nil {
			fmt.Fprintf(w, "%s\n\n", j.Error)
			continue
		}
		writeVerdict(w, *j.Verdict)
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "all: %s, exit code %d: %s\n", c.Outcome, c.ExitCode, c.Reason)
	return told(c.ExitCode)
}
