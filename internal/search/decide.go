package search

import (
	"fmt"
	"time"
)

// The limits of a search, whatever its budget: trials in all; full or long ones that are
// unclear, in a row and in all; long ones that were to confirm the lower end.
const (
	most          = 60
	unclearInARow = 3
	unclearInAll  = 6
	mostConfirms  = 4
)

// decide is the next trial, or why there is none.
func (s *Search) decide() (Try, ending) {
	t, e, again := s.afterNothing()
	switch {
	case again:
	case len(s.trials) >= most:
		return Try{}, ending{Wide, fmt.Sprintf("%d trials were made, and more are not", most)}
	default:
		t, e = s.wanted()
	}
	if e.standing == "" && !s.affords(s.cost(t.Length)) {
		return Try{}, ending{Wide, fmt.Sprintf(
			"the budget of %v would not hold another %s trial: %s", s.spec.Budget, t.Length, t.Why)}
	}
	return t, e
}

// afterNothing is what follows a trial that showed nothing; ok is false after one that did.
func (s *Search) afterNothing() (t Try, e ending, ok bool) {
	if len(s.trials) == 0 {
		return t, e, false
	}
	last := s.trials[len(s.trials)-1]
	switch last.Result {
	case Void:
		if s.inARow(Void) > 1 {
			return t, ending{Stopped, fmt.Sprintf("two trials in a row, the last at %s spans/s, "+
				"did not ask their question: the tool or the host is the limit, not the gateway",
				spoken(last.Rate))}, true
		}
		return Try{last.Rate, last.Length, s.phaseOf(last), fmt.Sprintf(
			"the trial at %s did not ask its question: again", spoken(last.Rate))}, e, true
	case Unclear:
		if in, all := s.inARow(Unclear), s.unclear(); in >= unclearInARow || all >= unclearInAll {
			why := "the trials are disturbed"
			if last.TooShort {
				why = "they are too short to tell, and want a longer search.duration"
			}
			return t, ending{Stopped, fmt.Sprintf("%d trials showed neither, the last %d of them "+
				"in a row: %s", all, in, why)}, true
		}
		length, why := last.Length, "showed neither: again"
		switch {
		case length == Short:
			length = Full
		case length == Full && last.TooShort:
			length, why = Long, "was too short to tell: longer"
		}
		return Try{last.Rate, length, s.phaseOf(last), fmt.Sprintf(
			"the trial at %s %s", spoken(last.Rate), why)}, e, true
	}
	return t, e, false
}

// phaseOf is what a trial that is made again is about.
func (s *Search) phaseOf(t Trial) Phase {
	switch {
	case t.Length == Long:
		return Confirming
	case s.known.over == 0 || s.known.over > bracketed*s.known.top:
		return Bracketing
	case t.Length == Short:
		return Laddering
	}
	return Narrowing
}

// inARow counts the last trials with this result; of unclear ones those that were not short.
func (s *Search) inARow(r Result) int {
	n := 0
	for i := len(s.trials) - 1; i >= 0 && s.trials[i].Result == r; i-- {
		if r == Void || s.trials[i].Length != Short {
			n++
		}
	}
	return n
}

// unclear counts the trials that were not short and yet unclear.
func (s *Search) unclear() int {
	n := 0
	for _, t := range s.trials {
		if t.Result == Unclear && t.Length != Short {
			n++
		}
	}
	return n
}

// wanted is the trial that is wanted next, whatever it costs but for what is kept for the
// confirmation; or what was found.
func (s *Search) wanted() (Try, ending) {
	if rate := s.known.suspect(); rate > 0 {
		return Try{rate, Full, Laddering, fmt.Sprintf(
			"%s broke in a short trial though a higher rate held: again, for longer",
			spoken(rate))}, ending{}
	}
	if t, e, ok := s.bracket(); ok {
		return t, e
	}
	narrow := s.narrow()
	rungs, below, above := s.rungs(narrow)
	if len(rungs) > 0 {
		return Try{rungs[0], Short, Laddering, fmt.Sprintf(
			"does %s hold too? Nothing between %s and %s was tried",
			spoken(rungs[0]), spoken(below), spoken(above))}, ending{}
	}
	if !narrow && s.affords(s.cost(Full)+s.reserve()) {
		return s.edge(), ending{}
	}
	a := s.interval()
	if a.High == 0 {
		return Try{}, ending{BeyondAll, fmt.Sprintf(
			"everything that was tried held, up to %s spans/s", spoken(s.spec.UpTo))}
	}
	if n := s.confirms(); !s.confirmed() && n < mostConfirms {
		return Try{roundNear(a.Low), Long, Confirming, fmt.Sprintf(
			"the lower end of what is possible, %s–%s spans/s, for longer",
			spoken(a.Low), spoken(a.High))}, ending{}
	}
	switch {
	case !narrow:
		return Try{}, ending{Wide, fmt.Sprintf("the budget of %v ended before both ends were within "+
			"%.3g %% of the estimate", s.spec.Budget, 100*s.spec.Precision)}
	case !s.confirmed():
		return Try{}, ending{Wide, fmt.Sprintf("of %d long trials near the lower end none held",
			mostConfirms)}
	}
	return Try{}, ending{Found, fmt.Sprintf("both ends are within %.3g %% of the estimate, every "+
		"rate that was tried below held, and %s spans/s held for longer",
		100*s.spec.Precision, spoken(s.known.confirmed))}
}

// edge is the full trial that is expected to say most; before that guesses are put to the
// test, since they say more than yes and no.
func (s *Search) edge() Try {
	if t, ok := s.test(); ok {
		return t
	}
	rate := s.choose(s.belief, s.spec.UpTo)
	return Try{rate, Full, Narrowing, fmt.Sprintf("half-way in what is still possible, %s–%s spans/s",
		spoken(s.belief.quantile(0.05)), spoken(s.belief.quantile(0.95)))}
}

// narrow says whether both ends are as near to the estimate as was asked. What lies beyond
// the highest rate that is tried need not be known.
func (s *Search) narrow() bool {
	a := s.interval()
	if a.Low == 0 {
		return false
	}
	if a.High == 0 {
		return a.Low >= s.spec.UpTo*(1-s.spec.Precision)
	}
	return a.Low >= a.Estimate*(1-s.spec.Precision) && a.High <= a.Estimate*(1+s.spec.Precision)
}

// confirmed says whether a long trial held at the lower end, or above it, or no further
// below it than the precision: that it held has lifted the lower end.
func (s *Search) confirmed() bool {
	return s.known.confirmed >= (1-s.spec.Precision)*s.interval().Low
}

// confirms counts the long trials that held or broke.
func (s *Search) confirms() int {
	n := 0
	for _, t := range s.known.counted {
		if t.Length == Long {
			n++
		}
	}
	return n
}

// defaults are what a trial is taken to cost before one of its length was made.
var defaults = map[Length]time.Duration{
	Short: 12 * time.Second, Full: 25 * time.Second, Long: time.Minute,
}

// cost is what a trial of this length is expected to take: the mean of those that were made, or
// as much more than its default as others took beyond theirs, as where actors start slowly.
func (s *Search) cost(l Length) time.Duration {
	var sum, n, more, others time.Duration
	for _, t := range s.trials {
		switch {
		case t.Took <= 0:
		case t.Length == l:
			sum += t.Took
			n++
		default:
			more += t.Took - defaults[t.Length]
			others++
		}
	}
	switch {
	case n > 0:
		return sum / n
	case others > 0:
		return defaults[l] + max(0, more/others)
	}
	return defaults[l]
}

// reserve is what is kept for the last rung and the confirmation.
func (s *Search) reserve() time.Duration {
	if s.confirmed() {
		return s.cost(Short)
	}
	return s.cost(Short) + s.cost(Long)
}

// affords says whether the budget has room for so much more.
func (s *Search) affords(d time.Duration) bool {
	if s.spec.Budget == 0 {
		return true
	}
	for _, t := range s.trials {
		d += t.Took
	}
	return d <= s.spec.Budget
}
