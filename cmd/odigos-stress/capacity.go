package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/suite"
)

// A capacityOptions is what capacity was asked for besides the question.
type capacityOptions struct {
	runOptions
	matrix   matrixOptions
	baseline baselineOptions
	dryRun   bool
	resume   string
	// keep, when set, is given an answer that is valid, once it has been told.
	keep func(cmd *cobra.Command, c report.Capacity) error
}

// capacityFlags stand for paths of a search. Rate and duration mean the same as elsewhere:
// where the load begins, and how long is measured.
var capacityFlags = []wellKnown{
	{"rate", "search.from", "the rate of the first trial, such as 15000 or 15k"},
	{"up-to", "search.up_to", "the highest rate that is tried"},
	{"precision", "search.precision", "how far the ends of the interval may lie from the estimate, such as 3%"},
	{"budget", "search.budget", "how long all trials may take together, such as 10m"},
	{"duration", "search.duration", "measured time of a trial at the edge, such as 20s"},
	{"warm-up", "search.warm_up", "time under load before the measured time of each trial"},
}

func capacityCommand() *cobra.Command {
	var o capacityOptions
	cmd := &cobra.Command{
		Use:   "capacity [SCENARIO|FILE]",
		Short: "Look for the highest rate that a gateway holds",
		Long: `Capacity runs trial after trial at different rates, short ones far from the edge, longer and
repeated ones at it, until it can say between which rates the edge lies: the highest rate that
the gateway holds within the scenario's thresholds. Everything goes into one directory, with the
record of each trial. Without a scenario it asks custom: a gateway of one core and 600 MiB.

Exit codes: 0 an answer (the text says which), 4 the trials showed nothing of the gateway: the tool
or the host is the limit, 1 a trial could not be run, 130/143 interrupted, after a partial report.
--resume goes on with the search of a directory, or of the latest.`,
		Example: `  odigos-stress capacity --cpu-limit 500m --memory-limit 300Mi
  odigos-stress capacity basic-load-10k --precision 5% --budget 5m
  odigos-stress capacity --resume latest --budget 20m
  odigos-stress capacity --matrix cpu=300m,1,1250m memory=300Mi,600Mi,850Mi
  odigos-stress capacity --presets --save-baseline odigos`,
		Args: o.matrix.args,
		RunE: command(o.command),
	}
	o.question.flags(cmd, capacityFlags)
	o.matrix.flags(cmd)
	o.baseline.flags(cmd)
	o.keep = o.baseline.keep
	resultsFlag(cmd, &o.results)
	cmd.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "no progress, only the ending")
	cmd.Flags().BoolVarP(&o.verbose, "verbose", "v", false, "log what happens to the terminal too")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print what would be done, and start nothing")
	cmd.Flags().StringVar(&o.resume, "resume", "", "go on with the search in `directory`, or in the latest")
	outputFlag(cmd, &o.output, "text", "json")
	return cmd
}

func (o *capacityOptions) command(cmd *cobra.Command, args []string) error {
	if err := o.baseline.check(); err != nil {
		return err
	}
	o.question.place.startsNothing = o.dryRun
	switch {
	case o.resume != "":
		return o.goOn(cmd, args)
	case o.matrix.asked() || o.matrix.zip:
		return o.searchMatrix(cmd, args)
	}
	c, err := o.question.capacity(cmd.Context(), args)
	if err != nil {
		return err
	}
	if o.dryRun {
		return describeSearch(cmd.OutOrStdout(), c, o.output)
	}
	dir, err := c.Begin(o.results)
	if err != nil {
		return err
	}
	found, err := o.search(cmd, c, dir)
	if err != nil {
		return err
	}
	return o.answer(cmd, found)
}

// capacity is the search that args ask for, with nothing left to decide but the rates.
// Errors are the user's, or say that there is no collector.
func (q *question) capacity(ctx context.Context, args []string) (*suite.Capacity, error) {
	asked, err := q.one(ctx, args)
	if err != nil {
		return nil, err
	}
	if asked, err = asked.Searched(); err != nil {
		_, origins := q.laid()
		return nil, usage(byOrigin(err, origins))
	}
	edge := asked.TrialAt(asked.Search.From, asked.Search.Duration)
	found, err := q.subject(ctx, edge, args)
	if err != nil {
		return nil, err
	}
	return newSearch(asked, found, q.place.environment)
}

// one is the scenario that args name, which must have one capacity.
func (q *question) one(ctx context.Context, args []string) (scenario.Scenario, error) {
	whole, all, err := q.trials(ctx, args)
	if err != nil {
		return scenario.Scenario{}, err
	}
	if len(whole.Variants) > 0 && q.variant == "" {
		return whole, usage(fmt.Errorf("%s has variants, each with a capacity of its own: choose one with "+
			"--variant: %s", whole.Name, strings.Join(whole.VariantNames(), ", ")))
	}
	return all[0].scenario, nil
}

// newSearch is the search of a scenario whose search is filled in.
func newSearch(
	asked scenario.Scenario, of subject, environment string,
) (*suite.Capacity, error) {
	first, err := of.plan(asked.TrialAt(asked.Search.From, asked.Search.Duration))
	if err != nil {
		return nil, err
	}
	resolved := first.Scenario
	resolved.Search = asked.Search
	return &suite.Capacity{
		Name: asked.Name, Description: asked.Description, Created: time.Now().UTC(),
		Tool: tool(), Command: commandLine(),
		Environment: environment, Machine: of.host.machine, Collector: first.Collector,
		Scenario: resolved, Asked: asked, GatewayConfig: string(of.sources.GatewayConfig),
		Original: first.Original, Notes: of.notes, Pods: of.host.pods.Understood(),
		Spec: suite.SpecOf(*asked.Search),
		Plan: of.plan,
	}, nil
}

// search makes trials in dir until the search is over.
func (o *capacityOptions) search(
	cmd *cobra.Command, c *suite.Capacity, dir string,
) (report.Capacity, error) {
	view := newSearching(cmd.ErrOrStderr(), c, o.quiet)
	view.begin(dir)
	run := func(_ context.Context, p suite.Part, at string) error {
		_, err := o.trial(cmd, task{
			plan: p.Plan, label: view.label(p), inside: true,
			create: func(h record.Header, _ time.Time) (*record.Log, error) {
				return record.CreateIn(at, h)
			},
		})
		return err
	}
	return c.Run(cmd.Context(), dir, run, suite.CapacityOptions{
		Trying: view.trying, Tried: view.tried,
	})
}

// answer tells what was found, and hands on what is worth keeping.
func (o *capacityOptions) answer(cmd *cobra.Command, c report.Capacity) error {
	if err := tellCapacity(cmd.OutOrStdout(), o.output, c); err != nil {
		return err
	}
	if c.ExitCode == exitPass && o.keep != nil {
		if err := o.keep(cmd, c); err != nil {
			return err
		}
	}
	if more := further(c); more != "" {
		fmt.Fprintln(cmd.ErrOrStderr(), more)
	}
	return told(c.ExitCode)
}

// further says how to go on with a search that could; empty where nothing is left.
func further(c report.Capacity) string {
	command := "odigos-stress capacity --resume " + c.Dir
	switch {
	case c.Interrupted != "" || c.ExitCode == exitCannotRun:
		return "to go on: " + command
	case c.Answer.Standing == search.Wide:
		return "to go on: " + command + " --budget " +
			scenario.Duration(2*c.Spec.Budget).String()
	}
	return ""
}

func tellCapacity(w io.Writer, output string, c report.Capacity) error {
	format, ok := report.CapacityFormats[output]
	if !ok {
		return fmt.Errorf("tell capacity: no format %s", output)
	}
	return format(w, c)
}

// judgeCapacity judges every trial of a search again, and what they say together.
func judgeCapacity(w io.Writer, dir, output string) error {
	c, err := suite.Found(dir)
	if err != nil {
		return err
	}
	if output == "json" {
		if err := report.CapacityJSON(w, c); err != nil {
			return err
		}
		return told(c.ExitCode)
	}
	for _, t := range c.Trials {
		fmt.Fprintf(w, "%-20s  %-5s  %-7s  %s\n", t.Name, t.Length, t.Holding.Result, t.Holding.Why)
	}
	a := c.Answer
	fmt.Fprintf(w, "edge: %s (%s), exit code %d: %s\n", edge(a), a.Standing, c.ExitCode, c.Reason)
	return told(c.ExitCode)
}

// reportCapacity writes the reports of a search again.
func reportCapacity(w io.Writer, dir, output string) error {
	c, err := suite.WriteCapacity(dir)
	if err != nil {
		return err
	}
	return tellCapacity(w, output, c)
}

// errNoSearch is for a --dry-run of what has begun.
var errNoSearch = errors.New("--dry-run prints what a new search would do: leave --resume out")
