package monitor

import (
	"context"
	"math"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// PulseInterval is how often actors are looked at closely; one whose place tells something
// new more seldom is looked at so much more seldom.
const PulseInterval = 100 * time.Millisecond

// RunPulses looks closely at the usage of all actors whose place offers it, on a schedule
// of its own like that of Run, until ctx ends. A look at which nothing was read gives
// nothing. sink gets the pulses in order, from this goroutine.
func (m *Monitor) RunPulses(ctx context.Context, start func() (time.Time, bool),
	sink func(record.Pulse),
) {
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := map[*watched]time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if p := m.pulse(ctx, due); len(p.Actors) > 0 && ctx.Err() == nil {
			if at, ok := start(); ok {
				p.Elapsed = p.At.Sub(at).Round(time.Millisecond).Seconds()
			}
			sink(p)
		}
		passed := time.Since(began) / PulseInterval
		timer.Reset(time.Until(began.Add((passed + 1) * PulseInterval)))
	}
}

// pulse looks at those that are due.
func (m *Monitor) pulse(ctx context.Context, due map[*watched]time.Time) record.Pulse {
	m.mu.Lock()
	targets := append([]*watched(nil), m.targets...)
	m.mu.Unlock()
	now := time.Now()
	p := record.Pulse{At: now.UTC().Round(time.Millisecond), Actors: map[string]*env.Usage{}}
	read := func(t *watched) (env.Usage, bool) {
		usage, resolution, ok := t.closely(ctx, now.Before(due[t]))
		if ok {
			// Half an interval early is in time.
			due[t] = now.Add(resolution - PulseInterval/2)
			p.Actors[t.Name] = lean(usage, now)
		}
		return usage, ok
	}
	for _, t := range targets {
		if len(t.members) == 0 {
			read(t)
			continue
		}
		var all []env.Usage
		for _, member := range t.members {
			if usage, ok := read(member); ok {
				all = append(all, usage)
			}
		}
		if len(all) == len(t.members) {
			p.Actors[t.Name] = lean(env.UsageTogether(all), now)
		}
	}
	return p
}

// closely reads usage where its place offers it closely; early says that it is not time.
func (w *watched) closely(ctx context.Context, early bool) (
	usage env.Usage, resolution time.Duration, ok bool,
) {
	looker, ok := w.Instance.(env.CloseLooker)
	if !ok || early || !w.Instance.State().Running {
		return env.Usage{}, 0, false
	}
	usage, err := looker.CloseUsage(ctx)
	if err != nil {
		return env.Usage{}, 0, false // it has ended, or the samples tell why
	}
	return usage, looker.Resolution(), true
}

// lean leaves what changes from one pulse to the next: of a long trial there are many.
func lean(u env.Usage, now time.Time) *env.Usage {
	l := env.Usage{
		CPUSeconds:       micros(u.CPUSeconds),
		MemoryWorkingSet: u.MemoryWorkingSet, MemoryAnon: u.MemoryAnon, MemoryKernel: u.MemoryKernel,
		OOMKills: onceCounted(u.OOMKills), LimitHits: onceCounted(u.LimitHits),
	}
	if onceCounted(u.Periods) != nil {
		l.Periods, l.ThrottledPeriods = u.Periods, u.ThrottledPeriods
		l.ThrottledSeconds = micros(u.ThrottledSeconds)
	}
	if u.MemoryStalled != nil && *u.MemoryStalled > 0 {
		l.MemoryStalled = micros(u.MemoryStalled)
	}
	if off := u.At.Sub(now); off.Abs() > 20*time.Millisecond {
		l.At = u.At.UTC().Round(time.Millisecond) // read elsewhere, some time ago
	}
	return &l
}

// onceCounted leaves out a counter that has not counted yet.
func onceCounted(n *uint64) *uint64 {
	if n == nil || *n == 0 {
		return nil
	}
	return n
}

func micros(seconds *float64) *float64 {
	if seconds == nil {
		return nil
	}
	return new(math.Round(*seconds*1e6) / 1e6)
}
