package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// An asked is one of the trials that a question asks for.
type asked struct {
	variant  scenario.Variant // zero where the scenario has none
	scenario scenario.Scenario
}

// A planned is the same with nothing left to decide.
type planned struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Settings    []string  `json:"set,omitempty"`
	Plan        plan.Plan `json:"plan"`
}

// A several is what a scenario with variants asks for.
type several struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Variants    []planned `json:"variants"`
}

// variantFlag adds --variant.
func (q *question) variantFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&q.variant, "variant", "", "of a scenario with variants, that `name` alone")
	_ = cmd.RegisterFlagCompletionFunc("variant", // fails only for an unknown flag
		func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			s, err := readScenario(args[0])
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			return s.VariantNames(), cobra.ShellCompDirectiveNoFileComp
		})
}

// trials are the trials of a gateway that the scenario which args name asks for: one, or
// one a variant. The gateway may be one of the cluster, in place of the scenario's.
func (q *question) trials(
	ctx context.Context, args []string,
) (whole scenario.Scenario, all []asked, err error) {
	if whole, err = readNamed(args); err != nil {
		return whole, nil, err
	}
	if whole, err = q.aim(ctx, whole); err != nil {
		return whole, nil, err
	}
	all, err = q.each(whole)
	return whole, all, err
}

// readNamed is the scenario that args name. Errors are the user's.
func readNamed(args []string) (scenario.Scenario, error) {
	name := "custom"
	if len(args) > 0 {
		name = args[0]
	}
	whole, err := readScenario(name)
	return whole, usage(err)
}

// each are the trials of a scenario, with the flags laid over each. Errors are the user's.
func (q *question) each(whole scenario.Scenario) (all []asked, err error) {
	lay, origins := q.laid()
	lay = q.overTarget(lay)
	if len(whole.Variants) == 0 && q.variant == "" {
		s, err := q.asserting(whole.With(lay))
		return []asked{{scenario: s}}, usage(q.hint(byOrigin(err, origins)))
	}
	names := whole.VariantNames()
	if q.variant != "" {
		names = []string{q.variant}
	}
	var errs []error
	for _, name := range names {
		s, err := q.asserting(whole.Variant(name, lay))
		if err != nil {
			errs = appendNew(errs, byOrigin(err, origins))
			continue
		}
		for _, v := range whole.Variants {
			if v.Name == name {
				all = append(all, asked{v, s})
			}
		}
	}
	return all, usage(q.hint(errors.Join(errs...)))
}

// asserting adds the assertions of the flags to a scenario that was read without error.
func (q *question) asserting(s scenario.Scenario, err error) (scenario.Scenario, error) {
	if err != nil {
		return s, err
	}
	return s.Asserting(q.assert)
}

// appendNew adds an error that is not there yet: variants share most of their mistakes.
func appendNew(errs []error, err error) []error {
	for _, e := range errs {
		if e.Error() == err.Error() {
			return errs
		}
	}
	return append(errs, err)
}

// read is the one trial that is asked for. Of variants it is the first where all send the
// same load: what only sends load asks for no more.
func (q *question) read(args []string) (scenario.Scenario, error) {
	whole, err := readNamed(args)
	if err != nil {
		return scenario.Scenario{}, err
	}
	all, err := q.each(whole)
	if err != nil {
		return scenario.Scenario{}, err
	}
	first := all[0].scenario
	for _, other := range all[1:] {
		if !reflect.DeepEqual(first.Load, other.scenario.Load) ||
			!reflect.DeepEqual(first.Timing, other.scenario.Timing) {
			return scenario.Scenario{}, usage(fmt.Errorf("the variants of %s differ in their load: "+
				"choose one with --variant: %s", whole.Name, strings.Join(whole.VariantNames(), ", ")))
		}
	}
	return first, nil
}

// plans finds the collectors and plans the trials that are asked for. The whole is nil
// where they are one.
func (q *question) plans(ctx context.Context, args []string) (plan.Plan, *several, error) {
	whole, all, err := q.trials(ctx, args)
	if err != nil {
		return plan.Plan{}, nil, err
	}
	if len(whole.Variants) == 0 || q.variant != "" {
		p, err := q.plan(ctx, all[0].scenario, args)
		return p, nil, err
	}
	out := &several{Name: whole.Name, Description: whole.Description}
	for _, a := range all {
		p, err := q.plan(ctx, a.scenario, args)
		if err != nil {
			return plan.Plan{}, nil, fmt.Errorf("variant %s: %w", a.variant.Name, err)
		}
		out.Variants = append(out.Variants, planned{
			a.variant.Name, a.variant.Description, a.variant.Settings(), p,
		})
	}
	return plan.Plan{}, out, nil
}

// each are the plans of all.
func (s *several) each() []plan.Plan {
	var all []plan.Plan
	for _, v := range s.Variants {
		all = append(all, v.Plan)
	}
	return all
}

// WriteText tells a reader what the trials would be, one after the other.
func (s *several) WriteText(w io.Writer) error {
	fmt.Fprintf(w, "%s: %d variants, one after the other\n", s.Name, len(s.Variants))
	for i, v := range s.Variants {
		fmt.Fprintf(w, "\nvariant %d of %d: %s\n", i+1, len(s.Variants), v.Name)
		for _, set := range v.Settings {
			fmt.Fprintf(w, "  sets %s\n", set)
		}
		fmt.Fprintln(w)
		if err := v.Plan.WriteText(w); err != nil {
			return err
		}
	}
	return nil
}
