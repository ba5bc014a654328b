package kube

import (
	"bytes"
	"math"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// detailedUsage is what cadvisor tells of an incarnation, where it is of the same
// measurement as u: the processor time of two is never equal.
func detailedUsage(text []byte, life incarnation, u env.Usage) (env.Usage, bool) {
	figures, at := cadvisorFigures(text, life)
	used, ok := figures["container_cpu_usage_seconds_total"]
	if !ok || u.CPUSeconds == nil || math.Abs(used-*u.CPUSeconds) > 1e-6 || at.IsZero() {
		return env.Usage{}, false
	}
	u.At = at
	for name, field := range map[string]**int64{
		"container_memory_cache":              &u.MemoryFile,
		"container_memory_rss":                &u.MemoryAnon,
		"container_memory_usage_bytes":        &u.MemoryUsage,
		"container_memory_working_set_bytes":  &u.MemoryWorkingSet,
	} {
		if v, ok := figures[name]; ok {
			*field = new(int64(v))
		}
	}
	// A kernel that does not count these leaves them 0, which no container ever is.
	for name, field := range map[string]**int64{
		"container_memory_kernel_usage":    &u.MemoryKernel,
		"container_memory_max_usage_bytes": &u.MemoryPeak,
	} {
		if v := figures[name]; v > 0 {
			*field = new(int64(v))
		}
	}
	for name, field := range map[string]**uint64{
		"container_cpu_cfs_periods_total":           &u.Periods,
		"container_cpu_cfs_throttled_periods_total": &u.ThrottledPeriods,
		"container_oom_events_total":                &u.OOMKills,
	} {
		if v, ok := figures[name]; ok {
			*field = new(uint64(v))
		}
	}
	if v, ok := figures["container_cpu_cfs_throttled_seconds_total"]; ok {
		u.ThrottledSeconds = new(v)
	}
	addPressure(&u, figures)
	return u, true
}

// addPressure adds PSI. On cgroup v1 all of it is 0, which would mean that no process ever
// waited for a processor: it is not known there.
func addPressure(u *env.Usage, figures map[string]float64) {
	fields := map[string]**float64{
		"container_pressure_cpu_waiting_seconds_total":    &u.CPUStalled,
		"container_pressure_cpu_stalled_seconds_total":    &u.CPUStalledFull,
		"container_pressure_memory_waiting_seconds_total": &u.MemoryStalled,
		"container_pressure_memory_stalled_seconds_total": &u.MemoryStalledFull,
		"container_pressure_io_waiting_seconds_total":     &u.IOStalled,
		"container_pressure_io_stalled_seconds_total":     &u.IOStalledFull,
	}
	known := false
	for name := range fields {
		known = known || figures[name] > 0
	}
	for name, field := range fields {
		if v, ok := figures[name]; ok && known {
			*field = new(v)
		}
	}
}

// cadvisorFigures are those of one incarnation by their names, and when they were
// measured. Only its own lines are parsed: a node's page has thousands.
func cadvisorFigures(text []byte, life incarnation) (map[string]float64, time.Time) {
	_, id, ok := strings.Cut(life.id, "://")
	if !ok || id == "" {
		return nil, time.Time{}
	}
	var own bytes.Buffer
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte("container_")) && bytes.Contains(line, []byte(id)) {
			own.Write(line)
		}
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(&own)
	if err != nil {
		return nil, time.Time{}
	}
	figures := map[string]float64{}
	var at time.Time
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name, container := *family.Name, ""
			for _, l := range m.GetLabel() {
				if l.GetName() == "container" {
					container = l.GetValue()
				}
			}
			if container != life.container { // what stands for the pod as a whole
				continue
			}
			figures[name] += m.GetUntyped().GetValue() // of several processors
			if ms := m.GetTimestampMs(); ms > 0 && name == "container_cpu_usage_seconds_total" {
				at = time.UnixMilli(ms).UTC()
			}
		}
	}
	return figures, at
}

// sumUsage adds up what is known of all. The peaks of several were at different times: of
// their sum nothing is known.
func sumUsage(all []env.Usage) env.Usage {
	var sum env.Usage
	for n, u := range all {
		if n == 0 || u.At.Before(sum.At) {
			sum.At = u.At
		}
		add(n == 0, &sum.CPUSeconds, u.CPUSeconds)
		add(n == 0, &sum.ThrottledSeconds, u.ThrottledSeconds)
		for _, f := range [][2]**int64{
			{&sum.MemoryUsage, &u.MemoryUsage}, {&sum.MemoryWorkingSet, &u.MemoryWorkingSet},
			{&sum.MemoryAnon, &u.MemoryAnon}, {&sum.MemoryFile, &u.MemoryFile},
			{&sum.MemoryKernel, &u.MemoryKernel},
		} {
			add(n == 0, f[0], *f[1])
		}
		for _, f := range [][2]**uint64{
			{&sum.Periods, &u.Periods}, {&sum.ThrottledPeriods, &u.ThrottledPeriods},
			{&sum.OOMKills, &u.OOMKills},
		} {
			add(n == 0, f[0], *f[1])
		}
	}
	return sum
}

// add makes a sum unknown as soon as a part of it is.
func add[T int64 | uint64 | float64](first bool, sum **T, part *T) {
	switch {
	case part == nil:
		*sum = nil
	case first:
		*sum = new(*part)
	case *sum != nil:
		*sum = new(**sum + *part)
	}
}
