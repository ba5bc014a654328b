package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/baselines"
	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/suite"
)

// defaultBaselines is the folder for baselines, in the working directory.
const defaultBaselines = "baselines"

// A baselineOptions is where and as what a capacity is to be kept.
type baselineOptions struct{ name, dir string }

func (o *baselineOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.name, "save-baseline", "", "keep what is found as the baseline `name`; of "+
		"a matrix each cell as name-CPU-MEMORY")
	cmd.Flags().StringVar(&o.dir, "baselines", defaultBaselines, "`folder` that baselines are kept in")
}

// check is said before anything is searched.
func (o *baselineOptions) check() error {
	if o.name == "" {
		return nil
	}
	if err := baseline.CheckName(o.name); err != nil {
		return usage(fmt.Errorf("--save-baseline: %w", err))
	}
	return nil
}

// save keeps a capacity under a name, where any was asked for, and says so. What is no
// claim is not kept: the error says why, and the exit code is that of an invalid trial.
func (o *baselineOptions) save(cmd *cobra.Command, c report.Capacity, name string) error {
	if o.name == "" {
		return nil
	}
	b, err := suite.BaselineOf(c, name)
	if err != nil {
		return &exit{code: exitInvalid, err: err}
	}
	word := "kept as"
	if _, err := os.Stat(baseline.Path(o.dir, name)); err == nil {
		word = "kept in place of"
	}
	if err := baseline.Write(o.dir, b); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s %s\n", word, baseline.Path(o.dir, name))
	return nil
}

// keep is save of the one capacity that was asked for.
func (o *baselineOptions) keep(cmd *cobra.Command, c report.Capacity) error {
	return o.save(cmd, c, o.name)
}

func baselinesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "baselines",
		Short: "List and show measured capacities",
		Long: `A baseline is a capacity that was measured and kept: capacity --save-baseline NAME writes one.
Those of the folder baselines are shown where there is one, else those that the program carries.`,
	}
	cmd.AddCommand(baselinesListCommand(), baselinesShowCommand(), baselinesTableCommand())
	return cmd
}

// baselinesFlag adds the folder whose baselines are meant.
func baselinesFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "baselines", "", "`folder` of the baselines (default baselines, where "+
		"there is one, else those that the program carries)")
}

// knownBaselines are the baselines of a folder or, where none is named, of the usual one, or
// those that the program carries; from says which.
func knownBaselines(dir string) (all []baseline.Baseline, from string, err error) {
	if dir == "" {
		if _, err := os.Stat(defaultBaselines); errors.Is(err, fs.ErrNotExist) {
			all, err = baselines.All()
			return all, "the program", err
		}
		dir = defaultBaselines
	} else if _, err := os.Stat(dir); err != nil {
		return nil, dir, usage(fmt.Errorf("--baselines: %w", err))
	}
	all, err = baseline.List(dir)
	return all, dir, err
}

func baselinesListCommand() *cobra.Command {
	var output, dir string
	cmd := &cobra.Command{
		Use: "list", Short: "List baselines", Args: cobra.NoArgs,
		RunE: command(func(cmd *cobra.Command, _ []string) error {
			all, from, err := knownBaselines(dir)
			if err != nil {
				return err
			}
			if output == "json" {
				return report.BaselinesJSON(cmd.OutOrStdout(), all)
			}
			if len(all) == 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "no baseline in %s\n", from)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tCPU\tMEMORY\tSPANS/S\tFROM\tTO\tMEASURED\tCOLLECTOR")
			for _, b := range all {
				fmt.Fprintf(w, "%s\t%v\t%v\t%.0f\t%.0f\t%.0f\t%s\t%s\n", b.Name, b.Gateway.CPULimit,
					b.Gateway.MemoryLimit, b.Capacity.Estimate, b.Capacity.Low, b.Capacity.High,
					b.Measured.UTC().Format(time.DateOnly), b.Collector.Headline)
			}
			return w.Flush()
		}),
	}
	baselinesFlag(cmd, &dir)
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

func baselinesShowCommand() *cobra.Command {
	var output, dir string
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Tell one baseline, with its trials", Args: cobra.ExactArgs(1),
		RunE: command(func(cmd *cobra.Command, args []string) error {
			all, from, err := knownBaselines(dir)
			if err != nil {
				return err
			}
			i := slices.IndexFunc(all, func(b baseline.Baseline) bool { return b.Name == args[0] })
			if i < 0 {
				return usage(fmt.Errorf("show baseline: found no %q in %s, %s", args[0], from, oneOf(all)))
			}
			if output == "json" {
				return report.BaselinesJSON(cmd.OutOrStdout(), all[i:i+1])
			}
			return report.BaselineText(cmd.OutOrStdout(), all[i])
		}),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			all, _, err := knownBaselines(dir)
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			return baselineNames(all), cobra.ShellCompDirectiveNoFileComp
		},
	}
	baselinesFlag(cmd, &dir)
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

func baselineNames(all []baseline.Baseline) (names []string) {
	for _, b := range all {
		names = append(names, b.Name)
	}
	return names
}

// oneOf says what would be right in place of a name that is none.
func oneOf(all []baseline.Baseline) string {
	if len(all) == 0 {
		return "which has no baseline"
	}
	return "want one of " + strings.Join(baselineNames(all), ", ")
}

func baselinesTableCommand() *cobra.Command {
	var output, dir string
	cmd := &cobra.Command{
		Use:   "table",
		Short: "Lay baselines beside each other",
		Long: `Table lays beside each other what can be compared: baselines of one collector, on one host, under
one workload. Its markdown is docs/baselines.md.`,
		Args: cobra.NoArgs,
		RunE: command(func(cmd *cobra.Command, _ []string) error {
			all, _, err := knownBaselines(dir)
			if err != nil {
				return err
			}
			return report.BaselineFormats[output](cmd.OutOrStdout(), all)
		}),
	}
	baselinesFlag(cmd, &dir)
	outputFlag(cmd, &output, "text", "json", "markdown")
	return cmd
}
