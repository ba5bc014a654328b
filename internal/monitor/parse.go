package monitor

import (
	"fmt"
	"io"
	"math"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// A point is one time series at the moment of a scrape.
type point struct {
	name   string
	labels map[string]string
	value  float64
	// sum, count and buckets are of a histogram; value is then meaningless.
	histogram  bool
	sum, count float64
	buckets    []bucket
}

// A bucket is how many entries are at most its bound, as classic histograms count.
type bucket struct {
	bound float64
	count float64
}

// parse reads the Prometheus text format. Of summaries it takes sum and count, each as a
// series of its own, and values that are no finite number are not known.
func parse(r io.Reader) ([]point, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(r)
	if err != nil {
		return nil, fmt.Errorf("parse metrics: %w", err)
	}
	var points []point
	for name, family := range families {
		for _, m := range family.GetMetric() {
			p := point{name: name, labels: make(map[string]string, len(m.GetLabel()))}
			for _, label := range m.GetLabel() {
				p.labels[label.GetName()] = label.GetValue()
			}
			switch h := m.GetHistogram(); {
			case h != nil:
				p.histogram = true
				p.sum, p.count = h.GetSampleSum(), float64(h.GetSampleCount())
				p.buckets = buckets(h.GetBucket(), p.count)
			case m.GetSummary() != nil:
				points = append(points, ofSummary(name, p.labels, m.GetSummary())...)
				continue
			case m.GetCounter() != nil:
				p.value = m.GetCounter().GetValue()
			case m.GetGauge() != nil:
				p.value = m.GetGauge().GetValue()
			default:
				p.value = m.GetUntyped().GetValue()
			}
			if finite(p.value) && finite(p.sum) {
				points = append(points, p)
			}
		}
	}
	return points, nil
}

// aSummary is what the parser's summaries offer.
type aSummary interface {
	GetSampleCount() uint64
	GetSampleSum() float64
}

// ofSummary gives the sum and the count of a summary.
func ofSummary(name string, labels map[string]string, s aSummary) []point {
	points := []point{{
		name: name + "_count", labels: labels, value: float64(s.GetSampleCount()),
	}}
	if finite(s.GetSampleSum()) {
		points = append(points, point{name: name + "_sum", labels: labels, value: s.GetSampleSum()})
	}
	return points
}

// aBucket is what the parser's buckets offer.
type aBucket interface {
	GetUpperBound() float64
	GetCumulativeCount() uint64
}

// buckets end with one that has no bound, whether the text had it or not.
func buckets[B aBucket](served []B, count float64) []bucket {
	var all []bucket
	for _, b := range served {
		all = append(all, bucket{b.GetUpperBound(), float64(b.GetCumulativeCount())})
	}
	if n := len(all); n == 0 || finite(all[n-1].bound) {
		all = append(all, bucket{math.Inf(1), count})
	}
	return all
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
