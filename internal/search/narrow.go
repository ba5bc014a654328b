package search

import "math"

// A chooser picks the rate of the next full trial at the edge, in spans per second, not
// above most.
type chooser func(p *posterior, most float64) float64

// leastWidth is the rate whose trial is expected to leave the narrowest interval, which is
// what a search waits for. It needs fewer trials than the least entropy of Kontsevich and
// Tyler, since it also tries the ends, where trials tell much noise from little (ADR 0019).
func leastWidth(p *posterior, most float64) float64 {
	return best(p, most, (*posterior).widthAfter)
}

// best is the rate of the least score, of those in the middle 94 % of what is possible.
func best(p *posterior, most float64, score func(p *posterior, rate float64, in span) float64,
) float64 {
	const candidates, outside = 15, 0.03
	low, high := p.quantile(outside), p.quantile(1-outside)
	in := p.massive()
	found, least, last := 0.0, math.Inf(1), 0.0
	for i := range candidates + 1 {
		rate := low * math.Pow(high/low, float64(i)/candidates)
		rate = max(1, min(roundNear(rate), most))
		if rate == last {
			continue
		}
		last = rate
		if x := score(p, rate, in); x < least {
			found, least = rate, x
		}
	}
	return found
}

// A span is a range of cells, and room for two marginals over it.
type span struct {
	from, to    int
	held, broke []float64
}

// massive is the span outside which next to nothing is believed.
func (p *posterior) massive() span {
	const nothing = 1e-4
	from, to := 0, len(p.x)
	for from < to-1 && p.marginal[from] < nothing {
		from++
	}
	for to > from+1 && p.marginal[to-1] < nothing {
		to--
	}
	return span{from, to, make([]float64, to-from), make([]float64, to-from)}
}

// widthAfter is how wide the interval of ln θ is expected to be after a full trial at rate.
func (p *posterior) widthAfter(rate float64, in span) float64 {
	p.split(rate, in)
	width := 0.0
	for _, m := range [][]float64{in.held, in.broke} {
		sum := 0.0
		for _, v := range m {
			sum += v
		}
		width += sum * (p.within(in.from, m, (1+mass)/2*sum) - p.within(in.from, m, (1-mass)/2*sum))
	}
	return width
}

// split parts the marginal into what would go with a full trial at rate that holds, and with
// one that breaks.
func (p *posterior) split(rate float64, in span) {
	var curves [len(sigmas)]curve
	for k, sigma := range sigmas {
		curves[k] = curveOf(rate, sigma, Full, Held)
	}
	for i := in.from; i < in.to; i++ {
		h := 0.0
		for k := range curves {
			h += p.p[k][i] * curves[k].at(p.x[i])
		}
		in.held[i-in.from], in.broke[i-in.from] = h, max(0, p.marginal[i]-h)
	}
}
