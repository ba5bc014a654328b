package selftest

import "time"

// Hurried makes every window as short as it can be; the steps stay the same.
func Hurried(o Options) Options {
	o.lengths = lengths{
		warmUp: 20 * time.Millisecond, probe: 50 * time.Millisecond, ceiling: 50 * time.Millisecond,
		pacing: 200 * time.Millisecond, window: 100 * time.Millisecond,
	}
	return o
}
