package verdict

import (
	"github.com/odigos-io/odigos-stress/internal/record"
)

// enforced asks whether the gateway's limits could bind.
func enforced(s *subject) []Finding {
	const check = "limits"
	h := s.r.Header
	g, e, m := h.Scenario.Gateway, h.Enforcement, h.Machine
	reason := ""
	if e.Reason != "" {
		reason = ": " + sentence(e.Reason)
	}
	var found []Finding
	add := func(why Reason, value, limit float64, unit, format string, args ...any) {
		found = append(found, because(why, with(one(check, Reservation, format, args...), &value,
			&limit, unit, record.HeaderFile))...)
	}
	if g.CPULimit > 0 && !e.CPU {
		add(LimitsNotEnforced, 0, float64(g.CPULimit), "cores",
			"the CPU limit of %.2f cores was not enforced%s", float64(g.CPULimit), reason)
	}
	if g.MemoryLimit > 0 && !e.Memory {
		add(LimitsNotEnforced, 0, float64(g.MemoryLimit), "bytes",
			"the memory limit of %.0f MiB was not enforced%s", mib(g.MemoryLimit), reason)
	}
	if cores := float64(m.Cores); cores > 0 && cores < float64(g.CPULimit) {
		add(LimitsTooLarge, cores, float64(g.CPULimit), "cores", "the CPU limit of %.2f cores "+
			"cannot bind: the machine has %d", float64(g.CPULimit), m.Cores)
	}
	if m.MemoryBytes > 0 && m.MemoryBytes < int64(g.MemoryLimit) {
		add(LimitsTooLarge, float64(m.MemoryBytes), float64(g.MemoryLimit), "bytes", "the memory "+
			"limit of %.0f MiB cannot bind: the machine has %.0f MiB", mib(g.MemoryLimit),
			mib(m.MemoryBytes))
	}
	found = append(found, exceeded(s)...)
	if len(found) > 0 || g.CPULimit <= 0 && g.MemoryLimit <= 0 {
		return found
	}
	found = one(check, Held, "the gateway's limits were enforced (%s)", e.Method)
	found[0].Source = record.HeaderFile + ": enforcement"
	return found
}

func mib[N ~int64](n N) float64 { return float64(n) / (1 << 20) }

// noted are what was to be known beforehand: it explains, and reserves nothing.
func noted(s *subject) []Finding {
	var found []Finding
	for _, n := range s.r.Header.Notes {
		found = append(found, one("notes", Note, "%s", sentence(n))...)
		found[len(found)-1].Source = record.HeaderFile + ": notes"
	}
	return found
}
