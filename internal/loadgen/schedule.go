package loadgen

import (
	"fmt"
	"math"
	"math/bits"
	"sort"
	"time"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// Every pattern is a rate over time, r(t). Its integral N(t) is how many spans are
// due up to t, and batch n of b spans is due at the first nanosecond t with
// N(t) >= n·b: the number of slots up to any moment is the floor of the integral,
// exactly, and no error adds up.
//
//	constant   ────────────    ramp-up      ╭────   burst   ╭─╮   ╭─╮
//	                                   ────╱              ──╯ ╰───╯ ╰──
//
// Rates are kept in thousandths of a span per second and lengths in milliseconds, so
// that amounts are whole microspans; only the ramp needs a square root.

// NewSchedule returns the schedule of a load: total length warmUp+measure, half open.
// During the warm-up the rate is what the pattern begins with; ramps and bursts count
// from the beginning of the measured time.
func NewSchedule(load scenario.Load, warmUp, measure time.Duration) (Schedule, error) {
	if load.SpansPerRequest < 1 {
		return nil, fmt.Errorf("make schedule: %d spans a request: want at least 1",
			load.SpansPerRequest)
	}
	if warmUp < 0 || measure <= 0 {
		return nil, fmt.Errorf("make schedule: %v of warm-up, %v measured: want at least 0 and more",
			warmUp, measure)
	}
	rate, err := milli("rate", load.Rate, 1)
	if err != nil {
		return nil, err
	}
	c := course{batch: uint64(load.SpansPerRequest), end: warmUp + measure}
	switch load.Pattern {
	case scenario.PatternConstant:
		c.pattern = constant{rate}
	case scenario.PatternRampUp:
		c.pattern, err = newRamp(load.Ramp, rate, warmUp, measure)
	case scenario.PatternBurst:
		c.pattern, err = newBurst(load.Burst, rate, warmUp)
	default:
		err = fmt.Errorf("make schedule: unknown pattern %q", load.Pattern)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Slots is how many batches of s are due before at.
func Slots(s Schedule, before time.Duration) uint64 {
	n := sort.Search(ledger.MaxSequence, func(n int) bool {
		at, ok := s.Due(uint64(n))
		return !ok || at >= before
	})
	return uint64(n)
}

// A pattern is a course of the rate without an end.
type pattern interface {
	// reach is the first nanosecond by which that many microspans are due.
	reach(a amount) (at time.Duration, ok bool)
	rate(at time.Duration) float64
}

// A course is a pattern with batches and an end.
type course struct {
	pattern
	batch uint64
	end   time.Duration
}

func (c course) Due(n uint64) (time.Duration, bool) {
	hi, spans := bits.Mul64(n, c.batch)
	if hi != 0 || spans > ledger.MaxSequence {
		return 0, false
	}
	if n == 0 {
		return 0, true // nothing needs to have added up for the first slot
	}
	at, ok := c.reach(microspans(spans))
	return at, ok && at < c.end
}

func (c course) Rate(at time.Duration) float64 {
	if at < 0 || at >= c.end {
		return 0
	}
	return c.rate(at)
}

// constant is a rate in millispans a second.
type constant struct{ r uint64 }

func (c constant) reach(a amount) (time.Duration, bool) { return a.over(c.r) }
func (c constant) rate(time.Duration) float64           { return float64(c.r) / 1e3 }

// A ramp stays at from until begin, then goes in a straight line to the rate to, and
// stays there.
type ramp struct {
	from, to       uint64
	begin, length  time.Duration
	before, within amount // due before the ramp, and in it
}

func newRamp(r *scenario.Ramp, to uint64, warmUp, measure time.Duration) (pattern, error) {
	if r == nil {
		r = &scenario.Ramp{}
	}
	from, err := milli("ramp.from", r.From, 0)
	if err != nil {
		return nil, err
	}
	length := time.Duration(r.Over)
	if length == 0 {
		length = measure
	}
	warm, err := millis("warm-up", warmUp)
	if err != nil {
		return nil, err
	}
	over, err := millis("ramp.over", length)
	if err != nil {
		return nil, err
	}
	before := product(from, warm)
	return ramp{
		from: from, to: to, begin: warmUp, length: length,
		before: before, within: product(from+to, over).half(),
	}, nil
}

func (r ramp) reach(a amount) (time.Duration, bool) {
	if !r.before.less(a) && r.from > 0 {
		return a.over(r.from)
	}
	a = a.minus(r.before)
	if r.within.less(a) {
		at, ok := a.minus(r.within).over(r.to)
		return r.begin + r.length + at, ok
	}
	// x = f·t + (g-f)/(2d)·t², solved for t in the form that does not cancel.
	x := a.float() / 1e6
	f, g, d := float64(r.from)/1e3, float64(r.to)/1e3, r.length.Seconds()
	t := 2 * x / (f + math.Sqrt(f*f+2*x*(g-f)/d))
	return r.begin + min(time.Duration(math.Ceil(t*1e9)), r.length), true
}

func (r ramp) rate(at time.Duration) float64 {
	share := float64(min(max(at-r.begin, 0), r.length)) / float64(r.length)
	return (float64(r.from) + share*(float64(r.to)-float64(r.from))) / 1e3
}

// A burst is a period of low, then high, again and again from begin on; before that
// it is low.
type burst struct {
	low, high     uint64
	begin         time.Duration
	lowFor, every time.Duration
	before        amount
	base, period  uint64 // microspans of the low part, and of all of a period
}

func newBurst(b *scenario.Burst, low uint64, warmUp time.Duration) (pattern, error) {
	if b == nil {
		return nil, fmt.Errorf("make schedule: pattern burst without burst")
	}
	high, err := milli("burst.rate", b.Rate, 1)
	if err != nil {
		return nil, err
	}
	warm, err := millis("warm-up", warmUp)
	if err != nil {
		return nil, err
	}
	every, err := millis("burst.every", time.Duration(b.Every))
	if err != nil {
		return nil, err
	}
	peakFor, err := millis("burst.for", time.Duration(b.For))
	if err != nil {
		return nil, err
	}
	if peakFor == 0 || peakFor >= every {
		return nil, fmt.Errorf("make schedule: burst.for is %v: want more than 0, less than %v",
			time.Duration(b.For), time.Duration(b.Every))
	}
	base, peak := product(low, every-peakFor), product(high, peakFor)
	period, carry := bits.Add64(base.lo, peak.lo, 0)
	if base.hi+peak.hi+carry > 0 {
		return nil, fmt.Errorf("make schedule: burst.every %v: too many spans in one period",
			time.Duration(b.Every))
	}
	return burst{
		low: low, high: high, begin: warmUp,
		lowFor: time.Duration(b.Every - b.For), every: time.Duration(b.Every),
		before: product(low, warm), base: base.lo, period: period,
	}, nil
}

func (b burst) reach(a amount) (time.Duration, bool) {
	if !b.before.less(a) {
		return a.over(b.low)
	}
	a = a.minus(b.before)
	if a.hi >= b.period {
		return 0, false // more periods than nanoseconds can count
	}
	periods, rest := bits.Div64(a.hi, a.lo, b.period)
	at := b.begin
	if periods > uint64(math.MaxInt64-at)/uint64(b.every)-1 {
		return 0, false
	}
	at += time.Duration(periods) * b.every
	left := amount{lo: rest}
	if rest <= b.base {
		in, ok := left.over(b.low)
		return at + in, ok
	}
	in, ok := left.minus(amount{lo: b.base}).over(b.high)
	return at + b.lowFor + in, ok
}

func (b burst) rate(at time.Duration) float64 {
	if at < b.begin || (at-b.begin)%b.every < b.lowFor {
		return float64(b.low) / 1e3
	}
	return float64(b.high) / 1e3
}

// milli is a rate in millispans a second.
func milli(name string, r scenario.Rate, least uint64) (uint64, error) {
	if !(r >= 0 && r <= 1e10) || uint64(math.Round(float64(r)*1e3)) < least {
		return 0, fmt.Errorf("make schedule: %s is %v spans/s: want %v to 1e10",
			name, float64(r), float64(least)/1e3)
	}
	return uint64(math.Round(float64(r) * 1e3)), nil
}

// millis is a length in milliseconds, which must be whole: an amount of spans then is.
func millis(name string, d time.Duration) (uint64, error) {
	if d < 0 || d%time.Millisecond != 0 {
		return 0, fmt.Errorf("make schedule: %s is %v: want whole milliseconds", name, d)
	}
	return uint64(d / time.Millisecond), nil
}
