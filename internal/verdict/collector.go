package verdict

import (
	"slices"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

func (m measure) pipeline() PipelineFigures {
	var f PipelineFigures
	rise := func(metric record.Metric) (by, perSecond *float64) {
		s := record.MetricSeries(m.samples, record.Gateway, metric)
		if up, span := record.Increase(s); span > 0 {
			return new(up), new(up / span)
		}
		return nil, nil
	}
	sum, _ := rise(record.ProcessingSum)
	count, _ := rise(record.ProcessingCount)
	f.Processing = over(sum, count)

	sum, _ = rise(record.ExportCallSum)
	count, f.Exports = rise(record.ExportCallCount)
	f.ExportCall = over(sum, count)
	if f.ExportCall != nil {
		f.ExportsUnder = new(*f.ExportCall * *f.Exports)
	}

	sum, _ = rise(record.BatchSizeSum)
	count, f.Batches = rise(record.BatchSizeCount)
	f.BatchMean = over(sum, count)
	f.ByTimeout, _ = rise(record.BatchByTimeout)
	f.BySize, _ = rise(record.BatchBySize)
	if f.ByTimeout != nil && f.BySize != nil {
		f.TimeoutShare = over(f.ByTimeout, new(*f.ByTimeout+*f.BySize))
	}
	_, f.Accepted = rise(record.ReceiverAccepted)
	_, f.Sent = rise(record.ExporterSent)

	queue := record.MetricSeries(m.samples, record.Gateway, record.QueueSize)
	f.QueueMax, f.QueueMean = top(queue), mean(queue)
	f.Capacity = top(record.MetricSeries(m.samples, record.Gateway, record.QueueCapacity))
	f.QueueShare = over(f.QueueMax, f.Capacity)
	f.HeapMax = top(record.MetricSeries(m.samples, record.Gateway, record.HeapAlloc))
	if m.received != nil && m.received.RequestSpans != nil &&
		m.received.RequestSpans.Count() > 0 {
		f.ArrivedMean = new(m.received.RequestSpans.HDR().Mean())
	}
	return f
}

func (m measure) failures() FailureFigures {
	f := FailureFigures{
		ReceiverRefused:     m.total(record.ReceiverRefused),
		ReceiverFailed:      m.total(record.ReceiverFailed),
		ProcessorRefused:    m.total(record.ProcessorRefused),
		ExportFailed:        m.total(record.ExporterSendFailed),
		EnqueueFailed:       m.total(record.ExporterEnqueueFailed),
		AdmissionRejections: m.total(record.AdmissionRejections),
	}
	f.Killed, f.OOMKilled, f.KilledAt = m.killed()
	if m.sent == nil {
		return f
	}
	c := m.sent.Measured
	f.RefusedRetryable, f.RefusedPermanent = &c.RefusedRetryable, &c.RefusedPermanent
	f.RejectedInPart, f.Unknown = &c.RejectedInPart, &c.Unknown
	f.Dropped, f.Unsent = &c.Dropped, &c.Unsent
	f.Answers, f.Errors = m.sent.Requests, m.sent.Errors
	return f
}

// total is a counter of the gateway over the whole run, at the last look that has it.
func (m measure) total(metric record.Metric) *float64 {
	for _, sample := range slices.Backward(m.r.Samples) {
		if v, ok := sample.Actors[record.Gateway].Metrics[metric]; ok {
			return new(v)
		}
	}
	return nil
}

// killed tells whether the gateway was killed for want of memory or by a signal that
// was not ours, whether it was for memory where that is known, and when it ended
// without being asked to.
func (m measure) killed() (killed bool, oom *bool, at *float64) {
	if len(m.ending.Deaths) > 0 {
		return m.killedAmong(m.ending.Deaths)
	}
	state, known := m.ending.States[record.Gateway]
	if known {
		oom = state.OOMKilled
		at = m.endedAt(state)
	}
	for i := range m.r.Samples {
		u := m.r.Samples[i].Actors[record.Gateway].Usage
		if u != nil && u.OOMKills != nil && *u.OOMKills > 0 {
			oom = new(true)
		}
	}
	killed = oom != nil && *oom
	if known && !state.Running && !state.Stopped && state.Signal == "SIGKILL" && !state.Taken() {
		killed = true
	}
	for _, e := range m.r.Events {
		if e.Actor != record.Gateway {
			continue
		}
		killed = killed || e.Kind == record.EventKilled && !state.Taken()
		gone := e.Kind == record.EventKilled || e.Kind == record.EventEnded && !state.Stopped
		if gone && at == nil {
			at = new(e.Elapsed)
		}
	}
	return killed, oom, at
}

// endedAt is when an actor ended that nobody had asked to, from the start of the load.
func (m measure) endedAt(state env.State) *float64 {
	if state.Running || state.Stopped || state.Ended.IsZero() || m.ending.LoadStart.IsZero() {
		return nil
	}
	return new(state.Ended.Sub(m.ending.LoadStart).Seconds())
}

// tick is how far apart looks are meant to be, in seconds.
const tick = 1.0

// looks says how well each actor was seen within the measured time, as long as it
// ran; of several gateways how the worst seen was.
func (m measure) looks() map[string]Look {
	_, _, gone := m.killed()
	looks := map[string]Look{}
	for _, actor := range []string{record.Backend, record.Gateway, record.Loadgen} {
		from, to := m.time.WarmUp, m.time.WarmUp+m.time.Measured
		if gone != nil {
			to = min(to, *gone)
		}
		names := []string{actor}
		if actor == record.Gateway && len(m.pods) > 0 {
			names = m.pods
		}
		for _, name := range names {
			l, ok := m.lookAt(name, from, to)
			if before, several := looks[actor]; several && ok {
				l = l.worse(before)
			}
			if ok {
				looks[actor] = l
			}
		}
	}
	return looks
}

// worse has of two looks what is missing more.
func (l Look) worse(other Look) Look {
	return Look{
		Missing: max(l.Missing, other.Missing), Longest: max(l.Longest, other.Longest),
		UsageMissing: larger(l.UsageMissing, other.UsageMissing, false),
		UsageLongest: larger(l.UsageLongest, other.UsageLongest, false),
	}
}

// lookAt says how well one was seen. One of several may come later, and go sooner.
func (m measure) lookAt(name string, from, to float64) (l Look, ok bool) {
	var answered, used []float64
	runs, several := false, isGateway(name) && name != record.Gateway
	for i := range m.all {
		a, at := m.all[i].Actors[name], m.all[i].Elapsed
		switch {
		case several && a.Running && !runs && i > 0 && len(answered)+len(used) == 0:
			from = max(from, at)
		case several && !a.Running && runs:
			to = min(to, m.all[i-1].Elapsed)
		}
		runs = a.Running
		if a.ScrapeError == "" && len(a.Metrics) > 0 {
			answered = append(answered, at)
		}
		if a.Usage != nil {
			used = append(used, at)
		}
	}
	if to-from < 2*tick {
		return l, false
	}
	l.Missing, l.Longest = gaps(answered, from, to, tick)
	if len(used) > 0 {
		missing, longest := gaps(used, from, to, max(tick, m.steps[name]))
		l.UsageMissing, l.UsageLongest = &missing, &longest
	}
	return l, true
}

// gaps is the share of the ticks in [from, to) without a look, and the longest
// stretch without one. One tick at each edge is nobody's fault.
func gaps(at []float64, from, to, tick float64) (missing, longest float64) {
	expected := (to - from) / tick
	missing = max(0, (expected-1-float64(len(at)))/expected)
	before := from
	for _, t := range at {
		if t > to {
			break
		}
		longest = max(longest, t-before)
		before = t
	}
	return missing, max(longest, to-before)
}
