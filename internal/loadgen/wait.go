package loadgen

import (
	"context"
	"time"
)

// A wait returns at a moment, or earlier when ctx ends. It is the one place where
// the schedule meets the clock, and is called from one goroutine.
type wait func(ctx context.Context, until time.Time)

// coarseWait sleeps with Go's timers, which wake an idle process up to a millisecond
// late.
func coarseWait(ctx context.Context, until time.Time) {
	d := time.Until(until)
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// A foresight says how much before its time a sleep should end so that the time itself
// is met: as long as the thread mostly takes to wake up. What is left until then is
// spun away, which is bounded: at the least by maxLead, and on the whole by a share of
// the time that passes.
type foresight struct {
	usual time.Duration // what four wake-ups of five keep within
	saved time.Duration // that may be spun
	last  time.Time
}

const (
	maxLead   = 50 * time.Microsecond
	spinShare = 50 // one part of so many of a core may be spun away
)

// lead is how early to wake now.
func (f *foresight) lead(now time.Time) time.Duration {
	if !f.last.IsZero() {
		f.saved = min(f.saved+now.Sub(f.last)/spinShare, maxLead)
	}
	f.last = now
	return min(f.usual, f.saved)
}

// woke takes in how late a sleep ended. One step up outweighs four down.
func (f *foresight) woke(late time.Duration) {
	step := f.usual/32 + 100*time.Nanosecond
	if late > f.usual {
		f.usual = min(f.usual+4*step, maxLead)
	} else {
		f.usual = max(f.usual-step, 0)
	}
}

// spent takes in what was spun.
func (f *foresight) spent(d time.Duration) { f.saved = max(f.saved-d, 0) }
