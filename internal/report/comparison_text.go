package report

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// The files of a comparison, in the directory of its suite.
const (
	ComparisonFile     = "comparison.json"
	ComparisonTextFile = "comparison.md"
)

// A ComparisonFormat writes a comparison for one kind of reader.
type ComparisonFormat func(w io.Writer, c Comparison) error

// ComparisonJSON is for programs: comparison.json.
func ComparisonJSON(w io.Writer, c Comparison) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(c); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return nil
}

// ComparisonText is the ending on a terminal; its last line names the outcome and the
// exit code.
func ComparisonText(w io.Writer, c Comparison) error {
	var p page
	p.line("%s: %s", c.Name, c.title())
	if c.Headline != "" {
		p.line("  ran       %s", c.Headline)
	}
	p.columns(c.shortTable())
	for _, f := range c.Findings {
		p.line("  · %s", f)
	}
	p.line("  report    %s", filepath.Join(c.Dir, ComparisonTextFile))
	p.line("outcome: %s, exit code %d", c.Outcome, c.ExitCode)
	return p.to(w)
}

func (c Comparison) title() string {
	title := fmt.Sprintf("%d %s", len(c.Parts), c.Kind)
	if load := c.load(); load != "" {
		title += ", " + load
	}
	return title
}

// shortTable is the figures that fit on a terminal, a part a line; shares are of the
// spans due.
func (c Comparison) shortTable() [][]string {
	share := func(of func(SpanFates) *float64) func(Compared) string {
		return func(c Compared) string {
			if c.Spans == nil || of(*c.Spans) == nil {
				return "?"
			}
			return verdict.Percent(*of(*c.Spans))
		}
	}
	columns := []comparedFigure{
		{what: "", of: func(c Compared) string { return c.Name }},
		{what: "outcome", of: func(c Compared) string {
			if c.Outcome == nil || c.Status == CouldNot {
				return string(c.Status)
			}
			return c.Outcome.String()
		}},
		{what: "OOM after", of: func(c Compared) string {
			if c.OOM == nil {
				return "–"
			}
			return verdict.Seconds(*c.OOM)
		}},
		{what: "delivered", of: share(func(f SpanFates) *float64 { return f.DeliveredRatio })},
		{what: "refused", of: share(func(f SpanFates) *float64 { return f.RefusedRatio })},
		{what: "lost", of: share(func(f SpanFates) *float64 { return f.LostRatio })},
		{what: "unsent", of: share(func(f SpanFates) *float64 { return f.UnsentRatio })},
		{what: "peak memory", of: func(c Compared) string { return short(c.Memory.Peak, mib) }},
		{what: "CPU", of: func(c Compared) string { return short(c.CPU.Average, cores) }},
		{what: "p99", of: func(c Compared) string {
			if c.P99 == nil {
				return "?"
			}
			return p99Text(c)
		}},
	}
	table := [][]string{nil}
	for _, col := range columns {
		table[0] = append(table[0], col.what)
	}
	for _, part := range c.Parts {
		var row []string
		for _, col := range columns {
			row = append(row, col.of(part))
		}
		table = append(table, row)
	}
	return table
}

func short(v *float64, unit unit) string {
	if v == nil {
		return "?"
	}
	return unit(*v)
}

// columns writes a table with its first column to the left and all others to the right.
func (p *page) columns(table [][]string) {
	widths := make([]int, len(table[0]))
	for _, row := range table {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range table {
		line := " "
		for i, cell := range row {
			room := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				line += " " + cell + room
				continue
			}
			line += "  " + room + cell
		}
		p.line("%s", strings.TrimRight(line, " "))
	}
}

// ComparisonMarkdown is for people: comparison.md.
func ComparisonMarkdown(w io.Writer, c Comparison) error {
	var p page
	p.line("# %s: %s", c.Name, c.Outcome)
	p.line("")
	if c.Description != "" {
		p.line("%s.", capital(strings.TrimRight(c.Description, ".")))
		p.line("")
	}
	for _, f := range c.Findings {
		p.line("- %s", f)
	}
	p.line("")
	p.line("Outcome: **%s**, exit code %d: %s. Validity: **%s**. Ran: %s; %s.", c.Outcome, c.ExitCode,
		c.Reason, c.Validity, orDash(c.Headline), orDash(c.load()))
	if c.Interrupted != "" {
		p.line("Interrupted by %s: what had run until then is told.", c.Interrupted)
	}
	p.line("")
	p.comparisonTable(c)
	for _, picture := range comparisonPictures {
		p.line("![%s](%s/%s.png)", picture.title, GraphsDir, picture.name)
		p.line("")
	}
	p.parts(c)
	return p.to(w)
}

func (p *page) comparisonTable(c Comparison) {
	p.line("## Beside each other")
	p.line("")
	p.line("Spans are those due in the measured time, by identity: each is in one of the lines that "+
		"begin with a dash, and they sum to those due. Time to OOM counts from the start of the load, "+
		"warm-up included; memory is of the whole run, by samples and close looks, CPU and latency "+
		"of the measured time. From each part's `summary.json`; the last column is below a part of "+
		"`%s`.", ComparisonFile)
	p.line("")
	head, rule := []string{""}, "|---|"
	for _, part := range c.Parts {
		head = append(head, part.Name)
		rule += "---:|"
	}
	p.cells(append(head, "`parts[]`.")...)
	p.line("%s---|", rule)
	for _, f := range comparedFigures {
		cells := []string{f.what}
		for _, part := range c.Parts {
			text := "–"
			if part.record != nil || f.path == "outcome" {
				text = f.of(part)
			}
			cells = append(cells, text)
		}
		some := slices.ContainsFunc(cells[1:], func(s string) bool { return s != "0" && s != "–" })
		rare := f.path == "spans.sampled_spans" || f.path == "spans.given_up_by_the_sdk_spans"
		if rare && !some {
			continue
		}
		p.cells(append(cells, "`"+f.path+"`")...)
	}
	p.line("")
}

func (p *page) parts(c Comparison) {
	p.line("## The parts")
	for _, part := range c.Parts {
		p.line("")
		p.line("### %s", part.Name)
		p.line("")
		if part.Description != "" {
			p.line("%s.", capital(strings.TrimRight(part.Description, ".")))
			p.line("")
		}
		for _, s := range part.Settings {
			p.line("- sets `%s`", s)
		}
		if part.record == nil {
			p.line("- %s", part.Sentence)
			continue
		}
		p.line("- %s: %s", part.Outcome, part.Reason)
		p.line("- [%s/%s](%s/%s)", part.Record, AnalysisFile, part.Record, AnalysisFile)
	}
}
