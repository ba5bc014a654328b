package suite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A Matrix is capacities of one gateway within different limits, searched one after the
// other. What is known of it beforehand is the directory's record.SuiteFile, written before
// the first.
type Matrix struct {
	SchemaVersion int    `json:"schema_version"`
	Name          string `json:"name"`
	Description   string `json:"description,omitempty"`
	// Kind is report.MatrixKind, or report.PresetsKind where the cells are Odigos' sizes.
	Kind string `json:"kind"`

	Created time.Time   `json:"created"`
	Tool    record.Tool `json:"tool"`
	Command []string    `json:"command"`
	// Environment is where it ran: local or kubernetes; empty means local.
	Environment string `json:"environment,omitempty"`
	// Machine is of a cluster what was the likeliest; what trials ran on is in their records.
	Machine   record.Machine   `json:"machine"`
	Collector record.Collector `json:"collector"`
	Selftest  *record.Selftest `json:"selftest,omitempty"`
	// Asked is the question before the cells' settings, not resolved.
	Asked scenario.Scenario `json:"asked"`
	// GatewayConfig is the text of the collector's configuration, of a user's own.
	GatewayConfig string `json:"gateway_config,omitempty"`
	// Original is the gateway of a cluster that the one under test is made from, and Notes
	// are how it was chosen and differs from it.
	Original *record.Original `json:"original,omitempty"`
	Notes    []string         `json:"notes,omitempty"`
	// Pods are what the user asked of the pods in a cluster, as in a header.
	Pods  map[string]any `json:"pods,omitempty"`
	Cells []Cell         `json:"cells"`

	// Unplaceable, of a cluster, is why no node can take a gateway of these limits, in a clause,
	// empty where one can as far as is known. Prepare asks it; it is not on the disk.
	Unplaceable func(cores float64, memory int64) string `json:"-"`
}

// A Searcher searches one cell in dir, which may hold a search that was cut off and is then
// gone on with. An error means that there was no search; one without an answer is none.
type Searcher func(ctx context.Context, c Cell, dir string) (report.Capacity, error)

// MatrixOptions say how a matrix is watched. The zero value is good.
type MatrixOptions struct {
	// Searching, when set, is told of each cell before it is searched.
	Searching func(n int, c Cell)
	// Found, when set, is told of each search that is over, also of one that was found over.
	Found func(c Cell, found report.Capacity)
	// Again, when set, says of a search that is over whether to go on with it all the same.
	Again func(found report.Capacity) bool
}

// Begin makes the matrix's directory in root, at which root's link "latest" then points,
// and writes what is known beforehand.
func (m *Matrix) Begin(root string) (dir string, err error) {
	m.Prepare()
	name := m.Created.UTC().Format("20060102-150405") + "_" + m.Name + "_" + m.Kind
	if dir, err = record.MakeDir(root, name); err != nil {
		return "", fmt.Errorf("begin %s: %w", m.Kind, err)
	}
	if err = writeJSON(filepath.Join(dir, record.SuiteFile), m); err != nil {
		return "", fmt.Errorf("begin %s: %w", m.Kind, err)
	}
	return dir, record.PointLatest(dir)
}

// Prepare fills in where each cell's capacity goes, and which limits the machine cannot
// give.
func (m *Matrix) Prepare() {
	m.SchemaVersion = SchemaVersion
	for i := range m.Cells {
		c := &m.Cells[i]
		c.Record = m.Kind + "/" + c.Name
		c.NotHere, c.Left = m.lacking(*c)
	}
}

// Run searches every cell in dir that has no answer yet, and writes what there is of all. A
// cell that cannot be searched does not keep the others from being searched. When ctx ends,
// the search under way ends in order and no further one begins. An error means that
// something of the matrix itself could not be written or read.
func (m *Matrix) Run(
	ctx context.Context, dir string, search Searcher, o MatrixOptions,
) (report.Matrix, error) {
	ending := Ending{Errors: map[string]string{}}
	for n, c := range m.Cells {
		if ctx.Err() != nil {
			break
		}
		if c.NotHere != "" {
			continue
		}
		found, err := m.search(ctx, dir, n, search, o)
		switch {
		case err != nil:
			ending.Errors[c.Name] = err.Error()
		case over(found) && o.Found != nil:
			o.Found(c, found)
		}
	}
	ending.Interrupted = interrupt(ctx)
	ending.Finished = time.Now().UTC()
	if err := writeJSON(filepath.Join(dir, EndingFile), ending); err != nil {
		return report.Matrix{}, fmt.Errorf("end %s: %w", m.Kind, err)
	}
	found, err := FoundMatrix(dir)
	if err != nil {
		return found, err
	}
	return found, writeMatrix(dir, found)
}

// search is what there is of a cell, or what a search of it finds now.
func (m *Matrix) search(
	ctx context.Context, dir string, n int, search Searcher, o MatrixOptions,
) (report.Capacity, error) {
	c := m.Cells[n]
	at := filepath.Join(dir, filepath.FromSlash(c.Record))
	if record.IsSuite(at) {
		found, err := Found(at)
		if err == nil && over(found) && (o.Again == nil || !o.Again(found)) {
			return found, nil
		}
	}
	if o.Searching != nil {
		o.Searching(n+1, c)
	}
	found, err := search(ctx, c, at)
	if err != nil {
		return found, err
	}
	if found.ExitCode == exitCannotRun {
		return found, errors.New(found.Reason)
	}
	return found, nil
}

// over is whether a search has come to its end, with an answer or without one.
func over(c report.Capacity) bool {
	return c.Finished != nil && c.Interrupted == "" && c.ExitCode != exitCannotRun
}
