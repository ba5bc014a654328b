// Package plan is the question with nothing left to decide.
package plan

import (
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A Plan is one trial before it runs. It is plain data: equal scenarios and equal
// collectors give equal plans, on any machine.
type Plan struct {
	Scenario  scenario.Scenario `json:"scenario"` // resolved
	Collector record.Collector  `json:"collector"`
	Backend   env.Actor         `json:"backend"`
	Gateway   env.Actor         `json:"gateway"`
	Loadgen   env.Actor         `json:"loadgen"`
	// SampleEvery spans one is followed from due to receipt.
	SampleEvery uint64 `json:"sample_every"`
	// Quiet is a little longer than the longest wait in the gateway's configuration
	// (batches, sampling decisions, retry back-off): after such a silence of the
	// backend, with an empty queue, nothing more will come.
	Quiet time.Duration `json:"quiet_ns"`
	// Notes are reservations, in sentences.
	Notes []string `json:"notes,omitempty"`
}
