// Package ledger is the identity of every span and the account of what became of it.
//
// The load generator writes a Dispatch account (what was due, sent, answered), the
// backend a Receipts account (what came, how often). Join brings them together by
// identity after the drain; nothing here subtracts two counters.
package ledger

// A Number is the identity of one of our spans: 16 bits of stream, 48 of sequence.
// Sequences are dense: batch n of a stream with b spans a batch holds the sequences
// n·b … n·b+b−1.
type Number uint64

// MaxSequence is the largest sequence of a stream; at a million spans a second it
// lasts almost nine years.
const MaxSequence = 1<<48 - 1

// MaxStream is the largest stream. The one above is kept free, see Key.
const MaxStream = 1<<16 - 2

// A Class is what the sender knows of an item.
type Class uint8

// The classes. due = offered + unsent; offered is the sum of all classes but Unsent.
const (
	Unsent           Class = iota // no worker was free at its slot, or the run ended first
	Acknowledged                  // answered with success
	RefusedRetryable              // answered with an error that may be tried again
	RefusedPermanent              // answered with an error that may not
	RejectedInPart                // answered with a partial success: nobody says which were rejected
	Unknown                       // deadline passed or connection cut: nobody answered
	Dropped                       // given up inside the SDK engine, never on the wire
	numClasses
)

// An Account is what became of all items of a run, or of the measured ones. All
// counts are spans.
type Account struct {
	Due     uint64 `json:"due"`
	Unsent  uint64 `json:"unsent"`
	Offered uint64 `json:"offered"`

	Acknowledged     Fate `json:"acknowledged"`
	RefusedRetryable Fate `json:"refused_retryable"`
	RefusedPermanent Fate `json:"refused_permanent"`
	RejectedInPart   Fate `json:"rejected_in_part"`
	Unknown          Fate `json:"unknown"`
	Dropped          Fate `json:"dropped"`

	// Traces are of the measured spans; nil where traces were not followed.
	Traces *Traces `json:"traces,omitempty"`

	// RejectedSpans is how many of RejectedInPart's requests' spans were rejected.
	RejectedSpans uint64 `json:"rejected_spans"`
	// Attempts of requests' spans on the wire, retries included; fewer than Offered where
	// no connection could be made.
	Attempts uint64 `json:"attempts"`
	// Impossible are spans that bear our identity but were never offered: a book of
	// ours is wrong when it is not 0.
	Impossible uint64 `json:"impossible"`
}

// Traces are what became of the traces all of whose spans were measured and
// acknowledged.
type Traces struct {
	Whole   uint64 `json:"kept_whole"`
	InPart  uint64 `json:"kept_in_part"`
	Dropped uint64 `json:"dropped_whole"`
	// DroppedSpans are the spans of the traces dropped whole, MissingSpans those that did
	// not come of the traces kept in part.
	DroppedSpans uint64 `json:"spans_dropped_whole"`
	MissingSpans uint64 `json:"spans_missing_in_part"`
}

// A Fate is what became of the items of one class.
type Fate struct {
	Items        uint64 `json:"items"`
	Once         uint64 `json:"delivered_once"`
	Repeatedly   uint64 `json:"delivered_repeatedly"`
	NotDelivered uint64 `json:"not_delivered"`
	// Extra is the number of deliveries beyond the first of Repeatedly's items.
	Extra uint64 `json:"extra_deliveries"`
	// TurnedAway are those of NotDelivered that reached the backend and were answered
	// with failure, every time.
	TurnedAway uint64 `json:"turned_away"`
}

// Delivered is how many of the items arrived at least once.
func (f Fate) Delivered() uint64 { return f.Once + f.Repeatedly }
