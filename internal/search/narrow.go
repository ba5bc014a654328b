package search

import "math"

// A chooser picks the rate of the next full trial at the edge, in spans per second, not
// above most.
type chooser func(p *posterior, most float64) float64

// leastEntropy is the rate whose trial is expected to leave the least entropy of ln θ, of
// those in the middle nine tenths of what is possible (Kontsevich and Tyler 1999).
func leastEntropy(p *posterior, most float64) float64 {
	const candidates = 24
	low, high := p.quantile(0.05), p.quantile(0.95)
	from, to := p.massive()
	best, least, last := 0.0, math.Inf(1), 0.0
	for i := range candidates + 1 {
		rate := low * math.Pow(high/low, float64(i)/candidates)
		rate = max(1, min(roundNear(rate), most))
		if rate == last {
			continue
		}
		last = rate
		if e := p.entropyAfter(rate, from, to); e < least {
			best, least = rate, e
		}
	}
	return best
}

// massive is the range of cells outside which next to nothing is believed.
func (p *posterior) massive() (from, to int) {
	const nothing = 1e-6
	to = len(p.x)
	for from < to-1 && p.marginal[from] < nothing {
		from++
	}
	for to > from+1 && p.marginal[to-1] < nothing {
		to--
	}
	return from, to
}

// entropyAfter is the entropy of ln θ that is expected after a full trial at rate.
func (p *posterior) entropyAfter(rate float64, from, to int) float64 {
	at := math.Log(rate)
	var held, broke, sumHeld, sumBroke float64 // Σ m·ln(m/width), and Σ m
	for i := from; i < to; i++ {
		h := 0.0
		for k, sigma := range sigmas {
			h += p.p[k][i] * chance(p.x[i]-at, sigma, Full, Held)
		}
		b := max(p.marginal[i]-h, 0)
		held += plogp(h, p.width[i])
		broke += plogp(b, p.width[i])
		sumHeld += h
		sumBroke += b
	}
	return -held + plogp(sumHeld, 1) - broke + plogp(sumBroke, 1)
}

func plogp(m, width float64) float64 {
	if m <= 0 {
		return 0
	}
	return m * math.Log(m/width)
}
