// Package report is what we tell: the same summary as markdown, JSON, CSV and
// pictures. It reads a record and a verdict, and nothing else.
package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/renameio/v2"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// SchemaVersion of summary.json. Within it fields are only added.
const SchemaVersion = 1

// The files that a report adds to a record, beside record.UsageFile.
const (
	SummaryFile         = "summary.json"
	AnalysisFile        = "analysis-report.md"
	RecommendationsFile = "recommendations.md"
)

// A Summary is all that a report says, in one piece.
type Summary struct {
	SchemaVersion int              `json:"schema_version"`
	Outcome       verdict.Outcome  `json:"outcome"`
	Validity      verdict.Validity `json:"validity"`
	// Reasons are the names of what weighs on the validity, the heavier first.
	Reasons  []verdict.Reason `json:"validity_reasons,omitempty"`
	ExitCode int              `json:"exit_code"`
	Reason   string           `json:"reason"`
	// Expected is the ending that the scenario expects, if it came.
	Expected scenario.Expect `json:"expected,omitempty"`
	// Headline names the collector that ran.
	Headline    string            `json:"headline"`
	Run         Run               `json:"run"`
	Scenario    scenario.Scenario `json:"scenario"`
	Collector   record.Collector  `json:"collector"`
	Tool        record.Tool       `json:"tool"`
	Machine     record.Machine    `json:"machine"`
	Enforcement env.Enforcement   `json:"enforcement"`
	// Pods are what a user asked of the pods of a cluster.
	Pods map[string]any `json:"pods,omitempty"`
	// Sampling are the processors of the gateway that drop spans on purpose.
	Sampling []string          `json:"sampling,omitempty"`
	Account  Accounts          `json:"ledger"`
	Figures  verdict.Figures   `json:"figures"`
	Findings []verdict.Finding `json:"findings"`
	Advice   []verdict.Advice  `json:"advice"`
	// Happenings are what the place told of itself, in the order of its clock.
	Happenings []record.Event `json:"happenings,omitempty"`
}

// A Run says which trial it was.
type Run struct {
	ID          string     `json:"id"`
	Record      string     `json:"record"` // the name of its directory
	Dir         string     `json:"-"`      // and where it is, for who is here
	Created     time.Time  `json:"created"`
	LoadStart   *time.Time `json:"load_start,omitempty"`
	Finished    *time.Time `json:"finished,omitempty"`
	Environment string     `json:"environment"`
	Command     []string   `json:"command"`
	Seed        uint64     `json:"seed"`
	Interrupted string     `json:"interrupted,omitempty"`
	CutShort    string     `json:"cut_short,omitempty"`
}

// Accounts are the joined books; nil when one of them is missing.
type Accounts struct {
	Measured *ledger.Account       `json:"measured,omitempty"`
	All      *ledger.Account       `json:"whole_run,omitempty"`
	Missing  []record.MissingRange `json:"missing,omitempty"`
}

// Summarise judges a record and gathers what a report says of it.
func Summarise(r *record.Record) Summary {
	h, v := r.Header, verdict.Judge(r)
	s := Summary{
		SchemaVersion: SchemaVersion,
		Outcome:       v.Outcome, Validity: v.Validity, Reasons: v.Reasons,
		ExitCode: v.ExitCode, Reason: v.Reason,
		Expected: v.Expected,
		Headline: h.Collector.Headline,
		Run: Run{
			ID: h.RunID, Record: filepath.Base(r.Dir), Dir: r.Dir, Created: h.Created,
			Environment: h.Environment, Command: h.Command, Seed: h.Scenario.Load.Seed,
		},
		Scenario: h.Scenario, Collector: h.Collector, Tool: h.Tool, Machine: h.Machine,
		Enforcement: h.Enforcement, Pods: h.Pods, Sampling: h.Sampling,
		Figures: verdict.Measure(r), Findings: v.Findings, Advice: verdict.Advise(r),
		Happenings: happenings(r),
	}
	if e := r.Ending; e != nil {
		s.Run.Interrupted, s.Run.CutShort = e.Interrupted, e.CutShort
		s.Run.Finished = &e.Finished
		if !e.LoadStart.IsZero() {
			s.Run.LoadStart = &e.LoadStart
		}
		if s.Figures.Delivery.Known {
			s.Account = Accounts{Measured: &e.Measured, All: &e.All, Missing: e.Missing}
		}
	}
	return s
}

// A Format writes a summary for one kind of reader.
type Format func(w io.Writer, s Summary) error

// Formats are the kinds of readers.
var Formats = map[string]Format{
	"json":            JSON,
	"markdown":        Markdown,
	"recommendations": Recommendations,
	"text":            Text,
}

// JSON is for programs: summary.json.
func JSON(w io.Writer, s Summary) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

// Write puts the whole report into a record's directory, each file whole or not at
// all: the summary, the table of usage, both texts and the pictures.
func Write(dir string, r *record.Record) (Summary, error) {
	s, err := WriteTexts(dir, r)
	if err != nil {
		return s, err
	}
	for _, name := range slices.Sorted(maps.Keys(pictures)) {
		file := filepath.Join(GraphsDir, name+".png")
		if err := write(dir, file, func(w io.Writer) error { return Draw(w, name, r) }); err != nil {
			return s, err
		}
	}
	return s, nil
}

// WriteTexts is Write without the pictures, which take most of its time.
func WriteTexts(dir string, r *record.Record) (Summary, error) {
	s := Summarise(r)
	if err := os.MkdirAll(filepath.Join(dir, GraphsDir), 0o755); err != nil {
		return s, fmt.Errorf("write report: %w", err)
	}
	for file, format := range map[string]Format{
		SummaryFile: JSON, AnalysisFile: Markdown, RecommendationsFile: Recommendations,
		record.UsageFile: func(w io.Writer, _ Summary) error { return record.WriteCSV(w, r) },
	} {
		if err := write(dir, file, func(w io.Writer) error { return format(w, s) }); err != nil {
			return s, err
		}
	}
	return s, nil
}

// write makes a file from its beginning to its end before it appears under its name.
func write(dir, file string, fill func(io.Writer) error) error {
	var b bytes.Buffer
	if err := fill(&b); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	if err := renameio.WriteFile(filepath.Join(dir, file), b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
