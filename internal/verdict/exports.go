package verdict

import (
	"time"

	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// ExportFigures are the exporter's consumers against the time that each of them waits
// for the backend. Under way is what the backend had in hand, so that it is known
// whatever level of detail the collector's own metrics have.
type ExportFigures struct {
	// Consumers is how many exports may be under way at once.
	Consumers *float64 `json:"consumers,omitempty"`
	// UnderWay is how many the backend had in hand on average, Requests how many came to
	// it a second.
	UnderWay *float64 `json:"under_way_mean_requests,omitempty"`
	Requests *float64 `json:"requests_per_second,omitempty"`
	// Busy is UnderWay ÷ Consumers.
	Busy *float64 `json:"consumers_busy_ratio,omitempty"`
	// Stay is how long a request stayed at the backend: UnderWay ÷ Requests (Little's
	// law). Where none was under way at any look it is the delay that the backend was
	// told.
	Stay *float64 `json:"stay_at_backend_seconds,omitempty"`
	// Spans a request, over the measured time.
	Spans *float64 `json:"spans_per_request,omitempty"`
	// Most is what can leave at most: Consumers ÷ Stay × Spans.
	Most *float64 `json:"most_spans_per_second,omitempty"`
	// QueueSize is how much the queue may hold, in units of Sizer, as configured.
	QueueSize *float64 `json:"queue_size_configured,omitempty"`
	Sizer     string   `json:"queue_sizer,omitempty"`
}

// ran is the configuration that ran; nil where it cannot be read.
func (m measure) ran() *gateway.Ran {
	for _, a := range m.r.Header.Actors {
		if a.Name == record.Gateway {
			if r, err := gateway.ReadRan(a, m.r.Header.Scenario.Gateway); err == nil {
				return r
			}
		}
	}
	return nil
}

func (m measure) exports() ExportFigures {
	var f ExportFigures
	ran := m.ran()
	if ran != nil && ran.Queue.Enabled {
		f.Consumers, f.QueueSize, f.Sizer = ran.Queue.Consumers, ran.Queue.Size, ran.Queue.Sizer
	}
	f.UnderWay = mean(record.MetricSeries(m.samples, record.Backend, record.BackendInFlight))
	f.Busy = over(f.UnderWay, f.Consumers)
	requests, span := record.Increase(
		record.MetricSeries(m.samples, record.Backend, record.BackendRequests))
	if span == 0 || requests == 0 {
		return f
	}
	f.Requests = new(requests / span)
	delay := time.Duration(m.r.Header.Scenario.Backend.Delay).Seconds()
	if stay := over(f.UnderWay, f.Requests); stay != nil && max(*stay, delay) > 0 {
		f.Stay = new(max(*stay, delay))
	}
	came := 0.0
	for _, metric := range []record.Metric{
		record.BackendUnique, record.BackendDuplicate, record.BackendFailed,
	} {
		n, _ := record.Increase(record.MetricSeries(m.samples, record.Backend, metric))
		came += n
	}
	f.Spans = new(came / requests)
	if f.Consumers != nil && f.Stay != nil {
		f.Most = new(*f.Consumers / *f.Stay * *f.Spans)
	}
	return f
}

// GoFigures are what the Go runtime of the gateway says of itself, over the measured
// time, or over the whole load where the gateway did not live to see that.
type GoFigures struct {
	// GCShare is the CPU time of garbage collection over all CPU time used. It counts
	// collection in time that would have been idle, too.
	GCShare  *float64 `json:"gc_ratio_of_cpu,omitempty"`
	GCCycles *float64 `json:"gc_cycles_per_second,omitempty"`
	// Memory is what GOMEMLIMIT bounds, at most; MemoryShare is the mean of it over
	// GOMEMLIMIT.
	Memory      *float64 `json:"memory_max_bytes,omitempty"`
	MemLimit    *float64 `json:"memory_limit_bytes,omitempty"`
	MemoryShare *float64 `json:"memory_mean_ratio_of_limit,omitempty"`
	// LiveLeast and LiveMost are the least and the most that a collection left in use.
	LiveLeast *float64 `json:"heap_live_min_bytes,omitempty"`
	LiveMost  *float64 `json:"heap_live_max_bytes,omitempty"`
	MaxProcs  *float64 `json:"max_procs,omitempty"`
}

// noMemLimit is from where a GOMEMLIMIT is none: the runtime's default is the largest
// number there is.
const noMemLimit = 1 << 60

func (m measure) goRuntime() GoFigures {
	var f GoFigures
	samples := m.loaded()
	series := func(metric record.Metric) record.Series {
		return record.MetricSeries(samples, record.Gateway, metric)
	}
	gc, gcSpan := record.Increase(series(record.GoGCCPU))
	used, usedSpan := record.Increase(record.CPUSeconds(samples, record.Gateway))
	if gcSpan > 0 && usedSpan > 0 && used > 0 {
		f.GCShare = new(min(1, gc/gcSpan/(used/usedSpan)))
	}
	if cycles, span := record.Increase(series(record.GoGCCycles)); span > 0 {
		f.GCCycles = new(cycles / span)
	}
	f.Memory = top(series(record.GoMemory))
	if limit := top(series(record.GoMemLimit)); limit != nil && *limit < noMemLimit {
		f.MemLimit = limit
	}
	f.MemoryShare = over(mean(series(record.GoMemory)), f.MemLimit)
	live := series(record.GoHeapLive)
	f.LiveMost, f.LiveLeast = top(live), least(live)
	f.MaxProcs = top(series(record.GoMaxProcs))
	return f
}

// loaded are the samples of the measured time; where there are too few, those of the
// whole load.
func (m measure) loaded() []record.Sample {
	if len(m.samples) >= 3 {
		return m.samples
	}
	return record.During(m.r.Samples, record.PhaseWarmUp, record.PhaseMeasuring)
}

func least(s record.Series) *float64 {
	var low *float64
	for _, v := range s.Values {
		if low == nil || v < *low {
			low = new(v)
		}
	}
	return low
}
