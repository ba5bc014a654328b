package verdict

import (
	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// newFigure is the figure that a condition is about; nil where only the accounts tell.
func newFigure(c scenario.Condition, h record.Header) figure {
	switch c.Subject {
	case scenario.Latency, scenario.Acknowledgement:
		return newTimes(c)
	case scenario.Loss, scenario.Undelivered, scenario.Unanswered:
		return nil
	case scenario.Refused, scenario.Unsent, scenario.Duplicated, scenario.Dropped,
		scenario.AdmissionRejections, scenario.Throughput, scenario.Offered, scenario.Restarts:
		return counterFigure(c)
	}
	return usageFigure(c, h.Scenario.Gateway)
}

// counterFigure is of counters, each of one actor and read with one answer.
func counterFigure(c scenario.Condition) figure {
	load := func(m ...record.Metric) source { return metric(record.Loadgen, m...) }
	gate := func(m ...record.Metric) source { return metric(record.Gateway, m...) }
	back := func(m ...record.Metric) source { return metric(record.Backend, m...) }
	offered := less(load(record.LoadDue), load(record.LoadUnsent))
	of := func(what, by source) figure {
		if c.Unit == scenario.UnitShare {
			return ratioOf(c, what, by, 0)
		}
		return riseOf(c, what)
	}
	switch c.Subject {
	case scenario.Refused:
		return of(load(record.LoadRefusedRetryable, record.LoadRefusedPermanent), offered)
	case scenario.Unsent:
		return of(load(record.LoadUnsent), load(record.LoadDue))
	case scenario.Duplicated:
		return of(back(record.BackendDuplicate), back(record.BackendUnique))
	case scenario.Dropped:
		return of(gate(record.ExporterSendFailed, record.ExporterEnqueueFailed),
			gate(record.ReceiverAccepted))
	case scenario.AdmissionRejections:
		return riseOf(c, gate(record.AdmissionRejections))
	case scenario.Throughput:
		return rateOf(c, back(record.BackendUnique))
	case scenario.Offered:
		return rateOf(c, offered)
	}
	return restarts(c)
}

// usageFigure is of what the gateway uses, or what it says of itself.
func usageFigure(c scenario.Condition, g scenario.Gateway) figure {
	// against makes a share of the limit where the bound is one.
	against := func(of source, limit float64) source {
		if c.Unit == scenario.UnitShare {
			return per(of, limit)
		}
		return of
	}
	gate := func(m record.Metric) source { return metric(record.Gateway, m) }
	set := against(point(record.WorkingSet, record.Gateway), float64(g.MemoryLimit))
	switch c.Subject {
	case scenario.CPUPeak:
		cpu := &lastLevel{newest: newestCPU}
		f := peakOf(c, against(cpu.value, float64(g.CPULimit)))
		f.seconds, f.told = record.CPUWindow, cpu.moment
		return f
	case scenario.CPUAvg:
		return cpuMean(c, float64(g.CPULimit))
	case scenario.Throttled:
		return ratioOf(c, periods(func(u *env.Usage) *uint64 { return u.ThrottledPeriods }),
			periods(func(u *env.Usage) *uint64 { return u.Periods }), judgeable)
	case scenario.MemoryPeak:
		f := peakOf(c, set)
		f.told = func(s record.Sample) (float64, bool) { return s.ReadAt(record.Gateway) }
		return f
	case scenario.MemoryAvg:
		return meanOf(c, set)
	case scenario.GoMemory:
		of := gate(record.GoMemory)
		if c.Unit == scenario.UnitShare {
			of = quotient(of, gate(record.GoMemLimit))
		}
		return peakOf(c, of)
	case scenario.GCCPU:
		return ratioOf(c, gate(record.GoGCCPU), gate(record.ProcessCPU), judgeable)
	}
	of := gate(record.QueueSize)
	if c.Unit == scenario.UnitShare {
		of = quotient(of, gate(record.QueueCapacity))
	}
	return peakOf(c, of)
}

// cpuMean is CPU time over the time between the moments at which it was read, which are
// not those of the looks. Where the place reads it seldom the gateway's own metrics go
// before, as in record.CPUTimeOf.
func cpuMean(c scenario.Condition, limit float64) figure {
	var place, own pair
	looks := 0.0
	take := func(p *pair, series record.Series) {
		if series.Len() > 0 && (!p.seen || series.Elapsed[0] > p.at) {
			p.add(series.Elapsed[0], series.Values[0], 0)
		}
	}
	return &scalar{c: c, look: func(s record.Sample) (_, soFar *float64) {
		one := []record.Sample{s}
		take(&place, record.CPUSeconds(one, record.Gateway))
		take(&own, record.OwnCPUSeconds(one, record.Gateway))
		if s.Actors[record.Gateway].Running {
			looks++
		}
		p := &place
		seldom := place.steps == 0 || record.Coarse(place.seconds/place.steps)
		if seldom && own.steps > 0 && 10*(own.steps+1) >= 9*looks {
			p = &own
		}
		if p.seconds < judgeable {
			return nil, nil
		}
		v := p.riseA / p.seconds
		if c.Unit == scenario.UnitShare {
			v /= limit
		}
		return nil, &v
	}}
}

func periods(of func(*env.Usage) *uint64) source {
	return func(s record.Sample) (float64, bool) {
		u := s.Actors[record.Gateway].Usage
		if u == nil || of(u) == nil {
			return 0, false
		}
		return float64(*of(u)), true
	}
}
