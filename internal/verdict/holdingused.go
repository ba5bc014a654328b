package verdict

import (
	"time"
)

// shortOf is the share of the rate below which what arrived was less than what was asked:
// looks alone, some batches apart, make it 1 % either way.
const shortOf = 0.97

// used is the largest share that was used of what a critical threshold allows. What goes
// with the rate goes before what does not: a heap stands where the garbage collector lets it
// stand, and latency is that of batches until it is that of a queue.
//
// What is full can be used no more than that: where less arrived than was asked, it is what
// would have been used for all of it.
func (s *subject) used() (share *float64, of string) {
	take := func(v *float64, what string) {
		if v != nil && (share == nil || *v > *share) {
			share, of = v, what
		}
	}
	t := s.r.Header.Scenario.Thresholds
	if c := t.CPU.Critical; c != nil && *c > 0 && s.f.CPU.Limit != nil {
		take(over(s.f.CPU.Average, new(float64(*c)**s.f.CPU.Limit)), "CPU")
	}
	take(s.consumersBusy(), "the exporter's consumers")
	if share != nil {
		asked := new(float64(s.r.Header.Scenario.Load.Rate))
		came := over(s.f.Rate.Arrived, asked)
		if came != nil && *came > 0 && *came < shortOf && len(s.r.Header.Sampling) == 0 {
			share = new(*share / *came)
		}
		return share, of
	}
	if c := t.Memory.Critical; c != nil && *c > 0 && s.f.Memory.Limit != nil {
		take(over(s.f.Memory.Peak, new(float64(*c)**s.f.Memory.Limit)), "memory")
	}
	if l := s.f.Latency.Total; t.LatencyP99 > 0 && l != nil {
		take(over(l.P99.seconds(), new(time.Duration(t.LatencyP99).Seconds())), "the p99 of latency")
	}
	return share, of
}

// consumersBusy is the share of the exporter's consumers that waited for the backend: exports
// a second times the stay of each (Little's law). Where most of the stay is what the
// backend was told to wait, that is taken for all of it: it is known, and the stay only from
// some looks.
func (s *subject) consumersBusy() *float64 {
	e := s.f.Exports
	most := e.atOnce()
	if most == nil || e.Requests == nil || e.Stay == nil || *most <= 0 {
		return nil
	}
	stay := *e.Stay
	if told := time.Duration(s.r.Header.Scenario.Backend.Delay).Seconds(); told > stay/2 {
		stay = told
	}
	return new(*e.Requests * stay / *most)
}
