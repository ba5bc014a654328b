package ledger

import "time"

// A Window is the measured part of a run, as offsets from its start. Measured spans
// are those due in [From, To).
type Window struct {
	From time.Duration `json:"from_ns"`
	To   time.Duration `json:"to_ns"`
}

// Sent is the sender's summary of its account, served beside it.
type Sent struct {
	Stream uint16    `json:"stream"`
	Start  time.Time `json:"start"`
	// Finished is from the start to the last answer.
	Finished time.Duration `json:"finished_ns"`
	// All and Measured count spans by class; delivery is not known here.
	All      Classes `json:"all"`
	Measured Classes `json:"measured"`
	// The rest is of the measured time, unless it says otherwise.
	Requests     map[string]uint64 `json:"requests"` // attempts by answer: OK, UNAVAILABLE, HTTP 503 …
	EncodedBytes uint64            `json:"encoded_bytes"`
	WireBytes    uint64            `json:"wire_bytes"` // request bodies after compression
	// Lateness is from a slot's due time to its sending, one entry a slot.
	Lateness *Histogram `json:"lateness"`
	// Answer is from a span's due time to its acknowledgement, one entry a span.
	Answer *Histogram `json:"answer"`
	// SlopeError is the slope of send time over slot number against the schedule's,
	// less 1; nil where the rate is not constant or there are too few slots.
	SlopeError *float64 `json:"slope_error,omitempty"`
	// ConnectionsOpened is of the whole run.
	ConnectionsOpened uint64 `json:"connections_opened"`
	// Errors are the first few distinct error texts of the whole run, with their counts.
	Errors map[string]uint64 `json:"errors,omitempty"`
	// CPUSeconds this process used between start and Finished.
	CPUSeconds float64 `json:"cpu_seconds"`
}

// Classes counts spans by what the sender knows of them.
type Classes struct {
	Due              uint64 `json:"due"`
	Unsent           uint64 `json:"unsent"`
	Acknowledged     uint64 `json:"acknowledged"`
	RefusedRetryable uint64 `json:"refused_retryable"`
	RefusedPermanent uint64 `json:"refused_permanent"`
	RejectedInPart   uint64 `json:"rejected_in_part"`
	Unknown          uint64 `json:"unknown"`
	Dropped          uint64 `json:"dropped"`
	Attempts         uint64 `json:"attempts"` // spans put on the wire, retries included
}

// Received is the receiver's summary of its account, served beside it.
type Received struct {
	// Unique are spans of ours that arrived at least once and were accepted.
	Unique    uint64 `json:"unique_spans"`
	Duplicate uint64 `json:"duplicate_spans"` // accepted deliveries beyond the first
	Failed    uint64 `json:"failed_spans"`    // deliveries answered with failure, as told
	Foreign   uint64 `json:"foreign_spans"`   // spans without our identity
	// AfterMark are first deliveries after the gateway was told to stop.
	AfterMark  uint64 `json:"unique_spans_after_mark"`
	AfterClose uint64 `json:"after_close_spans"` // came after their block was retired

	Requests     map[string]uint64 `json:"requests"` // by answer
	DecodedBytes uint64            `json:"decoded_bytes"`
	WireBytes    uint64            `json:"wire_bytes"`
	// RequestSpans is the distribution of spans a request.
	RequestSpans *Histogram `json:"request_spans"`
	// Latency is from due time to first accepted receipt of measured spans, one
	// entry a span, whatever the sender knows of them.
	Latency     *Histogram `json:"latency"`
	LastArrival time.Time  `json:"last_arrival,omitzero"`
	CPUSeconds  float64    `json:"cpu_seconds"`
}
