package selftest

import (
	"context"
	"errors"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// How the ceiling is found: the load is open loop, so asking for more than the ends
// can do leaves slots unsent and slows nothing down. A short probe asks for far too
// much, again with four times as much while that was not enough; then overshoot times
// what the probe delivered is asked for long enough to be believed, and twice that
// where it was not too much after all. Slots that go unsent cost the load generator a
// little, so less too much is better.
//
// The rate is of all that was acknowledged and delivered, over the time from the start
// to the last answer: the ends are busy all of it. A window within it would be wrong
// on a slow host, where all requests in flight are worked on at once and are answered
// at once, in waves longer than the window.
const (
	firstAsk  = scenario.Rate(2_000_000)
	mostAsk   = scenario.Rate(2_000_000_000)
	askMore   = 4
	overshoot = 1.4
	again     = 2
	// enough is the share of unsent spans from which the ends are known to be at their
	// ceiling.
	enough = 0.02
)

// ceiling is the highest rate of a load.
func (s *session) ceiling(
	ctx context.Context, load scenario.Load,
) (best record.Ceiling, err error) {
	load.Rate = firstAsk
	for {
		if best, err = s.ask(ctx, load, s.lengths.probe); err != nil || best.Reached {
			break
		}
		if load.Rate *= askMore; load.Rate > mostAsk {
			break
		}
	}
	if err != nil || s.lengths.ceiling == 0 {
		return best, err
	}
	load.Rate = scenario.Rate(overshoot * best.Rate)
	best, err = s.ask(ctx, load, s.lengths.ceiling)
	if err == nil && !best.Reached {
		load.Rate *= again
		best, err = s.ask(ctx, load, s.lengths.ceiling)
	}
	return best, err
}

// ask asks for one rate for so long.
func (s *session) ask(
	ctx context.Context, load scenario.Load, length time.Duration,
) (record.Ceiling, error) {
	p, err := s.pass(ctx, load, 0, length)
	if err != nil {
		return record.Ceiling{}, err
	}
	return p.ceiling()
}

// ceiling is what a pass without a warm-up says of the highest rate.
func (p *pass) ceiling() (record.Ceiling, error) {
	due, delivered := p.joined.All.Due, p.joined.All.Acknowledged.Delivered()
	took := p.sent.Finished.Seconds()
	if due == 0 || delivered == 0 || took <= 0 {
		return record.Ceiling{}, errors.New("no span was delivered")
	}
	c := record.Ceiling{
		Workload: workload(p.load), Asked: float64(p.load.Rate),
		Rate:           float64(delivered) / took,
		UnsentRatio:    float64(p.joined.All.Unsent) / float64(due),
		Measured:       took,
		EncodedPerSpan: float64(p.sent.EncodedBytes) / float64(delivered),
		WirePerSpan:    float64(p.sent.WireBytes) / float64(delivered),
	}
	c.Reached = c.UnsentRatio >= enough
	c.LoadgenCPU, c.BackendCPU = p.cpuPerSpan()
	return c, nil
}
