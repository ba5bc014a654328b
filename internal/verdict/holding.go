package verdict

import (
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/search"
)

// A Break is one thing that did not hold.
type Break struct {
	Check string `json:"check"`
	// By is what the gateway ran out of, in a word or two: CPU, memory, queue, latency …
	By   string   `json:"by"`
	Text string   `json:"text"`
	At   *float64 `json:"at_seconds,omitempty"` // when it began, where that is known
}

// A Holding is what a trial says of the rate that it asked.
type Holding struct {
	Result search.Result `json:"result"`
	// Breaks are in the order in which they began; those of unknown time last.
	Breaks []Break `json:"breaks,omitempty"`
	// Why is a sentence: what it rests on.
	Why string `json:"why"`
	// Reasons are why it is not known, or was not asked.
	Reasons []Reason `json:"reasons,omitempty"`
	// Used is the largest share that was used of what a critical threshold allows, and
	// UsedOf which: of a trial whose rate is r the edge may be near r/Used.
	Used   *float64 `json:"used_ratio,omitempty"`
	UsedOf string   `json:"used_of,omitempty"`
}

// HoldingOf holds a trial against the question of a capacity: did the gateway hold this rate,
// so that it would hold it for ever? A queue that grows all the time does not hold,
// even before it loses.
func HoldingOf(r *record.Record) Holding {
	v := Judge(r)
	h := Holding{Result: search.Held, Why: v.Reason}
	switch {
	case v.Outcome == Fail:
		h.Result = search.Broke
	case v.Validity == Unusable:
		h.Result = search.Void
	case v.Validity == Degraded:
		h.Result = search.Unclear
	}
	return h
}
