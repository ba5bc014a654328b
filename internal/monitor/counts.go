package monitor

import (
	"maps"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// Counts are the counters of a gateway that has ended, or may: what it counted stays in the
// sum over all gateways when it is gone. What happened between the last look and its end is
// not in them.
type counts struct {
	metrics map[record.Metric]float64
	usage   env.Usage // its counters alone
}

// after are the counts with what a look told.
func (c counts) after(one *record.ActorSample) counts {
	if one.Metrics != nil {
		c.metrics = map[record.Metric]float64{}
		for m, v := range one.Metrics {
			if m.IsCounter() {
				c.metrics[m] = v
			}
		}
	}
	if u := one.Usage; u != nil {
		c.usage = env.Usage{
			CPUSeconds: u.CPUSeconds, Periods: u.Periods, ThrottledPeriods: u.ThrottledPeriods,
			ThrottledSeconds: u.ThrottledSeconds, OOMKills: u.OOMKills, OOMEvents: u.OOMEvents,
			HighEvents: u.HighEvents, LimitHits: u.LimitHits,
		}
	}
	return c
}

// with are two counts together.
func (c counts) with(other counts) counts {
	sum := counts{metrics: maps.Clone(c.metrics), usage: other.usage}
	if sum.metrics == nil {
		sum.metrics = map[record.Metric]float64{}
	}
	for m, v := range other.metrics {
		sum.metrics[m] += v
	}
	c.addUsage(&sum.usage)
	return sum
}

// addUsage adds the counters to those of u. One that was never known adds nothing.
func (c counts) addUsage(u *env.Usage) {
	u.CPUSeconds = plus(u.CPUSeconds, c.usage.CPUSeconds)
	u.Periods = plus(u.Periods, c.usage.Periods)
	u.ThrottledPeriods = plus(u.ThrottledPeriods, c.usage.ThrottledPeriods)
	u.ThrottledSeconds = plus(u.ThrottledSeconds, c.usage.ThrottledSeconds)
	u.OOMKills = plus(u.OOMKills, c.usage.OOMKills)
	u.OOMEvents = plus(u.OOMEvents, c.usage.OOMEvents)
	u.HighEvents = plus(u.HighEvents, c.usage.HighEvents)
	u.LimitHits = plus(u.LimitHits, c.usage.LimitHits)
}

// plus is a where b is not known, and not known where a is not and b is: a sum that lacks
// one of those that run would be too small.
func plus[T uint64 | float64](a, b *T) *T {
	if a == nil || b == nil {
		return a
	}
	return new(*a + *b)
}

// takeOver makes w go on where the target was whose place it takes: members that still run
// are the same, and what those counted that do not is kept. It is called by who looks.
func (w *watched) takeOver() {
	before := w.before
	if w.before = nil; before == nil || len(w.members) == 0 {
		return
	}
	before.takeOver()
	w.gone, w.last = before.gone, before.last
	for _, old := range before.members {
		var next *watched
		for _, m := range w.members {
			if m.Name == old.Name {
				next = m
			}
		}
		switch {
		case next != nil && (old.Instance.State().Running || !next.Instance.State().Running):
			next.last, next.vars, next.since, next.latest = old.last, old.vars, old.since, old.latest
		default:
			w.gone = w.gone.with(old.latest)
		}
	}
}
