package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/env/kube"
	"github.com/odigos-io/odigos-stress/internal/plan"
)

// unmade names the run of manifests that no run applies: they are the same each time.
const unmade = "run"

func manifestsCommand() *cobra.Command {
	var q question
	var output string
	cmd := &cobra.Command{
		Use:   "manifests [SCENARIO|FILE]",
		Short: "Print what run would apply in a cluster, and apply nothing",
		Long: `Manifests prints the objects that run --environment kubernetes makes, in their order: the
namespace, and of each actor its pods, its Service and its files. What is only known once an
actor runs is left as run fills it in. No cluster is asked, unless its gateway is (--gateway clone
or in-place), which is read. The collector of an image is asked on this machine, where that can have
it; a note on standard error says what was taken for it where not.`,
		Example: `  odigos-stress manifests basic-load-10k
  odigos-stress manifests mine.yaml --namespace stress | kubectl diff -f -`,
		Args: cobra.MaximumNArgs(1),
		RunE: command(func(cmd *cobra.Command, args []string) error {
			if err := q.manifested(); err != nil {
				return err
			}
			whole, all, err := q.trials(cmd.Context(), args)
			if err != nil {
				return err
			}
			if len(all) > 1 {
				return usage(fmt.Errorf("%s has variants, each with manifests of its own: choose one with "+
					"--variant: %s", whole.Name, strings.Join(whole.VariantNames(), ", ")))
			}
			p, err := q.plan(cmd.Context(), all[0].scenario, args)
			if err != nil {
				return err
			}
			if err := q.place.tellChanges(cmd.Context(), cmd.ErrOrStderr(), p); err != nil {
				return err
			}
			return q.place.manifests(cmd.OutOrStdout(), p)
		}),
	}
	q.flags(cmd, loadFlags)
	q.place.offline, q.place.startsNothing = true, true
	outputFlag(cmd, &output, "yaml")
	return cmd
}

// manifested has the question be one of a cluster: no other place has manifests.
func (q *question) manifested() error {
	if f := q.flagSet.Lookup("environment"); f.Changed && !fromEnv(f) && !q.place.inCluster() {
		return usage(fmt.Errorf("--environment: found %s, which has no manifests, want %s",
			q.place.environment, onCluster))
	}
	q.place.environment = onCluster
	return nil
}

// manifests writes what would be applied for a plan.
func (o *placeOptions) manifests(w io.Writer, p plan.Plan) error {
	var text bytes.Buffer // whole or not at all
	if err := kube.Manifests(&text, o.kube(unmade), actors(p)); err != nil {
		return fmt.Errorf("print manifests: %w", err)
	}
	_, err := text.WriteTo(w)
	return err
}

// actors are those of a plan in the order in which they are started.
func actors(p plan.Plan) []env.Actor { return []env.Actor{p.Backend, p.Gateway, p.Loadgen} }

// asking is how long a server is given to say whether it would take what is shown to it.
const asking = 30 * time.Second

// try tells what would be done, and of a cluster whether it would be.
func (o *runOptions) try(cmd *cobra.Command, p plan.Plan, all *several) error {
	var planned interface{ WriteText(w io.Writer) error } = p
	plans := []plan.Plan{p}
	if all != nil {
		planned, plans = all, all.each()
	}
	err := tellPlan(cmd.OutOrStdout(), o.output, planned)
	if err != nil || !o.question.place.inCluster() {
		return err
	}
	if err := o.question.place.tellChanges(cmd.Context(), cmd.ErrOrStderr(), plans...); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), asking)
	defer cancel()
	options := o.question.place.kube(newRunID(time.Now().UTC()))
	var notes []string
	for _, p := range plans {
		said, err := kube.DryRun(ctx, options, actors(p))
		if err != nil {
			return fmt.Errorf("ask the server whether it would take the run: %w", err)
		}
		for _, n := range said {
			if !slices.Contains(notes, n) {
				notes = append(notes, n)
			}
		}
	}
	for _, n := range notes {
		fmt.Fprintf(cmd.ErrOrStderr(), "note: %s\n", n)
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "the server would take the run; nothing was started")
	return nil
}
