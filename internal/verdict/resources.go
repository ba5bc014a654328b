package verdict

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// CPUFigures are the gateway's processor time. Percentiles are over sliding windows
// of 5 s that end at each look, and lie wholly within the measured time; where readings are
// further apart they are over the times between these.
type CPUFigures struct {
	UsageSource
	// Pod is which of several gateways it is of, the one that used most; empty for the only
	// one. All is the average of all of them, and SpansPerCore, PerMillion and Seconds are of
	// all of them too.
	Pod     string   `json:"pod,omitempty"`
	All     *float64 `json:"all_pods_average_cores,omitempty"`
	Limit   *float64 `json:"limit_cores,omitempty"` // nil: none
	Average *float64 `json:"average_cores,omitempty"`
	Max     *float64 `json:"max_cores,omitempty"`
	P95     *float64 `json:"p95_cores,omitempty"`
	P99     *float64 `json:"p99_cores,omitempty"`
	Windows int      `json:"windows"`
	Share   *float64 `json:"max_ratio_of_limit,omitempty"`
	Seconds *float64 `json:"cpu_seconds,omitempty"`
	// ThrottledPeriods is the share of the limit's enforcement periods in which the
	// gateway was held back; ThrottledTime is summed over its threads, per second.
	ThrottledPeriods *float64 `json:"throttled_periods_ratio,omitempty"`
	ThrottledTime    *float64 `json:"throttled_seconds_per_second,omitempty"`
	// Throttling is where these are from, where not at each look.
	Throttling *UsageSource `json:"throttling,omitempty"`
	// SpansPerCore and PerMillion are of the spans that arrived at the backend, and the
	// CPU used, from the first look that shows both to the last.
	SpansPerCore *float64 `json:"arrived_spans_per_second_per_core,omitempty"`
	PerMillion   *float64 `json:"cpu_seconds_per_million_arrived_spans,omitempty"`
}

// MemoryFigures are the gateway's memory.
type MemoryFigures struct {
	UsageSource
	// Pod is which of several gateways it is of, the one that had most; empty for the only
	// one.
	Pod   string   `json:"pod,omitempty"`
	Limit *float64 `json:"limit_bytes,omitempty"` // nil: none
	// The working set is what is held against the limit: usage less inactive file.
	Peak      *float64 `json:"working_set_peak_bytes,omitempty"`
	Average   *float64 `json:"working_set_average_bytes,omitempty"`
	Share     *float64 `json:"working_set_peak_ratio_of_limit,omitempty"`
	PeakOfRun *float64 `json:"whole_run_working_set_peak_bytes,omitempty"`
	First     *float64 `json:"working_set_first_bytes,omitempty"`
	Last      *float64 `json:"working_set_last_bytes,omitempty"`
	// Distance is from the largest anonymous and kernel memory to the limit, where a
	// kill is.
	Unreclaimable *float64 `json:"anon_and_kernel_peak_bytes,omitempty"`
	Distance      *float64 `json:"distance_to_oom_kill_bytes,omitempty"`
	// RSS is shown, never judged. Where the place does not tell it, it is by the gateway's own
	// metrics.
	RSS       *float64 `json:"rss_peak_bytes,omitempty"`
	LimitHits *uint64  `json:"whole_run_limit_hits,omitempty"`
	OOMKills  *uint64  `json:"whole_run_oom_kills,omitempty"`
}

// EndFigures are what the load generator or the backend used.
type EndFigures struct {
	UsageSource          // of its CPU
	Cores       *float64 `json:"average_cores,omitempty"`
	Max         *float64 `json:"max_cores,omitempty"` // over 5 s
	P95         *float64 `json:"p95_cores,omitempty"`
	Allowed     *float64 `json:"allowed_cores,omitempty"` // its limit, or the machine's cores
	// FullShare is the share of the 5 s windows in which 95 % of Allowed were used.
	FullShare        *float64 `json:"full_windows_ratio,omitempty"`
	ThrottledPeriods *float64 `json:"throttled_periods_ratio,omitempty"`
	Stalled          *float64 `json:"cpu_stalled_ratio,omitempty"` // by PSI
	Memory           *float64 `json:"working_set_peak_bytes,omitempty"`
	RSS              *float64 `json:"rss_peak_bytes,omitempty"`

	// Alike is how many there are of it, where there are several: Cores, Memory and RSS are
	// then of all of them, what is said of Allowed, of being held back and of waiting is of
	// the one that fared worst.
	Alike int `json:"alike,omitempty"`
}

// fullCPU is the share of the cores allowed from which an actor's CPU is full.
const fullCPU = 0.95

// gatewayCPU is cpu, of several gateways of the one that used most.
func (m measure) gatewayCPU() CPUFigures {
	if len(m.pods) == 0 {
		return m.cpu()
	}
	hottest := m.hottest()
	f, all := hottest.cpu(), m.together().cpu()
	f.Pod, f.All, f.Seconds = hottest.pod, all.Average, all.Seconds
	f.SpansPerCore, f.PerMillion = all.SpansPerCore, all.PerMillion
	return f
}

// together is what all gateways used on average.
func (f CPUFigures) together() *float64 {
	if f.All != nil {
		return f.All
	}
	return f.Average
}

func (m measure) cpu() CPUFigures {
	var f CPUFigures
	if limit := float64(m.r.Header.Scenario.Gateway.CPULimit); limit > 0 {
		f.Limit = &limit
	}
	cpu := record.CPUTimeOf(m.samples, record.Gateway)
	f.UsageSource = m.cpuSource(record.Gateway, cpu)
	windows := cpu.Over(record.CPUWindow)
	f.Windows = windows.Len()
	f.P95, f.P99 = quantile(windows, .95), quantile(windows, .99)
	if top, _, ok := windows.Max(); ok {
		f.Max = new(top)
		f.Share = over(f.Max, f.Limit)
	}
	if used, span := record.Increase(cpu.Series); span > 0 {
		f.Seconds, f.Average = new(used), new(used/span)
	}
	f.ThrottledPeriods = m.throttled(record.Gateway)
	f.ThrottledTime = mean(record.ThrottledTime(m.samples, record.Gateway))
	f.Throttling = m.throttlingSource(record.Gateway)
	spans, seconds := m.worked(record.Gateway)
	f.SpansPerCore = over(spans, seconds)
	if per := over(seconds, spans); per != nil {
		f.PerMillion = new(1e6 * *per)
	}
	return f
}

// worked is how many spans arrived at the backend and how much CPU an actor used, both over
// the looks that show both. Where CPU is read seldom, how many had come by a reading is a
// straight line between the looks around it.
func (m measure) worked(actor string) (spans, seconds *float64) {
	own := record.CPUTimeOf(m.samples, actor).Own
	var both []record.Sample
	for _, sample := range m.samples {
		a := sample.Actors[actor]
		_, known := sample.Actors[record.Backend].Metrics[record.BackendUnique]
		_, told := a.Metrics[record.ProcessCPU]
		if known && (own && told || !own && a.Usage != nil && a.Usage.CPUSeconds != nil) {
			both = append(both, sample)
		}
	}
	cpu := record.CPUSeconds(both, actor)
	if own {
		cpu = record.OwnCPUSeconds(both, actor)
	}
	came := record.MetricSeries(both, record.Backend, record.BackendUnique)
	if cpu.Coarse() {
		came = at(record.MetricSeries(m.samples, record.Backend, record.BackendUnique), cpu.Elapsed)
	}
	arrived, over := record.Increase(came)
	used, _ := record.Increase(cpu)
	if over == 0 {
		return nil, nil
	}
	return &arrived, &used
}

// at is a series at other moments: on the straight line between its points around each,
// and at its ends before and after them.
func at(s record.Series, moments []float64) record.Series {
	out := record.Series{Elapsed: moments}
	if s.Len() == 0 {
		return record.Series{}
	}
	i := 0
	for _, t := range moments {
		for i+1 < s.Len() && s.Elapsed[i+1] <= t {
			i++
		}
		v := s.Values[i]
		if i+1 < s.Len() && t > s.Elapsed[i] {
			v += (s.Values[i+1] - v) * (t - s.Elapsed[i]) / (s.Elapsed[i+1] - s.Elapsed[i])
		}
		out.Values = append(out.Values, v)
	}
	return out
}

// throttled is the share of all periods of the measured time, not a mean of shares.
func (m measure) throttled(actor string) *float64 { return throttledIn(m.samples, actor) }

func throttledIn(samples []record.Sample, actor string) *float64 {
	var first, last *env.Usage
	for i := range samples {
		u := samples[i].Actors[actor].Usage
		if u == nil || u.Periods == nil || u.ThrottledPeriods == nil {
			continue
		}
		if first == nil {
			first = u
		}
		last = u
	}
	if first == nil || *last.Periods <= *first.Periods ||
		*last.ThrottledPeriods < *first.ThrottledPeriods {
		return nil
	}
	return ratio(*last.ThrottledPeriods-*first.ThrottledPeriods, *last.Periods-*first.Periods)
}

func (m measure) memory() MemoryFigures {
	f := MemoryFigures{Pod: m.pod}
	if limit := float64(m.r.Header.Scenario.Gateway.MemoryLimit); limit > 0 {
		f.Limit = &limit
	}
	f.PeakOfRun = top(record.WorkingSet(m.r.Samples, record.Gateway))
	set := m.workingSet(record.Gateway)
	f.UsageSource = m.placeSource(record.Gateway)
	f.Peak, f.Average = top(set), mean(set)
	f.Share = over(f.Peak, f.Limit)
	if set.Len() > 0 {
		f.First, f.Last = new(set.Values[0]), new(set.Values[set.Len()-1])
	}
	f.Unreclaimable = top(record.Unreclaimable(m.samples, record.Gateway))
	if f.Unreclaimable != nil && f.Limit != nil {
		f.Distance = new(*f.Limit - *f.Unreclaimable)
	}
	if f.RSS = top(rss(m.samples, record.Gateway)); f.RSS == nil {
		f.RSS = top(record.MetricSeries(m.samples, record.Gateway, record.ProcessRSS))
	}
	for i := range m.r.Samples {
		if u := m.r.Samples[i].Actors[record.Gateway].Usage; u != nil {
			f.LimitHits, f.OOMKills = later(f.LimitHits, u.LimitHits), later(f.OOMKills, u.OOMKills)
		}
	}
	return f
}

func later(before, now *uint64) *uint64 {
	if now == nil {
		return before
	}
	return now
}

func (m measure) end(actor string) EndFigures {
	var f EndFigures
	if cores := m.coresFor(actor); cores > 0 {
		f.Allowed = new(float64(cores))
	}
	for _, a := range m.r.Header.Actors {
		if a.Name == actor && a.Limits.CPUCores > 0 {
			f.Allowed = new(a.Limits.CPUCores)
		}
	}
	cpu := record.CPUTimeOf(m.samples, actor)
	f.UsageSource = m.cpuSource(actor, cpu)
	if used, span := record.Increase(cpu.Series); span > 0 {
		f.Cores = new(used / span)
	}
	windows := cpu.Over(record.CPUWindow)
	f.Max, f.P95 = top(windows), quantile(windows, .95)
	if windows.Len() > 0 && f.Allowed != nil {
		full := 0
		for _, v := range windows.Values {
			if v >= fullCPU**f.Allowed {
				full++
			}
		}
		f.FullShare = ratio(uint64(full), uint64(windows.Len()))
	}
	f.ThrottledPeriods = m.throttled(actor)
	f.Stalled = m.stalled(actor)
	f.Memory = top(m.workingSet(actor))
	f.RSS = top(rss(m.samples, actor))
	return f
}

// stalled is the share of the time in which some thread of the actor was ready and
// had no processor.
func (m measure) stalled(actor string) *float64 {
	var s record.Series
	for i := range m.samples {
		if u := m.samples[i].Actors[actor].Usage; u != nil && u.CPUStalled != nil {
			s.Elapsed = append(s.Elapsed, m.samples[i].Elapsed)
			s.Values = append(s.Values, *u.CPUStalled)
		}
	}
	if by, span := record.Increase(s); span > 0 {
		return new(min(1, by/span))
	}
	return nil
}

func rss(samples []record.Sample, actor string) record.Series {
	return record.Memory(samples, actor, func(u *env.Usage) *int64 { return u.MemoryRSS })
}

func top(s record.Series) *float64 {
	if v, _, ok := s.Max(); ok {
		return new(v)
	}
	return nil
}

func mean(s record.Series) *float64 {
	if s.Len() == 0 {
		return nil
	}
	return new(stat.Mean(s.Values, nil))
}

// quantile is nil unless at least one point lies beyond it.
func quantile(s record.Series, q float64) *float64 {
	if float64(s.Len())*(1-q) < 1-1e-9 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(s.Values))
	return new(sorted[int(math.Ceil(q*float64(len(sorted))-1e-9))-1])
}

// over is a/b, nil where one is not known or b is 0.
func over(a, b *float64) *float64 {
	if a == nil || b == nil || *b == 0 {
		return nil
	}
	return new(*a / *b)
}
