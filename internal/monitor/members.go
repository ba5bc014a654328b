package monitor

import (
	"cmp"
	"slices"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// extremes are the metrics of which several do not make a sum: of several the least, or
// the largest, is told.
var extremes = map[record.Metric]func(a, b float64) float64{
	record.Uptime:            func(a, b float64) float64 { return min(a, b) },
	record.BackendLatencyMax: func(a, b float64) float64 { return max(a, b) },
}

// sum is the look at all members together. What is not known of one is not known of all.
// Of gateways those that have ended are not asked: their counters stay as they were last.
func (w *watched) sum(each []record.ActorSample) record.ActorSample {
	if w.Kind == Collector {
		return w.sumOfRunning(each)
	}
	a := record.ActorSample{Running: true}
	var usages []env.Usage
	scraped := true
	for i := range each {
		one := &each[i]
		a.Running = a.Running && one.Running
		a.UsageError = cmp.Or(a.UsageError, one.UsageError)
		a.ScrapeError = cmp.Or(a.ScrapeError, one.ScrapeError)
		a.ScrapeSeconds = max(a.ScrapeSeconds, one.ScrapeSeconds)
		scraped = scraped && one.Running && one.ScrapeError == "" && one.Metrics != nil
		if one.Usage != nil {
			usages = append(usages, *one.Usage)
		}
	}
	if len(usages) == len(each) {
		a.Usage = new(env.UsageTogether(usages))
	}
	if scraped {
		a.Metrics = w.metricsTogether(each)
	}
	return a
}

// sumOfRunning is sum for gateways, of which one may end, and others come, in a trial.
func (w *watched) sumOfRunning(each []record.ActorSample) record.ActorSample {
	var a record.ActorSample
	var running []record.ActorSample
	var usages []env.Usage
	ended := w.gone
	for i := range each {
		one := &each[i]
		if !one.Running {
			ended = ended.with(w.members[i].latest)
			continue
		}
		running = append(running, *one)
		a.UsageError = cmp.Or(a.UsageError, one.UsageError)
		a.ScrapeError = cmp.Or(a.ScrapeError, one.ScrapeError)
		a.ScrapeSeconds = max(a.ScrapeSeconds, one.ScrapeSeconds)
		if one.Usage != nil {
			usages = append(usages, *one.Usage)
		}
		w.members[i].latest = w.members[i].latest.after(one)
	}
	if a.Running = len(running) > 0; !a.Running {
		return a
	}
	if len(usages) == len(running) {
		u := env.UsageTogether(usages)
		ended.addUsage(&u)
		a.Usage = &u
	}
	scraped := func(one record.ActorSample) bool { return one.ScrapeError == "" && one.Metrics != nil }
	if !slices.ContainsFunc(running, func(one record.ActorSample) bool { return !scraped(one) }) {
		a.Metrics = map[record.Metric]float64{}
		for metric := range running[0].Metrics {
			if v, ok := ofAll(metric, running); ok {
				a.Metrics[metric] = v + ended.metrics[metric]
			}
		}
	}
	return a
}

// metricsTogether adds up what all have answered. Quantiles are of the distributions of
// all since they all answered last.
func (w *watched) metricsTogether(each []record.ActorSample) map[record.Metric]float64 {
	metrics := map[record.Metric]float64{}
	for metric := range each[0].Metrics {
		if v, ok := ofAll(metric, each); ok {
			metrics[metric] = v
		}
	}
	for _, own := range ownQuantiles[w.Kind] {
		delete(metrics, own.metric)
	}
	now := distributions{}
	for name := range w.members[0].last {
		now[name] = w.mergedBuckets(name)
	}
	addQuantiles(w.Kind, metrics, w.last, now)
	w.last = now
	return metrics
}

// ofAll is a metric of all; not ok where one does not have it.
func ofAll(metric record.Metric, each []record.ActorSample) (total float64, ok bool) {
	extreme := extremes[metric]
	for i := range each {
		v, known := each[i].Metrics[metric]
		switch {
		case !known:
			return 0, false
		case i > 0 && extreme != nil:
			total = extreme(total, v)
		default:
			total += v
		}
	}
	return total, finite(total)
}

// mergedBuckets are those of all members; none where one has others than the rest.
func (w *watched) mergedBuckets(name string) []bucket {
	merged := w.members[0].last[name]
	for _, member := range w.members[1:] {
		if len(member.last[name]) == 0 {
			return nil
		}
		merged = together(merged, member.last[name])
	}
	return merged
}
