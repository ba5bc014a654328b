package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/selftest"
	"github.com/odigos-io/odigos-stress/internal/trial"
)

// A selftestOptions is what selftest was asked for.
type selftestOptions struct {
	quick, quiet bool
	output       string
}

func selftestCommand() *cobra.Command {
	var o selftestOptions
	cmd := &cobra.Command{
		Use:   "selftest",
		Short: "Measure what this host's own two ends can do without a gateway",
		Long: `Selftest sends load straight from the load generator into the mock backend, both started as a trial
starts them: the ceiling in spans/s and the CPU time per span of each end, how well the schedule is
kept, the latency floor, and how far CPU per span spreads. It takes about a minute and fails when a
single span is lost. The result is kept for this host in $XDG_DATA_HOME/odigos-stress/selftest.json;
run copies it into each record, and calls a target near the ceiling what it is.`,
		Example: `  odigos-stress selftest
  odigos-stress selftest --quick -o json`,
		Args: cobra.NoArgs,
		RunE: command(func(cmd *cobra.Command, _ []string) error { return o.run(cmd) }),
	}
	cmd.Flags().BoolVar(&o.quick, "quick", false, "short windows: coarse figures in a quarter of the time")
	cmd.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "no progress, only the result")
	outputFlag(cmd, &o.output, "text", "json")
	return cmd
}

// run measures, keeps the result and tells it.
func (o *selftestOptions) run(cmd *cobra.Command) error {
	path, err := selftestFile()
	if err != nil {
		return err
	}
	result, err := o.measure(cmd)
	var i trial.Interrupt
	if errors.As(context.Cause(cmd.Context()), &i) {
		return &exit{code: signalCode(i.Signal), err: errors.Join(i, err)}
	}
	if err != nil {
		return fmt.Errorf("selftest: %w", err)
	}
	if err := selftest.Keep(path, result); err != nil {
		return err
	}
	if o.output == "json" {
		e := json.NewEncoder(cmd.OutOrStdout())
		e.SetIndent("", "  ")
		return e.Encode(result)
	}
	if err := selftestText(cmd.OutOrStdout(), result); err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "\nkept in %s\n", path)
	return err
}

func (o *selftestOptions) measure(cmd *cobra.Command) (result record.Selftest, err error) {
	dir, err := os.MkdirTemp("", "odigos-stress-selftest-*")
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	here := placeOptions{environment: onMachine}
	place, err := here.open(cmd.Context(), stay{runID: newRunID(time.Now().UTC())})
	if err != nil {
		return result, err
	}
	w := cmd.ErrOrStderr()
	f, ok := w.(*os.File)
	line := stepLine{w: w, overwrite: ok && term.IsTerminal(int(f.Fd()))}
	watch := line.step
	if o.quiet {
		watch = nil
	}
	result, err = selftest.Run(cmd.Context(), place, selftest.Options{
		Quick: o.quick, Dir: dir, Watch: watch,
	})
	line.end()
	result.Tool, result.Finished = tool(), time.Now().UTC()
	result.Host = selftest.ThisHost(thisMachine())
	return result, errors.Join(err, place.Close())
}

// A stepLine tells which step of several is under way; on a terminal over and over in
// one line.
type stepLine struct {
	w         io.Writer
	overwrite bool
	drawn     bool
}

func (l *stepLine) step(n, all int, what string) {
	if l.overwrite {
		l.drawn = true
		fmt.Fprintf(l.w, "\r\x1b[K%d/%d %s", n, all, what)
		return
	}
	fmt.Fprintf(l.w, "%d/%d %s\n", n, all, what)
}

func (l *stepLine) end() {
	if l.drawn {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}

// selftestFile is where results are kept.
func selftestFile() (string, error) {
	data := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) { // the specification: a relative one is no setting
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find where to keep the result: %w; set XDG_DATA_HOME", err)
		}
		data = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(data, "odigos-stress", "selftest.json"), nil
}

// lastSelftest is the kept result of this host, and what a record is to note of it.
// Without one a trial runs all the same.
func lastSelftest(m record.Machine, now time.Time) (found *record.Selftest, note string) {
	path, err := selftestFile()
	if err == nil {
		found, err = selftest.Kept(path, selftest.ThisHost(m))
	}
	const remedy = "odigos-stress selftest measures it"
	switch {
	case err != nil:
		return nil, fmt.Sprintf("What this host's own ends can do is not known (%v): %s.", err, remedy)
	case found == nil:
		return nil, "What this host's own ends can do was not measured: " + remedy + "."
	}
	return found, fmt.Sprintf("What this host's own ends can do was measured %s before this trial.",
		age(now.Sub(found.Finished)))
}

// age is a time that has passed, as people say it.
func age(d time.Duration) string {
	switch hours := d.Hours(); {
	case hours < 1:
		return fmt.Sprintf("%.0f minutes", d.Minutes())
	case hours < 48:
		return fmt.Sprintf("%.0f hours", hours)
	default:
		return fmt.Sprintf("%.0f days", hours/24)
	}
}
