package search

import "math"

// What a guess must be to count as evidence: that of a trial that told how near the edge
// was, and not only on which side.
const (
	// A rate may lie so far below the guess, or above it, in ln. Further below what is used
	// need not be in proportion to the rate; further above all of it is used, whatever the
	// rate.
	farBelow, farAbove = 0.15, 0.08
	// clearly is how far above the guess a rate that broke must lie to put guesses to the
	// test: of what is full at the edge no more is used beyond it.
	clearly = 0.01
	// A guess on the wrong side of its trial's rate by more, in ln, is about something else
	// than what held or broke.
	wrongSide = 0.005
	// tests is how many trials must agree on each side.
	tests = 2
	// toldNoise is what a guess is off by itself, as a standard deviation.
	toldNoise = 0.005
)

// telling is whether guesses are evidence: whether they were put to the test on both sides
// of the edge, and agree with what was shown in every trial that was not short. One that
// does not takes all of them back, since then what they go by is not what decides.
func (e evidence) telling() bool {
	agree := map[Result]int{}
	for _, t := range e.counted {
		if t.Length == Short || t.Guess <= 0 {
			continue
		}
		above := math.Log(t.Rate / t.Guess)
		if t.Result == Held && above > wrongSide || t.Result == Broke && above < -wrongSide {
			return false
		}
		if t.tells() && (t.Result == Held || above >= clearly) {
			agree[t.Result]++
		}
	}
	return min(agree[Held], agree[Broke]) >= tests
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
	at := math.Log(t.Guess)
	for k, sigma := range sigmas {
		variance := sigma*sigma + toldNoise*toldNoise
		for i, x := range p.x {
			d := x - at
			p.p[k][i] *= lapse + (1-lapse)*math.Exp(-d*d/(2*variance))/math.Sqrt(variance)
		}
	}
}
