package record

import "time"

// SelftestVersion is the schema version of a Selftest. Within it fields are only
// added.
const SelftestVersion = 1

// A Selftest is what both ends of the wire can do on one host with no gateway between
// them: no trial there can ask for more. All of it comes from the ends' own books.
type Selftest struct {
	SchemaVersion int       `json:"schema_version"`
	Tool          Tool      `json:"tool"`
	Finished      time.Time `json:"finished"`
	Host          HostID    `json:"host"`
	// Quick: measured in short windows, so that the figures are coarse.
	Quick bool `json:"quick,omitempty"`
	// Seconds that it took.
	Seconds  float64   `json:"took_seconds"`
	Ceilings []Ceiling `json:"ceilings"`
	Pacing   []Pacing  `json:"pacing"`
	Floor    Floor     `json:"latency_floor"`
	Noise    Noise     `json:"noise"`
}

// A HostID says on which host something was measured. Two are of one host when they
// are equal: another kernel or another number of cores is another host.
type HostID struct {
	// ID is a hash of the machine id, or of the host's name where it has none.
	ID       string `json:"id"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Kernel   string `json:"kernel,omitempty"`
	CPUModel string `json:"cpu_model,omitempty"`
	Cores    int    `json:"cores"`
}

// A Workload is what was sent.
type Workload struct {
	Shape           string `json:"shape"`
	SpansPerRequest int    `json:"spans_per_request"`
	Protocol        string `json:"protocol"`
	Compression     string `json:"compression"`
	Connections     int    `json:"connections"`
	InFlight        int    `json:"in_flight"`
}

// A Ceiling is the highest rate of one workload.
type Ceiling struct {
	Workload
	// Asked is the rate of the schedule; Rate is of all that was acknowledged and
	// delivered, from the start to the last answer. Both are in spans per second.
	Asked       float64 `json:"asked_spans_per_second"`
	Rate        float64 `json:"delivered_spans_per_second"`
	UnsentRatio float64 `json:"unsent_ratio_of_due"`
	// Reached is false when the ends could do all that was asked: the ceiling is then
	// higher than Rate.
	Reached        bool    `json:"reached"`
	Measured       float64 `json:"measured_seconds"`
	EncodedPerSpan float64 `json:"encoded_bytes_per_span"`
	WirePerSpan    float64 `json:"wire_bytes_per_span"` // after compression
	// LoadgenCPU and BackendCPU are seconds of CPU time a delivered span.
	LoadgenCPU float64 `json:"loadgen_cpu_seconds_per_span"`
	BackendCPU float64 `json:"backend_cpu_seconds_per_span"`
}

// A Pacing is how well the load generator kept one schedule.
type Pacing struct {
	Workload
	Rate  float64 `json:"rate_spans_per_second"`
	Slots int64   `json:"slots"` // one request each
	// A percentile is nil where there were too few slots to bear it.
	LatenessP50 *float64 `json:"lateness_p50_seconds,omitempty"`
	LatenessP99 *float64 `json:"lateness_p99_seconds,omitempty"`
	SlopeError  *float64 `json:"slope_error_ratio,omitempty"`
}

// A Floor is the latency of the ends alone, from due time to receipt.
type Floor struct {
	Workload
	Rate     float64  `json:"rate_spans_per_second"`
	Requests int64    `json:"requests"`
	P50      *float64 `json:"p50_seconds,omitempty"`
	P99      *float64 `json:"p99_seconds,omitempty"`
}

// A Noise is how far CPU time per span spreads when the same thing is measured again
// and again: a difference below it is none.
type Noise struct {
	Workload
	Rate    float64 `json:"rate_spans_per_second"`
	Windows int     `json:"windows"`
	// WindowSeconds is how long each was.
	WindowSeconds float64 `json:"window_seconds"`
	// The medians are CPU seconds per span, the spreads median absolute deviations over
	// the median.
	LoadgenMedian float64 `json:"loadgen_cpu_seconds_per_span_median"`
	LoadgenSpread float64 `json:"loadgen_cpu_spread_ratio"`
	BackendMedian float64 `json:"backend_cpu_seconds_per_span_median"`
	BackendSpread float64 `json:"backend_cpu_spread_ratio"`
}
