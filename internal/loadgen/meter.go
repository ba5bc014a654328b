package loadgen

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/odigos-io/odigos-stress/internal/ledger"
)

// meterBounds are buckets fine enough for quantiles of a single second, which whoever
// scrapes gets by subtracting two scrapes: 1 µs to 10 minutes, each a tenth above the
// one before.
var meterBounds = func() (bounds []float64) {
	for b := 1e-6; b < 600; b *= 1.1 {
		bounds = append(bounds, b)
	}
	return bounds
}()

// A meter is a cumulative histogram in the buckets of meterBounds. Its owner locks.
type meter struct {
	counts []uint64
	count  uint64
	sum    float64
}

func (m *meter) add(d time.Duration, n uint64) {
	if m.counts == nil {
		m.counts = make([]uint64, len(meterBounds)+1)
	}
	at, _ := slices.BinarySearch(meterBounds, d.Seconds())
	m.counts[at] += n
	m.count += n
	m.sum += d.Seconds() * float64(n)
}

// buckets are the counts as Prometheus wants them: up to each bound.
func (m *meter) buckets() map[float64]uint64 {
	all, so := make(map[float64]uint64, len(meterBounds)), uint64(0)
	for i, bound := range meterBounds {
		if m.counts != nil {
			so += m.counts[i]
		}
		all[bound] = so
	}
	return all
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("odigos_stress_loadgen_"+name, help, labels, nil)
}

var (
	descDue         = desc("due_spans_total", "Spans whose time has come.")
	descSpans       = desc("spans_total", "Spans settled, by class.", "class")
	descAttempted   = desc("attempted_spans_total", "Spans put on the wire, retries included.")
	descRequests    = desc("requests_total", "Attempts by answer.", "code")
	descEncoded     = desc("encoded_bytes_total", "Bytes of requests before compression.")
	descWire        = desc("wire_bytes_total", "Bytes of request bodies on the wire.")
	descInFlight    = desc("in_flight_requests", "Places in flight that are taken.")
	descTarget      = desc("target_rate", "Spans a second that the schedule asks now.")
	descLateness    = desc("lateness_seconds", "From a slot's due time to its sending.")
	descAnswer      = desc("answer_seconds", "From a span's due time to its acknowledgement.")
	descConnections = desc("connections_opened_total", "Connections opened.")
)

// figures collects the metrics of a run while it goes on.
type figures struct {
	book        *book
	schedule    Schedule
	inFlight    *atomic.Int64
	connections func() uint64
}

func (f *figures) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(f, out) }

func (f *figures) Collect(out chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		send(d, prometheus.CounterValue, float64(v), labels...)
	}
	all, _ := f.book.dispatch.Counts()
	for class, n := range byClass(all) {
		counter(descSpans, n, class)
	}
	counter(descAttempted, all.Attempts)
	counter(descConnections, f.connections())
	send(descInFlight, prometheus.GaugeValue, float64(f.inFlight.Load()))
	send(descTarget, prometheus.GaugeValue, f.schedule.Rate(time.Since(f.book.start)))

	b := f.book
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pace.Lock()
	defer b.pace.Unlock()
	counter(descDue, b.due.Load())
	counter(descEncoded, b.all.encoded)
	counter(descWire, b.all.wire)
	for code, n := range b.requests {
		counter(descRequests, n, code)
	}
	for d, m := range map[*prometheus.Desc]*meter{
		descLateness: &b.latenessMeter, descAnswer: &b.answerMeter,
	} {
		out <- prometheus.MustNewConstHistogram(d, m.count, m.sum, m.buckets())
	}
}

func byClass(c ledger.Classes) map[string]uint64 {
	return map[string]uint64{
		"unsent": c.Unsent, "acknowledged": c.Acknowledged,
		"refused_retryable": c.RefusedRetryable, "refused_permanent": c.RefusedPermanent,
		"rejected_in_part": c.RejectedInPart, "unknown": c.Unknown, "dropped": c.Dropped,
	}
}
