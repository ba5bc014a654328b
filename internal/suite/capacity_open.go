package suite

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/trial"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// KindOf is what the trials in a suite's directory are of each other: Variants, Capacities.
func KindOf(dir string) (string, error) {
	var s struct {
		Kind string `json:"kind"`
	}
	if err := readJSON(filepath.Join(dir, record.SuiteFile), &s); err != nil {
		return "", fmt.Errorf("open suite: %w", err)
	}
	if s.Kind == "" {
		return "", fmt.Errorf("open suite: %s: %s names no kind", dir, record.SuiteFile)
	}
	return s.Kind, nil
}

// OpenCapacity reads what a search's directory says of it. The ending is zero when the
// search is under way, or was killed.
func OpenCapacity(dir string) (*Capacity, Ending, error) {
	var c Capacity
	var e Ending
	err := readJSON(filepath.Join(dir, record.SuiteFile), &c)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, e, fmt.Errorf("open search: %s holds none: it has no %s", dir, record.SuiteFile)
	case err != nil:
		return nil, e, fmt.Errorf("open search: %w", err)
	case c.SchemaVersion < 1 || c.SchemaVersion > SchemaVersion:
		return nil, e, fmt.Errorf("open search: %s: schema version %d, and this program knows 1 to %d",
			dir, c.SchemaVersion, SchemaVersion)
	case c.Kind != Capacities:
		return nil, e, fmt.Errorf("open search: %s holds none: found a suite of kind %q, want %q", dir,
			c.Kind, Capacities)
	case c.Asked.Search == nil:
		return nil, e, fmt.Errorf("open search: %s: %s does not say what is asked", dir,
			record.SuiteFile)
	}
	for _, t := range c.Trials {
		if !filepath.IsLocal(filepath.FromSlash(t.Record)) {
			return nil, e, fmt.Errorf("open search: %s: the record of %s is at %q, outside of it", dir,
				t.Name, t.Record)
		}
	}
	err = readJSON(filepath.Join(dir, EndingFile), &e)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, e, fmt.Errorf("open search: %w", err)
	}
	return &c, e, nil
}

// Found judges the trials of a search again and says what they show together, from what is
// on the disk alone.
func Found(dir string) (report.Capacity, error) {
	c, ending, err := OpenCapacity(dir)
	if err != nil {
		return report.Capacity{}, err
	}
	out := report.Capacity{
		SchemaVersion: SchemaVersion, Name: c.Name, Description: c.Description,
		Headline: c.Collector.Headline, Record: filepath.Base(dir), Dir: dir,
		Created: c.Created, Interrupted: ending.Interrupted, Command: c.Command, Tool: c.Tool,
		Machine: c.Machine, Collector: c.Collector, Scenario: c.Scenario, Spec: c.Spec,
		Trials: []report.CapacityTrial{},
	}
	if !ending.Finished.IsZero() {
		out.Finished = &ending.Finished
	}
	known := search.New(c.Spec)
	for _, t := range c.Trials {
		shown := read(dir, t)
		out.Trials = append(out.Trials, shown)
		out.Took += t.Took
		if shown.Error == "" {
			known.Observe(shown.Observed())
		}
	}
	out.Answer = known.Answer()
	withHost(&out)
	if c.Environment == onCluster {
		ofCluster(&out)
	}
	out.ExitCode, out.Reason = conclude(out)
	return out, nil
}

// withHost takes what all trials have in common from the first that can be read.
func withHost(c *report.Capacity) {
	for _, t := range c.Trials {
		if t.Data == nil {
			continue
		}
		h := t.Data.Header
		c.Enforcement, c.Selftest, c.Notes = h.Enforcement, h.Selftest, h.Notes
		return
	}
}

// exitCannotRun is the code of a search one of whose trials could not be made.
const exitCannotRun = 1

// conclude is the exit code of a search, and why, in a sentence.
func conclude(c report.Capacity) (int, string) {
	if c.Interrupted != "" {
		code := verdict.ExitInterrupt
		if c.Interrupted == "SIGTERM" {
			code = verdict.ExitTerminated
		}
		return code, fmt.Sprintf("%s before it was over, after trial %d",
			trial.Interrupt{Signal: c.Interrupted}.Error(), len(c.Trials))
	}
	for _, t := range c.Trials {
		if t.Error != "" {
			return exitCannotRun, fmt.Sprintf("trial %s could not be run: %s", t.Name, t.Error)
		}
	}
	switch c.Answer.Standing {
	case search.Found, search.Wide, search.BeyondAll, search.BelowAll:
		return verdict.ExitPass, c.Answer.Reason
	case search.Underway:
		return verdict.ExitInvalid, "the search is not over: it is under way, or was killed"
	}
	return verdict.ExitInvalid, c.Answer.Reason
}

// writeCapacity is the report of a search. Tests draw no pictures.
var writeCapacity = report.WriteCapacity

// WriteCapacity makes the texts of a search's trials and its own report again.
func WriteCapacity(dir string) (report.Capacity, error) {
	c, err := Found(dir)
	if err != nil {
		return c, err
	}
	for _, t := range c.Trials {
		if t.Data == nil {
			continue // the report says why
		}
		if _, err := report.WriteTexts(t.Data.Dir, t.Data); err != nil {
			return c, fmt.Errorf("write report of trial %s: %w", t.Name, err)
		}
	}
	return c, writeCapacity(dir, c)
}
