package kube

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// cpuTotal is the processor time of a container, in seconds.
const cpuTotal = "container_cpu_usage_seconds_total"

// detailedUsage is what cadvisor tells of an incarnation, where it is of the same
// measurement as u: the processor time of two is never equal.
func detailedUsage(text []byte, life incarnation, u env.Usage) (env.Usage, bool) {
	figures, at := cadvisorFigures(text, life)
	used, ok := figures[cpuTotal]
	if !ok || u.CPUSeconds == nil || math.Abs(used-*u.CPUSeconds) > 1e-6 || at.IsZero() {
		return env.Usage{}, false
	}
	u.At = at
	addDetails(&u, figures)
	return u, true
}

// sizes and counts are the fields of a usage by the names of cadvisor's figures. What is
// positive is not known where it is 0: a kernel that does not count these leaves them so,
// which no container ever is.
func sizes(u *env.Usage) (all, positive map[string]**int64) {
	return map[string]**int64{
		"container_memory_cache":             &u.MemoryFile,
		"container_memory_rss":               &u.MemoryAnon,
		"container_memory_usage_bytes":       &u.MemoryUsage,
		"container_memory_working_set_bytes": &u.MemoryWorkingSet,
	}, map[string]**int64{
		"container_memory_kernel_usage":    &u.MemoryKernel,
		"container_memory_max_usage_bytes": &u.MemoryPeak,
	}
}

func counts(u *env.Usage) map[string]**uint64 {
	return map[string]**uint64{
		"container_cpu_cfs_periods_total":           &u.Periods,
		"container_cpu_cfs_throttled_periods_total": &u.ThrottledPeriods,
		"container_oom_events_total":                &u.OOMKills,
	}
}

// throttledTotal is for how long a container was held back by its limit, in seconds.
const throttledTotal = "container_cpu_cfs_throttled_seconds_total"

// addDetails adds what was measured with the processor time.
func addDetails(u *env.Usage, figures map[string]float64) {
	all, positive := sizes(u)
	for name, field := range all {
		if v, ok := figures[name]; ok {
			*field = new(int64(v))
		}
	}
	for name, field := range positive {
		if v := figures[name]; v > 0 {
			*field = new(int64(v))
		}
	}
	for name, field := range counts(u) {
		if v, ok := figures[name]; ok {
			*field = new(uint64(v))
		}
	}
	if v, ok := figures[throttledTotal]; ok {
		u.ThrottledSeconds = new(v)
	}
	addPressure(u, figures)
}

// detailNames are those of all figures that addDetails knows, sorted.
func detailNames() []string {
	all, positive := sizes(&env.Usage{})
	names := slices.Collect(maps.Keys(all))
	names = slices.AppendSeq(names, maps.Keys(positive))
	names = slices.AppendSeq(names, maps.Keys(counts(&env.Usage{})))
	names = slices.AppendSeq(names, maps.Keys(pressures(&env.Usage{})))
	return slices.Sorted(slices.Values(append(names, throttledTotal)))
}

// addPressure adds PSI. On cgroup v1 all of it is 0, which would mean that no process ever
// waited for a processor: it is not known there.
func addPressure(u *env.Usage, figures map[string]float64) {
	fields := pressures(u)
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

func pressures(u *env.Usage) map[string]**float64 {
	return map[string]**float64{
		"container_pressure_cpu_waiting_seconds_total":    &u.CPUStalled,
		"container_pressure_cpu_stalled_seconds_total":    &u.CPUStalledFull,
		"container_pressure_memory_waiting_seconds_total": &u.MemoryStalled,
		"container_pressure_memory_stalled_seconds_total": &u.MemoryStalledFull,
		"container_pressure_io_waiting_seconds_total":     &u.IOStalled,
		"container_pressure_io_stalled_seconds_total":     &u.IOStalledFull,
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
			if ms := m.GetTimestampMs(); ms > 0 && name == cpuTotal {
				at = time.UnixMilli(ms).UTC()
			}
		}
	}
	return figures, at
}
