package selftest

import (
	"context"
	"errors"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// How the ceiling is found: the load is open loop, so asking for more than the ends
// can do leaves slots unsent and slows nothing down. A short probe asks for far too
// much, again with four times as much while that was not enough; then overshoot times
// what the probe delivered is asked for long enough to be believed. Slots that go
// unsent cost the load generator a little, so less too much is better.
const (
	firstAsk  = scenario.Rate(2_000_000)
	mostAsk   = scenario.Rate(2_000_000_000)
	askMore   = 4
	overshoot = 1.3
	// enough is the share of unsent spans from which the ends are known to be at their
	// ceiling.
	enough = 0.02
)

// ceiling is the highest rate of a load.
func (s *session) ceiling(ctx context.Context, load scenario.Load) (record.Ceiling, error) {
	load.Rate = firstAsk
	best, err := s.ask(ctx, load)
	for err == nil && best.UnsentRatio < enough && load.Rate < mostAsk {
		load.Rate *= askMore
		best, err = s.ask(ctx, load)
	}
	if err != nil || s.lengths.ceiling == 0 {
		return best, err
	}
	load.Rate = scenario.Rate(overshoot * best.Rate)
	p, err := s.pass(ctx, load, s.lengths.warmUp, s.lengths.ceiling)
	if err != nil {
		return record.Ceiling{}, err
	}
	return p.ceiling()
}

// ask is one probe.
func (s *session) ask(ctx context.Context, load scenario.Load) (record.Ceiling, error) {
	p, err := s.pass(ctx, load, s.lengths.warmUp, s.lengths.probe)
	if err != nil {
		return record.Ceiling{}, err
	}
	return p.ceiling()
}

// ceiling is what a pass says of the highest rate: of the spans due in its measured
// time, those acknowledged and delivered, over that time. What was under way at its
// beginning makes up for what was at its end.
func (p *pass) ceiling() (record.Ceiling, error) {
	due, delivered := p.joined.Measured.Due, p.joined.Measured.Acknowledged.Delivered()
	if due == 0 || delivered == 0 {
		return record.Ceiling{}, errors.New("no span was delivered in the measured time")
	}
	c := record.Ceiling{
		Workload: workload(p.load), Asked: float64(p.load.Rate),
		Rate:           float64(delivered) / p.measure.Seconds(),
		UnsentRatio:    float64(p.joined.Measured.Unsent) / float64(due),
		Measured:       p.measure.Seconds(),
		EncodedPerSpan: float64(p.sent.EncodedBytes) / float64(delivered),
		WirePerSpan:    float64(p.sent.WireBytes) / float64(delivered),
	}
	c.Reached = c.UnsentRatio >= enough
	c.LoadgenCPU, c.BackendCPU = p.cpuPerSpan()
	return c, nil
}
