package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/suite"
)

// A matrixOptions is which limits a capacity is searched within, where they are several.
type matrixOptions struct {
	axes    []string
	zip     bool
	presets bool
}

// documentedLoad is the scenario whose load is the one that Odigos documents its sizes with.
const documentedLoad = "basic-load-10k"

func (o *matrixOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.axes, "matrix", nil, "search within every pair of these limits, such as "+
		"`cpu=300m,1 memory=300Mi,600Mi`")
	cmd.Flags().BoolVar(&o.zip, "zip", false,
		"of a matrix the first with the first and so on, not every pair")
	cmd.Flags().BoolVar(&o.presets, "presets", false,
		"search within Odigos' sizes, beside what is published of them")
}

// errNoMatrix is for the limits of what has begun.
var errNoMatrix = errors.New("--resume: found --matrix, --zip or --presets too, want none: the limits " +
	"stand in the directory")

func (o *matrixOptions) asked() bool { return len(o.axes) > 0 || o.presets }

// positional tells the axes among the arguments, which --matrix lets follow it, from the
// scenario.
func (o *matrixOptions) positional(args []string) (scenarios, axes []string) {
	for _, a := range args {
		if len(o.axes) > 0 && strings.Contains(a, "=") {
			axes = append(axes, a)
		} else {
			scenarios = append(scenarios, a)
		}
	}
	return scenarios, axes
}

// args are the arguments that capacity takes.
func (o *matrixOptions) args(cmd *cobra.Command, args []string) error {
	scenarios, _ := o.positional(args)
	return cobra.MaximumNArgs(1)(cmd, scenarios)
}

// cells are those that are asked for. Errors are the user's.
func (o *capacityOptions) cells(axes []string, asked scenario.Scenario) ([]suite.Cell, error) {
	for _, flag := range []string{"cpu-limit", "memory-limit"} {
		field, _, _ := strings.Cut(flag, "-")
		beside := "--presets, which have their own"
		if !o.matrix.presets {
			beside = "an axis of " + field
			isAxis := func(a string) bool { return strings.HasPrefix(a, field+"=") }
			if !slices.ContainsFunc(axes, isAxis) {
				continue
			}
		}
		if *o.question.overrides[flag] != "" {
			return nil, usage(fmt.Errorf("--%s: found %s beside %s, want one of both", flag,
				*o.question.overrides[flag], beside))
		}
	}
	var cells []suite.Cell
	var err error
	if o.matrix.presets {
		cells, err = suite.PresetCells(!o.begins(asked))
	} else {
		cells, err = suite.CellsOf(axes, o.matrix.zip, asked)
	}
	if err != nil {
		return nil, usage(err)
	}
	for _, c := range cells {
		one, err := asked.With(c.Settings)
		if err == nil {
			_, err = one.Searched()
		}
		if err != nil {
			return nil, usage(fmt.Errorf("%s: %w", c.Name, err))
		}
		if o.baseline.name == "" {
			continue
		}
		if err := baseline.CheckName(c.BaselineName(o.baseline.name)); err != nil {
			return nil, usage(fmt.Errorf("--save-baseline: %w", err))
		}
	}
	return cells, nil
}

// begins is whether the user said at which rate a search begins.
func (o *capacityOptions) begins(asked scenario.Scenario) bool {
	return *o.question.overrides["rate"] != "" || asked.Search != nil && asked.Search.From != 0
}

// searchMatrix searches several capacities, one after the other.
func (o *capacityOptions) searchMatrix(cmd *cobra.Command, args []string) error {
	args, axes := o.matrix.positional(args)
	axes = append(slices.Clone(o.matrix.axes), axes...)
	switch {
	case o.matrix.presets && (len(axes) > 0 || o.matrix.zip):
		return usage(errors.New("--presets: found --matrix or --zip too, want one or the other"))
	case o.matrix.zip && len(axes) == 0:
		return usage(errors.New("--zip: found no --matrix, want one whose values are to be paired"))
	}
	if o.matrix.presets && len(args) == 0 {
		args = []string{documentedLoad}
	}
	asked, err := o.question.one(cmd.Context(), args)
	if err != nil {
		return err
	}
	cells, err := o.cells(axes, asked)
	if err != nil {
		return err
	}
	whole, err := asked.Searched()
	if err != nil {
		return usage(err)
	}
	found, err := o.question.subject(cmd.Context(),
		whole.TrialAt(whole.Search.From, whole.Search.Duration), args)
	if err != nil {
		return err
	}
	first, err := newSearch(whole, found, o.question.place.environment)
	if err != nil {
		return err
	}
	m := &suite.Matrix{
		Name: asked.Name, Description: asked.Description, Kind: report.MatrixKind,
		Created: first.Created, Tool: first.Tool, Command: first.Command,
		Environment: first.Environment, Machine: first.Machine,
		Collector: first.Collector, Asked: asked, GatewayConfig: first.GatewayConfig,
		Original: first.Original, Notes: first.Notes, Pods: first.Pods, Cells: cells,
	}
	if o.matrix.presets {
		m.Kind = report.PresetsKind
	}
	if len(found.host.nodes) > 0 || found.host.barred != nil {
		m.Unplaceable = found.host.unplaceable
	}
	if !o.question.place.inCluster() {
		m.Selftest, _ = lastSelftest(m.Machine, m.Created)
	}
	if o.dryRun {
		m.Prepare()
		return describeMatrix(cmd.OutOrStdout(), m, o.output)
	}
	dir, err := m.Begin(o.results)
	if err != nil {
		return err
	}
	return o.runMatrix(cmd, m, dir, found)
}

// goOnMatrix goes on with a matrix where it ended.
func (o *capacityOptions) goOnMatrix(cmd *cobra.Command, dir string) error {
	m, _, err := suite.OpenMatrix(dir)
	if err != nil {
		return usage(err)
	}
	nodes, err := m.Nodes(dir)
	if err != nil {
		return fmt.Errorf("go on with %s: %w", dir, err)
	}
	found, err := o.question.again(cmd.Context(), earlier{
		environment: m.Environment, collector: m.Collector, machine: m.Machine, nodes: nodes,
		config: m.GatewayConfig, original: m.Original, notes: m.Notes, pods: m.Pods,
	})
	if err != nil {
		return fmt.Errorf("go on with %s: %w", dir, err)
	}
	return o.runMatrix(cmd, m, dir, found)
}

// runMatrix searches what has no answer yet in dir, and tells all of it.
func (o *capacityOptions) runMatrix(
	cmd *cobra.Command, m *suite.Matrix, dir string, of subject,
) error {
	say := cmd.ErrOrStderr()
	if o.quiet {
		say = io.Discard
	}
	fmt.Fprintf(say, "%s: %d capacities, one after the other, into %s\n", m.Name, len(m.Cells), dir)
	for _, c := range m.Cells {
		if c.NotHere != "" {
			fmt.Fprintf(say, "%s is not measured: %s\n", c.Name, c.NotHere)
		}
	}
	var last report.Capacity
	refused := false
	one := func(ctx context.Context, c suite.Cell, at string) (report.Capacity, error) {
		s, err := o.cellSearch(ctx, m, c, at, last, of)
		if err != nil {
			return report.Capacity{}, err
		}
		return o.search(cmd, s, at)
	}
	found, err := m.Run(cmd.Context(), dir, one, suite.MatrixOptions{
		Again: o.more,
		Searching: func(n int, c suite.Cell) {
			fmt.Fprintf(say, "\n%d/%d  %s\n", n, len(m.Cells), c.Name)
		},
		Found: func(c suite.Cell, found report.Capacity) {
			last = found
			fmt.Fprintf(say, "%s: %s\n", c.Name, found.Concluded().Sentence)
			if found.ExitCode != exitPass {
				return
			}
			if err := o.baseline.save(cmd, found, c.BaselineName(o.baseline.name)); err != nil {
				refused = true
				fmt.Fprintf(cmd.ErrOrStderr(), "odigos-stress: %v\n", err)
			}
		},
	})
	if err != nil {
		return err
	}
	if err := tellMatrix(cmd.OutOrStdout(), o.output, found); err != nil {
		return err
	}
	if found.Interrupted != "" || found.ExitCode == exitCannotRun {
		fmt.Fprintln(cmd.ErrOrStderr(), "to go on: odigos-stress capacity --resume "+dir)
	}
	if found.ExitCode == exitPass && refused {
		return told(exitInvalid)
	}
	return told(found.ExitCode)
}

// more is whether to go on with a search that is over: its answer is wider than asked, and
// more time is given, or less is asked.
func (o *capacityOptions) more(found report.Capacity) bool {
	given := *o.question.overrides["budget"] != "" || *o.question.overrides["precision"] != ""
	return o.resume != "" && given && found.Answer.Standing == search.Wide
}

// cellSearch is the search of one cell: the one that at holds already, or a new one. It
// begins where the search before it lets one expect the edge, unless the user said where.
func (o *capacityOptions) cellSearch(
	ctx context.Context, m *suite.Matrix, c suite.Cell, at string, last report.Capacity, of subject,
) (*suite.Capacity, error) {
	if record.IsSuite(at) {
		s, _, err := suite.OpenCapacity(at)
		if err != nil {
			return nil, err
		}
		return s, o.question.goOn(ctx, s, at)
	}
	lay, origins := o.question.laid()
	if o.resume == "" {
		lay = nil // in m.Asked already
	}
	asked, err := m.Asked.With(append(slices.Clone(lay), c.Settings...))
	if err == nil {
		asked, err = asked.Searched()
	}
	if err != nil {
		return nil, usage(byOrigin(err, origins))
	}
	cpu, before := float64(c.CPU), float64(last.Scenario.Gateway.CPULimit)
	if edge := last.Answer.Estimate; edge > 0 && cpu > 0 && before > 0 && !o.begins(m.Asked) {
		asked.Search.From = min(asked.Search.UpTo, max(1, scenario.Rate(int(edge*cpu/before))))
	}
	s, err := newSearch(asked, of, o.question.place.environment)
	if err != nil {
		return nil, err
	}
	s.Name = c.BaselineName(m.Name)
	if err := os.MkdirAll(at, 0o755); err != nil {
		return nil, fmt.Errorf("begin search: %w", err)
	}
	return s, s.BeginIn(at)
}
