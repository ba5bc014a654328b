package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

func judgeCommand() *cobra.Command {
	var output, results string
	cmd := &cobra.Command{
		Use:   "judge [RECORD]",
		Short: "Judge a record again, from what is on disk alone",
		Long: `Judge holds a record against its scenario's thresholds again and prints the findings. It needs no
gateway and no cluster. Without an argument it takes results/latest.`,
		Args: cobra.MaximumNArgs(1),
		RunE: command(func(cmd *cobra.Command, args []string) error {
			r, err := openRecord(results, args)
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
			for _, f := range v.Findings {
				fmt.Fprintf(cmd.OutOrStdout(), "%-11s  %s: %s\n", f.Severity, f.Check, f.Text)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "outcome: %s, exit code %d: %s\n",
				v.Outcome, v.ExitCode, v.Reason)
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
			r, err := openRecord(results, args)
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

func openRecord(results string, args []string) (*record.Record, error) {
	if len(args) > 0 {
		return record.Open(args[0])
	}
	return record.OpenLatest(results)
}
