package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// brokenBy has a word for what each check finds wanting.
var brokenBy = map[string]string{
	"cpu": "CPU", "memory": "memory", "backlog": "queue", checkGrew: "backlog",
	"latency": "latency", "refused": "refusals", "loss": "loss", "unsent": "unsent",
	"gateway": "killed", "crash": "crash", "hang": "hang", "restart": "no restart",
	"growth": "memory growth", checkAssert: "assertion",
}

// checkExpect is of an ending that was asked for and did not come: no break.
const checkExpect = "expect"

// breaks are all that did not hold, in the order in which it began.
func (s *subject) breaks(findings []Finding) (all []Break) {
	seen := func(check string) bool {
		return slices.ContainsFunc(all, func(b Break) bool { return b.Check == check })
	}
	for _, f := range findings {
		if f.Check == checkExpect || !s.isBreak(f) {
			continue
		}
		all = append(all, newBreak(f.Check, f.Text, s.began(f)))
	}
	for _, b := range s.onAverage() {
		if !seen(b.Check) {
			all = append(all, b)
		}
	}
	if g := s.grew(); g != nil && !seen("unsent") && !seen("backlog") {
		all = append(all, *g)
	}
	slices.SortStableFunc(all, func(a, b Break) int {
		switch {
		case a.At != nil && b.At != nil:
			return cmp.Compare(*a.At, *b.At)
		case a.At != nil:
			return -1
		case b.At != nil:
			return 1
		}
		return 0
	})
	return all
}

func newBreak(check, text string, at *float64) Break {
	by, named := brokenBy[check]
	if !named {
		by = check
	}
	return Break{Check: check, By: by, Text: text, At: at}
}

// isBreak is whether a finding is a break: what fails the trial, or would have but that its
// author asked for it, and a queue that grew though nothing was lost yet.
func (s *subject) isBreak(f Finding) bool {
	return f.Severity == Critical || f.Expected ||
		f.Reason == QueueGrew && s.backendFault() == ""
}

// began is when a finding's break began, in elapsed seconds; nil where nothing tells.
func (s *subject) began(f Finding) *float64 {
	var at *float64
	for _, span := range f.Spans {
		if span.Severity == f.Severity && (at == nil || span.From < *at) {
			at = new(span.From)
		}
	}
	if at == nil {
		at = f.From
	}
	if at != nil && (f.Check == "cpu" || f.Check == "memory") {
		return new(max(s.time.WarmUp, *at)) // the window of a look may begin before it
	}
	if at != nil {
		return at
	}
	switch f.Check {
	case "backlog":
		return s.queueFrom()
	case "latency":
		allowed := time.Duration(s.r.Header.Scenario.Thresholds.LatencyP99).Seconds()
		p99 := record.MetricSeries(s.samples, record.Backend, record.BackendLatencyP99)
		if p := period(p99, allowed); p != nil {
			return &p.From
		}
	case "refused":
		return s.firstRise(record.Loadgen, record.LoadRefusedRetryable,
			record.LoadRefusedPermanent, record.LoadRejectedInPart, record.LoadUnknown)
	case "unsent":
		return s.firstRise(record.Loadgen, record.LoadUnsent, record.LoadDropped)
	case "loss":
		return s.firstRise(record.Gateway, record.ExporterSendFailed,
			record.ExporterEnqueueFailed)
	}
	return nil
}

// firstRise is the first measured look at which one of an actor's counters was higher than
// at the look before; what had risen before the first look is not of the measured time.
func (s *subject) firstRise(actor string, counters ...record.Metric) (at *float64) {
	for _, counter := range counters {
		c := record.MetricSeries(s.samples, actor, counter)
		for i := 1; i < c.Len(); i++ {
			if c.Values[i] > c.Values[i-1] {
				if at == nil || c.Elapsed[i] < *at {
					at = new(c.Elapsed[i])
				}
				break
			}
		}
	}
	return at
}

// queueFrom is from when on the exporter's queue was always longer than the noise of
// batches makes it, in the load: it may have begun in the warm-up.
func (s *subject) queueFrom() (at *float64) {
	load := record.During(s.r.Samples, record.PhaseWarmUp, record.PhaseMeasuring)
	queue := record.MetricSeries(load, record.Gateway, record.QueueSize)
	for i := queue.Len() - 1; i >= 0 && queue.Values[i] > backlogRise; i-- {
		at = &queue.Elapsed[i]
	}
	return at
}

// onAverage are the resources of which more was used over all of the measured time, on
// average, than is critical, whether or not it stayed above it long enough at a stretch: a
// longer trial at this rate would find such a stretch. It is asked only of a trial in
// which the threshold could have been reached, so that short and long ones agree.
func (s *subject) onAverage() (all []Break) {
	for _, r := range s.judgedResources() {
		series := r.value(r.samples)
		average := mean(series)
		for _, h := range r.holds {
			if h.severity != Critical || average == nil || *average < h.share*r.limit ||
				r.short(h) {
				continue
			}
			all = append(all, newBreak(r.check, fmt.Sprintf("%s was %s of its limit of %s on "+
				"average (critical is %s), though not above that for %s at a stretch", r.what(),
				Percent(*average/r.limit), r.show(r.limit), Percent(h.share), Seconds(h.seconds)),
				s.firstAbove(series, h.share*r.limit, r.window)))
		}
	}
	return all
}

// firstAbove is when the window began at whose end a series was first so high.
func (s *subject) firstAbove(series record.Series, level, window float64) *float64 {
	if p := period(series, level); p != nil {
		return new(max(s.time.WarmUp, p.From-window))
	}
	return nil
}
