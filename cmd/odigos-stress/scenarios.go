package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/scenarios"
)

func scenariosCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "scenarios", Short: "List, show and validate scenarios"}
	cmd.AddCommand(scenariosListCommand(), scenariosShowCommand(), scenariosValidateCommand(),
		&cobra.Command{
			Use: "schema", Short: "Print the JSON Schema of scenario files", Args: cobra.NoArgs,
			RunE: command(func(cmd *cobra.Command, _ []string) error {
				_, err := cmd.OutOrStdout().Write(scenarios.Schema())
				return err
			}),
		})
	return cmd
}

func scenariosListCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "list", Short: "List the scenarios that are built in", Args: cobra.NoArgs,
		RunE: command(func(cmd *cobra.Command, _ []string) error {
			all, err := resolvedScenarios()
			if err != nil {
				return err
			}
			if output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tPATTERN\tSPANS/S\tDURATION\tVARIANTS\tDESCRIPTION")
			for _, r := range all {
				fmt.Fprintf(w, "%s\t%s\t%v\t%v\t%s\t%s\n", r.Name, r.Load.Pattern, r.Load.Rate,
					time.Duration(r.Timing.Duration), variantsText(r), r.Description)
			}
			return w.Flush()
		}),
	}
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// resolvedScenarios are the scenarios that are built in, with every default filled in.
func resolvedScenarios() ([]scenario.Scenario, error) {
	all, err := scenarios.All()
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i], err = resolvedFirst(all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// resolvedFirst is the scenario with every default filled in; of variants the first, which
// stands for all of them, under the scenario's own name.
func resolvedFirst(s scenario.Scenario) (scenario.Scenario, error) {
	if len(s.Variants) == 0 {
		return s.Resolved()
	}
	first, err := s.Variant(s.Variants[0].Name, nil)
	if err == nil {
		first, err = first.Resolved()
	}
	first.Name, first.Description, first.Variants = s.Name, s.Description, s.Variants
	return first, err
}

func variantsText(s scenario.Scenario) string {
	if len(s.Variants) == 0 {
		return "–"
	}
	return strings.Join(s.VariantNames(), ", ")
}

func scenariosShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Print a built-in scenario's file", Args: cobra.ExactArgs(1),
		ValidArgsFunction: completeScenarios,
		RunE: command(func(cmd *cobra.Command, args []string) error {
			data, err := scenarios.File(args[0])
			if err != nil {
				return usage(err)
			}
			_, err = cmd.OutOrStdout().Write(data)
			return err
		}),
	}
}

func scenariosValidateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "validate FILE...", Short: "Check scenario files, and say where they are wrong",
		Args: cobra.MinimumNArgs(1),
		RunE: command(func(cmd *cobra.Command, args []string) error {
			var errs []error
			for _, name := range args {
				if err := validate(name); err != nil {
					errs = append(errs, err)
					continue
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: valid\n", name)
			}
			return usage(errors.Join(errs...))
		}),
	}
}

func validate(name string) error {
	s, err := readScenario(name)
	if err != nil {
		return err
	}
	all := []scenario.Scenario{s}
	if len(s.Variants) > 0 {
		all = nil
	}
	for _, v := range s.Variants {
		one, err := s.Variant(v.Name, nil)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, one)
	}
	for _, one := range all {
		if _, err = one.Resolved(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
