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

	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/suite"
	"github.com/odigos-io/odigos-stress/internal/trial"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

var begun = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

func three() suite.Suite {
	part := func(name string) suite.Part {
		return suite.Part{
			Name: name, Settings: []string{"gateway.protection=" + name},
			Plan: plan.Plan{Scenario: scenario.Scenario{Name: "oom-" + name, Load: scenario.Load{Rate: 1000}}},
		}
	}
	return suite.Suite{
		Name: "oom", Description: "what keeps it alive", Kind: suite.Variants, Created: begun,
		Tool: record.Tool{Version: "0.1.0"}, Command: []string{"odigos-stress", "run", "oom"},
		Parts: []suite.Part{part("none"), part("limiter"), part("odigos")},
	}
}

// leave writes a record as a trial would.
func leave(dir string, r *record.Record) error {
	log, err := record.CreateIn(dir, r.Header)
	if err != nil {
		return err
	}
	for _, s := range r.Samples {
		if err := log.Sample(s); err != nil {
			return err
		}
	}
	for _, e := range r.Events {
		if err := log.Event(e); err != nil {
			return err
		}
	}
	return log.Close(*r.Ending)
}

func TestRun(t *testing.T) {
	suite.WithComparedPictures(t)
	root := t.TempDir()
	var ran, told []string
	run := func(_ context.Context, p suite.Part, dir string) error {
		ran = append(ran, p.Name)
		return leave(dir, trials.Calm().Record())
	}
	dir := ""
	c, err := three().Run(context.Background(), root, run, suite.Options{
		Begun: func(at string) { dir = at },
		Told: func(p suite.Part, s report.Summary) {
			told = append(told, p.Name+" "+s.Outcome.String())
		},
	})
	if err != nil || c.Outcome != verdict.Pass || c.ExitCode != 0 || !c.SameLoad {
		t.Fatalf("Run = %v %d %q, %v", c.Outcome, c.ExitCode, c.Reason, err)
	}
	if diff := cmp.Diff([]string{"none", "limiter", "odigos"}, ran); diff != "" {
		t.Errorf("ran (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"none pass", "limiter pass", "odigos pass"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if filepath.Base(dir) != "20260314-092653_oom_1000sps" {
		t.Errorf("directory %s", dir)
	}
	if latest, err := record.LatestDir(root); err != nil || latest != dir || !record.IsSuite(latest) {
		t.Errorf("latest is %s, %v; want the suite", latest, err)
	}
	for _, file := range []string{
		record.SuiteFile, suite.EndingFile, report.ComparisonFile, report.ComparisonTextFile,
		report.GraphsDir + "/memory-compared.png", "variants/limiter/" + report.AnalysisFile,
		"variants/odigos/" + record.HeaderFile,
	} {
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// From the disk alone the comparison is made again, byte for byte.
func TestWriteMakesTheSameAgain(t *testing.T) {
	root := t.TempDir()
	run := func(_ context.Context, _ suite.Part, dir string) error {
		return leave(dir, trials.Calm().Record())
	}
	first, err := three().Run(context.Background(), root, run, suite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(first.Dir, report.ComparisonFile)
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := suite.Write(first.Dir); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(file)
	if diff := cmp.Diff(string(before), string(after)); diff != "" || err != nil {
		t.Errorf("%v (-run +write):\n%s", err, diff)
	}
}

// One that cannot be run does not keep the others from running.
func TestRunGoesOn(t *testing.T) {
	run := func(_ context.Context, p suite.Part, dir string) error {
		if p.Name == "limiter" {
			return errors.New("start gateway: no such file")
		}
		return leave(dir, trials.Calm().Record())
	}
	c, err := three().Run(context.Background(), t.TempDir(), run, suite.Options{})
	if err != nil || c.ExitCode != 1 || c.Outcome != verdict.Invalid {
		t.Fatalf("Run = %v %d, %v; want invalid, 1", c.Outcome, c.ExitCode, err)
	}
	var got []string
	for _, p := range c.Parts {
		got = append(got, fmt.Sprint(p.Name, " ", p.Status, " ", p.Error))
	}
	want := []string{"none ran ", "limiter could not run start gateway: no such file", "odigos ran "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}

// An interrupt ends the one under way in order, begins no other, and leaves a comparison.
func TestRunInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	run := func(_ context.Context, p suite.Part, dir string) error {
		r := trials.Calm().Record()
		if p.Name == "limiter" {
			cancel(trial.Interrupt{Signal: "SIGINT"})
			r.Ending.Interrupted = "SIGINT"
		}
		return leave(dir, r)
	}
	c, err := three().Run(ctx, t.TempDir(), run, suite.Options{})
	if err != nil || c.ExitCode != 130 || c.Interrupted != "SIGINT" {
		t.Fatalf("Run = %d %q, %v; want 130 SIGINT", c.ExitCode, c.Interrupted, err)
	}
	var got []report.Status
	for _, p := range c.Parts {
		got = append(got, p.Status)
	}
	if diff := cmp.Diff([]report.Status{report.Ran, report.CutOff, report.NotRun}, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(c.Dir, report.ComparisonTextFile)); err != nil {
		t.Error(err)
	}
}

// Parts of different rates have a directory that bears none of them.
func TestRunNamesItsDirectory(t *testing.T) {
	s := three()
	s.Parts[1].Plan.Scenario.Load.Rate = 2000
	run := func(context.Context, suite.Part, string) error { return errors.New("none") }
	c, err := s.Run(context.Background(), t.TempDir(), run, suite.Options{})
	if err != nil || c.Record != "20260314-092653_oom_variants" {
		t.Errorf("Run made %s, %v", c.Record, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "is not a suite",
		"{":                     "suite.json",
		`{}`:                    "schema version 0",
		`{"schema_version": 2}`: "schema version 2",
		`{"schema_version": 1, "parts": [{"name": "a", "record": "../b"}]}`: "outside of it",
	} {
		dir := t.TempDir()
		if text != "" {
			if err := os.WriteFile(filepath.Join(dir, record.SuiteFile), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := suite.Open(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open of %q: %v; want %s", text, err, want)
		}
	}
}
