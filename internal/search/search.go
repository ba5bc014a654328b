// Package search decides which rate to try next, and what the trials so far say of the
// highest rate that a gateway holds. It does no I/O and asks no clock: equal trials in an
// equal order give equal answers.
//
// The edge is taken to move from trial to trial: that of trial i is θ·exp(ε), ε ~ N(0, σ),
// so a trial at rate r holds with probability Φ((ln θ − ln r)/σ). What is known is a
// posterior over θ and σ on a grid, as in the adaptive methods of psychophysics (Kontsevich
// and Tyler 1999; Watson 2017); that trials near the edge are longer than those far from it
// is MLRsearch's (IETF, draft-ietf-bmwg-mlrsearch). ADR 0019 says why, and what it finds.
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
	Laddering  Phase = "laddering"  // below it: does every rate hold?
	Narrowing  Phase = "narrowing"  // at the edge
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
	// Guess is where the edge of this very trial was, by what was used of the limits; 0: no
	// guess. It says where to look, and is evidence once guesses were put to the test.
	Guess float64 `json:"guess_spans_per_second,omitempty"`
	// Work is what a fixed piece of work cost on the host during the trial, in any one unit;
	// 0: not known. It is to be given only of a gateway whose edge goes with the speed of the
	// host.
	Work float64 `json:"work_cost,omitempty"`
	// TooShort is set of one that was unclear for want of time alone: a longer one would tell.
	TooShort bool `json:"too_short,omitempty"`
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
	// are 0 where nothing is known: High where nothing broke, as of BeyondAll; Low and
	// Estimate where nothing held, as of BelowAll. Where High is not known Estimate is Low,
	// and the edge is at least that.
	Estimate   float64 `json:"estimate_spans_per_second"`
	Low        float64 `json:"low_spans_per_second"`
	High       float64 `json:"high_spans_per_second"`
	Confidence float64 `json:"confidence_ratio"`
	// Noise is how far the edge moves from one trial to another: the standard deviation as
	// a share of it.
	Noise float64 `json:"noise_ratio"`
	// Work is the median cost of work in the trials that were not short, 0 where it is not
	// known; Brought is whether their edges were brought to it, so that the edge is that of a
	// host on which work costs so much. WorkError is its standard error as a share of it, 0
	// where that is not known.
	Work      float64 `json:"work_cost,omitempty"`
	WorkError float64 `json:"work_cost_error_ratio,omitempty"`
	Brought   bool    `json:"brought_to_work_cost,omitempty"`
	// Dips are rates that broke, in a full trial too, though a higher one held. The edge is
	// that of the range below the lowest of them, in which every rate that was tried held.
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
	// What follows is remade from the trials by Observe.
	known  evidence
	belief *posterior
	next   Try
	end    ending
	margin float64 // by which the interval is widened; 1 but in the suite's own test
	choose chooser
}

// An ending is why there is no next trial; its standing is empty while there is one.
type ending struct {
	standing Standing
	reason   string
}

// New begins a search. What is missing of s is put in: a precision of 3 %, a first rate of
// 1,000 spans/s, and an UpTo of From where it lies below it.
func New(s Spec) *Search {
	if !(s.Precision > 0) {
		s.Precision = 0.03
	}
	if !(s.From > 0) {
		s.From = 1000
	}
	s.UpTo = max(s.UpTo, s.From)
	search := &Search{spec: s, margin: 1, choose: leastWidth}
	search.settle()
	return search
}

// Next is the next trial to be made; ok is false when the search is over.
func (s *Search) Next() (t Try, ok bool) { return s.next, s.end.standing == "" }

// Observe takes in a trial. It need not be one that Next proposed; one without a rate says
// nothing.
func (s *Search) Observe(t Trial) {
	if !(t.Rate > 0) {
		return
	}
	s.trials = append(s.trials, t)
	s.settle()
}

// settle remakes what is known from the trials, and decides what comes next.
func (s *Search) settle() {
	s.known = evidenceOf(s.trials)
	s.belief = s.belief.with(s.spec, s.known)
	s.next, s.end = s.decide()
	s.end.standing = s.standing(s.end.standing)
}

// Answer is what the trials so far say. Of a search that is not over it is what would be
// said if it ended here.
func (s *Search) Answer() Answer {
	a := s.interval()
	a.Dips = s.known.dips
	a.Confirmed = s.known.confirmed
	a.Work, a.WorkError = medianWork(s.known.counted), workError(s.known.counted)
	a.Brought = s.belief != nil && s.belief.reference > 0
	a.Standing, a.Reason = s.end.standing, s.end.reason
	if a.Standing == "" {
		a.Standing, a.Reason = Underway, "it goes on: "+s.next.Why
	}
	return a
}

// standing is how a search stands that ended thus: where no trial broke, or none held, its
// interval is not wide but lacks an end.
func (s *Search) standing(ended Standing) Standing {
	a := s.interval()
	switch {
	case ended == Wide && a.High == 0 && a.Low > 0:
		return BeyondAll
	case ended == Wide && a.Low == 0 && a.High > 0:
		return BelowAll
	}
	return ended
}

// interval is what is known of the edge, without how the search stands.
func (s *Search) interval() Answer {
	a := Answer{Confidence: confidence}
	if s.belief == nil {
		return a
	}
	a.Noise = s.belief.noise
	mid := (s.belief.low + s.belief.high) / 2
	low, high := mid-(mid-s.belief.low)*s.margin, mid+(s.belief.high-mid)*s.margin
	if !s.known.broke() || mid >= s.spec.UpTo && s.known.surest() >= s.spec.UpTo {
		a.Low = min(roundDown(s.belief.quantile(1-mass)), s.spec.UpTo)
		a.Estimate = a.Low
		return a
	}
	a.High = roundUp(high)
	if s.known.held() {
		a.Estimate, a.Low = roundNear(mid), roundDown(low)
	}
	return a
}
