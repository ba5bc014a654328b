package verdict

import (
	"math"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// clockWorthSaying is from how many seconds on it is said that the clocks of both ends may
// stand apart.
const clockWorthSaying = 0.001

// clockError is by how much a latency from due to delivery can be wrong since the clocks
// of both ends were measured, and not one: the worst of a load generator and the worst of
// a backend together. It is nil where all ran on one machine.
func (m measure) clockError() *float64 {
	var sender, receiver *float64
	for _, c := range m.ending.Clocks {
		into := &receiver
		if actorOf(c.Actor) == record.Loadgen {
			into = &sender
		}
		if off := c.Off(); *into == nil || off > **into {
			*into = &off
		}
	}
	if sender == nil || receiver == nil {
		return nil
	}
	return new(*sender + *receiver)
}

// clocksAgree asks whether the clocks of the ends stood to each other after the load as
// before it: by what one moved meanwhile, later latencies are wrong.
func clocksAgree(s *subject) []Finding {
	const check = "clock"
	wrong := s.clockError()
	if wrong == nil {
		return nil
	}
	var worst record.Clock
	moved := 0.0
	for _, c := range s.ending.Clocks {
		if c.AheadAfter == nil || c.UncertaintyAfter == nil {
			continue
		}
		sure := math.Abs(*c.AheadAfter-c.Ahead) - c.Uncertainty - *c.UncertaintyAfter
		if sure > moved {
			worst, moved = c, sure
		}
	}
	severity, why, limit := Held, Reason(""), clockReserve
	switch {
	case moved > clockVoid:
		severity, why, limit = Void, ClockStepped, clockVoid
	case moved > clockReserve:
		severity, why = Reservation, ClockUnsteady
	}
	const source = record.EndingFile + ": clocks"
	if severity != Held {
		return because(why, with(one(check, severity, "the clock of %s moved against the tool's by %s "+
			"while the load ran, at the least (allowed %s): later latencies are wrong by as much",
			worst.Actor, Seconds(moved), Seconds(limit)), &moved, &limit, "seconds", source))
	}
	if *wrong > clockWorthSaying {
		severity = Note
	}
	return with(one(check, severity, "by the clocks of load generator and backend, as far as they "+
		"could be measured, a latency can be wrong by %s at most", Seconds(*wrong)), wrong, nil,
		"seconds", source)
}
