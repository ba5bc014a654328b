// Package backend receives telemetry, misbehaves as told, and keeps the book of what
// came.
package backend

import (
	"time"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A Config is one mock backend with nothing left to decide.
type Config struct {
	RunID   string           `json:"run_id"`
	Backend scenario.Backend `json:"backend"`
	GRPC    string           `json:"grpc"` // listen address of OTLP over gRPC
	HTTP    string           `json:"http"` // and over HTTP
	WarmUp  time.Duration    `json:"warm_up_ns"`
	Measure time.Duration    `json:"measure_ns"`
	// SampleEvery is as of the load generator.
	SampleEvery uint64 `json:"sample_every"`
	// Seed of what is random in the answers.
	Seed uint64 `json:"seed"`
}
