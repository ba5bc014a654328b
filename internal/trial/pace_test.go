package trial

import "time"

// Hurried is o with a shorter wait after the gateway's death, and more samples.
func Hurried(o Options) Options {
	o.pace = pace{sample: 400 * time.Millisecond, aftermath: 500 * time.Millisecond}
	return o
}
