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
	gateway  scenario.Gateway
	load     scenario.Load
	backend  scenario.Backend
	// models are those of the sources; of two the larger prediction is taken.
	models []*Model
	// cpu and exports are the curves of the larger source, which alone reach its rates.
	cpu, exports curve
	queuedSpan   *float64
}

// measured is a pod as it was measured.
func measured(b baseline.Baseline, models map[string]*Model) pod {
	return pod{
		sources: []Source{sourceOf(b)}, capacity: intervalOf(b.Capacity), gateway: b.Gateway,
		load: b.Load, backend: b.Backend, models: []*Model{models[b.Name]}, queuedSpan: b.QueuedSpan,
		cpu:     curveOf(b.Points, func(p baseline.Point) *float64 { return p.CPU }),
		exports: curveOf(b.Points, func(p baseline.Point) *float64 { return p.Exports }),
	}
}

// bracket finds the two baselines that a pod for need spans/s lies between: one that does
// not hold it, and one that does and has no less of CPU and of memory. Of many pairs it is
// the one that lies closest together, so that the straight line between is short.
func bracket(all []baseline.Baseline, need float64) (low, high baseline.Baseline, ok bool) {
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
func alongside(a, b baseline.Baseline) bool {
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
// straight line through both, as far along as the low ends reach need.
func interpolated(a, b baseline.Baseline, need float64, models map[string]*Model) pod {
	t := (need - a.Capacity.Low) / (b.Capacity.Low - a.Capacity.Low)
	between := func(x, y float64) float64 { return x + t*(y-x) }
	p := measured(b, models)
	p.sources = []Source{sourceOf(a), sourceOf(b)}
	p.models = []*Model{models[a.Name], models[b.Name]}
	p.capacity = Interval{
		need, between(a.Capacity.Estimate, b.Capacity.Estimate),
		between(a.Capacity.High, b.Capacity.High),
	}
	cores := up(between(float64(a.Gateway.CPULimit), float64(b.Gateway.CPULimit)), cpuStep)
	memory := up(between(float64(a.Gateway.MemoryLimit), float64(b.Gateway.MemoryLimit)), memoryStep)
	p.gateway = withLimits(b.Gateway, cores, memory)
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

// Memory is what one pod would take, against its limit.
type Memory struct {
	// Rate is that after the loss of pods, at which a pod takes the most.
	Rate   float64 `json:"rate_spans_per_second"`
	Inside float64 `json:"inside_mean_spans,omitempty"` // 0: not known
	Stay   float64 `json:"residence_seconds,omitempty"` // Inside by Rate
	// Measured is whether Rate lies within the rates that were measured; else spans are
	// taken to stay as long as at the nearest.
	Measured   bool     `json:"within_measured_rates"`
	Anon       Forecast `json:"anon_and_kernel"`
	WorkingSet Forecast `json:"working_set"`
}

// A Forecast is a peak of memory.
type Forecast struct {
	Bytes float64 `json:"bytes,omitempty"` // 0: not known
	// Model is whether it is the model's; else the most that was measured.
	Model bool    `json:"by_model"`
	Share float64 `json:"ratio_of_limit,omitempty"`
	Error float64 `json:"worst_error_ratio,omitempty"` // of the model
	// AtCeiling is whether GOMEMLIMIT keeps it there, which costs CPU.
	AtCeiling bool `json:"at_gomemlimit,omitempty"`
}

// memory is the forecast at a rate, against limits.
func (p pod) memory(rate float64, l Limits) Memory {
	m := Memory{Rate: rate}
	for _, model := range p.models {
		inside, within := model.insideAt(rate)
		if inside > m.Inside {
			m.Inside, m.Stay = inside, inside/rate
		}
		m.Measured = m.Measured || within
	}
	for _, model := range p.models {
		m.Anon = larger(m.Anon, model.Anon.forecast(m.Inside, l))
		m.WorkingSet = larger(m.WorkingSet, model.WorkingSet.forecast(m.Inside, l))
	}
	return m
}

func larger(a, b Forecast) Forecast {
	if b.Bytes > a.Bytes {
		return b
	}
	return a
}

// insideAt is the mean of spans inside at a rate; beyond the rates that were measured spans
// stay as long as at the nearest one.
func (m *Model) insideAt(rate float64) (n float64, within bool) {
	stay, within := m.stays.at(rate)
	last, any := m.stays.last()
	switch {
	case !any:
		return 0, false
	case m.Stay > 0:
		stay = m.Stay
	case !within && rate < last.rate:
		stay = m.stays[0].value
	case !within:
		stay = last.value
	}
	return rate * stay, within
}

// forecast is the peak that a fit says of so many spans within limits, or the measured most
// where it does not hold. A GOMEMLIMIT that differs from the one it was measured with ends
// the line in its place.
func (f *Fit) forecast(inside float64, l Limits) Forecast {
	if !f.Holds || inside <= 0 {
		return Forecast{Bytes: f.Most, Share: f.Most / l.Memory}
	}
	there := *f
	if l.GoMemLimit != f.goMemLimit {
		there.Ceiling = l.GoMemLimit
	}
	bytes := there.at(inside)
	return Forecast{
		Bytes: bytes, Model: true, Share: bytes / l.Memory, Error: f.Worst,
		AtCeiling: there.Ceiling > 0 && bytes >= there.Ceiling,
	}
}
