// Package search decides which rate to try next, and what the trials so far say of the
// highest rate that a gateway holds. It does no I/O and asks no clock: equal trials give
// equal answers.
package search

import "time"

// A Spec is what a search is asked for. Rates are in spans per second.
type Spec struct {
	// From is the rate of the first trial; UpTo the highest that is tried.
	From float64 `json:"from_spans_per_second"`
	UpTo float64 `json:"up_to_spans_per_second"`
	// Precision is how far the ends of the interval may lie from the estimate, as a share
	// of it.
	Precision float64 `json:"precision_ratio"`
	// Budget is how long all trials may take together, with all that goes with them; a trial
	// that would go beyond it is not begun. 0: no limit.
	Budget time.Duration `json:"budget_ns"`
}

// A Length says how long a trial is.
type Length string

// The lengths: a short trial is enough far from the edge, a full one is needed at it, and a
// long one confirms.
const (
	Short Length = "short"
	Full  Length = "full"
	Long  Length = "long"
)

// A Phase is what a search is about.
type Phase string

// The phases, in their order; a later one may lead back to an earlier one.
const (
	Bracketing Phase = "bracketing" // from both sides, in large steps
	Narrowing  Phase = "narrowing"  // at the edge
	Laddering  Phase = "laddering"  // below it: does every rate hold?
	Confirming Phase = "confirming" // the lower end, for longer
)

// A Try is a trial to be made.
type Try struct {
	Rate   float64 `json:"rate_spans_per_second"`
	Length Length  `json:"length"`
	Phase  Phase   `json:"phase"`
	// Why is a sentence.
	Why string `json:"why"`
}

// A Result is what a trial showed.
type Result string

// The results. Unclear is a trial that was made and shows neither, for a reason that may
// pass: it was too short for it, or disturbed. Void is one that did not ask its question:
// its answer would be that of the tool or of the host.
const (
	Held    Result = "held"
	Broke   Result = "broke"
	Unclear Result = "unclear"
	Void    Result = "void"
)

// A Trial is one that was made.
type Trial struct {
	Rate   float64       `json:"rate_spans_per_second"`
	Length Length        `json:"length"`
	Result Result        `json:"result"`
	Took   time.Duration `json:"took_ns"` // with all that goes with it
	// Guess is where the edge may be by what was used of the limits; 0: no guess. It only
	// says where to look, and is no evidence.
	Guess float64 `json:"guess_spans_per_second,omitempty"`
}

// A Standing says how far a search has come.
type Standing string

// The standings.
const (
	Underway  Standing = "under-way"
	Found     Standing = "found"      // as narrow as asked
	Wide      Standing = "wide"       // the budget ended before it was as narrow
	BelowAll  Standing = "below-all"  // nothing that was tried held
	BeyondAll Standing = "beyond-all" // everything that was tried held
	Stopped   Standing = "stopped"    // by its user, by trials that show nothing
)

// An Answer is what is known of the highest rate that holds, in spans per second.
type Answer struct {
	Standing Standing `json:"standing"`
	// Estimate lies between Low and High, which hold the edge with Confidence or more. They
	// are 0 where nothing is known: High of BeyondAll, Low and Estimate of BelowAll.
	Estimate   float64 `json:"estimate_spans_per_second"`
	Low        float64 `json:"low_spans_per_second"`
	High       float64 `json:"high_spans_per_second"`
	Confidence float64 `json:"confidence_ratio"`
	// Noise is how far the edge moves from one trial to another: the standard deviation as
	// a share of it.
	Noise float64 `json:"noise_ratio"`
	// Dips are rates below Estimate that broke, though a higher one held.
	Dips []float64 `json:"dips_spans_per_second,omitempty"`
	// Confirmed is the highest rate that held in a long trial; 0: none.
	Confirmed float64 `json:"confirmed_spans_per_second,omitempty"`
	// Reason is a sentence: why it ended.
	Reason string `json:"reason"`
}

// A Search proposes the next rate from what the trials before it showed.
type Search struct {
	spec   Spec
	trials []Trial
	low    float64
	high   float64
}

// New begins a search.
func New(s Spec) *Search { return &Search{spec: s} }

// Next is the next trial to be made; ok is false when the search is over.
func (s *Search) Next() (t Try, ok bool) {
	rate := s.spec.From
	switch {
	case s.high > 0 && s.low > 0 && s.high/s.low < 1+2*s.spec.Precision:
		return Try{}, false
	case s.high > 0:
		rate = (s.low + s.high) / 2
	case s.low > 0:
		rate = min(2*s.low, s.spec.UpTo)
	}
	if rate == s.low {
		return Try{}, false
	}
	return Try{rate, Full, Bracketing, "half-way between what held and what broke"}, true
}

// Observe takes in a trial. It need not be one that Next proposed.
func (s *Search) Observe(t Trial) {
	s.trials = append(s.trials, t)
	if t.Result == Held {
		s.low = max(s.low, t.Rate)
	} else if s.high == 0 || t.Rate < s.high {
		s.high = t.Rate
	}
}

// Answer is what the trials so far say. Of a search that is not over it is what would be
// said if it ended here.
func (s *Search) Answer() Answer {
	return Answer{Standing: Found, Estimate: (s.low + s.high) / 2, Low: s.low, High: s.high, Confidence: 0.95}
}
