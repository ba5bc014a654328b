package monitor

import (
	"math"
	"time"
)

// A clockWatch notices when the wall clock is set. The two clocks of a machine are
// slewed alike, so that only a step moves one against the other.
type clockWatch struct {
	// read is both clocks at one moment; nil: those of the machine.
	read func() (wall, monotonic time.Duration)
	last *time.Duration // how far the wall clock was ahead
}

// born is what the monotonic clock of clocks counts from.
var born = time.Now()

// clocks reads the wall clock (since 1970) and the monotonic one (since some moment).
func clocks() (wall, monotonic time.Duration) {
	now := time.Now()
	return time.Duration(now.UnixNano()), now.Sub(born)
}

// clockReads is how often both are read: whoever is taken off the processor between the
// two sees the wall clock behind, and the furthest ahead of several is the truth.
const clockReads = 3

// step is by how many seconds the wall clock was set since the call before, in whole
// microseconds; nil on the first call.
func (c *clockWatch) step() *float64 {
	read := c.read
	if read == nil {
		read = clocks
	}
	ahead := time.Duration(math.MinInt64)
	for range clockReads {
		wall, monotonic := read()
		ahead = max(ahead, wall-monotonic)
	}
	before := c.last
	c.last = &ahead
	if before == nil {
		return nil
	}
	return new((ahead - *before).Round(time.Microsecond).Seconds())
}
