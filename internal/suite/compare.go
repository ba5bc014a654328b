package suite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
)

// Open reads what a suite's directory says of it: the plans are not there any more. The
// ending is zero when the suite was cut off.
func Open(dir string) (Suite, Ending, error) {
	var s Suite
	var e Ending
	err := readJSON(filepath.Join(dir, record.SuiteFile), &s)
	if errors.Is(err, fs.ErrNotExist) {
		return s, e, fmt.Errorf("open suite: %s is not a suite: it has no %s", dir, record.SuiteFile)
	}
	if err != nil {
		return s, e, fmt.Errorf("open suite: %w", err)
	}
	if s.SchemaVersion < 1 || s.SchemaVersion > SchemaVersion {
		return s, e, fmt.Errorf("open suite: %s: schema version %d, and this program knows 1 to %d",
			dir, s.SchemaVersion, SchemaVersion)
	}
	for _, p := range s.Parts {
		if !filepath.IsLocal(filepath.FromSlash(p.Record)) {
			return s, e, fmt.Errorf("open suite: %s: the record of %s is at %q, outside of it", dir,
				p.Name, p.Record)
		}
	}
	err = readJSON(filepath.Join(dir, EndingFile), &e)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, e, fmt.Errorf("open suite: %w", err)
	}
	return s, e, nil
}

// Compare judges the records of a suite and lays them beside each other, from what is on
// the disk alone.
func Compare(dir string) (report.Comparison, error) {
	s, ending, err := Open(dir)
	if err != nil {
		return report.Comparison{}, err
	}
	var parts []report.Part
	for _, p := range s.Parts {
		part := report.Part{
			Name: p.Name, Description: p.Description, Settings: p.Settings, Dir: p.Record,
			Error: ending.Errors[p.Name],
		}
		at := filepath.Join(dir, filepath.FromSlash(p.Record))
		if _, err := os.Stat(at); err == nil {
			r, err := record.Open(at)
			switch {
			case err == nil:
				part.Record = r
			case part.Error == "":
				part.Error = err.Error()
			}
		}
		parts = append(parts, part)
	}
	c := report.Compare(parts, ending.Interrupted)
	c.Name, c.Description, c.Kind, c.Created = s.Name, s.Description, s.Kind, s.Created
	c.Record, c.Dir = filepath.Base(dir), dir
	if !ending.Finished.IsZero() {
		c.Finished = &ending.Finished
	}
	return c, nil
}

// Write makes the reports of a suite's records and its comparison again.
func Write(dir string) (report.Comparison, error) {
	s, _, err := Open(dir)
	if err != nil {
		return report.Comparison{}, err
	}
	for _, p := range s.Parts {
		at := filepath.Join(dir, filepath.FromSlash(p.Record))
		r, err := record.Open(at)
		if err != nil {
			continue // the comparison says so
		}
		if _, err := writeReport(at, r); err != nil {
			return report.Comparison{}, err
		}
	}
	c, err := Compare(dir)
	if err != nil {
		return c, err
	}
	return c, writeComparison(dir, c)
}
