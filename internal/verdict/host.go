package verdict

import (
	"fmt"
	"slices"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

const (
	// stalledShare is the share of the time, by PSI, in which one of our own actors
	// waited for a processor.
	stalledShare = 0.10
	// The machine is full above hostFull of its cores. Other processes count from
	// othersShare of them on, and are borne in fullSeconds of the measured looks.
	hostFull    = 0.95
	othersShare = 0.10
	fullSeconds = 0.05
	// hostShare is the share of the machine's cores that the actors may use together.
	hostShare = 0.90
	// Of the machine's cores, what other virtual machines may take on average, and over
	// five seconds.
	stealShare  = 0.02
	stealWindow = 0.10
	// pressureCPU and pressureMemory are the shares of the time in which some process
	// may wait, by the kernel's account (PSI, some). Waiting for a processor counts where
	// pressureUsed of the machine's cores were used: whom a limit holds back waits, too,
	// though he be anybody's and the machine idle.
	pressureUsed   = 0.75
	pressureCPU    = 0.40
	pressureMemory = 0.05
	// pressureOwn is from which share of held-back periods on an actor's own limit
	// shows in that account, and pressureNear from which share of its memory limit.
	pressureOwn  = 0.01
	pressureNear = 0.80
)

// hostPressed asks whether the machine had room for everything that ran.
func hostPressed(s *subject) []Finding {
	const check = "host"
	m := s.r.Header.Machine
	if m.Cores == 0 {
		return one(check, Note, "the cores of the machine are not known")
	}
	cores := float64(m.Cores)
	found := slices.Concat(s.othersRan(cores), s.stolen(cores), s.pressure())
	if nodes := s.nodes(); len(nodes) > 1 {
		found = append(found, s.nodesFull(nodes)...)
		return append(found, s.endsStalled()...)
	}
	sum := 0.0
	for _, used := range []*float64{s.f.CPU.together(), s.f.Loadgen.Cores, s.f.Backend.Cores} {
		if used == nil {
			return append(found, one(check, Note, "how much of the machine's CPU the actors "+
				"used is not known")...)
		}
		sum += *used
	}
	room := hostShare * cores
	text := fmt.Sprintf("the actors used %.2f of the machine's %d cores on average", sum, m.Cores)
	if sum > room {
		found = append(found, because(HostFull, with(one(check, Reservation, "%s: they had to wait "+
			"for each other", text), &sum, &room, "cores",
			record.SamplesFile+": usage.cpu_seconds"))...)
	}
	found = append(found, s.endsStalled()...)
	if len(found) > 0 {
		return found
	}
	return with(one(check, Held, "%s", text), &sum, &room, "cores",
		record.SamplesFile+": usage.cpu_seconds")
}

// endsStalled tells when an end of ours waited for a processor.
func (s *subject) endsStalled() (found []Finding) {
	for _, of := range []struct {
		actor   string
		stalled *float64
	}{{record.Loadgen, s.f.Loadgen.Stalled}, {record.Backend, s.f.Backend.Stalled}} {
		if of.stalled != nil && *of.stalled > stalledShare {
			found = append(found, because(EndsStalled, with(one("host", Reservation, "the %s waited for "+
				"a processor in %s of the time (allowed %s)", of.actor, Percent(*of.stalled),
				Percent(stalledShare)), of.stalled, new(stalledShare), "ratio",
				record.SamplesFile+": usage.cpu_stalled_seconds"))...)
		}
	}
	return found
}

// stolen tells when other virtual machines took of the machine's time.
func (s *subject) stolen(cores float64) []Finding {
	var steal record.Series
	for i := range s.samples {
		if h := s.samples[i].Host; h != nil {
			steal.Elapsed = append(steal.Elapsed, s.samples[i].Elapsed)
			steal.Values = append(steal.Values, h.StealSeconds)
		}
	}
	by, over := record.Increase(steal)
	if over == 0 {
		return nil
	}
	mean := by / over / cores
	worst, at, _ := record.RateOver(steal, record.CPUWindow).Max()
	worst /= cores
	if mean <= stealShare && worst <= stealWindow {
		return nil
	}
	text := fmt.Sprintf("other virtual machines took %s of the machine's cores (allowed %s)",
		Percent(mean), Percent(stealShare))
	if worst > stealWindow {
		text += fmt.Sprintf(", and %s over the 5 s before %s (allowed %s)", Percent(worst), Clock(at),
			Percent(stealWindow))
	}
	return because(HostSteal, with(one("host", Reservation, "%s", text), &mean, new(stealShare),
		"ratio", record.SamplesFile+": host.steal_seconds"))
}

// pressure tells when, by the kernel's own account, processes waited for a processor or
// for memory. Those that a limit holds back count, too, so that nothing is said where
// an actor was at a limit of its own.
func (s *subject) pressure() (found []Finding) {
	held := false
	for _, t := range []*float64{
		s.f.CPU.ThrottledPeriods, s.f.Loadgen.ThrottledPeriods, s.f.Backend.ThrottledPeriods,
	} {
		held = held || t != nil && *t > pressureOwn
	}
	for _, of := range []struct {
		what, unit string
		share      *float64
		allowed    float64
		own        bool // may be such a limit
	}{
		{
			"a processor", "cpu", s.hostStalled(func(h *env.Host) *float64 { return h.CPUStalled },
				pressureUsed), pressureCPU, held,
		},
		{
			"memory", "memory", s.hostStalled(func(h *env.Host) *float64 { return h.MemoryStalled }, 0),
			pressureMemory,
			s.f.Memory.LimitHits != nil && *s.f.Memory.LimitHits > 0 ||
				s.f.Memory.Share != nil && *s.f.Memory.Share > pressureNear,
		},
	} {
		if of.share == nil || of.own || *of.share <= of.allowed {
			continue
		}
		found = append(found, because(HostPressure, with(one("host", Reservation, "some process waited "+
			"for %s in %s of the time (allowed %s)", of.what, Percent(*of.share), Percent(of.allowed)),
			of.share, &of.allowed, "ratio",
			record.SamplesFile+": host."+of.unit+"_stalled_seconds"))...)
	}
	return found
}

// hostStalled is the share of the measured time in which some process of the machine
// waited while at least so much of its cores was used; nil where it is not known.
func (s *subject) hostStalled(of func(*env.Host) *float64, used float64) *float64 {
	by, over := 0.0, 0.0
	for i := 1; i < len(s.samples); i++ {
		from, to := s.samples[i-1].Host, s.samples[i].Host
		if from == nil || to == nil || of(from) == nil || of(to) == nil {
			continue
		}
		seconds := s.samples[i].Elapsed - s.samples[i-1].Elapsed
		over += seconds
		if to.BusySeconds-from.BusySeconds >= used*seconds*float64(s.r.Header.Machine.Cores) {
			by += *of(to) - *of(from)
		}
	}
	if over <= 0 {
		return nil
	}
	return new(min(1, by/over))
}

// othersRan tells when other processes took what the trial needed: the machine was full
// in more than fullSeconds of the measured looks, with more than othersShare of it used
// by something else.
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
	return because(HostBusy, with(one("host", Reservation, "the machine was full in %s of the "+
		"measured seconds while other processes used up to %.2f of its %g cores (allowed %s of the "+
		"seconds)", Percent(share), worst, cores, Percent(fullSeconds)), &share, new(fullSeconds),
		"ratio", record.SamplesFile+": host"))
}

// hostUse is how many cores were taken between two samples, by other virtual machines,
// too, and how many of them by processes of the machine that are none of the actors.
func hostUse(from, to record.Sample) (busy, others float64, ok bool) {
	seconds := to.At.Sub(from.At).Seconds()
	if from.Host == nil || to.Host == nil || seconds <= 0 {
		return 0, 0, false
	}
	busy = to.Host.BusySeconds - from.Host.BusySeconds +
		to.Host.StealSeconds - from.Host.StealSeconds
	busy /= seconds
	others = (to.Host.BusySeconds - from.Host.BusySeconds) / seconds
	for name, now := range to.Actors {
		if env.IsMember(name) {
			continue // all of several stand beside it
		}
		now, before := now.Usage, from.Actors[name].Usage
		if now == nil || before == nil || now.CPUSeconds == nil || before.CPUSeconds == nil {
			return 0, 0, false
		}
		others -= (*now.CPUSeconds - *before.CPUSeconds) / seconds
	}
	return busy, max(0, others), true
}
