package verdict

import (
	"fmt"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

const (
	// gcShare is the share of the CPU in garbage collection from which it limits: the
	// runtime gives marking a quarter of GOMAXPROCS, and what allocates has to help when
	// that is not enough.
	gcShare = 0.25
	// memoryFull is the share of a memory limit from which there is none left.
	memoryFull = 0.95
	// throttledLimits is the share of the CPU limit's periods in which the gateway was
	// held back from which that limits.
	throttledLimits = 0.25
)

// memoryLimits when the gateway was killed for want of memory, refused spans for it,
// came to 95 % of its memory limit, or stood at 95 % of GOMEMLIMIT on average while
// garbage collection took a quarter of its CPU.
func memoryLimits(s *subject) Candidate {
	m, f, g := s.f.Memory, s.f.Failures, s.f.Runtime
	share := over(m.PeakOfRun, m.Limit)
	c := candidate(ByMemory, state(share, 0.8, memoryFull), "")
	if c.State == Unknown && m.Limit == nil && g.MemLimit == nil {
		c = candidate(ByMemory, Clear, "there is no memory limit")
	}
	if share != nil {
		c.Text = fmt.Sprintf("the working set came to %s of the limit of %s", Percent(*share),
			bytesText(*m.Limit))
		c.add(proof("gateway_memory.whole_run_working_set_peak_bytes", "bytes", *m.PeakOfRun,
			"largest working set %s of %s", bytesText(*m.PeakOfRun), bytesText(*m.Limit)))
		c.When = period(record.WorkingSet(s.loaded(), record.Gateway), 0.8**m.Limit)
	}
	if full := s.f.Go.MemoryShare; above(full, memoryFull) && g.MemLimit != nil {
		c.add(proof("gateway_go.memory_mean_ratio_of_gomemlimit", "ratio", *full,
			"Go's memory at %s of GOMEMLIMIT (%s) on average", Percent(*full),
			bytesText(*g.MemLimit)))
		if above(g.Share, gcShare) {
			c.State = Limits
			c.add(gcEvidence(g))
			c.Text = fmt.Sprintf("Go's memory stood at GOMEMLIMIT (%s), and garbage collection took "+
				"%s of the CPU to keep it there", bytesText(*g.MemLimit), Percent(*g.Share))
		}
	}
	switch {
	case f.OOMKilled != nil && *f.OOMKilled:
		c.State = Limits
		c.Text = "the gateway was killed for want of memory" + when(f.KilledAt)
	case above(f.AdmissionRejections, 0):
		c.State = Limits
		c.Text = "the gateway refused requests before decoding them: its heap was at GOMEMLIMIT"
		c.add(proof("failures.whole_run_admission_rejected_requests", "requests",
			*f.AdmissionRejections, "%s requests refused", Number(*f.AdmissionRejections)))
	case above(f.ProcessorRefused, 0):
		c.State = Limits
		c.Text = "the memory limiter refused spans"
		c.add(proof("failures.whole_run_processor_refused_spans", "spans", *f.ProcessorRefused,
			"%s spans refused by it", Number(*f.ProcessorRefused)))
	}
	if c.Text == "" {
		c.Text = "the gateway's memory is not known"
	}
	return c
}

func gcEvidence(g RuntimeFigures) Evidence {
	return proof("gateway_go_runtime.gc_ratio_of_cpu", "ratio", *g.Share,
		"garbage collection took %s of the CPU used", Percent(*g.Share))
}

// gcLimits when garbage collection took a quarter of the CPU of a gateway that had no
// more of it.
func gcLimits(s *subject) Candidate {
	g := s.f.Runtime
	if g.Share == nil {
		return candidate(ByGC, Unknown, "%s", s.gcUnknown())
	}
	c := candidate(ByGC, state(g.Share, 0.15, gcShare), "garbage collection took %s of the CPU "+
		"used", Percent(*g.Share))
	c.add(gcEvidence(g))
	if g.Cycles != nil {
		c.add(proof("gateway_go_runtime.gc_cycles_per_second", "/s", *g.Cycles,
			"%.1f collections a second", *g.Cycles))
	}
	if c.State == Limits && !s.cpuFull() {
		c.State = Near
	}
	return c
}

// gcUnknown says why it is not known how much CPU garbage collection took.
func (s *subject) gcUnknown() string {
	text := "the runtime's own figures were not served"
	if s.f.Runtime.Cycles != nil {
		text = "how much CPU garbage collection took is not known"
		if s.gateway().GoRuntime().MaxProcs == 0 {
			text += ": the runtime tells its share of GOMAXPROCS, which the environment does not set"
		}
	}
	if c := components(s.r); c != nil {
		for _, part := range c.Parts {
			if part.Name == "gc" {
				text += fmt.Sprintf("; it was %s of the CPU in a profile", Percent(part.Share))
			}
		}
	}
	return text
}

// cpuAllowed is what the gateway may use: its limit, or the machine's cores.
func (s *subject) cpuAllowed() (cores *float64, what string) {
	if s.f.CPU.Limit != nil {
		return s.f.CPU.Limit, "the CPU limit"
	}
	if n := s.r.Header.Machine.Cores; n > 0 {
		return new(float64(n)), "the machine's cores (no CPU limit)"
	}
	return nil, ""
}

// cpuFull is whether the gateway used, on average, nine tenths of what it may, or came
// to 95 % of it over 5 s.
func (s *subject) cpuFull() bool {
	allowed, _ := s.cpuAllowed()
	return above(over(s.f.CPU.Average, allowed), fullOnAverage) ||
		above(over(s.f.CPU.Max, allowed), fullCPU)
}

// cpuLimits when the gateway used 95 % of its limit over 5 s, nine tenths of it on
// average, or was held back in a quarter of the limit's periods while it used half.
func cpuLimits(s *subject) Candidate {
	c := s.f.CPU
	allowed, what := s.cpuAllowed()
	used := over(c.Max, allowed)
	average := over(c.Average, allowed)
	if used == nil {
		used = average
	}
	if used == nil {
		return candidate(ByCPU, Unknown, "the gateway's CPU is not known")
	}
	found := candidate(ByCPU, state(used, 0.8, fullCPU), "at most %s of %s used %s",
		Percent(*used), what, c.Over())
	if c.Max != nil {
		found.add(proof("gateway_cpu.max_cores", "cores", *c.Max, "%.2f cores %s at most",
			*c.Max, c.Over()))
	}
	if c.Average != nil {
		found.add(proof("gateway_cpu.average_cores", "cores", *c.Average,
			"%.2f of %.2f cores on average", *c.Average, *allowed))
	}
	if above(average, fullOnAverage) {
		found.State = Limits
	}
	held := c.ThrottledPeriods
	if held != nil {
		found.Text += fmt.Sprintf(", held back in %s of the periods", Percent(*held))
		found.add(proof("gateway_cpu.throttled_periods_ratio", "ratio", *held,
			"held back in %s of the limit's periods", Percent(*held)))
		if above(average, 0.5) && *held >= throttledLimits {
			found.State = Limits
		}
	}
	if found.State == Limits {
		found.When = period(record.CPU(s.hottest().loaded(), record.Gateway, record.CPUWindow),
			0.8**allowed)
		found.Text = fmt.Sprintf("the CPU: %s of %s used on average, %s %s at most",
			percentOr(average), what, Percent(*used), c.Over())
		if held != nil {
			found.Text += fmt.Sprintf(", held back in %s of the limit's periods", Percent(*held))
		}
	}
	return found
}

func percentOr(v *float64) string {
	if v == nil {
		return "not known how much"
	}
	return Percent(*v)
}

// receiverLimits when slots went unsent, every request that may be under way waiting,
// though the gateway had CPU and memory to spare: over one connection, which one thread
// reads, or where the receiver serves no more calls at once.
func receiverLimits(s *subject) Candidate {
	load := s.r.Header.Scenario.Load
	unsent, busy := s.f.Delivery.UnsentPart, s.f.Pacing.InFlightMean
	if unsent == nil || busy == nil {
		return candidate(ByReceiver, Unknown, "what was unsent, or under way, is not known")
	}
	c := candidate(ByReceiver, Clear, "%.1f requests under way to it on average, %s of the spans "+
		"due unsent", *busy, Percent(*unsent))
	c.add(
		proof("pacing.in_flight_mean_requests", "requests", *busy,
			"%.1f requests under way to the gateway on average", *busy),
		proof("delivery.unsent_ratio_of_due", "ratio", *unsent, "%s of the spans due unsent",
			Percent(*unsent)))
	if ran := s.ran(); ran != nil && ran.Streams != nil && load.Protocol == scenario.ProtocolGRPC {
		most := *ran.Streams * float64(load.Connections)
		if *busy >= 0.8*most {
			c.State = Limits
			c.Text = fmt.Sprintf("the receiver: it serves %.0f calls at once over each of %s, and "+
				"%.1f requests were under way on average", *ran.Streams,
				plural(load.Connections, "connection", "connections"), *busy)
			return c
		}
	}
	allowed, _ := s.cpuAllowed()
	if *unsent > unsentNoise && load.Connections == 1 && above(allowed, 1) && !s.cpuFull() {
		c.State = Limits
		c.Text = fmt.Sprintf("the receiver: %s of the spans due went unsent over one connection, "+
			"which one thread reads, while the gateway had cores to spare", Percent(*unsent))
	}
	return c
}
