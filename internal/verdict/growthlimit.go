package verdict

import (
	"math"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// foretell says when the gateway's growing memory meets its limits, if it goes on.
//
// As long as GOMEMLIMIT is far, or is not set, each byte in use lets GOGC/100 more of
// garbage lie: memory grows so much faster than the live heap. With GOMEMLIMIT below the
// limit the collector works harder instead, until the live heap alone is as large: that is
// the latest moment from which the gateway must refuse or spend its CPU on collecting, and
// only what is in use beyond it can meet the limit.
func (m measure) foretell(g *GrowthFigure, samples []record.Sample) {
	limit := float64(m.r.Header.Scenario.Gateway.MemoryLimit)
	perSecond := *g.PerMinute / 60
	memory := record.Unreclaimable(samples, record.Gateway)
	if memory.Len() == 0 {
		memory = record.WorkingSet(samples, record.Gateway)
	}
	later := func(from float64) *float64 { return new(max(0, from/perSecond)) }
	soft, told := m.softLimit(samples)
	told = told && (limit == 0 || soft < limit) && g.Of != ofAnon
	if told {
		g.ToGoMemLimit = later(soft - *g.Last)
	}
	if limit > 0 && memory.Len() > 0 {
		last, _, _ := memory.Between(*g.From+0.75*(*g.To-*g.From), math.Inf(1)).Max()
		switch gogc := float64(m.gateway().GoRuntime().GC); {
		case told:
			g.ToLimit = later(limit - m.unbounded(samples) - *g.Last)
		case g.Of != ofAnon && gogc > 0:
			g.ToLimit = later((limit - last) / (1 + gogc/100))
		case g.Of == ofAnon:
			g.ToLimit = later(limit - last)
		}
	}
	if g.ToLimit != nil && *g.ToLimit > latestLimit &&
		(g.ToGoMemLimit == nil || *g.ToGoMemLimit > latestLimit) {
		g.Kind = GrowthSlow
	}
}

// softLimit is the gateway's GOMEMLIMIT, as it says itself or as it was told.
func (m measure) softLimit(samples []record.Sample) (bytes float64, ok bool) {
	said := record.MetricSeries(samples, record.Gateway, record.GoMemLimit)
	if n := said.Len(); n > 0 && said.Values[n-1] < math.MaxInt64 {
		return said.Values[n-1], true
	}
	return m.goMemLimit()
}

// unbounded is the memory of the gateway that GOMEMLIMIT does not bound, the kernel's for
// one; 0 where it is not known.
func (m measure) unbounded(samples []record.Sample) float64 {
	memory := mean(record.Unreclaimable(samples, record.Gateway))
	bounded := mean(record.MetricSeries(samples, record.Gateway, record.GoMemory))
	if memory == nil || bounded == nil {
		return 0
	}
	return max(0, *memory-*bounded)
}
