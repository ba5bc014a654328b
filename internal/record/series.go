package record

import (
	"math"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// CPUWindow is the time, in seconds, over which CPU is held against its limit.
const CPUWindow = 5.0

// A Series is one figure over time. A moment at which the figure was not known has
// no point: there are no zeros or repeated values in its place.
type Series struct {
	// Elapsed seconds since the start of the load, rising.
	Elapsed []float64
	Values  []float64
}

// Len is the number of points.
func (s Series) Len() int { return len(s.Values) }

func (s *Series) add(elapsed, value float64) {
	s.Elapsed = append(s.Elapsed, elapsed)
	s.Values = append(s.Values, value)
}

// Between returns the points with from <= elapsed < to. They share memory with s.
func (s Series) Between(from, to float64) Series {
	lo := 0
	for lo < len(s.Elapsed) && s.Elapsed[lo] < from {
		lo++
	}
	hi := lo
	for hi < len(s.Elapsed) && s.Elapsed[hi] < to {
		hi++
	}
	return Series{Elapsed: s.Elapsed[lo:hi], Values: s.Values[lo:hi]}
}

// Max returns the largest value and when it was; ok is false for an empty series.
func (s Series) Max() (value, elapsed float64, ok bool) {
	value = math.Inf(-1)
	for i, v := range s.Values {
		if v > value {
			value, elapsed, ok = v, s.Elapsed[i], true
		}
	}
	if !ok {
		return 0, 0, false
	}
	return value, elapsed, true
}

// MetricSeries is what an actor said of itself under one name.
func MetricSeries(samples []Sample, actor string, m Metric) Series {
	var s Series
	for _, sample := range samples {
		if v, ok := sample.Actors[actor].Metrics[m]; ok {
			s.add(sample.Elapsed, v)
		}
	}
	return s
}

// CPUSeconds is the CPU time that an actor had used, a counter, at the moments at
// which it was read.
func CPUSeconds(samples []Sample, actor string) Series {
	return usageSeries(samples, actor, func(u *env.Usage) *float64 { return u.CPUSeconds })
}

// Memory is one of the sizes in an actor's usage, in bytes.
func Memory(samples []Sample, actor string, of func(*env.Usage) *int64) Series {
	return usageSeries(samples, actor, func(u *env.Usage) *float64 {
		bytes := of(u)
		if bytes == nil {
			return nil
		}
		return new(float64(*bytes))
	})
}

// WorkingSet is the memory that is held against the limit, in bytes.
func WorkingSet(samples []Sample, actor string) Series {
	return Memory(samples, actor, func(u *env.Usage) *int64 { return u.MemoryWorkingSet })
}

// Unreclaimable is anonymous and kernel memory, in bytes: its distance to the limit
// is the distance to a kill. Without the kernel's part it is not known.
func Unreclaimable(samples []Sample, actor string) Series {
	return usageSeries(samples, actor, func(u *env.Usage) *float64 {
		if u.MemoryAnon == nil || u.MemoryKernel == nil {
			return nil
		}
		return new(float64(*u.MemoryAnon + *u.MemoryKernel))
	})
}

// CPU is the cores that an actor used over a sliding window of so many seconds, or between
// readings that are further apart; CPUWindow where it is held against a limit. See CPUTimeOf
// for where it is from.
func CPU(samples []Sample, actor string, window float64) Series {
	return CPUTimeOf(samples, actor).Over(window)
}

// ThrottledPeriods is the share of the CPU limit's enforcement periods, between each
// look and the one before it, in which the actor was held back.
func ThrottledPeriods(samples []Sample, actor string) Series {
	periods := usageSeries(samples, actor, func(u *env.Usage) *float64 {
		return count(u.Periods, u.ThrottledPeriods)
	})
	throttled := usageSeries(samples, actor, func(u *env.Usage) *float64 {
		return count(u.ThrottledPeriods, u.Periods)
	})
	var s Series
	for i := 1; i < periods.Len(); i++ {
		all := periods.Values[i] - periods.Values[i-1]
		held := throttled.Values[i] - throttled.Values[i-1]
		if all > 0 && held >= 0 {
			s.add(periods.Elapsed[i], min(1, held/all))
		}
	}
	return s
}

// ThrottledTime is the time for which an actor's threads were held back, summed over
// its threads, per second: it may be above 1.
func ThrottledTime(samples []Sample, actor string) Series {
	return Rate(usageSeries(samples, actor,
		func(u *env.Usage) *float64 { return u.ThrottledSeconds }))
}

// count gives v as a figure when other is known too, so that two series have the
// same points.
func count(v, other *uint64) *float64 {
	if v == nil || other == nil {
		return nil
	}
	return new(float64(*v))
}

// usageSeries takes each figure at the moment at which it was read, not at that of
// the sample, and once.
func usageSeries(samples []Sample, actor string, of func(*env.Usage) *float64) Series {
	var s Series
	for r := range Readings(samples, actor) {
		if v := of(r.Usage); v != nil {
			s.add(r.Elapsed, *v)
		}
	}
	return s
}

// Rate is the rise of a counter per second, from each point to the next, placed at
// the later one. Where the counter falls its owner was started anew, and there is no
// point; where a look was missed the rate is the mean over the longer time.
func Rate(counter Series) Series {
	var s Series
	for i := 1; i < counter.Len(); i++ {
		rise := counter.Values[i] - counter.Values[i-1]
		over := counter.Elapsed[i] - counter.Elapsed[i-1]
		if rise >= 0 && over > 0 {
			s.add(counter.Elapsed[i], rise/over)
		}
	}
	return s
}

// RateOver is Rate over a sliding window of so many seconds. Looks are never exactly
// apart, so that the window is the nearest there is from 0.8 to 1.5 times as long;
// there is no point where there is none, nor where the counter fell within it.
func RateOver(counter Series, window float64) Series {
	var s Series
	first, start := 0, 0 // since the last fall; of the window
	for i := 1; i < counter.Len(); i++ {
		if counter.Values[i] < counter.Values[i-1] {
			first = i
		}
		start = max(start, first)
		off := func(j int) float64 {
			return math.Abs(counter.Elapsed[i] - counter.Elapsed[j] - window)
		}
		for start+1 < i && off(start+1) <= off(start) {
			start++
		}
		over := counter.Elapsed[i] - counter.Elapsed[start]
		if over < 0.8*window || over > 1.5*window {
			continue
		}
		s.add(counter.Elapsed[i], (counter.Values[i]-counter.Values[start])/over)
	}
	return s
}

// Increase is by how much a counter rose, and over how many seconds; both leave out
// the steps in which it fell. by/over is the mean rate.
func Increase(counter Series) (by, over float64) {
	for i := 1; i < counter.Len(); i++ {
		if rise := counter.Values[i] - counter.Values[i-1]; rise >= 0 {
			by += rise
			over += counter.Elapsed[i] - counter.Elapsed[i-1]
		}
	}
	return by, over
}

// Measured returns the samples of the measured time.
func Measured(samples []Sample) []Sample { return During(samples, PhaseMeasuring) }

// During returns the samples of one phase, or of several.
func During(samples []Sample, phases ...Phase) []Sample {
	var out []Sample
	for _, sample := range samples {
		for _, phase := range phases {
			if sample.Phase == phase {
				out = append(out, sample)
				break
			}
		}
	}
	return out
}

// A PhaseSpan is when a phase was seen, in elapsed seconds: from its first sample to
// the first of the next phase (for the last phase, to its last sample).
type PhaseSpan struct {
	Phase    Phase
	From, To float64
}

// Phases returns the phases in the order in which they were seen.
func Phases(samples []Sample) []PhaseSpan {
	var spans []PhaseSpan
	for _, sample := range samples {
		last := len(spans) - 1
		if last >= 0 {
			spans[last].To = sample.Elapsed
		}
		if last < 0 || spans[last].Phase != sample.Phase {
			spans = append(spans, PhaseSpan{sample.Phase, sample.Elapsed, sample.Elapsed})
		}
	}
	return spans
}

// Missed counts the samples in which a running actor was asked for its metrics and
// did not answer, and the longest stretch without an answer.
func Missed(samples []Sample, actor string) (missed int, longest time.Duration) {
	var since time.Time // of the first miss in a row
	for _, sample := range samples {
		a, there := sample.Actors[actor]
		if !there || !a.Running {
			since = time.Time{}
			continue
		}
		if a.ScrapeError == "" {
			if !since.IsZero() {
				longest = max(longest, sample.At.Sub(since))
			}
			since = time.Time{}
			continue
		}
		missed++
		if since.IsZero() {
			since = sample.At
		}
		longest = max(longest, sample.At.Sub(since))
	}
	return missed, longest
}
