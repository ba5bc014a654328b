package report

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// A MatrixFormat writes a matrix for one kind of reader.
type MatrixFormat func(w io.Writer, m Matrix) error

// MatrixFormats are the kinds of readers of a matrix.
var MatrixFormats = map[string]MatrixFormat{
	"text": MatrixText, "json": MatrixJSON, "markdown": MatrixMarkdown,
}

// WriteMatrix puts a matrix into its directory, each file whole or not at all: the figures,
// the text and the picture.
func WriteMatrix(dir string, m Matrix) error {
	if err := WriteMatrixTexts(dir, m); err != nil {
		return err
	}
	file := filepath.Join(GraphsDir, m.Kind+".png")
	return write(dir, file, func(w io.Writer) error { return DrawMatrix(w, m) })
}

// WriteMatrixTexts is WriteMatrix without the picture.
func WriteMatrixTexts(dir string, m Matrix) error {
	if err := os.MkdirAll(filepath.Join(dir, GraphsDir), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", m.Kind, err)
	}
	for file, format := range map[string]MatrixFormat{
		m.File(): MatrixJSON, m.TextFile(): MatrixMarkdown,
	} {
		if err := write(dir, file, func(w io.Writer) error { return format(w, m) }); err != nil {
			return err
		}
	}
	return nil
}

// MatrixJSON is for programs: matrix.json, presets.json.
func MatrixJSON(w io.Writer, m Matrix) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		return fmt.Errorf("write %s: %w", m.Kind, err)
	}
	return nil
}

// MatrixText is the ending on a terminal; its last line names the exit code.
func MatrixText(w io.Writer, m Matrix) error {
	var p page
	p.line("%s: %s", m.Name, m.title())
	if m.Headline != "" {
		p.line("  ran       %s", m.Headline)
	}
	if m.Workload != "" {
		p.line("  workload  %s", m.Workload)
	}
	p.columns(m.table())
	for _, text := range slices.Concat(m.silent(), m.Notes) {
		p.line("  · %s", text)
	}
	p.line("  report    %s", filepath.Join(m.Dir, m.TextFile()))
	p.line("outcome: %s, exit code %d", m.Reason, m.ExitCode)
	return p.to(w)
}

// MatrixMarkdown is for people: matrix.md, presets.md.
func MatrixMarkdown(w io.Writer, m Matrix) error {
	var p page
	p.line("# %s: %s", m.Name, m.title())
	p.line("")
	if m.Description != "" {
		p.line("%s.", capital(strings.TrimRight(m.Description, ".")))
		p.line("")
	}
	on := fmt.Sprintf("%d cores%s", m.Machine.Cores, prefixed(" of ", m.Machine.CPUModel))
	if len(m.Nodes) > 0 {
		on = nodesText(m.Nodes)
	} else if !m.Machine.Known() {
		on = "a machine that is not known"
	}
	p.line("Ran: %s, on %s. %s. Exit code %d: %s.", orDash(m.Headline), on,
		capital(orDash(m.Workload)), m.ExitCode, m.Reason)
	p.line("")
	for _, text := range slices.Concat(m.silent(), m.Notes) {
		p.line("- %s.", capital(strings.TrimRight(text, ".")))
	}
	p.line("")
	p.matrixGrid(m)
	p.matrixTable(m)
	p.line("![spans a second by CPU limit](%s/%s.png)", GraphsDir, m.Kind)
	p.line("")
	p.line("## How to read it")
	p.line("")
	p.line("**spans/s** is the rate at which half of the trials hold; it lies **from–to** with the "+
		"probability in brackets: plan with the low end. **MB/s** is the spans as they were sent, "+
		"before compression; **spans/s a core** divides by the CPU limit; **broke first** is what gave "+
		"way first just above. One search a cell: two cells whose intervals overlap are not ranked. "+
		"All figures are in `%s`, each search in its own folder.", m.File())
	if m.Kind == PresetsKind {
		p.line("")
		p.line("**published** is from Odigos' documentation of August 2026 (benchmarks, stable " +
			"capacity of one gateway pod), which does not define stable nor say on which machines; " +
			"a ratio is of two hosts and two methods, and no judgement of either.")
	}
	return p.to(w)
}

func prefixed(with, text string) string {
	if text == "" {
		return ""
	}
	return with + text
}

// axes are the limits that occur, in order.
func (m Matrix) axes() (cpus []scenario.CPU, memories []scenario.Bytes) {
	for _, c := range m.Cells {
		cpus, memories = append(cpus, c.CPU), append(memories, c.Memory)
	}
	slices.Sort(cpus)
	slices.Sort(memories)
	return slices.Compact(cpus), slices.Compact(memories)
}

// at is the cell of two limits; nil where there is none.
func (m Matrix) at(cpu scenario.CPU, memory scenario.Bytes) *MatrixCell {
	i := slices.IndexFunc(m.Cells, func(c MatrixCell) bool {
		return c.CPU == cpu && c.Memory == memory
	})
	if i < 0 {
		return nil
	}
	return &m.Cells[i]
}

// matrixGrid is CPU down, memory across; nothing where that would have one row or column,
// or mostly holes.
func (p *page) matrixGrid(m Matrix) {
	cpus, memories := m.axes()
	if len(cpus) < 2 || len(memories) < 2 || 2*len(m.Cells) < len(cpus)*len(memories) {
		return
	}
	p.line("## Spans a second, by CPU and memory limit")
	p.line("")
	head := []string{""}
	for _, memory := range memories {
		head = append(head, memory.String())
	}
	p.cells(head...)
	p.line("|---|%s", strings.Repeat("---:|", len(memories)))
	for _, cpu := range cpus {
		row := []string{cpu.String() + " CPU"}
		for _, memory := range memories {
			row = append(row, m.at(cpu, memory).short())
		}
		p.cells(row...)
	}
	p.line("")
}

// short is a cell of the grid.
func (c *MatrixCell) short() string {
	switch {
	case c == nil:
		return ""
	case c.between():
		return fmt.Sprintf("**%s** (%s–%s)", c.rateText(), brief(c.Found.Low),
			brief(c.Found.High))
	case c.answered():
		return c.rateText()
	case c.Status == Ran:
		return "no answer"
	}
	return string(c.Status)
}

func (p *page) matrixTable(m Matrix) {
	p.line("## Each capacity")
	p.line("")
	for i, row := range m.table() {
		if i == 0 {
			p.cells(append(row, "trials", "took", "search")...)
			p.line("|---|%s---|---:|---:|---|", strings.Repeat("---:|", len(row)-2))
			continue
		}
		c := m.Cells[i-1]
		trials, took, link := "–", "–", "–"
		if c.Found != nil {
			trials, took = fmt.Sprint(c.Found.Trials), verdict.Seconds(c.Found.Took)
			link = fmt.Sprintf("[%s](%s/%s)", c.Name, c.Record, CapacityTextFile)
		}
		p.cells(append(row, trials, took, link)...)
	}
	p.line("")
}
