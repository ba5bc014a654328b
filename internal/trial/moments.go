package trial

import (
	"cmp"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// sample looks at a sample, and at the findings that began with it, for a moment at which
// profiles are worth taking. Of several gateways they are of the one that the moment is of,
// in the steady state of the one that has used most CPU so far.
func (p *profiler) sample(s record.Sample, findings []verdict.Finding) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.urls) == 0 {
		return
	}
	of := s.Members(record.Gateway)
	if len(of) == 0 {
		of = []string{""}
	}
	if s.Phase == record.PhaseMeasuring && s.Elapsed >= p.steady {
		p.moment(record.MomentSteady, busiest(s, of), s.Elapsed, p.steadySeconds)
	}
	for _, f := range findings {
		switch f.Severity {
		case verdict.Warning:
			p.moment(record.MomentWarning, f.Member, s.Elapsed, urgentSeconds)
		case verdict.Critical:
			p.moment(record.MomentLimit, f.Member, s.Elapsed, urgentSeconds)
		}
	}
	for _, name := range of {
		gateway := s.Actors[cmp.Or(name, record.Gateway)]
		told, known := gateway.Metrics[record.GoMemLimit]
		if known && loaded(s.Phase) && gateway.Metrics[record.GoMemory] >= nearLimit*told {
			p.moment(record.MomentLimit, name, s.Elapsed, urgentSeconds)
		}
		if loaded(s.Phase) {
			p.memory(name, gateway.Usage, s.Elapsed)
		}
	}
}

func busiest(s record.Sample, names []string) (name string) {
	most := -1.0
	for _, n := range names {
		if used := s.Actors[n].Metrics[record.ProcessCPU]; used > most {
			name, most = n, used
		}
	}
	return name
}

// pulse looks at a pulse for the growth of memory, which may be quicker than samples.
func (p *profiler) pulse(pulse record.Pulse) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.urls) == 0 || pulse.Elapsed <= 0 {
		return
	}
	several := false
	for name, u := range pulse.Actors {
		if of, _, member := strings.Cut(name, "/"); member && of == record.Gateway {
			several = true
			p.memory(name, u, pulse.Elapsed)
		}
	}
	if !several {
		p.memory("", pulse.Actors[record.Gateway], pulse.Elapsed)
	}
}

func loaded(phase record.Phase) bool {
	return phase == record.PhaseWarmUp || phase == record.PhaseMeasuring ||
		phase == record.PhaseDraining
}

// memory has heap profiles taken as memory grows, and near its limit.
func (p *profiler) memory(name string, u *env.Usage, elapsed float64) {
	if u == nil || u.MemoryWorkingSet == nil || p.limit == 0 {
		return
	}
	used := float64(*u.MemoryWorkingSet)
	near := used
	if u.MemoryAnon != nil && u.MemoryKernel != nil {
		near = max(near, float64(*u.MemoryAnon+*u.MemoryKernel))
	}
	if near >= nearLimit*p.limit {
		p.moment(record.MomentLimit, name, elapsed, urgentSeconds)
	}
	switch base := p.base[name]; {
	case base == 0:
		p.base[name] = used
	case used-base >= growthStep*p.limit && p.grown < growths:
		if ask(p.heaps, job{kind: record.ProfileHeap, moment: record.MomentGrowth, of: name}) {
			p.base[name] = used
			p.grown++
		}
	}
}

// moment has a heap and a CPU profile taken, once for each moment: the heap first, which
// is quick, for what comes near its limit may be gone in a second. A CPU profile ends with
// the load at the latest.
func (p *profiler) moment(m record.Moment, of string, elapsed float64, seconds int) {
	if p.begun[m] {
		return
	}
	p.begun[m] = true
	ask(p.heaps, job{kind: record.ProfileHeap, moment: m, of: of})
	if left := int(p.end - elapsed); seconds > left {
		seconds = left
	}
	if seconds > 0 {
		ask(p.cpus, job{kind: record.ProfileCPU, moment: m, seconds: seconds, of: of})
	}
}

// ask leaves out what cannot be begun soon.
func ask(jobs chan<- job, j job) bool {
	select {
	case jobs <- j:
		return true
	default:
		return false
	}
}
