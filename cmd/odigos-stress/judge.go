package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/suite"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

func judgeCommand() *cobra.Command {
	var output, results string
	cmd := &cobra.Command{
		Use:   "judge [RECORD]",
		Short: "Judge a record again, from what is on disk alone",
		Long: `Judge holds a record against its scenario's thresholds again and prints the findings. It needs no
gateway and no cluster. Of a suite (a scenario with variants, a search for the capacity) it judges
every record. Without an argument it takes results/latest.`,
		Args: cobra.MaximumNArgs(1),
		RunE: command(func(cmd *cobra.Command, args []string) error {
			dir, err := recordDir(results, args)
			if err != nil {
				return err
			}
			switch kind, err := kindOf(dir); {
			case err != nil:
				return err
			case kind == suite.Capacities:
				return judgeCapacity(cmd.OutOrStdout(), dir, output)
			case suite.IsMatrix(kind):
				return judgeMatrix(cmd.OutOrStdout(), dir, output)
			case kind != "":
				return judgeSuite(cmd.OutOrStdout(), dir, output)
			}
			r, err := record.Open(dir)
			if err != nil {
				return err
			}
			v := verdict.Judge(r)
			if output == "json" {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				if err := e.Encode(v); err != nil {
					return err
				}
				return told(v.ExitCode)
			}
			writeVerdict(cmd.OutOrStdout(), v)
			return told(v.ExitCode)
		}),
	}
	resultsFlag(cmd, &results)
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

func reportCommand() *cobra.Command {
	var output, results string
	cmd := &cobra.Command{
		Use:   "report [RECORD]",
		Short: "Write a record's report again, from what is on disk alone",
		Args:  cobra.MaximumNArgs(1),
		RunE: command(func(cmd *cobra.Command, args []string) error {
			dir, err := recordDir(results, args)
			if err != nil {
				return err
			}
			switch kind, err := kindOf(dir); {
			case err != nil:
				return err
			case kind == suite.Capacities:
				return reportCapacity(cmd.OutOrStdout(), dir, output)
			case suite.IsMatrix(kind):
				return reportMatrix(cmd.OutOrStdout(), dir, output)
			case kind != "":
				c, err := suite.Write(dir)
				if err != nil {
					return err
				}
				return tellComparison(cmd.OutOrStdout(), output, c)
			}
			r, err := record.Open(dir)
			if err != nil {
				return err
			}
			s, err := report.Write(r.Dir, r)
			if err != nil {
				return fmt.Errorf("write report: %w", err)
			}
			return (&runOptions{output: output}).tell(cmd.OutOrStdout(), s)
		}),
	}
	resultsFlag(cmd, &results)
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// resultsFlag adds the folder whose latest record is meant where none is named.
func resultsFlag(cmd *cobra.Command, results *string) {
	cmd.Flags().StringVar(results, "results", "results", "`folder` that records are put into")
}

// recordDir is what is to be read: a record, or a suite of them.
func recordDir(results string, args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	return record.LatestDir(results)
}

// kindOf is the kind of a suite; empty for a record.
func kindOf(dir string) (string, error) {
	if !record.IsSuite(dir) {
		return "", nil
	}
	return suite.KindOf(dir)
}

func writeVerdict(w io.Writer, v verdict.Verdict) {
	for _, f := range v.Findings {
		fmt.Fprintf(w, "%-11s  %s: %s\n", f.Severity, f.Check, f.Text)
	}
	fmt.Fprintf(w, "outcome: %s, exit code %d: %s\n", v.Outcome, v.ExitCode, v.Reason)
}
