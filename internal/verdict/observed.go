package verdict

import (
	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// RuntimeFigures are what the gateway's Go runtime tells.
type RuntimeFigures struct {
	// Live is the largest heap that a collection found in use, LiveMean their mean over
	// the looks; nil where it was seen in less than nine looks in ten of those at the heap:
	// it is not known while GOMEMLIMIT presses, which is when it is largest.
	Live     *float64 `json:"heap_live_max_bytes,omitempty"`
	LiveMean *float64 `json:"heap_live_mean_bytes,omitempty"`
	// Memory is the most that the runtime had of what GOMEMLIMIT bounds; Distance is from
	// there to GOMEMLIMIT, negative beyond it.
	Memory   *float64 `json:"memory_max_bytes,omitempty"`
	MemLimit *float64 `json:"gomemlimit_bytes,omitempty"` // nil: none, or not known
	Distance *float64 `json:"distance_to_gomemlimit_bytes,omitempty"`
	// Cycles are garbage collections. Their CPU is of the gateway's cores, and as a share of
	// all CPU that it used; idle processors' part is in neither.
	Cycles *float64 `json:"gc_cycles_per_second,omitempty"`
	GC     *float64 `json:"gc_cores,omitempty"`
	Share  *float64 `json:"gc_ratio_of_cpu,omitempty"`
	Pause  *float64 `json:"gc_pause_seconds_per_second,omitempty"`
}

// CloseFigures are what the gateway's cgroup tells beside CPU and memory themselves.
type CloseFigures struct {
	// Looks are the close looks of the whole run, and SetPeak the largest working set that
	// they or the samples saw.
	Looks   int      `json:"whole_run_pulses"`
	SetPeak *float64 `json:"whole_run_working_set_peak_bytes,omitempty"`
	// What memory was, at most, of the measured time.
	Anon   *float64 `json:"anon_peak_bytes,omitempty"`
	Kernel *float64 `json:"kernel_peak_bytes,omitempty"`
	File   *float64 `json:"file_peak_bytes,omitempty"`
	// Held is for how long its threads were held back by the CPU limit, summed over them.
	Held *float64 `json:"throttled_seconds,omitempty"`
	// Of the whole run, by the kernel's count.
	LimitHits  *uint64 `json:"whole_run_memory_limit_hits,omitempty"`
	HighEvents *uint64 `json:"whole_run_memory_high_events,omitempty"`
	OOMEvents  *uint64 `json:"whole_run_oom_events,omitempty"`
	OOMKills   *uint64 `json:"whole_run_oom_kills,omitempty"`
	// Shares of the measured time in which some of its threads waited for a processor, for
	// memory and for a disk, and all of them for memory (PSI).
	CPUStalled        *float64 `json:"cpu_stalled_ratio,omitempty"`
	MemoryStalled     *float64 `json:"memory_stalled_ratio,omitempty"`
	MemoryStalledFull *float64 `json:"memory_stalled_full_ratio,omitempty"`
	IOStalled         *float64 `json:"io_stalled_ratio,omitempty"`
}

func (m measure) runtime() RuntimeFigures {
	series := func(metric record.Metric) record.Series {
		return record.MetricSeries(m.samples, record.Gateway, metric)
	}
	rate := func(metric record.Metric) *float64 {
		if by, span := record.Increase(series(metric)); span > 0 {
			return new(by / span)
		}
		return nil
	}
	live := series(record.GoHeapLive)
	if !mostly(live, series(record.HeapAlloc)) {
		live = record.Series{}
	}
	f := RuntimeFigures{
		Live: top(live), LiveMean: mean(live),
		Memory: top(series(record.GoMemory)), MemLimit: top(series(record.GoMemLimit)),
		Cycles: rate(record.GoGCCycles), GC: rate(record.GoGCCPU), Pause: rate(record.GoGCPause),
	}
	if f.Memory != nil && f.MemLimit != nil {
		f.Distance = new(*f.MemLimit - *f.Memory)
	}
	used, span := record.Increase(record.CPUTimeOf(m.samples, record.Gateway).Series)
	if f.GC != nil && span > 0 {
		f.Share = over(f.GC, new(used/span))
	}
	return f
}

// mostly is whether there is a point of a series in nine looks in ten of another.
func mostly(s, looks record.Series) bool { return s.Len() > 0 && 10*s.Len() >= 9*looks.Len() }

func (m measure) closely() CloseFigures {
	memory := func(of func(*env.Usage) *int64) *float64 {
		return top(record.Memory(m.samples, record.Gateway, of))
	}
	f := CloseFigures{
		Looks:   len(m.r.Pulses),
		SetPeak: top(record.WorkingSet(m.r.Samples, record.Gateway)),
		Anon:    memory(func(u *env.Usage) *int64 { return u.MemoryAnon }),
		Kernel:  memory(func(u *env.Usage) *int64 { return u.MemoryKernel }),
		File:    memory(func(u *env.Usage) *int64 { return u.MemoryFile }),
		Held: m.risen(record.Gateway,
			func(u *env.Usage) *float64 { return u.ThrottledSeconds }),
	}
	for _, p := range m.r.Pulses {
		if u := p.Actors[record.Gateway]; u != nil && u.MemoryWorkingSet != nil {
			if set := float64(*u.MemoryWorkingSet); f.SetPeak == nil || set > *f.SetPeak {
				f.SetPeak = new(set)
			}
		}
	}
	for i := range m.r.Samples {
		if u := m.r.Samples[i].Actors[record.Gateway].Usage; u != nil {
			f.LimitHits = later(f.LimitHits, u.LimitHits)
			f.HighEvents = later(f.HighEvents, u.HighEvents)
			f.OOMEvents, f.OOMKills = later(f.OOMEvents, u.OOMEvents), later(f.OOMKills, u.OOMKills)
		}
	}
	stalled := func(of func(*env.Usage) *float64) *float64 {
		span := record.CPUSeconds(m.samples, record.Gateway)
		by := m.risen(record.Gateway, of)
		if by == nil || span.Len() < 2 {
			return nil
		}
		return new(min(1, *by/(span.Elapsed[span.Len()-1]-span.Elapsed[0])))
	}
	f.CPUStalled = stalled(func(u *env.Usage) *float64 { return u.CPUStalled })
	f.MemoryStalled = stalled(func(u *env.Usage) *float64 { return u.MemoryStalled })
	f.MemoryStalledFull = stalled(func(u *env.Usage) *float64 { return u.MemoryStalledFull })
	f.IOStalled = stalled(func(u *env.Usage) *float64 { return u.IOStalled })
	return f
}

// risen is by how much a counter of an actor's usage rose in the measured time; nil with
// fewer than two readings.
func (m measure) risen(actor string, of func(*env.Usage) *float64) *float64 {
	var s record.Series
	for i := range m.samples {
		if u := m.samples[i].Actors[actor].Usage; u != nil && of(u) != nil {
			s.Elapsed = append(s.Elapsed, m.samples[i].Elapsed)
			s.Values = append(s.Values, *of(u))
		}
	}
	if by, span := record.Increase(s); span > 0 {
		return new(by)
	}
	return nil
}
