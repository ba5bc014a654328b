package verdict

import (
	"math"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// What growth must come to, to be called one.
const (
	// leastRise is the share of its mean by which a figure must rise within the measured
	// time, and leastRoutines how many goroutines.
	leastRise     = 0.01
	leastRoutines = 10
	// latestLimit is within how many seconds the limit must be met: seven days.
	latestLimit = 7 * 24 * 3600
	// settledShare is the part of the rise from the first quarter to the last that came in
	// the last step, below which it settles; of a straight line it is a third.
	settledShare = 0.2
)

// GrowthFigures say what grew in the measured time.
type GrowthFigures struct {
	Memory     GrowthFigure `json:"gateway_memory"`
	Goroutines GrowthFigure `json:"gateway_goroutines"`
	Loadgen    GrowthFigure `json:"loadgen_memory"`
	Backend    GrowthFigure `json:"backend_memory"`
}

// A GrowthKind is what was found of a figure's growth.
type GrowthKind string

// The kinds of growth.
const (
	GrowthUnknown  GrowthKind = "unknown" // not known, or too short to tell
	GrowthExempt   GrowthKind = "exempt"  // the load is not constant
	GrowthNone     GrowthKind = "none"    // no more than by accident, or than matters
	GrowthSettles  GrowthKind = "settles" // it rose, and hardly any more at the end
	GrowthContinue GrowthKind = "grows"   // it would go on
	GrowthSlow     GrowthKind = "slow"    // it grows, too slowly to meet the limit in a week
	GrowthBacklog  GrowthKind = "backlog" // it grows with the exporter's queue
)

// A GrowthFigure is the trend of one figure in its unit, bytes or a number.
type GrowthFigure struct {
	Kind GrowthKind `json:"kind"`
	// Of is what was looked at: see the sources below.
	Of string `json:"of,omitempty"`
	// Seen is how many points there were, Needed how many there had to be.
	Seen   int `json:"points"`
	Needed int `json:"points_needed,omitempty"`
	// PerMinute is Sen's slope; it lies from Low to High with 99.9 %, where these are known.
	PerMinute *float64 `json:"per_minute,omitempty"`
	Low       *float64 `json:"per_minute_low,omitempty"`
	High      *float64 `json:"per_minute_high,omitempty"`
	// Chance is that of a rise like this one where nothing grows.
	Chance *float64 `json:"chance,omitempty"`
	// First and Last are the heights of the line at From and To, in elapsed seconds.
	First *float64 `json:"line_first,omitempty"`
	Last  *float64 `json:"line_last,omitempty"`
	From  *float64 `json:"from_seconds,omitempty"`
	To    *float64 `json:"to_seconds,omitempty"`
	// ToGoMemLimit and ToLimit are seconds from To until the live heap alone is as large as
	// GOMEMLIMIT, and until memory meets the limit, if it goes on: of what grows alone.
	ToGoMemLimit *float64 `json:"seconds_to_gomemlimit,omitempty"`
	ToLimit      *float64 `json:"seconds_to_limit,omitempty"`
}

// The sources of troughs, best first: what the garbage collector itself says is in use; the
// heap as it was looked at each second; anonymous memory, which the Go runtime hardly gives
// back and which is no sawtooth.
const (
	ofLiveHeap = "live heap"
	ofHeap     = "heap"
	ofAnon     = "anonymous memory"
	ofRoutines = "goroutines"
)

// Grows is whether it grows, and would go on.
func (g GrowthFigure) Grows() bool { return g.Kind == GrowthContinue || g.Kind == GrowthSlow }

func (m measure) growth() GrowthFigures {
	f := GrowthFigures{
		Memory: m.memoryGrowth(record.Gateway), Loadgen: m.memoryGrowth(record.Loadgen),
		Backend: m.memoryGrowth(record.Backend),
	}
	samples := m.sinceStart(record.Gateway)
	f.Goroutines = m.trend(ofRoutines, 2, record.MetricSeries(samples, record.Gateway,
		record.GoGoroutines))
	if f.Goroutines.Grows() && f.Goroutines.rise() < leastRoutines {
		f.Goroutines.Kind = GrowthNone
	}
	if f.Memory.Grows() {
		m.foretell(&f.Memory, samples)
		queue := record.MetricSeries(samples, record.Gateway, record.QueueSize)
		if queue.Len() >= backlogLooks && queueGrew(quarters(queue)) {
			f.Memory.Kind = GrowthBacklog
		}
	}
	return f
}

// sinceStart are the measured samples since an actor was last started.
func (m measure) sinceStart(actor string) []record.Sample {
	from, last := 0, 0.0
	for i, sample := range m.samples {
		up, ok := sample.Actors[actor].Metrics[record.Uptime]
		if !ok {
			continue
		}
		if up < last {
			from = i
		}
		last = up
	}
	return m.samples[from:]
}

// memoryGrowth looks at the best series of an actor's memory that there is. What the last
// collection found is not known while GOMEMLIMIT presses; where that is so in more than a
// tenth of the looks, the heap is taken.
func (m measure) memoryGrowth(actor string) GrowthFigure {
	samples := m.sinceStart(actor)
	metric := func(name record.Metric) record.Series {
		return record.MetricSeries(samples, actor, name)
	}
	live, heap := metric(record.GoHeapLive), metric(record.HeapAlloc)
	if mostly(live, heap) {
		return m.trend(ofLiveHeap, 1, changes(live))
	}
	if heap.Len() > 0 {
		return m.trend(ofHeap, 2, minima(heap))
	}
	return m.trend(ofAnon, 2, record.Memory(samples, actor,
		func(u *env.Usage) *int64 { return u.MemoryAnon }))
}

// trend says what the trend of a series is, of which so many points make a block.
func (m measure) trend(of string, points int, s record.Series) GrowthFigure {
	f := GrowthFigure{Kind: GrowthUnknown, Of: of, Seen: s.Len()}
	if m.r.Header.Scenario.Load.Pattern != scenario.PatternConstant {
		f.Kind = GrowthExempt
		return f
	}
	t := newTrend(s, points)
	if !t.Known {
		f.Needed = fewestBlocks * points
		return f
	}
	perMinute := func(v float64) *float64 {
		if math.IsInf(v, 0) {
			return nil
		}
		return new(60 * v)
	}
	f.PerMinute, f.Low, f.High = perMinute(t.Slope), perMinute(t.Low), perMinute(t.High)
	f.Chance, f.From, f.To = new(t.Chance), new(t.From), new(t.To)
	f.First, f.Last = new(t.Base), new(t.Base+t.Rise())
	switch {
	case !t.Significant() && f.High == nil:
	case !t.Significant() || t.Rise() < leastRise*t.Mean:
		f.Kind = GrowthNone
	case t.Late < settledShare:
		f.Kind = GrowthSettles
	default:
		f.Kind = GrowthContinue
	}
	return f
}

func (g GrowthFigure) rise() float64 { return *g.Last - *g.First }
