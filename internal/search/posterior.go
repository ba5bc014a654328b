package search

import "math"

// The grid: ln θ in cells of a quarter of a percent, σ at these places, with what is thought
// of each before any trial. Real gateways have 2 to 6 %; tiny noise is not favoured, since
// it is what a few lucky trials look like.
const cell, coarse = 0.0025, 0.1

var (
	sigmas = [...]float64{.003, .005, .01, .015, .02, .03, .04, .06, .08, .12}
	prior  = [...]float64{.01, .03, .09, .12, .16, .20, .19, .13, .06, .01}
)

const (
	// lapse is how often a trial shows the other thing whatever the rate.
	lapse = 0.01
	// A short trial is noisier than a full one, and may hold this far above the edge
	// (ln 1.3), because a queue needs time to grow.
	shortNoise, shortShift = 0.05, 0.262
	// confidence is what an interval is said to have, mass what it has in the posterior:
	// more, so that what is said is true of each kind of gateway in the suite (ADR 0019).
	confidence, mass = 0.95, .985
)

// A posterior is what is believed of θ and σ after some trials: a table of cells of ln θ
// by σ. The cells are fine about the trials that count, and coarse outside.
type posterior struct {
	x, width []float64 // the middle of each cell, and its width; in ln θ
	p        [len(sigmas)][]float64
	marginal []float64 // over ln θ; its sum is 1
	lo, hi   float64   // the fine part, in ln θ
	noise    float64   // the mean of σ
	// low and high are the ends of the shortest range that has the mass, in spans/s.
	low, high float64
	taken     int     // so many counted trials are in it
	dip       float64 // the lowest dip when they were counted
	telling   bool    // whether guesses counted
	reference float64 // the cost of work to which trials were brought
}

// with is the posterior after more trials; it may be remade from nothing, because what was
// counted counts no longer or the grid does not reach.
func (p *posterior) with(spec Spec, e evidence) *posterior {
	if len(e.counted) == 0 {
		return nil
	}
	lo, hi := e.top, e.top
	if e.bottom > 0 {
		lo, hi = e.bottom, max(e.top, e.bottom)
		if e.top > 0 {
			lo = min(e.top, e.bottom)
		}
	}
	telling, reference := e.telling(), e.reference()
	if p == nil || p.dip != e.dip() || p.telling != telling || p.reference != reference ||
		math.Log(lo/1.25) < p.lo || math.Log(hi*1.25) > p.hi {
		p = newPosterior(lo/1.6, hi*1.6, spec.floor()/2, 2*spec.UpTo)
		p.dip, p.telling, p.reference = e.dip(), telling, reference
	}
	for _, t := range e.counted[p.taken:] {
		if telling && t.tells() {
			p.told(t)
		} else {
			p.take(t)
		}
	}
	p.taken = len(e.counted)
	p.normalize()
	return p
}

// newPosterior is the prior on a grid from least to most that is fine from lo to hi: as much
// for each ln θ in the fine part, and less the further away from it, since what lies far
// from all trials is believed only if trials lapsed.
func newPosterior(lo, hi, least, most float64) *posterior {
	p := &posterior{lo: math.Log(lo), hi: math.Log(hi)}
	add := func(from, to, width float64) {
		n := math.Ceil((to - from) / width)
		for i := range int(n) {
			p.x = append(p.x, from+(float64(i)+0.5)*(to-from)/n)
			p.width = append(p.width, (to-from)/n)
		}
	}
	add(math.Log(min(least, lo)), p.lo, coarse)
	add(p.lo, p.hi, cell)
	add(p.hi, math.Log(max(most, hi)), coarse)
	p.marginal = make([]float64, len(p.x))
	for k := range p.p {
		p.p[k] = make([]float64, len(p.x))
		for i, x := range p.x {
			away := max(0, p.lo-x, x-p.hi)
			p.p[k][i] = prior[k] * p.width[i] * math.Exp(-away)
		}
	}
	return p
}

// take multiplies in what a trial says, by Bayes' rule.
func (p *posterior) take(t Trial) {
	rate := t.Rate * math.Exp(t.shift(p.reference))
	for k, sigma := range sigmas {
		c := curveOf(rate, sigma, t.Length, t.Result)
		for i, x := range p.x {
			held := c.at(x)
			if t.Result == Broke {
				held = 1 - held
			}
			p.p[k][i] *= held
		}
	}
}

// A curve is how probable it is that a trial holds, over ln θ.
type curve struct{ middle, slope float64 }

// curveOf is the curve of a trial. What a short one shows is taken for the least that it can
// mean: see shortShift.
func curveOf(rate, sigma float64, l Length, r Result) curve {
	middle := math.Log(rate)
	if l == Short {
		sigma = math.Sqrt(sigma*sigma + shortNoise*shortNoise)
		if r == Held {
			middle -= shortShift
		}
	}
	return curve{middle, 1 / sigma}
}

func (c curve) at(x float64) float64 {
	return lapse + (1-2*lapse)*phi((x-c.middle)*c.slope)
}

// normalize makes the table's sum 1, and the marginal, the noise and the interval from it.
func (p *posterior) normalize() {
	sum := 0.0
	clear(p.marginal)
	for k := range p.p {
		for i, m := range p.p[k] {
			p.marginal[i] += m
			sum += m
		}
	}
	p.noise = 0
	for k, sigma := range sigmas {
		for i := range p.p[k] {
			p.p[k][i] /= sum
			p.noise += sigma * p.p[k][i]
		}
	}
	for i := range p.marginal {
		p.marginal[i] /= sum
	}
	p.low, p.high = p.shortest()
}

// quantile is the rate below which the edge lies with probability q.
func (p *posterior) quantile(q float64) float64 {
	return math.Exp(p.within(0, p.marginal, q))
}

// within is the ln θ below which lies so much of m, which begins at a cell.
func (p *posterior) within(cell int, m []float64, much float64) float64 {
	sum := 0.0
	for i, v := range m {
		if sum+v >= much && v > 0 {
			return p.x[cell+i] + p.width[cell+i]*((much-sum)/v-0.5)
		}
		sum += v
	}
	return p.x[cell+len(m)-1]
}

// shortest is the shortest range that has the mass.
func (p *posterior) shortest() (low, high float64) {
	const steps = 16
	for i := range steps + 1 {
		q := (1 - mass) * float64(i) / steps
		if l, h := p.quantile(q), p.quantile(q+mass); i == 0 || h/l < high/low {
			low, high = l, h
		}
	}
	return low, high
}

// phi is the normal distribution's function, to 1e-5: from a table, since a search asks it
// some hundred thousand times.
func phi(z float64) float64 {
	at := (z + phiEnd) * phiSteps
	switch {
	case at <= 0:
		return 0
	case at >= 2*phiEnd*phiSteps:
		return 1
	}
	i := int(at)
	return phiTable[i] + (at-float64(i))*(phiTable[i+1]-phiTable[i])
}

const phiEnd, phiSteps = 6, 64

var phiTable = func() (t [2*phiEnd*phiSteps + 2]float64) {
	for i := range t {
		t[i] = 0.5 * math.Erfc(-(float64(i)/phiSteps-phiEnd)/math.Sqrt2)
	}
	return t
}()
