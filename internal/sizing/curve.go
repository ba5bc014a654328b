package sizing

import (
	"cmp"
	"slices"

	"github.com/odigos-io/odigos-stress/internal/baseline"
)

// A knot is one measured value of a curve; rate in spans per second.
type knot struct{ rate, value float64 }

// A curve is a figure over the rate, by rate, with straight lines between what was measured.
type curve []knot

// alike is how near two rates are one: their trials are repetitions, and their mean stands
// for them.
const alike = 1.02

// curveOf takes the curve of a figure from the trials that held.
func curveOf(all []baseline.Point, of func(baseline.Point) *float64) curve {
	var raw curve
	for _, p := range all {
		if v := of(p); p.Held && v != nil && p.Rate > 0 {
			raw = append(raw, knot{p.Rate, *v})
		}
	}
	return raw.gathered()
}

// gathered is the curve with repetitions as one.
func (raw curve) gathered() curve {
	slices.SortStableFunc(raw, func(a, b knot) int { return cmp.Compare(a.rate, b.rate) })
	var c curve
	for len(raw) > 0 {
		n := 1
		for n < len(raw) && raw[n].rate <= alike*raw[0].rate {
			n++
		}
		c = append(c, mean(raw[:n]))
		raw = raw[n:]
	}
	return c
}

func mean(all []knot) knot {
	var sum knot
	for _, k := range all {
		sum.rate, sum.value = sum.rate+k.rate, sum.value+k.value
	}
	n := float64(len(all))
	return knot{sum.rate / n, sum.value / n}
}

func (c curve) last() (knot, bool) {
	if len(c) == 0 {
		return knot{}, false
	}
	return c[len(c)-1], true
}

// at is the figure at a rate; ok is false outside of what was measured. Repetitions lie up
// to 2 % apart, and so far the ends reach.
func (c curve) at(rate float64) (value float64, ok bool) {
	last, any := c.last()
	switch {
	case !any || rate*alike < c[0].rate || rate > alike*last.rate:
		return 0, false
	case rate <= c[0].rate:
		return c[0].value, true
	case rate >= last.rate:
		return last.value, true
	}
	i := slices.IndexFunc(c, func(k knot) bool { return k.rate >= rate })
	a, b := c[i-1], c[i]
	return a.value + (b.value-a.value)*(rate-a.rate)/(b.rate-a.rate), true
}

// near is the figure at a rate, or beyond what was measured that at the nearest end; ok is
// false where nothing was measured.
func (c curve) near(rate float64) (value float64, ok bool) {
	last, any := c.last()
	if !any {
		return 0, false
	}
	value, _ = c.at(max(c[0].rate, min(last.rate, rate)))
	return value, true
}

// times is the curve with its rates so many times as high.
func (c curve) times(factor float64) curve {
	out := slices.Clone(c)
	for i := range out {
		out[i].rate *= factor
	}
	return out
}

// without is the curve without its i-th value.
func (c curve) without(i int) curve { return slices.Delete(slices.Clone(c), i, i+1) }

// reaches is the lowest rate at which the figure has a value; ok is false where it stays
// below it, or is above it from the first trial on.
func (c curve) reaches(value float64) (rate float64, ok bool) {
	for i, b := range c {
		if b.value < value {
			continue
		}
		if i == 0 {
			return b.rate, b.value == value
		}
		a := c[i-1]
		return a.rate + (b.rate-a.rate)*(value-a.value)/(b.value-a.value), true
	}
	return 0, false
}
