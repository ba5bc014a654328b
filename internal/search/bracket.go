package search

import (
	"fmt"
	"math"
)

// A bracket is two rates, one that held and one that broke above it. As wide as this, or
// narrower, it is left to full trials.
const bracketed = 1.5

// floor is the lowest rate that is tried, in spans per second.
func (s Spec) floor() float64 { return min(s.From, max(s.From/1000, 10)) }

// bracket is the next trial while the edge is not yet between two rates that lie near each
// other; ok is false when it is. It may end the search: nothing held.
func (s *Search) bracket() (t Try, e ending, ok bool) {
	k := s.known
	switch {
	case len(k.counted) == 0:
		return Try{s.spec.From, Short, Bracketing, "the first rate"}, e, true
	case !k.held():
		return s.down()
	case k.over == 0 && (!k.broke() || s.belief.quantile(0.9) > bracketed*k.top):
		return s.up()
	case k.over/k.top > bracketed:
		return s.between(k.top, k.over), e, true
	}
	return t, e, false
}

// down looks for a rate that holds below one that broke.
func (s *Search) down() (Try, ending, bool) {
	bottom, floor := s.known.bottom, s.spec.floor()
	if bottom <= floor {
		if _, whole := breaksAt(bottom, s.known.counted); whole > 0 {
			return Try{}, ending{BelowAll, fmt.Sprintf(
				"%s spans/s broke, and lower ones are not tried", spoken(bottom))}, true
		}
		return Try{bottom, Full, Bracketing, fmt.Sprintf(
			"%s is the lowest that is tried: again, for longer", spoken(bottom))}, ending{}, true
	}
	factor := 2.0
	if len(s.known.counted) > 1 {
		factor = 4
	}
	rate := max(floor, roundNear(bottom/factor))
	return Try{rate, Short, Bracketing, fmt.Sprintf(
		"%s broke and nothing held yet: a rate well below it", spoken(bottom))}, ending{}, true
}

// up looks for a rate that breaks above the highest that held.
func (s *Search) up() (Try, ending, bool) {
	top, most := s.known.top, s.spec.UpTo
	if top >= most {
		if s.known.surest() >= most {
			return Try{}, ending{}, false
		}
		return Try{most, Full, Bracketing, fmt.Sprintf(
			"%s is the highest that is tried, and held: again, for longer",
			spoken(most))}, ending{}, true
	}
	rate := 2 * top
	why := fmt.Sprintf("%s held and nothing broke yet: twice as much", spoken(top))
	if g := s.known.guess(); g >= 0.8*top {
		rate = max(1.15*g, 1.3*top)
		why = fmt.Sprintf("%s held, and by what it used of the limits the edge is near %s: "+
			"does a rate above it break?", spoken(top), spoken(g))
		if 0.9*g >= 1.3*top {
			rate = min(0.9*g, 8*top)
			why = fmt.Sprintf("%s held, and used so little of the limits that the edge may be "+
				"near %s", spoken(top), spoken(g))
		}
	}
	return Try{min(roundNear(rate), most), Short, Bracketing, why}, ending{}, true
}

// between is a trial in a bracket that is still wide.
func (s *Search) between(low, high float64) Try {
	if g := 0.9 * s.known.guess(); g > 1.15*low && g < high/1.15 {
		return Try{roundNear(g), Short, Bracketing, fmt.Sprintf(
			"%s held and %s broke, and by what was used of the limits the edge is near %s",
			spoken(low), spoken(high), spoken(g/0.9))}
	}
	rate := math.Sqrt(low * high)
	if high > 4*low {
		rate = high / 2
	}
	return Try{roundNear(rate), Short, Bracketing, fmt.Sprintf(
		"%s held and %s broke: between them", spoken(low), spoken(high))}
}
