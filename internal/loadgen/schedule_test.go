package loadgen

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

func ExampleNewSchedule() {
	s, err := NewSchedule(scenario.Load{
		Pattern: scenario.PatternBurst, Rate: 100, SpansPerRequest: 100,
		Burst: &scenario.Burst{
			Rate: 400, Every: scenario.Duration(3 * time.Second),
			For: scenario.Duration(time.Second),
		},
	}, 2*time.Second, 4*time.Second)
	if err != nil {
		fmt.Println(err)
		return
	}
	for n := uint64(0); ; n++ {
		at, ok := s.Due(n)
		if !ok {
			break
		}
		fmt.Printf("%v at %g/s\n", at, s.Rate(at))
	}
	// Output:
	// 0s at 100/s
	// 1s at 100/s
	// 2s at 100/s
	// 3s at 100/s
	// 4s at 400/s
	// 4.25s at 400/s
	// 4.5s at 400/s
	// 4.75s at 400/s
	// 5s at 100/s
}

const warm, measured = 10 * time.Second, 1000 * time.Second

func loads(rate float64, batch int) map[string]scenario.Load {
	load := scenario.Load{Rate: scenario.Rate(rate), SpansPerRequest: batch}
	constant, up, fromZero, down, bursts := load, load, load, load, load
	constant.Pattern = scenario.PatternConstant
	up.Pattern, fromZero.Pattern, down.Pattern = "ramp-up", "ramp-up", "ramp-up"
	up.Ramp = &scenario.Ramp{From: load.Rate / 10, Over: scenario.Duration(300 * time.Second)}
	fromZero.Ramp = &scenario.Ramp{}
	down.Ramp = &scenario.Ramp{From: load.Rate * 3}
	bursts.Pattern = scenario.PatternBurst
	bursts.Burst = &scenario.Burst{
		Rate:  5 * load.Rate,
		Every: scenario.Duration(7 * time.Second), For: scenario.Duration(1500 * time.Millisecond),
	}
	return map[string]scenario.Load{
		"constant": constant, "up": up, "from zero": fromZero, "down": down, "burst": bursts,
	}
}

// integral is N(at) in spans, exactly, by adding up the pieces.
func integral(load scenario.Load, at time.Duration) *big.Rat {
	f := func(x float64) *big.Rat { return new(big.Rat).SetFloat64(x) }
	sec := func(d time.Duration) *big.Rat { return big.NewRat(int64(d), 1e9) }
	mul := func(a, b *big.Rat) *big.Rat { return new(big.Rat).Mul(a, b) }
	rate := float64(load.Rate)
	sum := f(0)
	piece := func(until, from, length time.Duration, r0, r1 float64) {
		t := min(max(until-from, 0), length)
		sum.Add(sum, mul(f(r0), sec(t)))
		slope := new(big.Rat).Quo(new(big.Rat).Sub(f(r1), f(r0)), sec(length))
		sum.Add(sum, mul(mul(slope, f(0.5)), mul(sec(t), sec(t))))
	}
	const ever = time.Duration(math.MaxInt64 / 4)
	switch load.Pattern {
	case scenario.PatternConstant:
		piece(at, 0, ever, rate, rate)
	case scenario.PatternRampUp:
		from, over := float64(load.Ramp.From), time.Duration(load.Ramp.Over)
		if over == 0 {
			over = measured
		}
		piece(at, 0, warm, from, from)
		piece(at, warm, over, from, rate)
		piece(at, warm+over, ever, rate, rate)
	case scenario.PatternBurst:
		piece(at, 0, warm, rate, rate)
		every, high := time.Duration(load.Burst.Every), time.Duration(load.Burst.For)
		for p := warm; p < at; p += every {
			piece(at, p, every-high, rate, rate)
			piece(at, p+every-high, high, float64(load.Burst.Rate), float64(load.Burst.Rate))
		}
	}
	return sum
}

// The number of slots up to any moment is the floor of the integral: slot n is due in
// the first nanosecond that has n batches behind it.
func TestSlotsAreTheFloorOfTheIntegral(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, rate := range []float64{1, 99.5, 1e3, 15e3, 1e6, 1e7} {
		for _, batch := range []int{1, 20, 100, 1000} {
			for name, load := range loads(rate, batch) {
				s, err := NewSchedule(load, warm, measured)
				if err != nil {
					t.Fatal(err)
				}
				total := Slots(s, warm+measured)
				for range 30 {
					checkSlot(t, name, load, s, 1+r.Uint64N(max(total, 1)))
				}
			}
		}
	}
}

func checkSlot(t *testing.T, name string, load scenario.Load, s Schedule, n uint64) {
	t.Helper()
	at, ok := s.Due(n)
	want := new(big.Rat).SetUint64(n * uint64(load.SpansPerRequest))
	if !ok {
		if end := integral(load, warm+measured-1); end.Cmp(want) >= 0 {
			t.Errorf("%s %v/s: Due(%d) is past the end, where %v spans are due",
				name, load.Rate, n, end)
		}
		return
	}
	slack := time.Duration(0)
	if load.Pattern == scenario.PatternRampUp {
		slack = 1 // the square root in 53 bits
	}
	if has := integral(load, at+slack); has.Cmp(want) < 0 {
		t.Errorf("%s %v/s: Due(%d) = %v, when only %v of %v spans are due",
			name, load.Rate, n, at, has, want)
	}
	if has := integral(load, at-1-slack); has.Cmp(want) >= 0 {
		t.Errorf("%s %v/s: Due(%d) = %v, a nanosecond after %v of %v spans are due",
			name, load.Rate, n, at, has, want)
	}
}

func TestSchedulesAreMonotone(t *testing.T) {
	for _, rate := range []float64{1, 1e3, 1e6} {
		for name, load := range loads(rate, 10) {
			s, err := NewSchedule(load, warm, measured)
			if err != nil {
				t.Fatal(err)
			}
			last := time.Duration(-1)
			for n := range min(Slots(s, warm+measured), 200_000) {
				at, ok := s.Due(n)
				if !ok || at <= last {
					t.Fatalf("%s %v/s: Due(%d) = %v, %v after %v", name, rate, n, at, ok, last)
				}
				last = at
			}
		}
	}
}

func TestNoDriftAfterATrillionBatches(t *testing.T) {
	const n = 1e12
	load := scenario.Load{Pattern: scenario.PatternConstant, Rate: 3e6, SpansPerRequest: 100}
	s, err := NewSchedule(load, 0, 100*365*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	want := time.Duration(33333333333333334) // 1e14 spans at 3e6/s, rounded up
	if at, ok := s.Due(n); at != want || !ok {
		t.Errorf("Due(%g) = %d, %v, want %d", float64(n), at, ok, want)
	}
}

func TestTheEndIsHalfOpen(t *testing.T) {
	load := scenario.Load{Pattern: scenario.PatternConstant, Rate: 1000, SpansPerRequest: 100}
	s, err := NewSchedule(load, time.Second, 9*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if got := Slots(s, time.Hour); got != 100 {
		t.Errorf("Slots() = %d, want 100", got)
	}
	if got := Slots(s, time.Second); got != 10 {
		t.Errorf("Slots(1s) = %d, want 10", got)
	}
	if at, ok := s.Due(100); ok {
		t.Errorf("Due(100) = %v, want past the end", at)
	}
}

func TestSchedulesThatCannotBe(t *testing.T) {
	for name, change := range map[string]func(*scenario.Load){
		"no rate":       func(l *scenario.Load) { l.Rate = 0 },
		"not a rate":    func(l *scenario.Load) { l.Rate = scenario.Rate(math.NaN()) },
		"empty batch":   func(l *scenario.Load) { l.SpansPerRequest = 0 },
		"no such thing": func(l *scenario.Load) { l.Pattern = "wave" },
		"no burst":      func(l *scenario.Load) { l.Burst = nil },
		"all burst":     func(l *scenario.Load) { l.Burst.For = l.Burst.Every },
		"fine grained":  func(l *scenario.Load) { l.Burst.For += 1 },
	} {
		load := loads(1000, 100)["burst"]
		change(&load)
		if s, err := NewSchedule(load, warm, measured); err == nil {
			t.Errorf("%s: NewSchedule() = %v, want an error", name, s)
		}
	}
}
