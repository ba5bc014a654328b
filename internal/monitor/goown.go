package monitor

import (
	"math"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// A goMetric says what a series of Prometheus' Go collector adds to a metric.
type goMetric struct {
	metric record.Metric
	factor float64
}

// goMetrics are what our own actors serve of their runtime, by the name of the series. The
// CPU of collections is without what idle processors did, as that of a collector is.
var goMetrics = map[string]goMetric{
	"go_gc_heap_live_bytes":                              {record.GoHeapLive, 1},
	"go_gc_heap_goal_bytes":                              {record.GoHeapGoal, 1},
	"go_memory_classes_total_bytes":                      {record.GoMemory, 1},
	"go_memory_classes_heap_released_bytes":              {record.GoMemory, -1},
	"go_gc_gomemlimit_bytes":                             {record.GoMemLimit, 1},
	"go_gc_cycles_total_gc_cycles_total":                 {record.GoGCCycles, 1},
	"go_cpu_classes_gc_mark_assist_cpu_seconds_total":    {record.GoGCCPU, 1},
	"go_cpu_classes_gc_mark_dedicated_cpu_seconds_total": {record.GoGCCPU, 1},
	"go_cpu_classes_gc_pause_cpu_seconds_total":          {record.GoGCCPU, 1},
	"go_gc_duration_seconds_sum":                         {record.GoGCPause, 1},
	"go_sched_gomaxprocs_threads":                        {record.GoMaxProcs, 1},
	"go_goroutines":                                      {record.GoGoroutines, 1},
}

// readGo adds what a scrape tells of one of our own actors' runtime.
func readGo(points []point, metrics map[record.Metric]float64) {
	for _, p := range points {
		if m, ok := goMetrics[p.name]; ok && !p.histogram && len(p.labels) == 0 {
			metrics[m.metric] += m.factor * p.value
		}
	}
	if metrics[record.GoMemLimit] >= math.MaxInt64 {
		delete(metrics, record.GoMemLimit) // no limit
	}
}
