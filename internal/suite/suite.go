// Package suite is many trials that belong together: run one after the other, kept in
// one directory, told beside each other.
package suite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/trial"
)

// SchemaVersion of the suite's own files. Within it fields are only added.
const SchemaVersion = 1

// EndingFile is written beside record.SuiteFile when all is over; without it the suite
// was cut off.
const EndingFile = "suite-ending.json"

// What is told of a part, and of all. Tests draw no pictures.
var (
	writeReport     = report.Write
	writeComparison = report.WriteComparison
)

// Variants is the kind of a suite whose parts are one scenario's variants.
const Variants = "variants"

// A Suite is trials to be run one after the other. What is known of it beforehand is
// written before the first.
type Suite struct {
	SchemaVersion int    `json:"schema_version"`
	Name          string `json:"name"`
	Description   string `json:"description,omitempty"`
	// Kind is what the parts are of each other, in the plural; the folder of their
	// records is called so.
	Kind    string      `json:"kind"`
	Created time.Time   `json:"created"`
	Tool    record.Tool `json:"tool"`
	Command []string    `json:"command"`
	Parts   []Part      `json:"parts"`
}

// A Part is one trial of a suite.
type Part struct {
	Name        string `json:"name"` // its own among the parts, fit for a folder
	Description string `json:"description,omitempty"`
	// Settings are what sets it apart from the others, as overrides of the scenario.
	Settings []string `json:"set,omitempty"`
	// Record is its directory, relative to the suite's.
	Record string    `json:"record"`
	Plan   plan.Plan `json:"-"`
}

// An Ending is what was known when all was over.
type Ending struct {
	Finished time.Time `json:"finished"`
	// Interrupted names the signal that ended the suite before its time.
	Interrupted string `json:"interrupted,omitempty"`
	// Errors are why parts have no trial, by the parts' names.
	Errors map[string]string `json:"errors,omitempty"`
}

// A Runner runs one part and leaves its record in dir, which is not there yet. An error
// means that there was no trial; a gateway that fell is none.
type Runner func(ctx context.Context, p Part, dir string) error

// Options say how a suite is watched. The zero value is good.
type Options struct {
	// Begun, when set, is told the suite's directory before the first part runs.
	Begun func(dir string)
	// Told, when set, is told of each part that has left a record, with its report.
	Told func(p Part, s report.Summary)
}

// Run runs the parts in their order in a new directory in root, at which root's link
// "latest" then points, writes each part's report and, at the end, the comparison. A part
// that fails, or that cannot be run, does not keep the others from running. When ctx ends,
// the part under way ends in order, no further one begins, and what there is is compared.
// An error means that something of the suite itself could not be written or read.
func (s Suite) Run(
	ctx context.Context, root string, run Runner, o Options,
) (report.Comparison, error) {
	dir, err := s.begin(root)
	if err != nil {
		return report.Comparison{}, fmt.Errorf("begin suite: %w", err)
	}
	if o.Begun != nil {
		o.Begun(dir)
	}
	ending := Ending{Errors: map[string]string{}}
	for _, p := range s.Parts {
		if ctx.Err() != nil {
			break
		}
		if err := s.runPart(ctx, dir, p, run, o); err != nil {
			ending.Errors[p.Name] = err.Error()
		}
	}
	var i trial.Interrupt
	if errors.As(context.Cause(ctx), &i) {
		ending.Interrupted = i.Signal
	}
	ending.Finished = time.Now().UTC()
	if err := writeJSON(filepath.Join(dir, EndingFile), ending); err != nil {
		return report.Comparison{}, fmt.Errorf("end suite: %w", err)
	}
	c, err := Compare(dir)
	if err != nil {
		return c, err
	}
	return c, writeComparison(dir, c)
}

// begin makes the directory and writes what is known beforehand.
func (s *Suite) begin(root string) (dir string, err error) {
	s.SchemaVersion = SchemaVersion
	for i := range s.Parts {
		s.Parts[i].Record = s.Kind + "/" + s.Parts[i].Name
	}
	if dir, err = record.MakeDir(root, s.dirName()); err != nil {
		return "", err
	}
	if err = writeJSON(filepath.Join(dir, record.SuiteFile), s); err != nil {
		return "", err
	}
	return dir, record.PointLatest(dir)
}

// dirName is as a record's; where the parts have not one rate, their kind stands for it.
func (s *Suite) dirName() string {
	rates := map[scenario.Rate]bool{}
	for _, p := range s.Parts {
		rates[p.Plan.Scenario.Load.Rate] = true
	}
	if len(rates) == 1 {
		return record.Name(s.Created, s.Name, float64(s.Parts[0].Plan.Scenario.Load.Rate))
	}
	return s.Created.UTC().Format("20060102-150405") + "_" + s.Name + "_" + s.Kind
}

// runPart runs one part and writes the report of what it has left.
func (s *Suite) runPart(ctx context.Context, dir string, p Part, run Runner, o Options) error {
	at := filepath.Join(dir, filepath.FromSlash(p.Record))
	failed := run(ctx, p, at)
	r, err := record.Open(at)
	if err != nil {
		if failed != nil {
			return failed // it says why there is no record
		}
		return err
	}
	summary, err := writeReport(at, r)
	if err != nil {
		return errors.Join(failed, err)
	}
	if o.Told != nil {
		o.Told(p, summary)
	}
	return failed
}

func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	return renameio.WriteFile(path, append(data, '\n'), 0o644,
		renameio.WithTempDir(filepath.Dir(path)))
}

func readJSON(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
