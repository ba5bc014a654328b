package search

import "math"

// The grid: ln θ in cells of a quarter of a percent, σ at these places, with what is thought
// of each before any trial. Real gateways have 2 to 6 %; tiny noise is not favoured, since
// it is what a few lucky trials look like.
const cell = 0.0025

var (
	sigmas = [...]float64{.003, .005, .01, .015, .02, .03, .04, .06, .08, .12}
	prior  = [...]float64{.02, .04, .12, .15, .18, .19, .13, .09, .06, .02}
)

const (
	// lapse is how often a trial shows the other thing whatever the rate.
	lapse = 0.015
	// A short trial is noisier than a full one, and may hold this far above the edge
	// (ln 1.3), because a queue needs time to grow.
	shortNoise, shortShift = 0.05, 0.262
	// confidence is what an interval is said to have, mass what it has in the posterior:
	// more, so that what is said is true of each kind of gateway in the suite (ADR 0019).
	confidence, mass = 0.95, 0.98
)

// A posterior is what is believed of θ and σ after some trials: a table of cells of ln θ
// by σ. All that lies below its first and above its last inner cell is one cell each.
type posterior struct {
	x, width []float64 // the middle of each cell, and its width; in ln θ
	p        [len(sigmas)][]float64
	marginal []float64 // over ln θ; its sum is 1
	taken    int       // so many counted trials are in it
	dip      float64   // the lowest dip when they were counted
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
	if p == nil || p.dip != e.dip() ||
		math.Log(lo/1.4) < p.x[1] || math.Log(hi*1.4) > p.x[len(p.x)-2] {
		p = newPosterior(lo/2, hi*2, spec.floor()/2, 2*spec.UpTo)
		p.dip = e.dip()
	}
	for _, t := range e.counted[p.taken:] {
		p.take(t)
	}
	p.taken = len(e.counted)
	p.normalize()
	return p
}

// newPosterior is the prior on a grid from lo to hi; outside it, to least and most, there
// is one cell each.
func newPosterior(lo, hi, least, most float64) *posterior {
	n := int(math.Ceil(math.Log(hi/lo)/cell)) + 2
	p := &posterior{
		x: make([]float64, n), width: make([]float64, n), marginal: make([]float64, n),
	}
	for i := range n {
		p.x[i], p.width[i] = math.Log(lo)+(float64(i)-0.5)*cell, cell
	}
	p.width[0] = max(cell, math.Log(lo/least))
	p.width[n-1] = max(cell, math.Log(most/hi))
	for k := range p.p {
		p.p[k] = make([]float64, n)
		for i := range n {
			p.p[k][i] = prior[k] * p.width[i]
		}
	}
	return p
}

// take multiplies in what a trial says, by Bayes' rule.
func (p *posterior) take(t Trial) {
	for k, sigma := range sigmas {
		for i, x := range p.x {
			held := chance(x-math.Log(t.Rate), sigma, t.Length, t.Result)
			if t.Result == Broke {
				held = 1 - held
			}
			p.p[k][i] *= held
		}
	}
}

// chance is how probable it is that a trial holds whose rate lies by d below the edge, in ln.
// What a short trial shows is taken for the least that it can mean: see shortShift.
func chance(d, sigma float64, l Length, r Result) float64 {
	if l == Short {
		sigma = math.Sqrt(sigma*sigma + shortNoise*shortNoise)
		if r == Held {
			d += shortShift
		}
	}
	return lapse + (1-2*lapse)*phi(d/sigma)
}

func (p *posterior) normalize() {
	sum := 0.0
	for i := range p.x {
		p.marginal[i] = 0
		for k := range p.p {
			p.marginal[i] += p.p[k][i]
		}
		sum += p.marginal[i]
	}
	for i := range p.x {
		p.marginal[i] /= sum
		for k := range p.p {
			p.p[k][i] /= sum
		}
	}
}

// quantile is the rate below which the edge lies with probability q.
func (p *posterior) quantile(q float64) float64 {
	sum := 0.0
	for i, m := range p.marginal {
		if sum+m >= q && m > 0 {
			from := p.x[i] - cell/2
			if i == 0 {
				from = p.x[0] + cell/2 - p.width[0]
			}
			return math.Exp(from + p.width[i]*(q-sum)/m)
		}
		sum += m
	}
	return math.Exp(p.x[len(p.x)-1])
}

// interval is the range of mass, and the median.
func (p *posterior) interval(margin float64) (low, mid, high float64) {
	mid = p.quantile(0.5)
	low, high = p.quantile((1-mass)/2), p.quantile((1+mass)/2)
	return mid * math.Pow(low/mid, margin), mid, mid * math.Pow(high/mid, margin)
}

// noise is the mean of σ.
func (p *posterior) noise() float64 {
	mean := 0.0
	for k, sigma := range sigmas {
		for _, m := range p.p[k] {
			mean += sigma * m
		}
	}
	return mean
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
