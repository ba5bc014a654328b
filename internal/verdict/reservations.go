package verdict

import (
	"fmt"

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
	add := func(value, limit float64, unit, format string, args ...any) {
		found = append(found, with(one(check, Reservation, format, args...), &value, &limit,
			unit, record.HeaderFile)...)
	}
	if g.CPULimit > 0 && !e.CPU {
		add(0, float64(g.CPULimit), "cores",
			"the CPU limit of %.2f cores was not enforced%s", float64(g.CPULimit), reason)
	}
	if g.MemoryLimit > 0 && !e.Memory {
		add(0, float64(g.MemoryLimit), "bytes",
			"the memory limit of %.0f MiB was not enforced%s", mib(g.MemoryLimit), reason)
	}
	if cores := float64(m.Cores); cores > 0 && cores < float64(g.CPULimit) {
		add(cores, float64(g.CPULimit), "cores", "the CPU limit of %.2f cores cannot bind: "+
			"the machine has %d", float64(g.CPULimit), m.Cores)
	}
	if m.MemoryBytes > 0 && m.MemoryBytes < int64(g.MemoryLimit) {
		add(float64(m.MemoryBytes), float64(g.MemoryLimit), "bytes", "the memory limit of "+
			"%.0f MiB cannot bind: the machine has %.0f MiB", mib(g.MemoryLimit),
			mib(m.MemoryBytes))
	}
	if len(found) > 0 || g.CPULimit <= 0 && g.MemoryLimit <= 0 {
		return found
	}
	found = one(check, Held, "the gateway's limits were enforced (%s)", e.Method)
	found[0].Source = record.HeaderFile + ": enforcement"
	return found
}

func mib[N ~int64](n N) float64 { return float64(n) / (1 << 20) }

// hostPressed asks whether the machine had room for everything that ran.
func hostPressed(s *subject) []Finding {
	const check = "host"
	m := s.r.Header.Machine
	if m.Cores == 0 {
		return one(check, Note, "the cores of the machine are not known")
	}
	cores := float64(m.Cores)
	var found []Finding
	if f := s.othersRan(cores); f != nil {
		found = append(found, f...)
	}
	sum := 0.0
	for _, used := range []*float64{s.f.CPU.Average, s.f.Loadgen.Cores, s.f.Backend.Cores} {
		if used == nil {
			return append(found, one(check, Note, "how much of the machine's CPU the actors "+
				"used is not known")...)
		}
		sum += *used
	}
	room := hostShare * cores
	text := fmt.Sprintf("the actors used %.2f of the machine's %d cores on average", sum, m.Cores)
	if sum > room {
		found = append(found, with(one(check, Reservation, "%s: they had to wait for each other",
			text), &sum, &room, "cores", record.SamplesFile+": usage.cpu_seconds")...)
	}
	for _, of := range []struct {
		actor   string
		stalled *float64
	}{{record.Loadgen, s.f.Loadgen.Stalled}, {record.Backend, s.f.Backend.Stalled}} {
		if of.stalled != nil && *of.stalled > stalledShare {
			found = append(found, with(one(check, Reservation, "the %s waited for a processor in "+
				"%s of the time (allowed %s)", of.actor, Percent(*of.stalled),
				Percent(stalledShare)), of.stalled, new(stalledShare), "ratio",
				record.SamplesFile+": usage.cpu_stalled_seconds")...)
		}
	}
	if len(found) > 0 {
		return found
	}
	return with(one(check, Held, "%s", text), &sum, &room, "cores",
		record.SamplesFile+": usage.cpu_seconds")
}

// othersRan tells when other processes took what the trial needed: the machine was full
// in more than fullSeconds of the measured looks, with more than othersShare of it used
// by something else, or another virtual machine took its time.
func (s *subject) othersRan(cores float64) []Finding {
	looks, full, worst := 0, 0, 0.0
	for i := 1; i < len(s.samples); i++ {
		busy, others, ok := hostUse(s.samples[i-1], s.samples[i])
		if !ok {
			continue
		}
		looks++
		if busy > hostFull*cores && others > othersShare*cores {
			full++
			worst = max(worst, others)
		}
	}
	share := float64(full) / float64(max(1, looks))
	if share <= fullSeconds {
		return nil
	}
	return with(one("host", Reservation, "the machine was full in %s of the measured seconds "+
		"while other processes used up to %.2f of its %g cores (allowed %s of the seconds)",
		Percent(share), worst, cores, Percent(fullSeconds)), &share, new(fullSeconds), "ratio",
		record.SamplesFile+": host")
}

// hostUse is how many cores everything on the machine used between two samples, with
// what other virtual machines took, and how many of them none of the actors used.
func hostUse(from, to record.Sample) (busy, others float64, ok bool) {
	seconds := to.At.Sub(from.At).Seconds()
	if from.Host == nil || to.Host == nil || seconds <= 0 {
		return 0, 0, false
	}
	busy = to.Host.BusySeconds - from.Host.BusySeconds +
		to.Host.StealSeconds - from.Host.StealSeconds
	busy /= seconds
	others = busy
	for name, now := range to.Actors {
		now, before := now.Usage, from.Actors[name].Usage
		if now == nil || before == nil || now.CPUSeconds == nil || before.CPUSeconds == nil {
			return 0, 0, false
		}
		others -= (*now.CPUSeconds - *before.CPUSeconds) / seconds
	}
	return busy, max(0, others), true
}

// noted are what was to be known beforehand: it explains, and reserves nothing.
func noted(s *subject) []Finding {
	var found []Finding
	for _, n := range s.r.Header.Notes {
		found = append(found, one("notes", Note, "%s", sentence(n))...)
		found[len(found)-1].Source = record.HeaderFile + ": notes"
	}
	return found
}
