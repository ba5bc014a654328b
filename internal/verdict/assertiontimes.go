package verdict

import (
	"math"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// Times are what the samples tell of a distribution of times. Each has a few percentiles
// of the last second, from which follows how many spans were above a bound at least, and
// at most: where p99 is above it, more than a hundredth was. The sums of these over all
// looks bound the share of all spans so far.
type times struct {
	c         scenario.Condition
	actor     string
	count     record.Metric // spans, a counter: the weight of a look
	quantiles []quantileMetric

	before               float64
	seen                 bool
	total, least, atMost float64
}

// A quantileMetric is the metric that tells the time below which a share lies; 1 is the
// largest.
type quantileMetric struct {
	share float64
	name  record.Metric
}

func newTimes(c scenario.Condition) figure {
	t := &times{c: c, actor: record.Backend, count: record.BackendUnique, quantiles: []quantileMetric{
		{.5, record.BackendLatencyP50},
		{.9, record.BackendLatencyP90},
		{.99, record.BackendLatencyP99},
		{1, record.BackendLatencyMax},
	}}
	if c.Subject == scenario.Acknowledgement {
		t.actor, t.count = record.Loadgen, record.LoadAcknowledged
		t.quantiles = []quantileMetric{{.5, record.LoadAnswerP50}, {.99, record.LoadAnswerP99}}
	}
	if c.Aggregation == scenario.AggregateMean || !c.Upper() {
		return nil
	}
	return t
}

// rankShare is the share of the times that lie at or below the one that is meant.
func rankShare(c scenario.Condition) float64 {
	switch c.Aggregation {
	case scenario.AggregateMedian:
		return .5
	case scenario.AggregateMax:
		return 1
	}
	return c.Percentile / 100
}

// beyond is how many of n lie above the smallest at or below which a share of them lies.
func beyond(share, n float64) float64 { return n - math.Ceil(share*n-1e-6) }

func (t *times) window() float64 { return 1 }

func (t *times) moment(s record.Sample) float64 { return s.Elapsed }

func (t *times) add(s record.Sample) (now, soFar reading) {
	metrics := s.Actors[t.actor].Metrics
	count, ok := metrics[t.count]
	if !ok {
		return reading{}, t.soFar()
	}
	n := count - t.before
	first := !t.seen
	t.before, t.seen = count, true
	if first || n <= 0 {
		return reading{}, t.soFar()
	}
	least, atMost, known := 0.0, n, false
	for _, q := range t.quantiles {
		v, ok := metrics[q.name]
		if !ok {
			continue
		}
		known = true
		if t.c.Holds(v) {
			atMost = min(atMost, beyond(q.share, n))
		} else {
			least = max(least, beyond(q.share, n)+1)
		}
		if q.share == rankShare(t.c) {
			now.value = &v
		}
	}
	if !known {
		return reading{}, t.soFar()
	}
	t.total, t.least, t.atMost = t.total+n, t.least+least, t.atMost+max(least, atMost)
	value := now.value
	now = t.reading(n, least, max(least, atMost))
	now.value = value
	return now, t.soFar()
}

func (t *times) soFar() reading { return t.reading(t.total, t.least, t.atMost) }

// reading tells whether more spans were above the bound than may be; not known where the
// percentiles leave that open.
func (t *times) reading(total, least, atMost float64) reading {
	switch allowed := beyond(rankShare(t.c), total); {
	case total == 0:
		return reading{}
	case least > allowed:
		return reading{known: true, violated: true}
	case atMost <= allowed:
		return reading{known: true}
	}
	return reading{}
}
