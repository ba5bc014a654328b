// Package baseline is a measured capacity to be kept: what was found, of what, on which
// host, and the curves that a size is reckoned from.
package baseline

import (
	"time"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// SchemaVersion of a baseline's file. Within it fields are only added.
const SchemaVersion = 1

// A Baseline is one capacity as it was measured. Bytes, seconds, cores and spans per second
// are plain numbers.
type Baseline struct {
	SchemaVersion int       `json:"schema_version"`
	Name          string    `json:"name"`
	Measured      time.Time `json:"measured"`
	Tool          string    `json:"tool"`   // version
	Record        string    `json:"record"` // the name of the capacity's directory
	Environment   string    `json:"environment"`
	Host          Host      `json:"host"`
	Collector     Collector `json:"collector"`
	Scenario      string    `json:"scenario"`
	// Gateway, Load and Backend are resolved; the load's rate is the estimate.
	Gateway    scenario.Gateway    `json:"gateway"`
	Load       scenario.Load       `json:"load"`
	Backend    scenario.Backend    `json:"backend"`
	Thresholds scenario.Thresholds `json:"thresholds"`

	Capacity Capacity `json:"capacity"`
	Points   []Point  `json:"points"` // by rate

	// QueuedSpan is what a span takes of the live heap while it waits in the exporter's
	// queue, in bytes; nil where no backend was away while it was looked at.
	QueuedSpan *float64 `json:"queued_span_bytes,omitempty"`
}

// A Host is where it was measured.
type Host struct {
	CPUModel string `json:"cpu_model,omitempty"`
	// InstanceType is what a cloud calls the kind of a cluster's node.
	InstanceType string `json:"instance_type,omitempty"`
	Cores        int    `json:"cores"`
	MemoryBytes  int64  `json:"memory_bytes,omitempty"`
	OS           string `json:"os"`
	Arch         string `json:"arch"`
	Kernel       string `json:"kernel,omitempty"`
	Cgroup       string `json:"cgroup,omitempty"`
}

// A Collector is what was measured.
type Collector struct {
	Headline string `json:"headline"`
	Name     string `json:"name"`
	Version  string `json:"version"`
	SHA256   string `json:"sha256,omitempty"`
}

// A Capacity is the highest rate that held, in spans per second: it lies from Low to High
// with Confidence.
type Capacity struct {
	Estimate   float64 `json:"estimate_spans_per_second"`
	Low        float64 `json:"low_spans_per_second"`
	High       float64 `json:"high_spans_per_second"`
	Confidence float64 `json:"confidence_ratio"`
	Noise      float64 `json:"noise_ratio,omitempty"`
	// HostCost is what a million spans cost our own backend meanwhile, in CPU seconds: how
	// fast the host was. Brought is whether the capacity was brought to it. 0: not known.
	HostCost float64 `json:"host_cpu_seconds_per_million_spans,omitempty"`
	// HostCostError is its standard error, as a share of it. 0: not known.
	HostCostError float64 `json:"host_cost_error_ratio,omitempty"`
	Brought       bool    `json:"brought_to_host_cost,omitempty"`
	Precision     float64 `json:"precision_ratio"` // as asked
	// EncodedPerSpan is bytes a span, before compression.
	EncodedPerSpan float64 `json:"encoded_bytes_per_span"`
	// BrokeFirst is what gave way first above it, and Limited what limited it there.
	BrokeFirst string  `json:"broke_first,omitempty"`
	Limited    string  `json:"limited_by,omitempty"`
	Trials     int     `json:"trials"`
	Took       float64 `json:"took_seconds"`
}

// A Point is one trial of it; nil is not known.
type Point struct {
	Rate     float64  `json:"rate_spans_per_second"`
	Held     bool     `json:"held"`
	Measured float64  `json:"measured_seconds"`
	CPU      *float64 `json:"cpu_average_cores,omitempty"`
	CPUMax   *float64 `json:"cpu_max_cores,omitempty"`
	Memory   *float64 `json:"working_set_peak_bytes,omitempty"`
	Anon     *float64 `json:"anon_and_kernel_peak_bytes,omitempty"`
	P50      *float64 `json:"latency_p50_seconds,omitempty"`
	Mean     *float64 `json:"latency_mean_seconds,omitempty"`
	P99      *float64 `json:"latency_p99_seconds,omitempty"`
	Inside   *float64 `json:"inside_mean_spans,omitempty"`
	// InsideMax is the most spans that were inside at a look.
	InsideMax *float64 `json:"inside_max_spans,omitempty"`
	Queue     *float64 `json:"queue_mean_requests,omitempty"`
	BatchMean *float64 `json:"spans_per_export,omitempty"`
	Exports   *float64 `json:"exports_per_second,omitempty"`
	// HostCost is what a million spans cost our own backend, in CPU seconds. It is the higher
	// the lower the rate, on any host: it tells how fast two hosts were at one rate.
	HostCost *float64 `json:"host_cpu_seconds_per_million_spans,omitempty"`
}
