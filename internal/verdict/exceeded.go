package verdict

import (
	"fmt"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

const (
	// limitCPU is by how much CPU over 5 s may be above its limit: the kernel enforces
	// it by periods of 100 ms and slices of 5 ms, and looks come when they come.
	limitCPU = 0.05
	// limitMemory is by how much usage may be above its limit: the kernel charges in
	// batches, and some of its own memory regardless.
	limitMemory = 0.01
	// limitClock is by how many seconds the time between two readings that a place makes
	// seldom may be wrong: a kubelet may tell them to the second.
	limitClock = 1.0
)

// exceeded asks, of limits that were set, whether they did bind: what was used stayed
// below them.
func exceeded(s *subject) (found []Finding) {
	if len(s.pods) == 0 {
		return s.exceeded("the gateway")
	}
	for _, name := range s.pods {
		found = append(found, s.on(name).exceeded(name)...)
	}
	return found
}

// exceeded is of the gateway, or of one of several, which is called so.
func (m measure) exceeded(who string) (found []Finding) {
	g, e := m.r.Header.Scenario.Gateway, m.r.Header.Enforcement
	add := func(value, limit float64, unit, format string, args ...any) {
		found = append(found, because(LimitsExceeded, with(one("limits", Reservation, format, args...),
			&value, &limit, unit, record.SamplesFile+": actors.gateway.usage"))...)
	}
	// The moments of the gateway's own metrics are not exact enough to be asked.
	place := record.CPUTime{Series: record.CPUSeconds(m.samples, record.Gateway)}
	used := top(place.Over(record.CPUWindow))
	more := limitCPU
	if step, coarse := m.steps[record.Gateway]; coarse {
		more += limitClock / step
	}
	if limit := float64(g.CPULimit); limit > 0 && e.CPU && used != nil && *used > (1+more)*limit {
		add(*used, limit, "cores", "the CPU limit of %.2f cores did not bind: %s used "+
			"%.2f %s (allowed %s more)", limit, who, *used, m.placeSource(record.Gateway).Over(),
			Percent(more))
	}
	most := top(record.Memory(m.r.Samples, record.Gateway,
		func(u *env.Usage) *int64 { return u.MemoryUsage }))
	if limit := float64(g.MemoryLimit); limit > 0 && e.Memory && most != nil &&
		*most > (1+limitMemory)*limit {
		add(*most, limit, "bytes", "the memory limit of %s did not bind: %s were charged to %s "+
			"(allowed %s more)", mibs(limit), mibs(*most), who, Percent(limitMemory))
	}
	return found
}

func mibs(bytes float64) string { return fmt.Sprintf("%.0f MiB", bytes/(1<<20)) }
