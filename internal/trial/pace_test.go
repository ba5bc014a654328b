package trial

import "time"

// Hurried is o with a shorter wait after the gateway's death, and more samples.
func Hurried(o Options) Options {
	o.pace = pace{sample: 400 * time.Millisecond, aftermath: 500 * time.Millisecond}
	return o
}

// Impatient is o with hangs that are told after so long, and ended after twice of it.
func Impatient(o Options, hang time.Duration) Options {
	o = Hurried(o)
	o.pace.hang, o.pace.hangKill = hang, 2*hang
	return o
}
