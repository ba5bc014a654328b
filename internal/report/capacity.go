package report

import (
	"io"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// The files of a capacity, in its directory.
const (
	CapacityFile     = "capacity.json"
	CapacityTextFile = "capacity.md"
)

// A CapacityTrial is one trial of a search.
type CapacityTrial struct {
	search.Try
	Name    string          `json:"name"`
	Record  string          `json:"record"` // its directory, relative to the capacity's
	Took    float64         `json:"took_seconds"`
	Error   string          `json:"error,omitempty"` // why there is no trial
	Holding verdict.Holding `json:"holding"`
	Point   verdict.Point   `json:"point"`
	// Data is what was read back; nil where nothing could be.
	Data *record.Record `json:"-"`
}

// A Capacity is what a search found, with every trial that it made.
type Capacity struct {
	SchemaVersion int    `json:"schema_version"`
	Name          string `json:"name"`
	Description   string `json:"description,omitempty"`
	Headline      string `json:"headline,omitempty"` // names the collector that ran
	Record        string `json:"record"`             // the name of its directory
	Dir           string `json:"-"`

	Created     time.Time        `json:"created"`
	Finished    *time.Time       `json:"finished,omitempty"`
	Interrupted string           `json:"interrupted,omitempty"`
	Command     []string         `json:"command"`
	Tool        record.Tool      `json:"tool"`
	Machine     record.Machine   `json:"machine"`
	Enforcement env.Enforcement  `json:"enforcement"`
	Collector   record.Collector `json:"collector"`
	// Scenario is resolved; its rate is only where the search began.
	Scenario scenario.Scenario `json:"scenario"`
	Selftest *record.Selftest  `json:"selftest,omitempty"`
	Notes    []string          `json:"notes,omitempty"`

	Spec   search.Spec     `json:"search"`
	Answer search.Answer   `json:"answer"`
	Trials []CapacityTrial `json:"trials"`
	// Took is from the first trial to the last, in seconds, without the times between a
	// search that was interrupted and its going on.
	Took float64 `json:"took_seconds"`

	ExitCode int    `json:"exit_code"`
	Reason   string `json:"reason"`
}

// CapacityFormats are the kinds of readers of a capacity.
var CapacityFormats = map[string]func(w io.Writer, c Capacity) error{}

// WriteCapacity puts a capacity into its directory, each file whole or not at all: the
// figures, the text and the pictures.
func WriteCapacity(dir string, c Capacity) error { return nil }
