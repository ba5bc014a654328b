package record

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A Column is one column of the samples as a table. What is not known is an empty
// cell, never 0.
type Column struct {
	Name    string
	Unit    string // empty for text
	Meaning string
	// Cell takes the sample and the one before it, nil for the first.
	Cell func(before, now *Sample) string
}

// Columns are the columns of resource-usage.csv, in order. Where there are several of an
// actor, those of its members follow.
var Columns = columns()

// columnsOf are Columns and, for each member of an actor of which there are several, those
// of the actor under the member's name: of gateway/1 gateway_1_running and so on.
func columnsOf(r *Record) []Column {
	all := slices.Clone(Columns)
	for _, actor := range []string{Gateway, Loadgen, Backend} {
		for _, member := range r.Members(actor) {
			all = append(all, usageColumns(member)...)
			for _, m := range metricColumns {
				if m.actor == actor {
					m.actor = member
					all = append(all, m.column())
				}
			}
		}
	}
	return all
}

func columns() []Column {
	all := []Column{
		{"timestamp", "", "when the look began, RFC 3339, UTC", timestamp},
		{
			"elapsed_seconds", "seconds", "since the start of the load; negative before it",
			func(_, s *Sample) string { return strconv.FormatFloat(s.Elapsed, 'f', 3, 64) },
		},
		{
			"phase", "", "starting, warm-up, measuring, draining or stopping",
			func(_, s *Sample) string { return string(s.Phase) },
		},
	}
	for _, actor := range []string{Gateway, Loadgen, Backend} {
		all = append(all, usageColumns(actor)...)
	}
	for _, m := range metricColumns {
		all = append(all, m.column())
	}
	return append(all, scaleColumns()...)
}

func timestamp(_, s *Sample) string {
	return s.At.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

// scaleColumns are how many gateways there are, where the place may change that.
func scaleColumns() []Column {
	of := func(count func(*env.Scale) int) func(_, now *Sample) string {
		return func(_, now *Sample) string {
			if s := now.Actors[Gateway].Scale; s != nil {
				return strconv.Itoa(count(s))
			}
			return ""
		}
	}
	return []Column{
		{
			Gateway + "_replicas_wanted", "pods", "how many there are to be of it, in a cluster",
			of(func(s *env.Scale) int { return s.Wanted }),
		},
		{
			Gateway + "_replicas_ready", "pods", "how many of them are ready",
			of(func(s *env.Scale) int { return s.Ready }),
		},
	}
}

// usageColumns are what the place knows of an actor.
func usageColumns(actor string) []Column {
	cores := func(samples []Sample) Series { return Rate(CPUSeconds(samples, actor)) }
	periods := func(samples []Sample) Series { return ThrottledPeriods(samples, actor) }
	stopped := func(samples []Sample) Series { return ThrottledTime(samples, actor) }
	bytes := func(of func(*env.Usage) *int64) func(before, now *Sample) string {
		return func(before, now *Sample) string {
			usage := now.Actors[actor].Usage
			if usage == nil || of(usage) == nil ||
				before != nil && SameReading(before.Actors[actor].Usage, usage) {
				return "" // not known, or told by the row before
			}
			return strconv.FormatInt(*of(usage), 10)
		}
	}
	prefix := inColumn(actor)
	return []Column{
		{prefix + "_running", "0 or 1", "whether its process was there", running(actor)},
		{
			prefix + "_cpu_cores", "cores", "user and system CPU time since the row before, per second",
			between(cores),
		},
		{
			prefix + "_memory_working_set_bytes", "bytes", "usage less inactive file, as kubelet counts; held against the limit",
			bytes(func(u *env.Usage) *int64 { return u.MemoryWorkingSet }),
		},
		{
			prefix + "_memory_anon_bytes", "bytes", "anonymous memory",
			bytes(func(u *env.Usage) *int64 { return u.MemoryAnon }),
		},
		{
			prefix + "_memory_kernel_bytes", "bytes", "kernel memory charged to it",
			bytes(func(u *env.Usage) *int64 { return u.MemoryKernel }),
		},
		{
			prefix + "_memory_file_bytes", "bytes", "page cache charged to it",
			bytes(func(u *env.Usage) *int64 { return u.MemoryFile }),
		},
		{
			prefix + "_memory_rss_bytes", "bytes", "resident memory of the process, file mappings included; never judged",
			bytes(func(u *env.Usage) *int64 { return u.MemoryRSS }),
		},
		{
			prefix + "_throttled_periods_ratio", "share of 1", "enforcement periods of the CPU limit since the row before in which it was held back",
			between(periods),
		},
		{
			prefix + "_throttled_seconds_per_second", "seconds per second", "time its threads were held back since the row before, summed over threads: may be above 1",
			between(stopped),
		},
	}
}

// inColumn is an actor's name as a part of a column's.
func inColumn(actor string) string { return strings.ReplaceAll(actor, "/", "_") }

func running(actor string) func(_, now *Sample) string {
	return func(_, now *Sample) string {
		a, there := now.Actors[actor]
		switch {
		case !there:
			return ""
		case a.Running:
			return "1"
		}
		return "0"
	}
}

// between gives the last point of a series that is made of two samples.
func between(of func([]Sample) Series) func(before, now *Sample) string {
	return func(before, now *Sample) string {
		if before == nil {
			return ""
		}
		s := of([]Sample{*before, *now})
		if s.Len() == 0 {
			return ""
		}
		return format(s.Values[s.Len()-1])
	}
}

// A metricColumn is a metric that an actor tells of itself, as it tells it.
type metricColumn struct {
	actor   string
	metric  Metric
	unit    string
	meaning string
}

func (m metricColumn) column() Column {
	return Column{
		inColumn(m.actor) + "_" + string(m.metric), m.unit, m.meaning,
		func(_, now *Sample) string {
			v, ok := now.Actors[m.actor].Metrics[m.metric]
			if !ok {
				return ""
			}
			return format(v)
		},
	}
}

// format writes the shortest text that reads back as v, without an exponent.
func format(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// WriteCSV writes the samples of r as a table, with a first row of names.
func WriteCSV(w io.Writer, r *Record) error {
	out := csv.NewWriter(w)
	columns := columnsOf(r)
	row := make([]string, len(columns))
	for i, column := range columns {
		row[i] = column.Name
	}
	err := out.Write(row)
	var before *Sample
	for i := range r.Samples {
		if err != nil {
			break
		}
		now := &r.Samples[i]
		for j, column := range columns {
			row[j] = column.Cell(before, now)
		}
		err = out.Write(row)
		before = now
	}
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", UsageFile, err)
	}
	return nil
}
