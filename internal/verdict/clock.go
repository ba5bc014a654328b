package verdict

import (
	"math"

	"github.com/odigos-io/odigos-stress/internal/record"
)

const (
	// clockReserve is how far the wall clock may move against the monotonic one while
	// the load runs, in seconds. A clock that is slewed does not move against it at all.
	clockReserve = 0.010
	// clockVoid is from where on no figure of time can be believed: as much as a load
	// generator may be late.
	clockVoid = lateSeconds
)

// clockSteady asks whether the machine's clock ran on without a step. A span bears its
// due time by the load generator's clock, which from the start of the load on is the
// monotonic one, and is received by the backend's wall clock: a step makes every later
// latency wrong by as much, and one in the warm-up all of them.
func clockSteady(s *subject) []Finding {
	const check = "clock"
	moved, at, known := s.clockMoved()
	if !known {
		return one(check, Note, "whether the clock was set while the load ran is not known")
	}
	severity, why, limit := Held, Reason(""), clockReserve
	switch size := math.Abs(moved); {
	case size > clockVoid:
		severity, why, limit = Void, ClockStepped, clockVoid
	case size > clockReserve:
		severity, why = Reservation, ClockUnsteady
	}
	text := "the wall clock moved by at most %s against the monotonic one (allowed %s)"
	found := one(check, severity, text, Seconds(math.Abs(moved)), Seconds(limit))
	if severity != Held {
		found = one(check, severity, "the wall clock was set while the load ran: at %s it had moved "+
			"by %s against the monotonic one (allowed %s); latencies from then on are wrong by as "+
			"much", Clock(at), Seconds(moved), Seconds(limit))
		found[0].From = &at
	}
	return because(why, with(found, new(math.Abs(moved)), &limit, "seconds",
		record.SamplesFile+": clock_step_seconds"))
}

// clockMoved is how far the wall clock had moved at most since the start of the load, and
// when that was first seen.
func (s *subject) clockMoved() (moved, at float64, known bool) {
	sum := 0.0
	for _, sample := range record.During(s.r.Samples, record.PhaseWarmUp, record.PhaseMeasuring,
		record.PhaseDraining) {
		if sample.ClockStep == nil {
			continue
		}
		known = true
		sum += *sample.ClockStep
		if math.Abs(sum) > math.Abs(moved) {
			moved, at = sum, sample.Elapsed
		}
	}
	return moved, at, known
}
