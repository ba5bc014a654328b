package suite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/suite"
	"github.com/odigos-io/odigos-stress/internal/trial"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// noData leaves out what was read back, which is much.
var noData = cmpopts.IgnoreFields(report.CapacityTrial{}, "Data")

// knee is the rate at which the made-up gateway uses 90 % of its CPU limit.
const knee = 15200

// gatewayAt leaves the record of a gateway whose CPU follows the rate.
func gatewayAt(rate float64) *record.Record {
	t := trials.Calm()
	t.Rate = rate
	t.CPU = func(float64) float64 { return min(1, 0.9*rate/knee) }
	return t.Record()
}

// looking is a search for the made-up gateway's capacity.
func looking(t *testing.T) *suite.Capacity {
	t.Helper()
	asked, err := scenario.Scenario{
		Name: "made-up", Search: &scenario.Search{From: 4000, Precision: 0.1},
	}.Searched()
	if err != nil {
		t.Fatal(err)
	}
	return &suite.Capacity{
		Name: "made-up", Created: begun, Tool: record.Tool{Version: "0.1.0"},
		Command: []string{"odigos-stress", "capacity"}, Asked: asked, Scenario: asked,
		Spec: suite.SpecOf(*asked.Search), Plan: planned,
	}
}

func planned(s scenario.Scenario) (plan.Plan, error) {
	resolved, err := s.Resolved()
	return plan.Plan{Scenario: resolved}, err
}

// answering is a runner of the made-up gateway; what is not nil goes before it.
func answering(before func(p suite.Part, dir string, r *record.Record) error) suite.Runner {
	return func(_ context.Context, p suite.Part, dir string) error {
		r := gatewayAt(float64(p.Plan.Scenario.Load.Rate))
		if before != nil {
			if err := before(p, dir, r); err != nil {
				return err
			}
		}
		return leave(dir, r)
	}
}

func begin(t *testing.T, c *suite.Capacity) (dir string) {
	t.Helper()
	dir, err := c.Begin(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func run(
	ctx context.Context, t *testing.T, c *suite.Capacity, dir string, by suite.Runner,
) report.Capacity {
	t.Helper()
	found, err := c.Run(ctx, dir, by, suite.CapacityOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestCapacity(t *testing.T) {
	c := looking(t)
	dir := begin(t, c)
	var told []string
	var spent time.Duration
	found, err := c.Run(t.Context(), dir, answering(nil), suite.CapacityOptions{
		Trying: func(n int, p suite.Part, next search.Try) {
			want := map[search.Length]time.Duration{
				search.Short: 9 * time.Second, search.Full: 23 * time.Second, search.Long: 43 * time.Second,
			}[next.Length]
			if got := p.Plan.Scenario.Timing.Total(); got != want {
				t.Errorf("trial %d, %s, is planned with %v of load; want %v", n, next.Length, got, want)
			}
			told = append(told, fmt.Sprintf("trying %d at %.0f", n, next.Rate))
		},
		Tried: func(tried report.CapacityTrial, _ search.Answer, all time.Duration) {
			spent = all
			told = append(told, fmt.Sprintf("tried %s", tried.Name))
		},
	})
	if err != nil || found.Answer.Standing != search.Found || found.ExitCode != 0 {
		t.Fatalf("Run = %+v, exit code %d, %v; want found, 0", found.Answer, found.ExitCode, err)
	}
	if a := found.Answer; a.Low > knee || a.High < knee {
		t.Errorf("the edge lies in %.0f–%.0f; want %d in it", a.Low, a.High, knee)
	}
	if off := spent.Seconds() - found.Took; off > 1e-6 || off < -1e-6 || spent == 0 {
		t.Errorf("told of %v, and all took %v s", spent, found.Took)
	}
	if got := filepath.Base(dir); got != "20260314-092653_made-up_capacity" {
		t.Errorf("directory %s", got)
	}
	if len(told) != 2*len(found.Trials) || told[0] != "trying 1 at 4000" || told[1] != "tried 01-4000sps" {
		t.Errorf("told %q of %d trials", told, len(found.Trials))
	}
	for i, tried := range found.Trials {
		if want := fmt.Sprintf("capacity/%02d-%.0fsps", i+1, tried.Rate); tried.Record != want {
			t.Errorf("trial %d is in %s; want %s", i+1, tried.Record, want)
		}
		if _, err := os.Stat(filepath.Join(dir, tried.Record, report.SummaryFile)); err != nil {
			t.Error(err)
		}
	}
	if latest, err := record.LatestDir(filepath.Dir(dir)); err != nil || latest != dir {
		t.Errorf("latest is %s, %v; want the search", latest, err)
	}
	if kind, err := suite.KindOf(dir); kind != suite.Capacities || err != nil {
		t.Errorf("KindOf = %q, %v", kind, err)
	}
	// From the disk alone the same is found again.
	again, err := suite.WriteCapacity(dir)
	if diff := cmp.Diff(found, again, noData); diff != "" || err != nil {
		t.Errorf("%v (-run +disk):\n%s", err, diff)
	}
}

// What is known of the trials so far is written after each of them: a search that is killed
// can be read, and goes on as if it had not been.
func TestCapacityGoesOnAfterKill(t *testing.T) {
	whole := looking(t)
	want := run(t.Context(), t, whole, begin(t, whole), answering(nil))
	if len(want.Trials) < 6 {
		t.Fatalf("the search made %d trials; want more to cut it off among them", len(want.Trials))
	}

	c := looking(t)
	dir := begin(t, c)
	killed := func(_ context.Context, p suite.Part, at string) error {
		log, err := record.CreateIn(at, gatewayAt(1).Header)
		if err != nil || log == nil {
			t.Fatal(err)
		}
		panic(p.Name)
	}
	n := 0
	func() {
		defer func() { _ = recover() }()
		_, _ = c.Run(t.Context(), dir, func(ctx context.Context, p suite.Part, at string) error {
			if n++; n == 5 {
				return killed(ctx, p, at)
			}
			return answering(nil)(ctx, p, at)
		}, suite.CapacityOptions{})
	}()
	if n != 5 {
		t.Fatalf("killed in trial %d; want 5", n)
	}
	found, err := suite.Found(dir)
	if err != nil || found.Answer.Standing != search.Underway || found.ExitCode != 4 || found.Finished != nil {
		t.Errorf("Found = %+v, exit code %d, %v; want under way, 4", found.Answer, found.ExitCode, err)
	}
	if !strings.Contains(found.Reason, "not over") {
		t.Errorf("the reason is %q; want that it is not over", found.Reason)
	}

	read, _, err := suite.OpenCapacity(dir)
	if err != nil {
		t.Fatal(err)
	}
	read.Plan = planned
	got := run(t.Context(), t, read, dir, answering(nil))
	same := cmp.Options{
		cmpopts.IgnoreFields(report.CapacityTrial{}, "Took", "Data", "Holding", "Point"),
		cmpopts.EquateEmpty(),
	}
	if diff := cmp.Diff(want.Trials, got.Trials, same); diff != "" {
		t.Errorf("trials (-uninterrupted +resumed):\n%s", diff)
	}
	if diff := cmp.Diff(want.Answer, got.Answer); diff != "" {
		t.Errorf("answer (-uninterrupted +resumed):\n%s", diff)
	}
	aside := filepath.Join(dir, got.Trials[4].Record+".cut-off")
	if _, err := os.Stat(aside); err != nil {
		t.Errorf("the trial that was cut off: %v", err)
	}
}

// An interrupt ends the trial under way in order, begins no other, and leaves an answer;
// the trial is made again when the search goes on.
func TestCapacityInterrupted(t *testing.T) {
	c := looking(t)
	dir := begin(t, c)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	found := run(ctx, t, c, dir, answering(func(p suite.Part, _ string, r *record.Record) error {
		if strings.HasPrefix(p.Name, "03-") {
			cancel(trial.Interrupt{Signal: "SIGINT"})
			r.Ending.Interrupted = "SIGINT"
		}
		return nil
	}))
	if found.ExitCode != 130 || found.Interrupted != "SIGINT" || len(found.Trials) != 3 {
		t.Errorf("Run = exit code %d, interrupted %q, %d trials; want 130, SIGINT, 3", found.ExitCode,
			found.Interrupted, len(found.Trials))
	}
	last := found.Trials[2]
	if last.Error != "interrupted by SIGINT" || last.Holding.Result != search.Unclear {
		t.Errorf("the trial under way: %q %s", last.Error, last.Holding.Result)
	}
	read, ending, err := suite.OpenCapacity(dir)
	if err != nil || ending.Interrupted != "SIGINT" {
		t.Fatalf("OpenCapacity: %+v, %v", ending, err)
	}
	read.Plan = planned
	on := run(t.Context(), t, read, dir, answering(nil))
	if on.ExitCode != 0 || on.Interrupted != "" || on.Trials[2].Name != last.Name ||
		on.Trials[2].Error != "" {
		t.Errorf("going on: exit code %d, interrupted %q, trial %+v", on.ExitCode, on.Interrupted,
			on.Trials[2].Name)
	}
}

// A trial that ends whole while the signal comes counts.
func TestCapacityInterruptedBetweenTrials(t *testing.T) {
	c := looking(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	found := run(ctx, t, c, begin(t, c), answering(func(p suite.Part, _ string, _ *record.Record) error {
		if strings.HasPrefix(p.Name, "02-") {
			cancel(trial.Interrupt{Signal: "SIGTERM"})
		}
		return nil
	}))
	if found.ExitCode != 143 || len(found.Trials) != 2 || found.Trials[1].Error != "" {
		t.Errorf("Run = exit code %d, %d trials, the last %q; want 143, 2 whole", found.ExitCode,
			len(found.Trials), found.Trials[len(found.Trials)-1].Error)
	}
}

// A trial that cannot be run ends the search, with what is known until then.
func TestCapacityCannotRun(t *testing.T) {
	for name, c := range map[string]struct {
		plan func(scenario.Scenario) (plan.Plan, error)
		run  suite.Runner
		want string
	}{
		"no actor": {
			planned, answering(func(p suite.Part, _ string, _ *record.Record) error {
				if strings.HasPrefix(p.Name, "02-") {
					return errors.New("start gateway: no such file")
				}
				return nil
			}), "start gateway: no such file",
		},
		"no plan": {
			func(s scenario.Scenario) (plan.Plan, error) {
				if s.Load.Rate > 4000 {
					return plan.Plan{}, errors.New("plan made-up: no receiver")
				}
				return planned(s)
			}, answering(nil), "plan made-up: no receiver",
		},
	} {
		s := looking(t)
		s.Plan = c.plan
		found := run(t.Context(), t, s, begin(t, s), c.run)
		if found.ExitCode != 1 || len(found.Trials) != 2 || found.Trials[1].Error != c.want ||
			!strings.Contains(found.Reason, c.want) {
			t.Errorf("%s: exit code %d, %d trials, %q; want 1, 2, %q", name, found.ExitCode,
				len(found.Trials), found.Reason, c.want)
		}
	}
}

// Trials that do not ask their question stop the search: they never count as broken.
func TestCapacityStopped(t *testing.T) {
	c := looking(t)
	void := func(_ suite.Part, _ string, r *record.Record) error {
		for i := range r.Samples {
			r.Samples[i].Actors[record.Loadgen] = record.ActorSample{}
		}
		r.Ending.Sent = nil
		return nil
	}
	found := run(t.Context(), t, c, begin(t, c), answering(void))
	if found.ExitCode != 4 || found.Answer.Standing != search.Stopped || found.Answer.High != 0 {
		t.Errorf("Run = %+v, exit code %d: %s; want stopped, 4", found.Answer, found.ExitCode,
			found.Reason)
	}
}

func TestOpenCapacityRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "holds none",
		"{":                     "suite.json",
		`{}`:                    "schema version 0",
		`{"schema_version": 2}`: "schema version 2",
		`{"schema_version": 1, "kind": "variants"}`: `kind "variants", want "capacity"`,
		`{"schema_version": 1, "kind": "capacity"}`: "what is asked",
		`{"schema_version": 1, "kind": "capacity", "asked": {"search": {}},
		  "trials": [{"name": "a", "record": "../b"}]}`: "outside of it",
	} {
		dir := t.TempDir()
		if text != "" {
			if err := os.WriteFile(filepath.Join(dir, record.SuiteFile), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := suite.OpenCapacity(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("OpenCapacity of %q: %v; want %s", text, err, want)
		}
	}
}
