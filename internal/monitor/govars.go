package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// patience is how many times in a row an actor that never served its variables is asked.
const patience = 5

// goVars asks a collector for what Go's package expvar serves of its runtime, beside the
// profiles: a collector's own metrics tell neither of collections, nor of the memory that
// GOMEMLIMIT bounds. To answer stops the collector for some 10 µs, however large its heap.
type goVars struct {
	failed int // in a row
	served bool
	ended  bool // it is not asked any more
}

// memStats is what is read of runtime.MemStats.
type memStats struct {
	HeapAlloc     float64
	Sys           float64
	HeapReleased  float64
	HeapIdle      float64
	StackInuse    float64
	NextGC        float64
	LastGC        int64 // nanoseconds since 1970; 0: never
	PauseTotalNs  float64
	NumGC         float64
	GCCPUFraction float64
}

// read asks once. What is not served is not known, and after a while not asked for.
func (g *goVars) read(ctx context.Context, transport http.RoundTripper,
	url string,
) (*memStats, error) {
	if url == "" || g.ended {
		return nil, nil
	}
	body, err := get(ctx, transport, url)
	var served struct {
		MemStats *memStats `json:"memstats"`
	}
	if err == nil {
		err = json.Unmarshal(body, &served)
	}
	if err == nil && served.MemStats == nil {
		err = errors.New("no memstats in it")
	}
	if err != nil {
		g.failed++
		g.ended = !g.served && g.failed >= patience
		return nil, fmt.Errorf("read variables: %w", err)
	}
	g.served, g.failed = true, 0
	return served.MemStats, nil
}

// goFigures are the metrics of a runtime. Since is when its process began.
//
// GoGCCPU is GCCPUFraction, a mean since the process began, times all CPU time that it
// could have had up to its last collection: GOMAXPROCS times its age. Where GOMAXPROCS is
// neither in its environment nor sure to be chosen, that is not known.
func goFigures(m *memStats, settings env.GoRuntime, since time.Time) map[record.Metric]float64 {
	figures := map[record.Metric]float64{}
	if settings.MemLimit > 0 {
		figures[record.GoMemLimit] = float64(settings.MemLimit)
	}
	if settings.MaxProcs > 0 {
		figures[record.GoMaxProcs] = float64(settings.MaxProcs)
	}
	if m == nil {
		return figures
	}
	figures[record.HeapAlloc] = m.HeapAlloc
	figures[record.GoHeapGoal] = m.NextGC
	figures[record.GoMemory] = m.Sys - m.HeapReleased
	figures[record.GoGCCycles] = m.NumGC
	figures[record.GoGCPause] = m.PauseTotalNs * 1e-9
	if live, ok := m.live(settings); ok {
		figures[record.GoHeapLive] = live
	}
	if settings.MaxProcs > 0 && m.LastGC > 0 && !since.IsZero() {
		age := time.Unix(0, m.LastGC).Sub(since).Seconds()
		figures[record.GoGCCPU] = max(0, m.GCCPUFraction*float64(settings.MaxProcs)*age)
	}
	return figures
}

// live is the heap that the last collection found in use, worked out from the goal that it
// set: goal = live + (live + stacks) × GOGC/100 (runtime/mgcpacer.go; global variables, some
// 1 MB of a collector, count with the stacks and are left out here). It is not known where
// GOMEMLIMIT has lowered the goal, or where the goal is the runtime's least heap, 4 MiB.
func (m *memStats) live(settings env.GoRuntime) (float64, bool) {
	growth := float64(settings.GC) / 100
	if growth <= 0 || m.LastGC == 0 || m.NextGC <= 4<<20*growth {
		return 0, false
	}
	if settings.MemLimit > 0 {
		// What GOMEMLIMIT leaves to the heap, less the runtime's reserve of 3 %; HeapIdle is
		// mapped or given back, and free either way.
		others := m.Sys - m.HeapIdle - m.HeapAlloc
		if m.NextGC >= 0.9*(float64(settings.MemLimit)-others)*0.97 {
			return 0, false
		}
	}
	return max(0, (m.NextGC-m.StackInuse*growth)/(1+growth)), true
}
