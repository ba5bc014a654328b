package admin

import (
	"regexp"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// runtimeMetrics are what the Go runtime tells beyond what the client library serves of
// it by default: live heap, memory that GOMEMLIMIT bounds, collections and their CPU.
var runtimeMetrics = regexp.MustCompile(`^/(gc/heap/(live|goal):bytes|gc/cycles/total:.*|` +
	`memory/classes/(total|heap/released):bytes|cpu/classes/gc/(mark/(assist|dedicated)|pause):.*)$`)

// ProcessCollectors tell of this process and its Go runtime.
func ProcessCollectors() []prometheus.Collector {
	return []prometheus.Collector{
		collectors.NewGoCollector(
			collectors.WithGoCollectorRuntimeMetrics(
				collectors.GoRuntimeMetricsRule{Matcher: runtimeMetrics}),
		),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
}
