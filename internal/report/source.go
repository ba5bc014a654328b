package report

import (
	"fmt"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// ofUsage says where the gateway's CPU and memory are from, and what they cannot show.
func ofUsage(c verdict.CPUFigures, m verdict.MemoryFigures) string {
	const set = "The working set is usage less inactive file; a kill comes when anonymous and " +
		"kernel memory meet the limit."
	from := "actors.gateway.usage"
	cpu := fmt.Sprintf("CPU percentiles are over %d sliding windows of 5 s.", c.Windows)
	switch every := c.Every(); {
	case every != "":
		cpu = fmt.Sprintf("CPU is by the account of %s, read %s: its percentiles, and its most, are "+
			"of %d means from one reading to the next; shorter is not known.", named(c.Source), every,
			c.Windows)
	case c.Source == verdict.BySelf:
		cpu = "CPU is what the gateway's process says of itself, each second. " + cpu
		from += ", metrics.process_cpu_seconds"
	}
	memory := set
	if every := m.Every(); every != "" {
		memory = fmt.Sprintf("Memory is by the account of %s, read %s: a peak between two readings is "+
			"not seen. ", named(m.Source), every) + set
	}
	if t := c.Throttling; t != nil && t.Told() != c.Told() {
		cpu += fmt.Sprintf(" What the limit held back is by the account of %s, read %s, from its first "+
			"reading in the measured time to its last.", named(t.Source), t.Every())
	}
	return fmt.Sprintf("%s %s From `raw/samples.jsonl` (%s).", cpu, memory, from)
}

// ofEnds says where the CPU of the two ends is from; empty where that goes without saying.
func ofEnds(loadgen, backend verdict.EndFigures) string {
	l, b := loadgen.Told(), backend.Told()
	switch {
	case l == "" && b == "":
		return ""
	case l == b:
		return "Their CPU is by " + named(l) + ". "
	}
	return fmt.Sprintf("The load generator's CPU is by %s, the backend's by %s. ", named(l), named(b))
}

// named is a source in the midst of a sentence.
func named(source string) string {
	switch {
	case source == "":
		return "the place's account"
	case source == verdict.BySelf:
		return "their own metrics"
	case strings.HasPrefix(source, "the "), strings.HasPrefix(source, "Prometheus"):
		return source
	}
	return "the " + source
}

// bracketed is a source in brackets; empty where it goes without saying.
func bracketed(u verdict.UsageSource) string {
	if told := u.Told(); told != "" {
		return " (" + told + ")"
	}
	return ""
}
