package selftest

import "time"

// Hurried makes every window as short as it can be, with little in flight; the steps stay the same. Only a
// quick one leaves the probe for the ceiling, as it does without hurry.
func Hurried(o Options) Options {
	o.lengths = lengths{
		warmUp: 20 * time.Millisecond, probe: 50 * time.Millisecond,
		pacing: 200 * time.Millisecond, window: 100 * time.Millisecond,
	}
	o.inFlight = 4
	if !o.Quick {
		o.lengths.ceiling = 50 * time.Millisecond
	}
	return o
}
