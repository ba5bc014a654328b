package sizing

import (
	"math"

	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A pod is one gateway as it would be sized, with what was measured of it.
type pod struct {
	sources  []Source
	capacity Interval
	// highest is the high end as it was measured, on hosts as fast as they were.
	highest float64
	gateway scenario.Gateway
	load    scenario.Load
	backend scenario.Backend
	// models are those of the sources, along how far the pod lies from the first to the
	// second.
	models []*Model
	along  float64
	// cpu and exports are the curves of the larger source, which alone reach its rates: cpu
	// of the answer's host, exports as they were.
	cpu, exports curve
	queuedSpan   *float64
}

// pod is one as it was measured.
func (b brought) pod(models map[string]*Model) pod {
	return pod{
		sources: []Source{sourceOf(b)}, capacity: intervalOf(b.Capacity), highest: b.measured.High,
		gateway: b.Gateway, load: b.Load, backend: b.Backend, models: []*Model{models[b.Name]},
		queuedSpan: b.QueuedSpan, cpu: b.cpu(),
		exports: curveOf(b.Points, func(p baseline.Point) *float64 { return p.Exports }),
	}
}

// cpu is the curve of cores on the answer's host: as many at a lower rate where it is slower.
func (b brought) cpu() curve {
	return curveOf(b.Points, func(p baseline.Point) *float64 { return p.CPU }).times(b.speed.Factor)
}

// bracket finds the two baselines that a pod for need spans/s lies between: one that does
// not hold it, and one that does and has no less of CPU and of memory. Of many pairs it is
// the one that lies closest together, so that the straight line between is short.
func bracket(all []brought, need float64) (low, high brought, ok bool) {
	best := math.Inf(1)
	for _, a := range all {
		for _, b := range all {
			apart := b.Capacity.Low - a.Capacity.Low
			if a.Capacity.Low < need && need < b.Capacity.Low && apart < best && alongside(a, b) {
				low, high, best, ok = a, b, apart, true
			}
		}
	}
	return low, high, ok
}

// alongside is whether b is a with more of CPU, memory or both, and GOMEMLIMIT as far.
func alongside(a, b brought) bool {
	small, large := a.Gateway, b.Gateway
	return small.CPULimit <= large.CPULimit && small.MemoryLimit <= large.MemoryLimit &&
		(small.GoMemLimit > 0) == (large.GoMemLimit > 0)
}

// The steps that an interpolated size is rounded up to.
const (
	cpuStep    = 0.01
	memoryStep = 10 * mebi
)

// interpolated is the pod between two that were measured: limits, and capacity, on the
// straight line through both, as far along as the low ends reach need. Its CPU is at least
// what the larger one takes at that rate, at the share of its limit that it uses at its own
// low end: a span takes more CPU at a lower rate, where batches are smaller, and the line
// does not know it.
func interpolated(a, b brought, need float64, models map[string]*Model) pod {
	t := (need - a.Capacity.Low) / (b.Capacity.Low - a.Capacity.Low)
	between := func(x, y float64) float64 { return x + t*(y-x) }
	p := b.pod(models)
	p.sources = []Source{sourceOf(a), sourceOf(b)}
	p.models, p.along = []*Model{models[a.Name], models[b.Name]}, t
	p.capacity = Interval{
		need, between(a.Capacity.Estimate, b.Capacity.Estimate),
		between(a.Capacity.High, b.Capacity.High),
	}
	p.highest = between(a.measured.High, b.measured.High)
	cores := between(float64(a.Gateway.CPULimit), float64(b.Gateway.CPULimit))
	here, known := p.cpu.at(need)
	if there, ok := p.cpu.at(b.Capacity.Low); ok && known && b.boundByCPU() {
		limit := float64(b.Gateway.CPULimit)
		cores = max(cores, min(limit*here/there, limit))
	}
	memory := up(between(float64(a.Gateway.MemoryLimit), float64(b.Gateway.MemoryLimit)), memoryStep)
	p.gateway = withLimits(b.Gateway, up(cores, cpuStep), memory)
	return p
}

// up rounds to the next whole step, where x does not lie on one but for its last bits.
func up(x, step float64) float64 {
	steps := math.Ceil(x/step - 1e-6)
	if step < 1 {
		return steps / math.Round(1/step) // hundredths as they are written
	}
	return steps * step
}

// withLimits is g with other limits, and with the Go runtime told of them as it was before:
// by Odigos' chart, by the same share of the limit, or not at all.
func withLimits(g scenario.Gateway, cores, memory float64) scenario.Gateway {
	was := g
	g.CPULimit, g.MemoryLimit, g.Preset = scenario.CPU(cores), scenario.Bytes(memory), ""
	derived := derive(was)
	if was.GoMemLimit == derived.GoMemLimit || was.GoMemLimit == 0 {
		g.GoMemLimit = 0
	} else {
		share := float64(was.GoMemLimit) / float64(was.MemoryLimit)
		g.GoMemLimit = scenario.Bytes(mebi * math.Floor(share*memory/mebi))
	}
	if was.GoMaxProcs == derived.GoMaxProcs || was.GoMaxProcs == 0 {
		g.GoMaxProcs = 0
	}
	return fill(g)
}

// fill fills in what a scenario derives from limits: for kind odigos GOMEMLIMIT and
// GOMAXPROCS, as its chart does.
func fill(g scenario.Gateway) scenario.Gateway {
	s, err := scenario.Scenario{Name: "size", Gateway: g}.Resolved()
	if err != nil {
		return g // beyond a scenario's bounds: the limits stand, what follows is not known
	}
	return s.Gateway
}

// derive is what fill says of a gateway that sets nothing of the Go runtime itself.
func derive(g scenario.Gateway) scenario.Gateway {
	g.GoMemLimit, g.GoMaxProcs, g.Preset = 0, 0, ""
	return fill(g)
}

// Limits are what one pod gets.
type Limits struct {
	CPU        float64         `json:"cpu_limit_cores"`
	Memory     float64         `json:"memory_limit_bytes"`
	GoMemLimit float64         `json:"gomemlimit_bytes,omitempty"` // 0: not set
	GoMaxProcs int             `json:"gomaxprocs,omitempty"`       // 0: not set
	Preset     scenario.Preset `json:"preset,omitempty"`           // where it is one of Odigos' sizes
	// Raised is what the memory limit was raised from, for an outage; 0: it was not.
	Raised float64 `json:"memory_raised_from_bytes,omitempty"`
}

// limits are the pod's, with memory for an outage where one was asked for.
func (p pod) limits(q Queue) Limits {
	g, raised := p.gateway, 0.0
	if q.Asked != nil && q.Asked.MemoryLimit > float64(g.MemoryLimit) {
		raised = float64(g.MemoryLimit)
		g = withLimits(g, float64(g.CPULimit), q.Asked.MemoryLimit)
	}
	return Limits{
		CPU: float64(g.CPULimit), Memory: float64(g.MemoryLimit), GoMemLimit: float64(g.GoMemLimit),
		GoMaxProcs: g.GoMaxProcs, Preset: presetOf(g), Raised: raised,
	}
}

// presetOf is the one of Odigos' sizes that a gateway is; empty: none.
func presetOf(g scenario.Gateway) scenario.Preset {
	if !odigos(g) {
		return ""
	}
	for _, name := range []scenario.Preset{
		scenario.PresetSizeS, scenario.PresetSizeM, scenario.PresetSizeL, scenario.PresetSizeXL,
	} {
		of := fill(scenario.Gateway{Kind: g.Kind, Preset: name})
		if of.CPULimit == g.CPULimit && of.MemoryLimit == g.MemoryLimit &&
			of.GoMemLimit == g.GoMemLimit && of.GoMaxProcs == g.GoMaxProcs {
			return name
		}
	}
	return ""
}
