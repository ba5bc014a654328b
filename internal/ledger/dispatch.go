package ledger

import (
	"time"
)

// A Header begins a sender's account.
type Header struct {
	RunID  string    `json:"run_id"`
	Stream uint16    `json:"stream"`
	Start  time.Time `json:"start"`
	// Measured spans have the sequences [MeasuredFrom, MeasuredTo).
	MeasuredFrom uint64 `json:"measured_from"`
	MeasuredTo   uint64 `json:"measured_to"`
	// SampleEvery spans one is followed from due to receipt, see Sampled.
	SampleEvery uint64 `json:"sample_every"`
}

// A Settlement is the end of Count items with consecutive sequences: what the sender
// knows of them for good.
type Settlement struct {
	First    uint64 // sequence
	Count    int
	Class    Class
	Rejected int // of Count, by a partial success
	Attempts int // requests on the wire that carried them; 0 for Unsent
	// Due, Sent (first attempt) and Answered (last answer) count from the start.
	Due, Sent, Answered time.Duration
}

// Sampled tells whether a span is one of those whose time of answer and time of
// receipt are both kept, so that they can be joined: the first of each every.
func Sampled(sequence, every uint64) bool { return every > 0 && sequence%every == 0 }
