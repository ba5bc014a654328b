package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/env/local"
	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/trial"
)

// A runOptions is what run was asked for besides the question.
type runOptions struct {
	question question
	results  string
	output   string
	quiet    bool
	verbose  bool
	noFail   bool
	dryRun   bool
}

func runCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run [SCENARIO|FILE]",
		Short: "Ask whether a gateway holds, and write a report",
		Long: `Run starts a mock backend, a gateway within its limits, and a load generator; watches all three;
and leaves a record with a report. A scenario with variants is run once for each, and they are
compared. Without a scenario it runs custom: 1,000 spans/s for ten
minutes against a gateway of one core and 600 MiB.

With --environment kubernetes all three are pods, in a namespace of the run's own.`,
		Example: `  odigos-stress run basic-load-10k --duration 15m
  odigos-stress run --rate 15k --duration 30m --cpu-limit 2 --memory-limit 4Gi
  odigos-stress run my-scenario.yaml --set load.shape=complex
  odigos-stress run oom-prevention
  odigos-stress run oom-prevention --variant limiter
  odigos-stress run basic-load-1k --environment kubernetes`,
		Args: cobra.MaximumNArgs(1),
		RunE: command(func(cmd *cobra.Command, args []string) error {
			o.question.place.startsNothing = o.dryRun
			p, all, err := o.question.plans(cmd.Context(), args)
			switch {
			case err != nil:
				return err
			case o.dryRun:
				return o.try(cmd, p, all)
			case all != nil:
				return o.runVariants(cmd, all)
			}
			return o.run(cmd, p)
		}),
	}
	o.question.flags(cmd, loadFlags)
	resultsFlag(cmd, &o.results)
	cmd.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "no progress, only the ending")
	cmd.Flags().BoolVarP(&o.verbose, "verbose", "v", false, "log what happens to the terminal too")
	cmd.Flags().BoolVar(&o.noFail, "no-fail", false, "exit 0 for a trial that failed or was invalid, for exploring")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false,
		"print what would be done, and start nothing; of a cluster ask the server whether it would")
	outputFlag(cmd, &o.output, "text", "json")
	return cmd
}

// run carries out the plan and tells the outcome.
func (o *runOptions) run(cmd *cobra.Command, p plan.Plan) error {
	dir, err := o.trial(cmd, task{
		plan: p,
		create: func(h record.Header, now time.Time) (*record.Log, error) {
			return record.Create(o.results, h, now)
		},
	})
	if dir == "" {
		return err
	}
	r, openErr := record.Open(dir)
	if openErr != nil {
		return errors.Join(err, fmt.Errorf("read record back: %w", openErr))
	}
	summary, writeErr := report.Write(dir, r)
	if writeErr != nil {
		return errors.Join(err, fmt.Errorf("write report: %w", writeErr))
	}
	if err != nil {
		code := exitCannotRun
		if summary.ExitCode > 128 { // interrupted before there was a trial
			code = summary.ExitCode
		}
		return &exit{code: code, err: fmt.Errorf("%w\nwhat is known until then is in %s", err, dir)}
	}
	if err := o.tell(cmd.OutOrStdout(), summary); err != nil {
		return err
	}
	return o.leave(cmd, summary.ExitCode)
}

// leave is the exit of what has been told.
func (o *runOptions) leave(cmd *cobra.Command, code int) error {
	if o.noFail && (code == exitInvalid || code == exitThresholds) {
		fmt.Fprintln(cmd.ErrOrStderr(), "exiting 0 all the same, as --no-fail asks")
		return nil
	}
	return told(code)
}

// A task is one trial to be run: its plan, where its record goes, and what the progress
// calls it, where it is one of several. Inside a search the progress is that of the search,
// with the live line of a terminal below it.
type task struct {
	plan   plan.Plan
	create func(h record.Header, now time.Time) (*record.Log, error)
	label  string
	inside bool
}

func (o *runOptions) tell(w io.Writer, s report.Summary) error {
	if o.output == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(s)
	}
	return report.Text(w, s)
}

// trial runs one trial. The directory is empty when there is no record.
func (o *runOptions) trial(cmd *cobra.Command, t task) (dir string, err error) {
	ctx, p := cmd.Context(), t.plan
	if !o.question.place.inCluster() {
		if err := p.OnOneMachine(); err != nil {
			return "", usage(err)
		}
	}
	now := time.Now().UTC()
	runID := newRunID(now)
	view := newProgress(cmd.ErrOrStderr(), p, o.quiet)
	view.label, view.inside = t.label, t.inside
	var log *record.Log
	place, err := o.question.place.open(ctx, stay{
		runID: runID, lasts: p.Scenario.Timing.Total() + time.Duration(p.Scenario.Timing.Drain),
		logPath:     func(actor string) string { return log.LogPath(actor) },
		log:         o.logger(view),
		compression: string(p.Scenario.Gateway.Compression),
	})
	if err != nil {
		return "", err
	}
	h := header(p, place, runID, now)
	log, err = t.create(h, now)
	if err != nil {
		return "", errors.Join(err, place.Close())
	}
	view.begin(log.Dir())
	err = trial.Run(ctx, p, place, h, log, trial.Options{
		Watch: view.sample, Died: view.died, Logger: o.logger(view),
	})
	view.end()
	err = errors.Join(err, place.Close())
	if o.question.place.inPlace != nil { // what was left, above all
		for _, n := range place.Notes() {
			fmt.Fprintf(cmd.ErrOrStderr(), "note: %s\n", n)
		}
	}
	return log.Dir(), err
}

// logger writes to the terminal: what happens when asked, our own failures always. The
// record's test.log has the events anyway.
func (o *runOptions) logger(view *progress) *slog.Logger {
	level := slog.LevelError
	if o.verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(view, &slog.HandlerOptions{Level: level}))
}

// header is what is known before the trial.
func header(p plan.Plan, at place, runID string, now time.Time) record.Header {
	h := record.Header{
		SchemaVersion: record.SchemaVersion,
		RunID:         runID,
		Created:       now,
		Tool:          tool(),
		Command:       commandLine(),
		Scenario:      p.Scenario,
		Collector:     p.Collector,
		Original:      p.Original,
		Actors:        actors(p),
		Enforcement:   env.Enforcement{Method: "none"},
		Sampling:      p.Sampling,
		Prediction:    p.Prediction,
		Notes:         slices.Clone(p.Notes),
		SampleEvery:   p.SampleEvery,
	}
	if p.Gateway.Limits != (env.Limits{}) {
		h.Enforcement = at.Enforcement()
	}
	at.describe(&h)
	return h
}

func thisMachine() record.Machine {
	m := local.ThisMachine()
	return record.Machine{
		OS: m.OS, Arch: m.Arch, Kernel: m.Kernel, CPUModel: m.CPUModel, Cores: m.Cores,
		MemoryBytes: m.MemoryBytes, Cgroup: m.Cgroup, Load1: m.Load1,
	}
}

// newRunID is the time, readable, and enough chance to tell two runs apart.
func newRunID(now time.Time) string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return now.Format("20060102t150405") + "-" + hex.EncodeToString(b[:])
}
