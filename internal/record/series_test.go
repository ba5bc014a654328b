package record

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
)

var began = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func points(pairs ...float64) Series {
	var s Series
	for i := 0; i < len(pairs); i += 2 {
		s.add(pairs[i], pairs[i+1])
	}
	return s
}

func TestRate(t *testing.T) {
	tests := []struct {
		name          string
		counter, want Series
	}{
		{"empty", Series{}, Series{}},
		{"one point", points(1, 100), Series{}},
		{"steady", points(0, 0, 1, 100, 2, 200), points(1, 100, 2, 100)},
		{"uneven looks", points(0, 0, 0.5, 100, 2.5, 200), points(0.5, 200, 2.5, 50)},
		{"restart is a gap", points(0, 500, 1, 600, 2, 10, 3, 20), points(1, 100, 3, 10)},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, Rate(test.counter)); diff != "" {
			t.Errorf("%s: Rate(%v) (-want +got):\n%s", test.name, test.counter, diff)
		}
	}
}

func TestRateOver(t *testing.T) {
	tests := []struct {
		name    string
		counter Series
		window  float64
		want    Series
	}{
		{"too short", points(0, 0, 1, 1, 2, 2), 5, Series{}},
		{"slides", points(0, 0, 1, 2, 2, 2, 3, 2), 2, points(2, 1, 3, 0)},
		{
			"jitter keeps the window", points(0.01, 0, 1, 1, 2.003, 2, 3, 3), 2,
			points(2.003, 2/1.993, 3, 1),
		},
		{"stretched by missed looks", points(0, 0, 1, 1, 9, 9), 2, Series{}},
		{"restart", points(0, 9, 1, 10, 2, 0, 3, 1, 4, 4), 2, points(4, 2)},
	}
	for _, test := range tests {
		got := RateOver(test.counter, test.window)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: RateOver(%v, %v) (-want +got):\n%s",
				test.name, test.counter, test.window, diff)
		}
	}
}

func TestIncrease(t *testing.T) {
	by, over := Increase(points(0, 5, 1, 6, 2, 1, 3, 4))
	if by != 4 || over != 2 {
		t.Errorf("Increase over a restart = %v in %v s, want 4 in 2 s", by, over)
	}
}

// usage of an actor that was read late after its sample's time.
func usageSample(elapsed float64, late time.Duration, u env.Usage) Sample {
	at := began.Add(time.Duration(elapsed * float64(time.Second)))
	u.At = at.Add(late)
	return Sample{
		At: at, Elapsed: elapsed, Phase: PhaseMeasuring,
		Actors: map[string]ActorSample{Gateway: {Running: true, Usage: &u}},
	}
}

func TestCPUIsTakenAtTheMomentOfReading(t *testing.T) {
	samples := []Sample{
		usageSample(0, 0, env.Usage{CPUSeconds: new(1.0)}),
		usageSample(1, 250*time.Millisecond, env.Usage{CPUSeconds: new(2.25)}),
		usageSample(2, 0, env.Usage{}),
	}
	want := points(1.25, 1)
	if diff := cmp.Diff(want, Rate(CPUSeconds(samples, Gateway))); diff != "" {
		t.Errorf("Rate(CPUSeconds) (-want +got):\n%s", diff)
	}
	if got := CPUSeconds(samples, Backend); got.Len() != 0 {
		t.Errorf("CPUSeconds of an actor that is not there = %v, want no point", got)
	}
}

func TestThrottledPeriods(t *testing.T) {
	samples := []Sample{
		usageSample(0, 0, env.Usage{Periods: new(uint64(10)), ThrottledPeriods: new(uint64(5))}),
		usageSample(1, 0, env.Usage{Periods: new(uint64(20)), ThrottledPeriods: new(uint64(10))}),
		usageSample(2, 0, env.Usage{Periods: new(uint64(20)), ThrottledPeriods: new(uint64(10))}),
		usageSample(3, 0, env.Usage{Periods: new(uint64(30))}),
	}
	if diff := cmp.Diff(points(1, 0.5), ThrottledPeriods(samples, Gateway)); diff != "" {
		t.Errorf("ThrottledPeriods (-want +got):\n%s", diff)
	}
}

func TestUnreclaimable(t *testing.T) {
	samples := []Sample{
		usageSample(0, 0, env.Usage{MemoryAnon: new(int64(7)), MemoryKernel: new(int64(3))}),
		usageSample(1, 0, env.Usage{MemoryAnon: new(int64(7))}),
	}
	if diff := cmp.Diff(points(0, 10), Unreclaimable(samples, Gateway)); diff != "" {
		t.Errorf("Unreclaimable (-want +got):\n%s", diff)
	}
}

func TestPhases(t *testing.T) {
	samples := []Sample{
		{Elapsed: -1, Phase: PhaseStarting},
		{Elapsed: 0, Phase: PhaseWarmUp},
		{Elapsed: 1, Phase: PhaseWarmUp},
		{Elapsed: 2, Phase: PhaseMeasuring},
		{Elapsed: 3, Phase: PhaseMeasuring},
	}
	want := []PhaseSpan{{PhaseStarting, -1, 0}, {PhaseWarmUp, 0, 2}, {PhaseMeasuring, 2, 3}}
	if diff := cmp.Diff(want, Phases(samples)); diff != "" {
		t.Errorf("Phases (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(samples[3:], Measured(samples)); diff != "" {
		t.Errorf("Measured (-want +got):\n%s", diff)
	}
}

func TestMissed(t *testing.T) {
	look := func(second int, a ActorSample) Sample {
		return Sample{
			At:     began.Add(time.Duration(second) * time.Second),
			Actors: map[string]ActorSample{Gateway: a},
		}
	}
	up, silent := ActorSample{Running: true}, ActorSample{Running: true, ScrapeError: "timeout"}
	samples := []Sample{
		look(0, up), look(1, silent), look(2, silent), look(3, up),
		look(4, silent), look(5, ActorSample{ScrapeError: "gone"}),
	}
	missed, longest := Missed(samples, Gateway)
	if missed != 3 || longest != 2*time.Second {
		t.Errorf("Missed = %d, %v; want 3, 2s", missed, longest)
	}
}

func TestBetweenAndMax(t *testing.T) {
	s := points(0, 4, 1, 9, 2, 3)
	if diff := cmp.Diff(points(1, 9), s.Between(0.5, 2)); diff != "" {
		t.Errorf("Between(0.5, 2) (-want +got):\n%s", diff)
	}
	if v, at, ok := s.Max(); v != 9 || at != 1 || !ok {
		t.Errorf("Max() = %v at %v, %v; want 9 at 1, true", v, at, ok)
	}
	if _, _, ok := (Series{}).Max(); ok {
		t.Error("Max() of an empty series is ok, want not")
	}
}
