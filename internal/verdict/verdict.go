// Package verdict is what we think of a record: figures, findings, outcome, advice.
// It is pure: a record in, opinions out.
package verdict

import (
	"fmt"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// An Outcome is the answer of a trial. The order is the order of precedence.
type Outcome int

// Pass < Invalid < Fail: an invalid trial did not ask its question, a failure stands
// whatever the load did.
const (
	Pass Outcome = iota
	Invalid
	Fail
)

var outcomes = [...]string{Pass: "pass", Invalid: "invalid", Fail: "fail"}

// String is the outcome as files and the terminal spell it.
func (o Outcome) String() string {
	if o < 0 || int(o) >= len(outcomes) {
		return fmt.Sprintf("outcome %d", int(o))
	}
	return outcomes[o]
}

// MarshalText writes the outcome's word.
func (o Outcome) MarshalText() ([]byte, error) {
	if o < 0 || int(o) >= len(outcomes) {
		return nil, fmt.Errorf("write outcome: %d is none", int(o))
	}
	return []byte(outcomes[o]), nil
}

// UnmarshalText reads what MarshalText wrote.
func (o *Outcome) UnmarshalText(text []byte) error {
	for i, word := range outcomes {
		if word == string(text) {
			*o = Outcome(i)
			return nil
		}
	}
	return fmt.Errorf("read outcome: %q is none of pass, invalid, fail", text)
}

// A Validity says how much a trial may be believed.
type Validity string

// The validities.
const (
	Valid    Validity = "valid"
	Degraded Validity = "degraded" // a result with a stated reservation
	Unusable Validity = "invalid"  // the trial did not ask its question
)

// A Severity is how much a finding weighs.
type Severity string

// The severities, lightest first.
const (
	Held        Severity = "held" // the limit was kept
	Note        Severity = "note"
	Reservation Severity = "reservation" // makes the trial degraded
	Warning     Severity = "warning"     // a warning threshold held
	Void        Severity = "void"        // makes the trial invalid
	Critical    Severity = "critical"    // fails the trial
)

// A Finding is one limit held against one record: both numbers, the unit, the
// reason, and what is not known.
type Finding struct {
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	// Text is a sentence with both numbers and their units.
	Text  string   `json:"text"`
	Value *float64 `json:"value,omitempty"`
	Limit *float64 `json:"limit,omitempty"`
	Unit  string   `json:"unit,omitempty"`
	// Source is the series or file in the record that the value comes from.
	Source string `json:"source,omitempty"`
	// From and To are elapsed seconds, where the finding is of a stretch of time.
	From *float64 `json:"from_seconds,omitempty"`
	To   *float64 `json:"to_seconds,omitempty"`
	// Reason names why it weighs on the validity; of a reservation and a void only.
	Reason Reason `json:"reason,omitempty"`
	// Expected: it would fail the trial, had its author not asked for it.
	Expected bool `json:"expected,omitempty"`
	// Member is which of several gateways it is of; empty: the only one, or all of them.
	Member string `json:"member,omitempty"`
	// Assertion is the expression that was judged.
	Assertion string `json:"assertion,omitempty"`
	// Spans are all times during which the limit was reached or violated; From and To are
	// of the longest.
	Spans []Span `json:"spans,omitempty"`
	// Ended is of a finding of a Watch that says that something is over.
	Ended bool `json:"-"`
}

// A Verdict is all that was found.
type Verdict struct {
	Outcome  Outcome  `json:"outcome"`
	Validity Validity `json:"validity"`
	// Reasons are the names of what weighs on the validity, the heavier first.
	Reasons  []Reason  `json:"validity_reasons,omitempty"`
	ExitCode int       `json:"exit_code"`
	Reason   string    `json:"reason"` // one sentence
	Findings []Finding `json:"findings"`
	// Expected is the ending that the scenario expects, if it came.
	Expected scenario.Expect `json:"expected,omitempty"`
}
