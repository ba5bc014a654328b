package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/env/local"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

func doctorCommand() *cobra.Command {
	var output, collectorBin string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine can enforce and measure, what is missing, and the remedy",
		Args:  cobra.NoArgs,
		RunE: command(func(cmd *cobra.Command, _ []string) error {
			all := local.Capabilities(cmd.Context(), local.Options{})
			all = append(all, collectorCapability(cmd, collectorBin), imagesCapability())
			if output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
			}
			for _, c := range all {
				mark := "ok     "
				if !c.OK {
					mark = "missing"
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s  %s: %s\n", mark, c.Name, c.Found)
				if c.Remedy != "" {
					fmt.Fprintf(cmd.OutOrStdout(), "         remedy: %s\n", c.Remedy)
				}
			}
			return needed(all)
		}),
	}
	cmd.Flags().StringVar(&collectorBin, "collector-bin", "", "the collector to test, a path or a name on PATH")
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// needed fails when a trial's verdict would suffer: no collector, or limits that are
// not enforced. The rest is good to know.
func needed(all []env.Capability) error {
	var missing []string
	for _, c := range all {
		if !c.OK && slices.Contains([]string{"collector", "limit-cpu", "limit-memory"}, c.Name) {
			missing = append(missing, c.Name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("a trial here cannot be whole: missing %s", strings.Join(missing, ", "))
	}
	return nil
}

// collectorCapability tells which collector run would take.
func collectorCapability(cmd *cobra.Command, named string) env.Capability {
	c := env.Capability{Name: "collector"}
	found, err := findCollector(cmd.Context(), scenario.Gateway{Kind: scenario.GatewayOdigos}, named)
	if err != nil {
		c.Found, c.Remedy = err.Error(), "make build, or name one with --collector-bin PATH"
		return c
	}
	c.OK, c.Found = true, fmt.Sprintf("%s %s at %s", found.Name, found.Version, found.Path)
	return c
}

func cleanupCommand() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "cleanup",
		Short: "Remove what a killed run may have left: processes, cgroups, folders",
		Args:  cobra.NoArgs,
		RunE: command(func(cmd *cobra.Command, _ []string) error {
			left, err := local.Cleanup(cmd.Context(), local.Options{}, dryRun)
			verb := "removed"
			if dryRun {
				verb = "would remove"
			}
			for _, l := range left {
				fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", verb, l)
			}
			if len(left) == 0 && err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), "nothing was left behind")
			}
			return errors.Join(err)
		}),
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say what is there")
	return cmd
}
