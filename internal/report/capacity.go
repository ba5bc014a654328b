package report

import (
	"math"
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

// Observed is what a search is told of the trial.
func (t CapacityTrial) Observed() search.Trial {
	out := search.Trial{
		Rate: t.Rate, Length: t.Length, Result: t.Holding.Result,
		Took: time.Duration(t.Took * float64(time.Second)), TooShort: t.Holding.TooShort(),
	}
	if used := t.Holding.Used; used != nil && *used > 0 {
		out.Guess = t.Rate / *used
		// Our own backend does the same with each span in every trial: what that costs tells
		// how fast the host was. It matters to a gateway that is bound by its CPU.
		if work := t.Point.BackendPerMillion; work != nil && t.Holding.OfCPU() {
			out.Work = *work
		}
	}
	return out
}

// A Capacity is what a search found, with every trial that it made.
type Capacity struct {
	SchemaVersion int    `json:"schema_version"`
	Name          string `json:"name"`
	Description   string `json:"description,omitempty"`
	Headline      string `json:"headline,omitempty"` // names the collector that ran
	Record        string `json:"record"`             // the name of its directory
	Dir           string `json:"-"`

	Created     time.Time   `json:"created"`
	Finished    *time.Time  `json:"finished,omitempty"`
	Interrupted string      `json:"interrupted,omitempty"`
	Command     []string    `json:"command"`
	Tool        record.Tool `json:"tool"`
	// Machine is of a cluster the first of Nodes of which more than its name is known.
	Machine record.Machine `json:"machine"`
	// Nodes are those of a cluster that the gateways of the trials were on.
	Nodes       []record.Machine `json:"nodes,omitempty"`
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

	// What follows is drawn from the trials by Concluded.

	// Sentence is the answer in one line.
	Sentence string `json:"sentence"`
	// EncodedPerSpan is bytes a span as it was sent, before compression: the mean over the
	// trials.
	EncodedPerSpan *float64 `json:"encoded_bytes_per_span,omitempty"`
	// Edge is how the trials ended that broke next to the edge; nil where none broke.
	Edge     *Edge     `json:"edge,omitempty"`
	Headroom *Headroom `json:"headroom,omitempty"`
	NextSpan *NextSpan `json:"next_span,omitempty"`
	// Host is how fast the host was; nil where that is not known.
	Host *HostSpeed `json:"host_speed,omitempty"`
}

// Concluded is the capacity with what follows from its trials. Of one that is concluded it
// changes nothing: the records may not be at hand any more.
func (c Capacity) Concluded() Capacity {
	if c.Sentence != "" {
		return c
	}
	if c.SchemaVersion == 0 {
		c.SchemaVersion = SchemaVersion
	}
	c.EncodedPerSpan = c.meanOf(func(t CapacityTrial) *float64 { return t.Point.EncodedPerSpan })
	c.Edge = c.edge()
	c.Headroom = c.headroom()
	c.NextSpan = c.nextSpan()
	c.Host = c.host()
	c.Sentence = c.sentence()
	return c
}

// meanOf is the mean of a figure over the trials in which it is known.
func (c Capacity) meanOf(of func(CapacityTrial) *float64) *float64 {
	sum, n := 0.0, 0
	for _, t := range c.Trials {
		if v := of(t); v != nil {
			sum, n = sum+*v, n+1
		}
	}
	if n == 0 {
		return nil
	}
	return new(sum / float64(n))
}

// nearest is the rate that stands for the edge: the estimate, and where there is none the
// end of the interval that is known; 0 where nothing is.
func (c Capacity) nearest() float64 {
	switch a := c.Answer; {
	case a.Estimate > 0:
		return a.Estimate
	case a.High > 0:
		return a.High
	default:
		return a.Low
	}
}

// ran is the scenario as it was resolved for the trial next to the edge, whose record is at
// hand: the defaults of a load follow from its rate, and the plan settles a gateway's.
func (c Capacity) ran() scenario.Scenario {
	s, away := c.Scenario, math.Inf(1)
	for _, t := range c.Trials {
		if far := math.Abs(t.Rate - c.nearest()); t.Data != nil && far < away {
			s, away = t.Data.Header.Scenario, far
		}
	}
	return s
}

// shows is whether a trial says something of the gateway.
func (t CapacityTrial) shows() bool {
	return t.Holding.Result == search.Held || t.Holding.Result == search.Broke
}
