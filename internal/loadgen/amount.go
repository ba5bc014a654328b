package loadgen

import (
	"math"
	"math/bits"
	"time"
)

// An amount is a number of microspans, in 128 bits: 64 would end at 18 trillion
// spans times a million.
type amount struct{ hi, lo uint64 }

func microspans(spans uint64) amount { return product(spans, 1e6) }

// product is what a rate in millispans a second gives in that many milliseconds.
func product(rate, ms uint64) amount {
	hi, lo := bits.Mul64(rate, ms)
	return amount{hi, lo}
}

func (a amount) less(b amount) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

func (a amount) minus(b amount) amount {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, borrow)
	return amount{hi, lo}
}

// half is rounded down; the odd half microspan of a ramp is worth less than a
// nanosecond at any rate above 500 spans/s, and never adds up.
func (a amount) half() amount { return amount{a.hi >> 1, a.lo>>1 | a.hi<<63} }

func (a amount) float() float64 { return float64(a.hi)*(1<<64) + float64(a.lo) }

// over is the first nanosecond by which rate, in millispans a second, gives a: a is
// in microspans, so a/rate is in milliseconds. ok is false when no Duration holds it.
func (a amount) over(rate uint64) (at time.Duration, ok bool) {
	carry, lo := bits.Mul64(a.lo, 1e6)
	top, hi := bits.Mul64(a.hi, 1e6)
	hi, c := bits.Add64(hi, carry, 0)
	if top+c > 0 || hi >= rate {
		return 0, false
	}
	ns, rest := bits.Div64(hi, lo, rate)
	if rest > 0 {
		ns++
	}
	return time.Duration(ns), ns < math.MaxInt64/2
}
