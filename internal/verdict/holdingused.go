package verdict

import (
	"math"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
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
	take(s.cpuUsed())
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

// cpuUsed is CPU against what is critical of the limit. Without a limit the machine
// is one: what all actors on it used, against what they may before they wait for each other.
func (s *subject) cpuUsed() (share *float64, of string) {
	if limit := s.f.CPU.Limit; limit != nil {
		allowed := *limit
		if c := s.r.Header.Scenario.Thresholds.CPU.Critical; c != nil {
			allowed *= float64(*c)
		}
		return over(s.cpuJudged(), &allowed), ofCPU
	}
	if nodes := s.nodes(); len(nodes) > 1 {
		return s.gatewayNodesUsed(nodes), ofMachine
	}
	sum, room := 0.0, hostShare*float64(s.r.Header.Machine.Cores)
	for _, used := range []*float64{s.f.CPU.together(), s.f.Loadgen.Cores, s.f.Backend.Cores} {
		if used == nil {
			return nil, ""
		}
		sum += *used
	}
	return over(&sum, &room), ofMachine
}

// What Holding.UsedOf says where it is of processors.
const ofCPU, ofMachine = "CPU", "the machine's cores"

// OfCPU is whether what was used most is processor time.
func (h Holding) OfCPU() bool { return h.UsedOf == ofCPU || h.UsedOf == ofMachine }

// cpuJudged is the CPU, in cores, that is held against the limit: at 1 of what is critical the
// gateway goes from holding to breaking by it. It is the average, or what was used at least
// for as long as the threshold asks, whichever is more (onAverage and the threshold). Of
// several gateways it is that of the one that used most.
func (s *subject) cpuJudged() *float64 {
	var most *float64
	for _, r := range s.judgedResources() {
		if r.check != "cpu" {
			continue
		}
		series, seconds := r.value(r.samples), math.Inf(1)
		for _, h := range r.holds {
			if h.severity == Critical {
				seconds = h.seconds - stepSlack*r.resource.step()
			}
		}
		if average, kept := mean(series), keptFor(series, seconds); average != nil {
			most = larger(most, new(max(*average, kept)), false)
		}
	}
	if most != nil {
		return most
	}
	return s.f.CPU.Average
}

// keptFor is the highest value at or above which a series stayed for so many seconds; 0
// when it is shorter.
func keptFor(series record.Series, seconds float64) (most float64) {
	for i, from := range series.Elapsed {
		least := math.Inf(1)
		for j := i; j < series.Len(); j++ {
			least = min(least, series.Values[j])
			if series.Elapsed[j]-from >= seconds {
				most = max(most, least)
				break
			}
		}
	}
	return most
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
