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
