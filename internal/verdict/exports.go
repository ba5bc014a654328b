package verdict

import (
	"fmt"
	"time"

	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// ExportFigures are the exporter's consumers against the time that each of them waits
// for the backend. Under way is what the backend had in hand, so that it is known
// whatever level of detail the collector's own metrics have.
type ExportFigures struct {
	// Consumers is how many exports may be under way at once, of all gateways together.
	Consumers *float64 `json:"consumers,omitempty"`
	// AtOnce is the size of a queue of fewer requests than there are consumers: the queue
	// counts what is under way, so that no more can be. Nil elsewhere.
	AtOnce *float64 `json:"at_once_by_queue_size,omitempty"`
	// UnderWay is how many the backend had in hand on average, Requests how many came to
	// it a second.
	UnderWay *float64 `json:"under_way_mean_requests,omitempty"`
	Requests *float64 `json:"requests_per_second,omitempty"`
	// Busy is UnderWay ÷ Consumers, or ÷ AtOnce.
	Busy *float64 `json:"consumers_busy_ratio,omitempty"`
	// Stay is how long a request stayed at the backend: UnderWay ÷ Requests (Little's
	// law). Where none was under way at any look it is the delay that the backend was
	// told.
	Stay *float64 `json:"stay_at_backend_seconds,omitempty"`
	// Spans a request, over the measured time.
	Spans *float64 `json:"spans_per_request,omitempty"`
	// Most is what can leave at most: Consumers, or AtOnce, ÷ Stay × Spans.
	Most *float64 `json:"most_spans_per_second,omitempty"`
	// QueueSize is how much a gateway's queue may hold, in units of Sizer, as configured.
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
	if f.Sizer == "requests" && above(f.Consumers, 1) && f.QueueSize != nil &&
		*f.QueueSize > 0 && *f.QueueSize < *f.Consumers {
		f.AtOnce = f.QueueSize
	}
	if n := m.spread(); n > 1 {
		f.Consumers, f.AtOnce = over(f.Consumers, new(1/n)), over(f.AtOnce, new(1/n))
	}
	f.UnderWay = mean(record.MetricSeries(m.samples, record.Backend, record.BackendInFlight))
	f.Busy = over(f.UnderWay, f.atOnce())
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
		f.Most = new(*f.atOnce() / *f.Stay * *f.Spans)
	}
	return f
}

// atOnce is how many exports can be under way; nil where that is not known.
func (f ExportFigures) atOnce() *float64 {
	if f.AtOnce != nil {
		return f.AtOnce
	}
	return f.Consumers
}

// waiting says how many of those that can be under way were.
func (f ExportFigures) waiting() string {
	if f.AtOnce != nil {
		return fmt.Sprintf("%.1f exports under way on average, of %.0f that the queue has room for "+
			"(it counts them; there are %.0f consumers)", *f.UnderWay, *f.AtOnce, *f.Consumers)
	}
	return fmt.Sprintf("%.1f of %.0f consumers wait for the backend on average", *f.UnderWay,
		*f.Consumers)
}

// by names what bounds the exports under way.
func (f ExportFigures) by() string {
	if f.AtOnce != nil {
		return fmt.Sprintf("the exporter's queue has room for %.0f requests, those under way included, "+
			"and %.0f consumers", *f.AtOnce, *f.Consumers)
	}
	return fmt.Sprintf("the exporter's %.0f consumers", *f.Consumers)
}

// GoFigures are what limits ask of the Go runtime beside RuntimeFigures.
type GoFigures struct {
	// MemoryShare is the mean, over the measured time, of what GOMEMLIMIT bounds, over
	// GOMEMLIMIT; nil without one.
	MemoryShare *float64 `json:"memory_mean_ratio_of_gomemlimit,omitempty"`
	MaxProcs    *float64 `json:"gomaxprocs,omitempty"`
}

func (m measure) goRuntime() GoFigures {
	series := func(metric record.Metric) record.Series {
		return record.MetricSeries(m.loaded(), record.Gateway, metric)
	}
	return GoFigures{
		MemoryShare: over(mean(series(record.GoMemory)), top(series(record.GoMemLimit))),
		MaxProcs:    top(series(record.GoMaxProcs)),
	}
}

// loaded are the samples of the measured time; where there are too few, those of the
// whole load.
func (m measure) loaded() []record.Sample {
	if len(m.samples) >= 3 {
		return m.samples
	}
	return record.During(m.r.Samples, record.PhaseWarmUp, record.PhaseMeasuring)
}
