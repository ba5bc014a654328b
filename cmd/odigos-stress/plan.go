package main

import (
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/plan"
)

func planCommand() *cobra.Command {
	var q question
	var output string
	cmd := &cobra.Command{
		Use:   "plan [SCENARIO|FILE]",
		Short: "Print what run would do, and start nothing",
		Long: `Plan prints what run would do. Of a cluster it reads what nodes there are and which gateway is
asked, and starts nothing there: the collector of an image is asked on this machine, where that can
have it, and a note says what was taken for it where not.`,
		Args: cobra.MaximumNArgs(1),
		RunE: command(func(cmd *cobra.Command, args []string) error {
			p, all, err := q.plans(cmd.Context(), args)
			if err != nil {
				return err
			}
			var planned interface{ WriteText(w io.Writer) error } = p
			if all != nil {
				planned = all
			}
			if err := tellPlan(cmd.OutOrStdout(), output, planned); err != nil {
				return err
			}
			plans := []plan.Plan{p}
			if all != nil {
				plans = all.each()
			}
			return q.place.tellChanges(cmd.Context(), cmd.ErrOrStderr(), plans...)
		}),
	}
	q.flags(cmd, loadFlags)
	q.place.startsNothing = true
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// tellPlan tells what would be run.
func tellPlan(w io.Writer, output string, planned interface{ WriteText(w io.Writer) error }) error {
	if output == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(planned)
	}
	return planned.WriteText(w)
}
