package search

import (
	"fmt"
	"math"
	"slices"
)

// What a guess must be to count as evidence: that of a trial that told how near the edge
// was, and not only on which side.
const (
	// A rate may lie so far below the guess, or above it, in ln. Further below what is used
	// need not be in proportion to the rate; further above all of it is used, whatever the
	// rate.
	farBelow, farAbove = 0.15, .10
	// clearly is how far above the guess a rate that broke must lie to put guesses to the
	// test: of what is full at the edge no more is used beyond it.
	clearly = 0.01
	// A guess on the wrong side of its trial's rate by more, in ln, is about something else
	// than what held or broke.
	wrongSide = 0.005
	// tests is how many trials must agree on each side; they are made so far aside of where
	// the guesses put the edge, if that is possible at all.
	tests  = 2
	aside  = 0.025
	hardly = 0.01
	// toldNoise is what a guess is off by itself, as a standard deviation.
	toldNoise = .01
)

// telling is whether guesses are evidence: whether they were put to the test on both sides
// of the edge, and agree with what was shown in every trial that was not short. One that
// does not takes all of them back, since then what they go by is not what decides.
func (e evidence) telling() bool {
	held, broke, wrong := e.agreeing()
	return !wrong && min(held, broke) >= tests
}

// agreeing counts the trials on each side that agree with their guesses; wrong says that one
// does not.
func (e evidence) agreeing() (held, broke int, wrong bool) {
	for _, t := range e.counted {
		if t.Length == Short || t.Guess <= 0 {
			continue
		}
		above := math.Log(t.Rate / t.Guess)
		if t.Result == Held && above > wrongSide || t.Result == Broke && above < -wrongSide {
			return 0, 0, true
		}
		switch {
		case !t.tells():
		case t.Result == Held:
			held++
		case above >= clearly:
			broke++
		}
	}
	return held, broke, false
}

// beyond counts the trials next to aim that broke by so much that they do not tell where
// their edge was: the next one is made nearer.
func (e evidence) beyond(aim float64) int {
	n := 0
	for _, t := range e.counted {
		if t.Result == Broke && t.Length != Short && !t.tells() && t.Rate < aim*(1+2*aside) {
			n++
		}
	}
	return n
}

// aim is where guesses put the edge: the middle one of those that tell, or else the last;
// 0: nowhere.
func (e evidence) aim() float64 {
	var at []float64
	last, reference := 0.0, e.reference()
	for _, t := range e.counted {
		if t.Guess > 0 {
			last = t.Guess
		}
		if t.tells() {
			at = append(at, t.Guess*math.Exp(t.shift(reference)))
		}
	}
	if len(at) == 0 {
		return last
	}
	slices.Sort(at)
	return at[len(at)/2]
}

// test is a full trial that puts the guesses to the test, on the side on which they were put
// less; ok is false where they were, or failed, or what they say can hardly be.
func (s *Search) test() (t Try, ok bool) {
	held, broke, wrong := s.known.agreeing()
	aim := s.known.aim()
	if aim == 0 || wrong || min(held, broke) >= tests {
		return t, false
	}
	rate, side := roundNear(aim*(1-aside)), "a little below: does it hold?"
	if broke < held {
		nearer := aside / float64(1+s.known.beyond(aim))
		rate, side = roundNear(aim*(1+nearer)), "a little above: does it break?"
	}
	if rate < s.belief.quantile(hardly) || rate > min(s.belief.quantile(1-hardly), s.spec.UpTo) {
		return t, false
	}
	return Try{rate, Full, Narrowing, fmt.Sprintf(
		"by what was used of the limits the edge is near %s; %s", spoken(aim), side)}, true
}

// tells is whether the trial tells where its own edge was.
func (t Trial) tells() bool {
	if t.Length == Short || t.Guess <= 0 {
		return false
	}
	above := math.Log(t.Rate / t.Guess)
	return above >= -farBelow && above <= farAbove
}

// told multiplies in where a trial's own edge was: ln of it is distributed normally about
// ln θ.
func (p *posterior) told(t Trial) {
	at := math.Log(t.Guess) + t.shift(p.reference)
	for k, sigma := range sigmas {
		variance := sigma*sigma + toldNoise*toldNoise
		for i, x := range p.x {
			d := x - at
			p.p[k][i] *= lapse + (1-lapse)*math.Exp(-d*d/(2*variance))/math.Sqrt(variance)
		}
	}
}
