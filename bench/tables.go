package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// A row is a line of a table of costs.
type row struct {
	what, name string
	figure     figure
	of         func(sample) usage
	floor      string // the case whose same figure is the floor
}

func senderRow(what, name, floor string) row {
	return row{what, name, sending, func(s sample) usage { return s.Send }, floor}
}

func receiverRow(what, name, floor string) row {
	return row{what, name, receiving, func(s sample) usage { return s.Receive }, floor}
}

func senderRows() []row {
	var rows []row
	for _, b := range batches {
		floor := fmt.Sprintf("floor/b%d", b)
		rows = append(rows, senderRow(fmt.Sprintf("raw TCP, %s a message", spansText(b)), floor, floor))
	}
	for _, b := range batches {
		rows = append(rows, senderRow(fmt.Sprintf("**odigos-stress loadgen**, %s a request", spansText(b)),
			fmt.Sprintf("loadgen/b%d", b), fmt.Sprintf("floor/b%d", b)))
	}
	for _, c := range []string{"2 connections", "100 connections", "snappy", "zstd", "gzip"} {
		rows = append(rows, senderRow("odigos-stress loadgen, 1,000, "+c, "loadgen/b1000/"+c, floorCase))
	}
	return append(rows,
		senderRow("pdata client", "pdata"+usual, floorCase),
		senderRow("generated proto/otlp client", "generated"+usual, floorCase),
		senderRow("OpenTelemetry SDK, tuned", "sdk"+usual, floorCase),
		senderRow("telemetrygen, per delivered span", "telemetrygen", floorCase))
}

func receiverRows() []row {
	var rows []row
	for _, b := range batches {
		floor := fmt.Sprintf("floor/b%d", b)
		rows = append(rows, receiverRow(fmt.Sprintf("raw TCP, %s a message", spansText(b)), floor, floor))
	}
	for _, b := range batches {
		rows = append(rows, receiverRow(fmt.Sprintf("gRPC server that only counts, %s a request", spansText(b)),
			fmt.Sprintf("loadgen/b%d", b), fmt.Sprintf("floor/b%d", b)))
	}
	for _, b := range batches {
		rows = append(rows, receiverRow(fmt.Sprintf("**odigos-stress backend**, full account, %s", spansText(b)),
			fmt.Sprintf("backend/b%d", b), fmt.Sprintf("floor/b%d", b)))
	}
	for _, n := range connections {
		c := fmt.Sprintf("%d connections", n)
		rows = append(rows, receiverRow("odigos-stress backend, 1,000, "+c, "backend/b1000/"+c, floorCase))
	}
	for _, c := range []string{"snappy", "zstd", "gzip"} {
		rows = append(rows, receiverRow("gRPC server that only counts, 1,000, "+c, "loadgen/b1000/"+c, floorCase))
	}
	return append(rows, receiverRow("pdata server", "pdata server"+usual, floorCase))
}

// spansText is a number of spans as it is read.
func spansText(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// text is the whole report.
func (r *report) text() string {
	var b strings.Builder
	b.WriteString(r.about())
	for _, part := range []struct{ title, table string }{
		{"Goals", r.goalTable()},
		{"Senders, to a server that only counts", r.costs(senderRows())},
		{"Receivers, from the load generator", r.costs(receiverRows())},
		{"Through a collector, workload `odigos-docs`, 100 spans a request", r.gatewayTable()},
		{"Pacing", r.paceTable()},
	} {
		if part.table != "" {
			b.WriteString("\n" + part.title + ":\n\n" + part.table)
		}
	}
	if len(r.Failures) > 0 {
		b.WriteString("\nRuns that failed, and are in no figure:\n\n")
		for _, f := range r.Failures {
			b.WriteString("- " + f + "\n")
		}
	}
	return b.String()
}

func (r *report) about() string {
	m := r.Machine
	rows := [][]string{
		{"run", ""},
		{"date, commit", m.Date.Format("2006-01-02 15:04 UTC") + ", " + m.Commit},
		{"machine", fmt.Sprintf("%s, %d CPUs, %s, Linux %s, %s", m.Processor, m.CPUs, m.Memory, m.Kernel, m.Go)},
		{"load average before", m.Load},
		{"rounds", fmt.Sprintf("%d interleaved, %g s a case, pacing %g s; %.0f s in all",
			r.Rounds, r.Seconds, r.PaceSeconds, r.Took)},
	}
	for _, name := range slices.Sorted(maps.Keys(m.Versions)) {
		rows = append(rows, []string{name, m.Versions[name]})
	}
	return table(rows)
}

func (r *report) goalTable() string {
	rows := [][]string{{"goal", "bound", "aim", "measured", "min – max", "mark"}}
	for _, j := range r.Goals {
		sign := "≥"
		if j.AtMost {
			sign = "≤"
		}
		value := func(v float64) string { return figures(v) + unit(j.Unit) }
		aim, measured, between := "", "–", "–"
		if j.Aim != 0 {
			aim = value(j.Aim)
		}
		if j.Measured != nil {
			measured = value(j.Measured.Median)
			between = figures(j.Measured.Min) + " – " + figures(j.Measured.Max)
		}
		rows = append(rows, []string{j.What, sign + " " + value(j.Bound), aim, measured, between, j.Mark})
	}
	return table(rows)
}

// costs is a table of CPU time. Rows that were not measured are left out.
func (r *report) costs(all []row) string {
	rows := [][]string{{
		"", "CPU-s per M spans", "min – max", "× raw TCP", "min – max", "B/span", "allocated B/span", "mallocs/span",
	}}
	for _, w := range all {
		cost, ok := r.results.of(w.name, w.figure)
		if !ok {
			continue
		}
		times, between := "–", "–"
		if ratio, ok := r.results.ratio(w.name, w.figure, w.floor, w.figure); ok {
			times, between = figures(ratio.Median), figures(ratio.Min)+" – "+figures(ratio.Max)
		}
		rows = append(rows, []string{
			w.what, figures(cost.Median), figures(cost.Min) + " – " + figures(cost.Max), times, between,
			r.median(w.name, bytesOnWire),
			r.median(w.name, func(s sample) (float64, bool) { return known(w.of(s).Allocated) }),
			r.median(w.name, func(s sample) (float64, bool) { return known(w.of(s).Mallocs) }),
		})
	}
	return table(rows)
}

// bytesOnWire is what a span takes, after compression where there is one.
func bytesOnWire(s sample) (float64, bool) {
	if s.Wire > 0 {
		return s.Wire, true
	}
	return s.Bytes, s.Bytes > 0
}

func (r *report) median(name string, f figure) string {
	s, ok := r.results.of(name, f)
	if !ok {
		return "–"
	}
	return figures(s.Median)
}

func (r *report) gatewayTable() string {
	rows := [][]string{{
		"compression", "collector, CPU-s per M spans", "load generator", "backend", "both, of the collector",
		"without collector: both", "B/span", "B/span on the wire", "unsent",
	}}
	for _, c := range []string{"none", "gzip"} {
		name := "collector/" + c
		if len(r.results[name]) == 0 {
			continue
		}
		percent := func(f figure) string {
			s, ok := r.results.of(name, f)
			if !ok {
				return "–"
			}
			return figures(s.Median*100) + " %"
		}
		rows = append(rows, []string{
			c, r.median(name, collecting), r.median(name, sending), r.median(name, receiving), percent(endsShare),
			r.median("direct/"+c, bothEnds),
			r.median(name, func(s sample) (float64, bool) { return s.Bytes, s.Bytes > 0 }),
			r.median(name, bytesOnWire), percent(unsent),
		})
	}
	return table(rows)
}

func (r *report) paceTable() string {
	rows := [][]string{{
		"spans/s", "spans a request", "error of the rate, %", "lateness p50, µs", "p99, µs", "unsent, %", "CPU-s per M spans",
	}}
	for _, p := range paces {
		if len(r.results[p.name]) == 0 {
			continue
		}
		times := func(f figure, by float64) string {
			return r.median(p.name, func(s sample) (float64, bool) {
				v, ok := f(s)
				return v * by, ok
			})
		}
		rows = append(rows, []string{
			strings.TrimPrefix(p.name, "pace/"), spansText(p.batch), times(slopeError, 100),
			times(lateP50, 1e6), times(lateP99, 1e6), times(unsent, 100), r.median(p.name, sending),
		})
	}
	return table(rows)
}

func unit(u string) string {
	if u == "×" {
		return u
	}
	return " " + u
}

// figures prints three significant digits, as far as they stand behind the point.
func figures(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 0.1:
		return fmt.Sprintf("%.3g", v)
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// table is a Markdown table whose columns stand under each other as text, too.
// Without a row there is no table.
func table(rows [][]string) string {
	if len(rows) == 1 {
		return ""
	}
	widths := make([]int, len(rows[0]))
	for _, cells := range rows {
		for i, c := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	line := func(cells []string) {
		for i, c := range cells {
			b.WriteString("| " + c + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)) + " ")
		}
		b.WriteString("|\n")
	}
	line(rows[0])
	rule := make([]string, len(widths))
	for i, w := range widths {
		rule[i] = strings.Repeat("-", w)
	}
	line(rule)
	for _, cells := range rows[1:] {
		line(cells)
	}
	return b.String()
}
