package suite

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/trial"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// writeMatrix is the report of a matrix. Tests draw no pictures.
var writeMatrix = report.WriteMatrix

// IsMatrix tells whether a kind of suite is a matrix.
func IsMatrix(kind string) bool { return kind == report.MatrixKind || kind == report.PresetsKind }

// OpenMatrix reads what a matrix's directory says of it. The ending is zero when it is
// under way, or was killed.
func OpenMatrix(dir string) (*Matrix, Ending, error) {
	var m Matrix
	var e Ending
	err := readJSON(filepath.Join(dir, record.SuiteFile), &m)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, e, fmt.Errorf("open matrix: %s holds none: it has no %s", dir, record.SuiteFile)
	case err != nil:
		return nil, e, fmt.Errorf("open matrix: %w", err)
	case m.SchemaVersion < 1 || m.SchemaVersion > SchemaVersion:
		return nil, e, fmt.Errorf("open matrix: %s: schema version %d, and this program knows 1 to %d",
			dir, m.SchemaVersion, SchemaVersion)
	case !IsMatrix(m.Kind):
		return nil, e, fmt.Errorf("open matrix: %s holds none: found a suite of kind %q, want %q or %q",
			dir, m.Kind, report.MatrixKind, report.PresetsKind)
	}
	for _, c := range m.Cells {
		if !filepath.IsLocal(filepath.FromSlash(c.Record)) {
			return nil, e, fmt.Errorf("open matrix: %s: the capacity of %s is at %q, outside of it", dir,
				c.Name, c.Record)
		}
	}
	err = readJSON(filepath.Join(dir, EndingFile), &e)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, e, fmt.Errorf("open matrix: %w", err)
	}
	return &m, e, nil
}

// FoundMatrix judges every capacity of a matrix again and lays them beside each other, from
// what is on the disk alone.
func FoundMatrix(dir string) (report.Matrix, error) {
	m, ending, err := OpenMatrix(dir)
	if err != nil {
		return report.Matrix{}, err
	}
	out := report.Matrix{
		SchemaVersion: SchemaVersion, Name: m.Name, Description: m.Description, Kind: m.Kind,
		Headline: m.Collector.Headline, Record: filepath.Base(dir), Dir: dir, Created: m.Created,
		Interrupted: ending.Interrupted, Command: m.Command, Tool: m.Tool, Machine: m.Machine,
		Collector: m.Collector, HostRoom: verdict.HostRoom(m.Machine.Cores),
	}
	if !ending.Finished.IsZero() {
		out.Finished = &ending.Finished
	}
	for _, c := range m.Cells {
		cell, found := m.cell(dir, c, ending)
		out.Cells = append(out.Cells, cell)
		if found != nil {
			out.Nodes = withNodes(out.Nodes, found.Nodes)
		}
		if found != nil && out.Workload == "" {
			out.Workload = report.WorkloadText(found.Scenario)
		}
	}
	out.Notes = m.notes()
	if m.Environment == onCluster {
		out.Machine, out.HostRoom = firstKnown(out.Nodes), 0
		out.Notes = append(out.Notes, mixedNodes(out.Nodes)...)
	}
	out.ExitCode, out.Reason = concludeMatrix(out)
	return out, nil
}

// WriteMatrix makes the reports of a matrix's capacities and its own again.
func WriteMatrix(dir string) (report.Matrix, error) {
	m, _, err := OpenMatrix(dir)
	if err != nil {
		return report.Matrix{}, err
	}
	for _, c := range m.Cells {
		at := filepath.Join(dir, filepath.FromSlash(c.Record))
		if !record.IsSuite(at) {
			continue // the report says so
		}
		if _, err := WriteCapacity(at); err != nil {
			return report.Matrix{}, fmt.Errorf("write capacity of %s: %w", c.Name, err)
		}
	}
	out, err := FoundMatrix(dir)
	if err != nil {
		return out, err
	}
	return out, writeMatrix(dir, out)
}

// cell is what there is of one cell; the capacity is nil where there is none.
func (m *Matrix) cell(dir string, c Cell, ending Ending) (report.MatrixCell, *report.Capacity) {
	out := report.MatrixCell{
		Name: c.Name, CPU: c.CPU, Memory: c.Memory, Preset: c.Preset, Settings: c.Settings,
		Record: c.Record, Status: report.NotRun, HostLeft: c.Left,
	}
	if published, ok := publishedRates[c.Preset]; ok && m.Kind == report.PresetsKind {
		out.Published = &published
		out.Published.NoRatio = "there is no measured capacity"
	}
	failed := ending.Errors[c.Name]
	at := filepath.Join(dir, filepath.FromSlash(c.Record))
	switch {
	case c.NotHere != "":
		out.Status, out.Why = report.NotHere, c.NotHere
		return out, nil
	case !record.IsSuite(at):
		if failed != "" {
			out.Status, out.Why = report.CouldNot, failed
		}
		return out, nil
	}
	found, err := Found(at)
	if err != nil {
		out.Status, out.Why = report.CouldNot, err.Error()
		return out, nil
	}
	out.Status, out.Why, out.Found = statusOf(found), found.Reason, answerOf(found)
	if failed != "" {
		out.Status, out.Why = report.CouldNot, failed
	}
	if found.ExitCode == 0 && out.Status == report.Ran {
		out.Why = ""
	}
	if out.Published != nil {
		compare(out.Published, found)
	}
	return out, &found
}

func statusOf(c report.Capacity) report.Status {
	switch {
	case c.Interrupted != "" || c.Finished == nil:
		return report.CutOff
	case c.ExitCode == exitCannotRun:
		return report.CouldNot
	}
	return report.Ran
}

func answerOf(c report.Capacity) *report.MatrixAnswer {
	c = c.Concluded()
	a := &report.MatrixAnswer{
		Answer: c.Answer, Sentence: c.Sentence, EncodedPerSpan: c.EncodedPerSpan,
		Trials: len(c.Trials), Took: c.Took, ExitCode: c.ExitCode,
	}
	a.BrokeFirst, a.Limited = gaveWay(c.Edge)
	if a.Standing != search.Found && a.Standing != search.Wide {
		return a // of which there is no amount
	}
	if a.EncodedPerSpan != nil {
		a.Bytes = new(a.Estimate * *a.EncodedPerSpan)
	}
	if cpu := float64(c.Scenario.Gateway.CPULimit); cpu > 0 {
		a.PerCore = new(a.Estimate / cpu)
	}
	return a
}

// documented is how the load differs from the one that was published for: spans of 1.9 KB,
// 100 a request, a backend that takes 200 ms. Empty where it does not.
func documented(s scenario.Scenario) string {
	l, none := s.Load, s.Load.SpanAttributes == nil && s.Load.ResourceAttributes == nil
	switch {
	case l.Shape != scenario.ShapeOdigosDocs || !none:
		return "the spans are others than the documented ones"
	case l.SpansPerRequest != 100:
		return fmt.Sprintf("a request has %d spans, and 100 are documented", l.SpansPerRequest)
	case s.Backend.Delay.String() != "200ms":
		return fmt.Sprintf("the backend takes %v, and 200ms are documented", s.Backend.Delay)
	}
	return ""
}

// compare holds what was measured against what was published.
func compare(p *report.Published, c report.Capacity) {
	a := c.Answer
	switch differs := documented(c.Scenario); {
	case differs != "":
		p.NoRatio = differs
	case c.ExitCode != 0 || a.Standing != search.Found && a.Standing != search.Wide:
		p.NoRatio = "the search found no interval"
	default:
		p.NoRatio = ""
		p.Ratio, p.RatioLow = new(a.Estimate/p.Rate), new(a.Low/p.Rate)
		p.RatioHigh = new(a.High / p.Rate)
	}
}

// concludeMatrix is the exit code of a matrix, and why. A cell that this host cannot have is
// no failure; a matrix in which nothing was searched is.
func concludeMatrix(m report.Matrix) (int, string) {
	n := map[report.Status]int{}
	stopped := 0
	for _, c := range m.Cells {
		n[c.Status]++
		if c.Status == report.Ran && c.Found.ExitCode != 0 {
			stopped++
		}
	}
	text := fmt.Sprintf("%d of %d capacities have an answer", n[report.Ran]-stopped, len(m.Cells))
	for _, of := range []struct {
		n    int
		word string
	}{
		{stopped, "ended without one"},
		{n[report.CouldNot], "could not be searched"},
		{n[report.CutOff], "cut off"},
		{n[report.NotRun], "not searched"},
		{n[report.NotHere], "not on this host"},
	} {
		if of.n > 0 {
			text += fmt.Sprintf(", %d %s", of.n, of.word)
		}
	}
	switch {
	case m.Interrupted == "SIGTERM":
		return verdict.ExitTerminated, trial.Interrupt{Signal: m.Interrupted}.Error() + ": " + text
	case m.Interrupted != "":
		return verdict.ExitInterrupt, trial.Interrupt{Signal: m.Interrupted}.Error() + ": " + text
	case n[report.CouldNot] > 0 || n[report.NotHere] == len(m.Cells):
		return exitCannotRun, text
	case stopped > 0 || n[report.CutOff]+n[report.NotRun] > 0:
		return verdict.ExitInvalid, text
	}
	return verdict.ExitPass, text
}

// notes are what must be known to read the figures.
func (m *Matrix) notes() []string {
	if m.Kind != report.PresetsKind {
		return nil
	}
	var notes []string
	if strings.Contains(m.Collector.Headline, "not Odigos") || m.Collector.Name != "odigosotelcol" {
		notes = append(notes, fmt.Sprintf("The published figures are of Odigos' own collector, and this "+
			"one is none: %s. The ratios compare two programs", m.Collector.Headline))
	}
	if differs := documented(m.edge()); differs != "" {
		notes = append(notes, "The published figures are of another load: "+differs)
	}
	return notes
}

// edge is one trial of the question, resolved as far as it can be.
func (m *Matrix) edge() scenario.Scenario {
	s := m.Asked
	s.Load.Rate = scenario.Rate(math.Max(float64(s.Load.Rate), 1000))
	r, err := s.Resolved()
	if err != nil {
		return s
	}
	return r
}
