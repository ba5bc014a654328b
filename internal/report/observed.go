package report

import (
	"math"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

func collections(v float64) string { return decimal(v) + " a second" }

// observedSection is what the Go runtime and the cgroup of the gateway tell. What neither
// can know is named with the other figures that are not known.
func observedSection(f verdict.Figures) section {
	r, c := f.Runtime, f.Close
	const of = "gateway_go_runtime."
	rows := []row{
		{"Live heap, most", r.Live, mib, of + "heap_live_max_bytes"},
		{"Live heap, mean", r.LiveMean, mib, of + "heap_live_mean_bytes"},
		{"Go's memory (that GOMEMLIMIT bounds), most", r.Memory, mib, of + "memory_max_bytes"},
	}
	rows = with(rows, r.MemLimit,
		row{"GOMEMLIMIT", r.MemLimit, mib, of + "gomemlimit_bytes"},
		row{"Distance to GOMEMLIMIT, least", r.Distance, mib, of + "distance_to_gomemlimit_bytes"})
	rows = append(rows,
		row{"Garbage collections", r.Cycles, collections, of + "gc_cycles_per_second"},
		row{"GC, of all CPU used", r.Share, verdict.Percent, of + "gc_ratio_of_cpu"},
		row{"GC, CPU", r.GC, cores, of + "gc_cores"},
		row{"Stopped by GC, a second", r.Pause, verdict.Seconds, of + "gc_pause_seconds_per_second"})
	const by = "gateway_close_look."
	rows = append(rows,
		row{"Anonymous memory, peak", c.Anon, mib, by + "anon_peak_bytes"},
		row{"Kernel memory, peak", c.Kernel, mib, by + "kernel_peak_bytes"},
		row{"Page cache, peak", c.File, mib, by + "file_peak_bytes"})
	if c.Looks > 0 {
		rows = append(rows, row{
			"Working set, peak, whole run, by looks of 100 ms", c.SetPeak, mib,
			by + "whole_run_working_set_peak_bytes",
		})
	}
	rows = append(rows, []row{
		{
			"Held back by the CPU limit, over all threads", c.Held, verdict.Seconds,
			by + "throttled_seconds",
		},
		{"Met the memory limit, times", count(c.LimitHits), whole, by + "whole_run_memory_limit_hits"},
		{"Above memory.high, times", count(c.HighEvents), whole, by + "whole_run_memory_high_events"},
		{"Out of memory, times", count(c.OOMEvents), whole, by + "whole_run_oom_events"},
		{"Waited for a processor, of the time", c.CPUStalled, verdict.Percent, by + "cpu_stalled_ratio"},
		{"Waited for memory, of the time", c.MemoryStalled, verdict.Percent, by + "memory_stalled_ratio"},
		{"Waited for a disk, of the time", c.IOStalled, verdict.Percent, by + "io_stalled_ratio"},
	}...)
	pod := ""
	if f.Pods.Pod != "" {
		pod = "All of it is of " + f.Pods.Pod + ". "
	}
	return section{"Gateway: Go runtime, memory and pressure", pod + "Of the measured time, unless " +
		"a row says otherwise. Live heap is what a garbage collection found in use; waiting is by " +
		"the kernel's pressure figures (PSI), which cgroup v1 does not have. From " +
		"`raw/samples.jsonl` (actors.gateway.metrics.go_… and usage) and `raw/pulses.jsonl`.", rows}
}

// memoryPanel is the gateway's memory beside its limits, as close as it was looked at.
func memoryPanel(r *record.Record) panel {
	const mebi = 1.0 / (1 << 20)
	samples := fromWarmUp(r.Samples)
	looks := samples
	title := "Memory"
	if pulses := pulsesDuring(r.PulseSamples(), samples); len(pulses) > 0 {
		looks, title = pulses, "Memory, at 100 ms"
	}
	if set := record.WorkingSet(looks, record.Gateway); set.Coarse() {
		title += ", working set read every " + verdict.Seconds(math.Round(set.Resolution()))
	}
	limit := float64(r.Header.Scenario.Gateway.MemoryLimit) * mebi
	p := panel{
		title: title, unit: "MiB", zero: true, tall: true, empty: "memory is not known",
		limits: thresholdLines(r.Header.Scenario.Thresholds.Memory, limit, "limit "+decimal(limit)),
		of: append(shaded("memory"), subject{string(scenario.MemoryPeak), mebi, limit},
			subject{string(scenario.MemoryAvg), mebi, limit}),
		lines: []line{
			{
				name: "working set (judged)", s: scaled(record.WorkingSet(looks, record.Gateway), mebi),
				color: blue, wide: true,
			},
			{
				name:  "anonymous and kernel",
				s:     scaled(anonAndKernel(looks), mebi),
				color: orange,
			},
		},
	}
	goMemory := record.MetricSeries(samples, record.Gateway, record.GoMemory)
	if goMemory.Len() > 0 {
		p.lines = append(p.lines, line{name: "Go's memory", s: scaled(goMemory, mebi), color: green})
	}
	live := record.MetricSeries(samples, record.Gateway, record.GoHeapLive)
	if live.Len() > 0 {
		p.lines = append(p.lines, line{name: "live heap", s: scaled(live, mebi), color: sky})
	}
	told := record.MetricSeries(samples, record.Gateway, record.GoMemLimit)
	if told.Len() > 0 {
		p.lines = append(p.lines, line{
			name: "GOMEMLIMIT", s: scaled(told, mebi), color: purple, dashed: true,
		})
	}
	p.lines = append(p.lines, trendLine(r)...)
	return p
}

// anonAndKernel is without the kernel's part where that is not known.
func anonAndKernel(looks []record.Sample) record.Series {
	if s := record.Unreclaimable(looks, record.Gateway); s.Len() > 0 {
		return s
	}
	return record.Memory(looks, record.Gateway, func(u *env.Usage) *int64 { return u.MemoryAnon })
}

// pulsesDuring are the pulses of the time that samples are of.
func pulsesDuring(pulses, samples []record.Sample) []record.Sample {
	if len(samples) == 0 {
		return nil
	}
	from, to := samples[0].Elapsed, samples[len(samples)-1].Elapsed
	var out []record.Sample
	for _, p := range pulses {
		if p.Elapsed >= from && p.Elapsed <= to {
			out = append(out, p)
		}
	}
	return out
}
