package local

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A reading collects figures from the files of a cgroup. A file that is not there
// leaves its figures unknown; any other failure is kept.
type reading struct {
	kept *keptFiles // nil: each file is opened for the reading
	err  error
}

// usage reads all that the kernel says of a cgroup.
func (g cgroup) usage(u *env.Usage) error { return g.usageFrom(nil, u) }

// usageFrom reads it from files that are kept open.
func (g cgroup) usageFrom(kept *keptFiles, u *env.Usage) error {
	r := reading{kept: kept}
	if g.Version == 2 {
		r.v2(g.Dirs[""], u)
	} else {
		r.v1(g.Dirs, u)
	}
	return r.err
}

func (r *reading) v1(dirs map[string]string, u *env.Usage) {
	if dir, ok := dirs["cpuacct"]; ok {
		u.CPUSeconds = scaled(r.number(dir, "cpuacct.usage"), 1e9)
	}
	if dir, ok := dirs["cpu"]; ok {
		stat := r.table(dir, "cpu.stat")
		u.Periods, u.ThrottledPeriods = value(stat, "nr_periods"), value(stat, "nr_throttled")
		u.ThrottledSeconds = scaled(value(stat, "throttled_time"), 1e9)
	}
	dir, ok := dirs["memory"]
	if !ok {
		return
	}
	stat := r.table(dir, "memory.stat")
	u.MemoryUsage = asBytes(r.number(dir, "memory.usage_in_bytes"))
	u.MemoryWorkingSet = workingSet(u.MemoryUsage, value(stat, "total_inactive_file"))
	u.MemoryAnon, u.MemoryFile = asBytes(value(stat, "total_rss")), asBytes(value(stat, "total_cache"))
	u.MemoryKernel = asBytes(r.number(dir, "memory.kmem.usage_in_bytes"))
	u.MemoryPeak = asBytes(r.number(dir, "memory.max_usage_in_bytes"))
	u.LimitHits = r.limitHits(dir, u.MemoryPeak)
	u.OOMKills = value(r.table(dir, "memory.oom_control"), "oom_kill") // since Linux 4.13
}

// limitHits counts how often a v1 group met its limit. Where memory and swap together
// have the same limit, that one is asked first, and Linux since 6.13 counts nothing
// then: no count beside a peak near the limit is not known. (Near, since the kernel
// charges in batches: the peak stays a little below.)
func (r *reading) limitHits(dir string, peak *int64) *uint64 {
	hits := r.number(dir, "memory.failcnt")
	limit, both := r.number(dir, "memory.limit_in_bytes"), r.number(dir, "memory.memsw.limit_in_bytes")
	if hits == nil || limit == nil || both == nil || *both > *limit {
		return hits
	}
	if more := r.number(dir, "memory.memsw.failcnt"); more != nil {
		*hits += *more
	}
	if *hits == 0 && peak != nil && *peak > 0 && uint64(*peak) >= *limit/10*9 {
		return nil
	}
	return hits
}

func (r *reading) v2(dir string, u *env.Usage) {
	cpu := r.table(dir, "cpu.stat")
	u.CPUSeconds = scaled(value(cpu, "usage_usec"), 1e6)
	u.Periods, u.ThrottledPeriods = value(cpu, "nr_periods"), value(cpu, "nr_throttled")
	u.ThrottledSeconds = scaled(value(cpu, "throttled_usec"), 1e6)

	stat := r.table(dir, "memory.stat")
	u.MemoryUsage = asBytes(r.number(dir, "memory.current"))
	u.MemoryWorkingSet = workingSet(u.MemoryUsage, value(stat, "inactive_file"))
	u.MemoryAnon, u.MemoryFile = asBytes(value(stat, "anon")), asBytes(value(stat, "file"))
	u.MemoryKernel = asBytes(value(stat, "kernel"))      // since Linux 5.18
	u.MemoryPeak = asBytes(r.number(dir, "memory.peak")) // since Linux 5.19
	events := r.table(dir, "memory.events")
	u.OOMKills, u.LimitHits = value(events, "oom_kill"), value(events, "max")
	u.OOMEvents, u.HighEvents = value(events, "oom"), value(events, "high")

	u.CPUStalled, u.CPUStalledFull = r.stalled(dir, "cpu.pressure")
	u.MemoryStalled, u.MemoryStalledFull = r.stalled(dir, "memory.pressure")
	u.IOStalled, u.IOStalledFull = r.stalled(dir, "io.pressure")
}

// text is empty for a file that does not exist, or that the kernel was told not to
// fill (pressure, where it is compiled in and turned off).
func (r *reading) text(dir, name string) string {
	data, err := r.kept.read(filepath.Join(dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errUnsupported) {
		r.keep(err)
	}
	return strings.TrimSpace(string(data))
}

func (r *reading) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reading) number(dir, name string) *uint64 {
	text := r.text(dir, name)
	if text == "" {
		return nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		r.keep(fmt.Errorf("read %s: %q is no number", filepath.Join(dir, name), text))
		return nil
	}
	return &n
}

func (r *reading) table(dir, name string) map[string]uint64 {
	table, err := parseTable(r.text(dir, name))
	if err != nil {
		r.keep(fmt.Errorf("read %s: %w", filepath.Join(dir, name), err))
	}
	return table
}

// stalled are the totals of a pressure file, in seconds.
func (r *reading) stalled(dir, name string) (some, full *float64) {
	totals, err := parsePressure(r.text(dir, name))
	if err != nil {
		r.keep(fmt.Errorf("read %s: %w", filepath.Join(dir, name), err))
	}
	return scaled(value(totals, "some"), 1e6), scaled(value(totals, "full"), 1e6)
}

// parseTable reads lines of a name and a number.
func parseTable(text string) (map[string]uint64, error) {
	table := map[string]uint64{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 {
			return nil, fmt.Errorf("line %q is not a name and a number", strings.TrimSpace(line))
		}
		n, err := strconv.ParseUint(fields[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("line %q is not a name and a number", strings.TrimSpace(line))
		}
		table[fields[0]] = n
	}
	return table, nil
}

// parsePressure reads the totals of a pressure file by line, some and full, in
// microseconds. Before Linux 5.13 there is no full of processors. No text has none.
func parsePressure(text string) (map[string]uint64, error) {
	totals := map[string]uint64{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		for _, f := range fields {
			digits, ok := strings.CutPrefix(f, "total=")
			if !ok {
				continue
			}
			total, err := strconv.ParseUint(digits, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%q is no total of %s", f, fields[0])
			}
			totals[fields[0]] = total
		}
	}
	if _, ok := totals["some"]; !ok && text != "" {
		return nil, fmt.Errorf("%q has no total of some", text)
	}
	return totals, nil
}

func value(table map[string]uint64, name string) *uint64 {
	if n, ok := table[name]; ok {
		return &n
	}
	return nil
}

func scaled(n *uint64, by float64) *float64 {
	if n == nil {
		return nil
	}
	f := float64(*n) / by
	return &f
}

func asBytes(n *uint64) *int64 {
	if n == nil {
		return nil
	}
	b := int64(*n)
	return &b
}

// workingSet is usage less inactive file, never below zero: what kubelet compares
// with a limit. The two are read at two moments.
func workingSet(usage *int64, inactive *uint64) *int64 {
	if usage == nil || inactive == nil {
		return nil
	}
	set := max(0, *usage-int64(*inactive))
	return &set
}
