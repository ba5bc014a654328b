package backend

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A book is what the backend counts, and the Prometheus collector that shows it.
type book struct {
	receipts *ledger.Receipts

	decoded, wire atomic.Uint64
	late          atomic.Uint64 // answers, see isLate
	ahead         atomic.Int64  // nanoseconds, see clockAhead
	inFlight      atomic.Int64
	connections   *connections

	calls    map[signal]*[codes.Unauthenticated + 1]atomic.Uint64 // over gRPC, by answer
	mu       sync.Mutex
	requests map[requestKey]uint64 // over HTTP

	latency latencies
}

type requestKey struct {
	signal signal
	answer string
}

func newBook(r *ledger.Receipts) *book {
	b := &book{receipts: r, requests: make(map[requestKey]uint64)}
	b.calls = make(map[signal]*[codes.Unauthenticated + 1]atomic.Uint64)
	for _, s := range signals {
		b.calls[s] = new([codes.Unauthenticated + 1]atomic.Uint64)
	}
	r.Observe = func(d time.Duration, n uint64) { b.latency.observe(time.Now(), d, n) }
	return b
}

// answered counts an answer as late that is given that long, and scenario.LateAnswer
// more, after its request had arrived whole.
func (b *book) answered(arrived time.Time, delay time.Duration) {
	if time.Since(arrived) >= delay+scenario.LateAnswer {
		b.late.Add(1)
	}
}

// clockAhead is how far this clock is ahead of the run's, by which spans bear their due
// time and receipts are noted.
func (b *book) clockAhead() time.Duration { return time.Duration(b.ahead.Load()) }

// count counts a request over HTTP by its answer.
func (b *book) count(s signal, answer string) {
	b.mu.Lock()
	b.requests[requestKey{s, answer}]++
	b.mu.Unlock()
}

// countCall counts a request over gRPC by its answer.
func (b *book) countCall(s signal, c codes.Code) { b.calls[s][c].Add(1) }

// eachAnswer shows how often each answer was given.
func (b *book) eachAnswer(show func(requestKey, uint64)) {
	all := make(map[requestKey]uint64)
	for s, answers := range b.calls {
		for c := range answers {
			if n := answers[c].Load(); n > 0 {
				all[requestKey{s, grpcAnswer(codes.Code(c))}] = n
			}
		}
	}
	b.mu.Lock()
	for k, n := range b.requests {
		all[k] += n // both ways have an OK
	}
	b.mu.Unlock()
	for k, n := range all {
		show(k, n)
	}
}

// received is the receiver's summary; requests are those of traces.
func (b *book) received() ledger.Received {
	r := b.receipts.Received()
	r.DecodedBytes, r.WireBytes = b.decoded.Load(), b.wire.Load()
	r.Requests = make(map[string]uint64)
	b.eachAnswer(func(k requestKey, n uint64) {
		if k.signal == traces {
			r.Requests[k.answer] = n
		}
	})
	return r
}

// grpcAnswer spells a code as gRPC's specification does.
func grpcAnswer(c codes.Code) string {
	names := [...]string{
		"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
		"ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
		"ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
		"UNAUTHENTICATED",
	}
	if int(c) < len(names) {
		return names[c]
	}
	return fmt.Sprintf("CODE %d", c)
}

func httpAnswer(code int) string {
	if code == http.StatusOK {
		return "OK"
	}
	return fmt.Sprintf("HTTP %d", code)
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("odigos_stress_backend_"+name, help, labels, nil)
}

// The metrics of the backend.
var (
	spansDesc = describe("spans_total", "Deliveries of spans, by result: unique (first"+
		" accepted), duplicate (accepted again), failed (answered with failure, as told),"+
		" foreign (without our identity), after_close (came too late to know at once"+
		" whether unique or duplicate).", "result")
	requestsDesc = describe("requests_total", "Requests by signal and answer.", "signal", "code")
	lateDesc     = describe("late_answers_total", "Answers that were given 100 ms or more after they"+
		" were to be: after the request was whole and the delay that was told.")
	decodedDesc  = describe("decoded_bytes_total", "Request bodies after decompression.")
	wireDesc     = describe("wire_bytes_total", "Request bodies as they came.")
	inFlightDesc = describe("in_flight_requests", "Requests that have not been answered yet.")
	connDesc     = describe("connections", "Open connections to the OTLP ports.")
	latencyDesc  = describe("latency_seconds", "From a span's due time to its first accepted receipt.")
	maxDesc      = describe("latency_max_seconds",
		"Largest latency of this second of the clock and the one before.")
)

// Describe lists the metrics.
func (b *book) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		spansDesc, requestsDesc, lateDesc, decodedDesc, wireDesc, inFlightDesc, connDesc, latencyDesc,
		maxDesc,
	} {
		c <- d
	}
}

// Collect takes the metrics.
func (b *book) Collect(c chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	spans := b.receipts.Counts()
	counter(spansDesc, spans.Unique, "unique")
	counter(spansDesc, spans.Duplicate, "duplicate")
	counter(spansDesc, spans.Failed, "failed")
	counter(spansDesc, spans.Foreign, "foreign")
	counter(spansDesc, spans.AfterClose, "after_close")
	counter(lateDesc, b.late.Load())
	counter(decodedDesc, b.decoded.Load())
	counter(wireDesc, b.wire.Load())
	gauge(inFlightDesc, float64(b.inFlight.Load()))
	gauge(connDesc, float64(b.connections.number()))
	b.eachAnswer(func(k requestKey, n uint64) {
		counter(requestsDesc, n, string(k.signal), k.answer)
	})
	count, sum, buckets, most := b.latency.snapshot(time.Now())
	c <- prometheus.MustNewConstHistogram(latencyDesc, count, sum, buckets)
	gauge(maxDesc, most.Seconds())
}

// latencyBounds are the buckets of the latency histogram in seconds: twenty to a
// decade from 100 µs on, so that a quantile taken from them is off by 12 % at most.
var latencyBounds = func() (bounds []float64) {
	for i := 0; len(bounds) == 0 || bounds[len(bounds)-1] < 60; i++ {
		bounds = append(bounds, math.Round(1e-4*math.Pow(10, float64(i)/20)*1e7)/1e7)
	}
	return bounds
}()

// latencies are the distribution of latencies over all time, and the largest of late.
type latencies struct {
	mu      sync.Mutex
	buckets [128]uint64
	count   uint64
	sum     float64
	// most is the largest of the second that second names, and of the one before.
	second int64
	most   [2]time.Duration
}

func (l *latencies) observe(now time.Time, d time.Duration, n uint64) {
	i, _ := slices.BinarySearch(latencyBounds, d.Seconds())
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buckets[i] += n
	l.count += n
	l.sum += d.Seconds() * float64(n)
	l.turn(now)
	l.most[0] = max(l.most[0], d)
}

// turn moves on to the present second.
func (l *latencies) turn(now time.Time) {
	switch second := now.Unix(); second - l.second {
	case 0:
		return
	case 1:
		l.second, l.most = second, [2]time.Duration{0, l.most[0]}
	default:
		l.second, l.most = second, [2]time.Duration{}
	}
}

func (l *latencies) snapshot(now time.Time) (
	count uint64, sum float64, buckets map[float64]uint64, most time.Duration,
) {
	l.mu.Lock()
	defer l.mu.Unlock()
	buckets = make(map[float64]uint64, len(latencyBounds))
	below := uint64(0)
	for i, bound := range latencyBounds {
		below += l.buckets[i]
		buckets[bound] = below
	}
	l.turn(now)
	return l.count, l.sum, buckets, max(l.most[0], l.most[1])
}
