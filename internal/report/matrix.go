package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/search"
)

// The kinds of a matrix; its files and the folder of its capacities are called so.
const (
	MatrixKind  = "matrix"
	PresetsKind = "presets"
)

// NotHere is the status of a cell whose limits this host cannot give.
const NotHere Status = "not on this host"

// A Matrix is several capacities of one gateway within different limits.
type Matrix struct {
	SchemaVersion int    `json:"schema_version"`
	Name          string `json:"name"`
	Description   string `json:"description,omitempty"`
	Kind          string `json:"kind"`               // MatrixKind, PresetsKind
	Headline      string `json:"headline,omitempty"` // names the collector that ran
	Record        string `json:"record"`             // the name of its directory
	Dir           string `json:"-"`

	Created     time.Time      `json:"created"`
	Finished    *time.Time     `json:"finished,omitempty"`
	Interrupted string         `json:"interrupted,omitempty"`
	Command     []string       `json:"command"`
	Tool        record.Tool    `json:"tool"`
	Machine     record.Machine `json:"machine"`
	// Nodes are those of a cluster that the gateways of all trials were on.
	Nodes     []record.Machine `json:"nodes,omitempty"`
	Collector record.Collector `json:"collector"`
	// HostRoom is how many of the host's cores gateway, load generator and backend may use
	// together before they wait for each other; 0 is not known.
	HostRoom float64 `json:"host_room_cores,omitempty"`
	// Workload is what was the same in all cells, in words.
	Workload string `json:"workload,omitempty"`
	// Notes are what must be known to read the figures, in sentences.
	Notes []string     `json:"notes,omitempty"`
	Cells []MatrixCell `json:"cells"`

	ExitCode int    `json:"exit_code"`
	Reason   string `json:"reason"`
}

// A MatrixCell is the capacity within one pair of limits.
type MatrixCell struct {
	Name     string          `json:"name"`
	CPU      scenario.CPU    `json:"cpu_limit_cores,omitempty"`    // 0: none
	Memory   scenario.Bytes  `json:"memory_limit_bytes,omitempty"` // 0: none
	Preset   scenario.Preset `json:"preset,omitempty"`
	Settings []string        `json:"set"`
	// Record is the directory of its capacity, relative to the matrix's.
	Record string `json:"record"`
	Status Status `json:"status"`
	// Why is why there is no answer, in a clause; empty where there is one.
	Why string `json:"why,omitempty"`
	// HostLeft is how many cores the host has beside the limit, of HostRoom.
	HostLeft *float64 `json:"host_left_cores,omitempty"`
	// Found is nil where nothing was searched.
	Found     *MatrixAnswer `json:"found,omitempty"`
	Published *Published    `json:"published,omitempty"`
}

// A MatrixAnswer is what the search of one cell found.
type MatrixAnswer struct {
	search.Answer
	Sentence string `json:"sentence"` // the answer in one line
	// EncodedPerSpan is bytes a span before compression, Bytes a second of them at the
	// estimate, PerCore the estimate over the CPU limit. Nil is not known.
	EncodedPerSpan *float64 `json:"encoded_bytes_per_span,omitempty"`
	Bytes          *float64 `json:"encoded_bytes_per_second,omitempty"`
	PerCore        *float64 `json:"spans_per_second_per_core,omitempty"`
	// BrokeFirst is what gave way first above it, and Limited what limited it there.
	BrokeFirst string  `json:"broke_first,omitempty"`
	Limited    string  `json:"limited_by,omitempty"`
	Trials     int     `json:"trials"`
	Took       float64 `json:"took_seconds"`
	ExitCode   int     `json:"exit_code"`
}

// A Published is what Odigos' documentation says of a preset.
type Published struct {
	Rate  float64 `json:"spans_per_second"`
	Bytes float64 `json:"bytes_per_second"`
	// Ratio is measured over published, with the ends of the interval; nil where they
	// cannot be compared, for which NoRatio is the reason.
	Ratio     *float64 `json:"measured_ratio,omitempty"`
	RatioLow  *float64 `json:"measured_low_ratio,omitempty"`
	RatioHigh *float64 `json:"measured_high_ratio,omitempty"`
	NoRatio   string   `json:"no_ratio,omitempty"`
}

// File is the name of the file with its figures.
func (m Matrix) File() string { return m.Kind + ".json" }

// TextFile is the name of the file for people.
func (m Matrix) TextFile() string { return m.Kind + ".md" }

// answered is whether a search ended with one.
func (c MatrixCell) answered() bool {
	if c.Found == nil || c.Status != Ran {
		return false
	}
	switch c.Found.Standing {
	case search.Found, search.Wide, search.BeyondAll, search.BelowAll:
		return true
	}
	return false
}

// between is whether the answer is an interval.
func (c MatrixCell) between() bool {
	return c.answered() && (c.Found.Standing == search.Found || c.Found.Standing == search.Wide)
}

// rateText is the answer in the fewest words.
func (c MatrixCell) rateText() string {
	switch {
	case c.between():
		return brief(c.Found.Estimate)
	case !c.answered():
		return "–"
	case c.Found.Standing == search.BeyondAll:
		return "at least " + brief(c.Found.Low)
	}
	return "below " + brief(c.Found.High)
}

// intervalText is from where to where it lies.
func (c MatrixCell) intervalText() string {
	if !c.between() {
		return "–"
	}
	text := betweenText(c.Found.Low, c.Found.High, c.Found.Confidence)
	if c.Found.Standing == search.Wide {
		text += ", wider than asked"
	}
	return text
}

// sentence is why a cell has no answer, after its name.
func (c MatrixCell) sentence() string {
	switch {
	case c.answered():
		return ""
	case c.Status == NotHere:
		return "was not measured: " + c.Why
	case c.Status == NotRun:
		return "was not searched"
	case c.Status == CouldNot:
		return "could not be searched: " + c.Why
	case c.Status == CutOff:
		return "was not finished: " + c.Why
	}
	return "has no answer: " + c.Why
}

// A matrixColumn is one column of the table of all cells.
type matrixColumn struct {
	head string
	of   func(c MatrixCell) string
}

// columns are those of the table; what was published is told where anything was.
func (m Matrix) columns() []matrixColumn {
	found := func(of func(a MatrixAnswer) string) func(MatrixCell) string {
		return func(c MatrixCell) string {
			if !c.between() {
				return "–"
			}
			return of(*c.Found)
		}
	}
	all := []matrixColumn{
		{"", func(c MatrixCell) string { return c.Name }},
		{"limits", func(c MatrixCell) string { return limitsText(c.CPU, c.Memory) }},
		{"spans/s", MatrixCell.rateText},
		{"from–to", MatrixCell.intervalText},
		{"MB/s", found(func(a MatrixAnswer) string {
			return short(a.Bytes, func(v float64) string { return digits3(v / 1e6) })
		})},
		{"spans/s a core", found(func(a MatrixAnswer) string { return short(a.PerCore, brief) })},
		{"broke first", func(c MatrixCell) string {
			if !c.answered() {
				return "–"
			}
			return orDash(c.Found.BrokeFirst)
		}},
	}
	if !slices.ContainsFunc(m.Cells, func(c MatrixCell) bool { return c.Published != nil }) {
		return slices.Delete(all, 1, 2) // the names are the limits
	}
	return slices.Insert(slices.Delete(all, 5, 6), 5, // a core's share is told in the file
		matrixColumn{"published", func(c MatrixCell) string {
			if c.Published == nil {
				return "–"
			}
			return fmt.Sprintf("%s, %s MB/s", brief(c.Published.Rate),
				digits3(c.Published.Bytes/1e6))
		}},
		matrixColumn{"measured/published", func(c MatrixCell) string {
			return c.Published.ratioText()
		}})
}

func (p *Published) ratioText() string {
	if p == nil || p.Ratio == nil {
		return "–"
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", *p.Ratio, *p.RatioLow, *p.RatioHigh)
}

// table is all cells in their order.
func (m Matrix) table() [][]string {
	columns := m.columns()
	table := [][]string{nil}
	for _, col := range columns {
		table[0] = append(table[0], col.head)
	}
	for _, c := range m.Cells {
		var row []string
		for _, col := range columns {
			row = append(row, col.of(c))
		}
		table = append(table, row)
	}
	return table
}

// title says what there is of it.
func (m Matrix) title() string {
	if m.Kind == PresetsKind {
		return fmt.Sprintf("%d of Odigos' sizes", len(m.Cells))
	}
	return fmt.Sprintf("%d capacities, CPU × memory", len(m.Cells))
}

// silent are the sentences of the cells without an answer.
func (m Matrix) silent() (all []string) {
	for _, c := range m.Cells {
		if text := c.sentence(); text != "" {
			all = append(all, c.Name+" "+strings.TrimRight(text, "."))
		}
	}
	return all
}
