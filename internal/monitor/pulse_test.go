package monitor

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// closeInstance is an instance that can be looked at closely, at a price.
type closeInstance struct {
	instance
	every, takes time.Duration
}

func (c *closeInstance) Resolution() time.Duration { return c.every }

func (c *closeInstance) CloseUsage(ctx context.Context) (env.Usage, error) {
	time.Sleep(c.takes)
	return c.Usage(ctx)
}

// pulses runs m's close looks for a while of fake time.
func pulses(t *testing.T, m *Monitor, d time.Duration, start func() (time.Time, bool),
	sink func(record.Pulse),
) (all []record.Pulse) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	m.RunPulses(ctx, start, func(p record.Pulse) {
		all = append(all, p)
		if sink != nil {
			sink(p)
		}
	})
	return all
}

func TestPulses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		gateway := &closeInstance{instance: instance{began: began}, every: PulseInterval}
		slow := &closeInstance{instance: instance{began: began}, every: time.Second}
		m := New([]Target{
			{Name: "gateway", Instance: gateway},
			{Name: "far", Instance: slow},
			{Name: "blind", Instance: &instance{began: began}},
		}, Options{})
		start := func() (time.Time, bool) { return began.Add(500 * time.Millisecond), true }
		all := pulses(t, m, 2*time.Second-1, start, func(p record.Pulse) {
			if p.Elapsed >= 1 {
				gateway.end()
			}
		})
		seen := map[string]int{}
		for _, p := range all {
			for name := range p.Actors {
				seen[name]++
			}
		}
		// The gateway is gone after the sixteenth look, at 1.5 s.
		if diff := cmp.Diff(map[string]int{"gateway": 16, "far": 2}, seen); diff != "" {
			t.Errorf("looks (-want +got):\n%s", diff)
		}
		p := all[5]
		if p.Elapsed != 0 || *p.Actors["gateway"].CPUSeconds != 0.5 || !p.Actors["gateway"].At.IsZero() {
			t.Errorf("the sixth pulse = %+v of %+v, want 0.5 s of CPU at the start", p, p.Actors["gateway"])
		}
	})
}

// A look that takes long makes it leave out looks, and never hurry or shift others.
func TestPulsesKeepTheirSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		m := New([]Target{{Name: "gateway", Instance: &closeInstance{
			instance: instance{began: began}, every: PulseInterval, takes: 150 * time.Millisecond,
		}}}, Options{})
		var at []time.Duration
		for _, p := range pulses(t, m, time.Second-1, notStarted, nil) {
			at = append(at, p.At.Sub(began.Round(time.Millisecond)))
		}
		want := []time.Duration{
			0, 200 * time.Millisecond, 400 * time.Millisecond, 600 * time.Millisecond,
			800 * time.Millisecond,
		}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("looks (-want +got):\n%s", diff)
		}
	})
}

func TestLean(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	got := lean(env.Usage{
		At: now, CPUSeconds: new(1.23456789), MemoryUsage: new(int64(5)), MemoryWorkingSet: new(int64(4)),
		MemoryPeak: new(int64(6)), Periods: new(uint64(0)), ThrottledPeriods: new(uint64(0)),
		OOMKills: new(uint64(0)), LimitHits: new(uint64(3)),
	}, now)
	want := &env.Usage{
		CPUSeconds: new(1.234568), MemoryWorkingSet: new(int64(4)), LimitHits: new(uint64(3)),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lean (-want +got):\n%s", diff)
	}
	old := lean(env.Usage{
		At: now.Add(-10 * time.Second), Periods: new(uint64(9)),
		ThrottledPeriods: new(uint64(0)), ThrottledSeconds: new(0.0),
	}, now)
	if !old.At.Equal(now.Add(-10*time.Second)) || *old.ThrottledPeriods != 0 {
		t.Errorf("lean of an old reading = %+v, want its time, and throttling of 0", old)
	}
}
