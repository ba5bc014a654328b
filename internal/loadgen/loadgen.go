// Package loadgen sends telemetry on a schedule and keeps the book of what it sent.
//
// The schedule is open loop: a slot is due when the schedule says so, however slowly
// earlier ones are answered. A slot that finds every place in flight taken is unsent,
// and is named; the run never grows longer for it.
package loadgen

import (
	"time"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A Config is one load generator with nothing left to decide.
type Config struct {
	RunID string `json:"run_id"`
	// Stream keeps several generators of one run apart.
	Stream uint16 `json:"stream"`
	// Segment is which part of Load this one sends; the zero value is all of it.
	Segment   Segment       `json:"segment,omitzero"`
	Load      scenario.Load `json:"load"`      // of all segments
	Endpoints []string      `json:"endpoints"` // host:port or dns:///host:port (grpc), URL (http)
	WarmUp    time.Duration `json:"warm_up_ns"`
	Measure   time.Duration `json:"measure_ns"`
	// Hold waits, ready, for POST /start before the first slot.
	Hold bool `json:"hold"`
	// SampleEvery spans one is followed by itself from due to receipt (see
	// ledger.Sampled); 0 none.
	SampleEvery uint64 `json:"sample_every"`

	// ahead is how many connections the segments before this one have.
	ahead int
}

// A Schedule says when each batch is due. It is a pure function of n, so that the
// intended time of a batch is known however late the batch is sent.
type Schedule interface {
	// Due returns when batch n is due, from the start; ok is false past the end.
	Due(n uint64) (at time.Duration, ok bool)
	// Rate is the rate asked at a time, in spans per second; 0 past the end.
	Rate(at time.Duration) float64
}
