package loadgen

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// margin is what Go's timers are trusted to stay within; the rest of a wait belongs
// to the kernel's timer, which is kept short since nothing can interrupt it.
const margin = 3 * time.Millisecond

// shortestSleep bounds how often a thread goes to sleep, which costs as much as sending
// a small request does: beyond 20,000 slots a second those of 50 µs are sent together.
const shortestSleep = 50 * time.Microsecond

// preciseWait ties the calling goroutine to its thread, takes the slack (50 µs by
// default) off the thread's timers, and returns a wait that ends within a few
// microseconds of its time. The thread ends with the goroutine.
func preciseWait() (wait, error) {
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("set timer slack: %w", err)
	}
	// Go's monotonic clock is the kernel's, counted from somewhere else.
	var kernel unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &kernel); err != nil {
		return nil, fmt.Errorf("read clock: %w", err)
	}
	from := time.Now()
	var early foresight
	return func(ctx context.Context, until time.Time) {
		coarseWait(ctx, until.Add(-margin))
		now := time.Now()
		if ctx.Err() != nil || !now.Before(until) {
			return
		}
		wake := until.Add(-early.lead(now))
		if now.Before(wake) {
			if shortest := now.Add(shortestSleep); wake.Before(shortest) {
				wake = shortest
			}
			sleepUntil(kernel.Nano() + int64(wake.Sub(from)))
			now = time.Now()
			early.woke(now.Sub(wake))
		}
		spun := now
		for now.Before(until) {
			now = time.Now()
		}
		early.spent(now.Sub(spun))
	}, nil
}

// sleepUntil sleeps until a time of CLOCK_MONOTONIC.
func sleepUntil(at int64) {
	t := unix.NsecToTimespec(at)
	for {
		err := unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &t, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
