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

// preciseWait ties the calling goroutine to its thread, takes the slack (50 µs by
// default) off the thread's timers, and returns a wait that ends within some tens of
// microseconds of its time. The thread ends with the goroutine.
func preciseWait() (wait, error) {
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("set timer slack: %w", err)
	}
	return func(ctx context.Context, until time.Time) {
		coarseWait(ctx, until.Add(-margin))
		left := time.Until(until)
		if left <= 0 || ctx.Err() != nil {
			return
		}
		var now unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
			coarseWait(ctx, until)
			return
		}
		at := unix.NsecToTimespec(now.Nano() + int64(left))
		for {
			err := unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &at, nil)
			if !errors.Is(err, unix.EINTR) {
				return
			}
		}
	}, nil
}
