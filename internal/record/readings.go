package record

import (
	"iter"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
)

const (
	// coarseFrom is how far apart readings are, in seconds, from where on a CPUWindow holds
	// fewer than two steps from one to the next.
	coarseFrom = CPUWindow / 2
	// Reach is how many times their usual distance two readings may be apart so that none
	// is missing between them. A kubelet reads every 10 to 20 s, as chance will have it
	// (https://github.com/google/cadvisor/blob/master/manager/container.go, jitter).
	Reach = 2.5
)

// A Reading is what an actor's place told of its usage at one moment. However many looks
// were told the same, it is one.
type Reading struct {
	Elapsed float64 // when it was read
	Look    int     // the first of the samples that has it
	Usage   *env.Usage
}

// Readings are those of an actor, in order.
func Readings(samples []Sample, actor string) iter.Seq[Reading] {
	return func(yield func(Reading) bool) {
		var last *Reading
		for i := range samples {
			usage := samples[i].Actors[actor].Usage
			if usage == nil {
				continue
			}
			next := Reading{Elapsed: readAt(&samples[i], usage), Look: i, Usage: usage}
			if last != nil && (SameReading(last.Usage, usage) || next.Elapsed <= last.Elapsed) {
				continue
			}
			last = &next
			if !yield(next) {
				return
			}
		}
	}
}

// SameReading is whether two looks were told of the same moment. A kubelet may tell it to
// the second at first, and then to the millisecond: the CPU time is then the same, too.
func SameReading(before, now *env.Usage) bool {
	if before == nil || now == nil || now.At.IsZero() {
		return false
	}
	if now.At.Equal(before.At) {
		return true
	}
	return now.At.Truncate(time.Second).Equal(before.At) && now.CPUSeconds != nil &&
		before.CPUSeconds != nil && math.Abs(*now.CPUSeconds-*before.CPUSeconds) < 1e-6
}

// readAt is when a usage was read, in elapsed seconds.
func readAt(sample *Sample, usage *env.Usage) float64 {
	if usage.At.IsZero() {
		return sample.Elapsed
	}
	return sample.Elapsed + usage.At.Sub(sample.At).Seconds()
}

// ReadAt is when an actor's usage in a sample was read, in elapsed seconds.
func (s *Sample) ReadAt(actor string) (elapsed float64, ok bool) {
	usage := s.Actors[actor].Usage
	if usage == nil {
		return 0, false
	}
	return readAt(s, usage), true
}

// Resolution is how far apart the points are as a rule, in seconds (Apart). 0 with fewer than
// two points.
func (s Series) Resolution() float64 {
	if s.Len() < 2 {
		return 0
	}
	steps := make([]Step, s.Len()-1)
	for i := range steps {
		apart := s.Elapsed[i+1] - s.Elapsed[i]
		steps[i] = Step{Seconds: apart, Waited: Coarse(apart)}
	}
	return Apart(steps, 0)
}

// A Step is from one reading to the next.
type Step struct {
	Seconds float64
	// Waited is whether it was long for want of a reading, and not of looks.
	Waited bool
}

// longPart is the share of the time from which on long steps are the rule.
const longPart = 0.1

// Apart is how far apart readings are as a rule, in seconds, when nothing newer than the last
// was told for age. It is the median of the steps, the lower of two; where long ones cover a
// tenth of the time, theirs: a kubelet tells each second what a container uses, and once its
// own measurements of it have begun, after some 20 s, these alone.
func Apart(steps []Step, age float64) float64 {
	var all, long []float64
	total, waited := age, 0.0
	if Coarse(age) {
		waited = age
	}
	for _, s := range steps {
		all, total = append(all, s.Seconds), total+s.Seconds
		if s.Waited {
			long, waited = append(long, s.Seconds), waited+s.Seconds
		}
	}
	switch {
	case waited > longPart*total && len(long) > 0:
		all = long
	case waited > longPart*total || len(all) == 0:
		return age
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// Coarse is whether the points are too far apart for windows of CPUWindow.
func (s Series) Coarse() bool { return s.Resolution() > coarseFrom }

// Resolution is how far apart an actor's readings are as a rule, in seconds (Apart). Of a
// single one it is for how long looks were told nothing newer. 0: not known.
func Resolution(samples []Sample, actor string) float64 {
	var steps []Step
	var last *Reading
	age := 0.0
	for i := range samples {
		usage := samples[i].Actors[actor].Usage
		if usage == nil {
			continue
		}
		next := Reading{Elapsed: readAt(&samples[i], usage), Look: i, Usage: usage}
		switch {
		case last == nil:
		case SameReading(last.Usage, usage):
			age = samples[i].Elapsed - samples[last.Look].Elapsed
			continue
		case next.Elapsed <= last.Elapsed:
			continue
		default:
			apart := next.Elapsed - last.Elapsed
			steps = append(steps, Step{apart, age > 0 && Coarse(apart)})
		}
		last, age = &next, 0
	}
	return Apart(steps, age)
}

// Coarse is whether readings so many seconds apart are too few for windows of CPUWindow.
func Coarse(resolution float64) bool { return resolution > coarseFrom }

// Placed are the samples with each reading of a coarse usage at the look nearest to the
// moment at which it was read, and at no other: places that read seldom tell late, and tell
// the same at many looks. Actors that are read at each look stay as they are.
func Placed(samples []Sample) []Sample {
	out := samples
	for _, name := range Actors(samples) {
		if !Coarse(Resolution(samples, name)) {
			continue
		}
		if &out[0] == &samples[0] {
			out = slices.Clone(samples)
			for i := range out {
				out[i].Actors = maps.Clone(out[i].Actors)
			}
		}
		place(out, samples, name)
	}
	return out
}

// Actors are the names of all whose usage is in some sample, sorted.
func Actors(samples []Sample) []string {
	names := map[string]bool{}
	for i := range samples {
		for name, a := range samples[i].Actors {
			if a.Usage != nil {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func place(out, samples []Sample, actor string) {
	for i := range out {
		if a, there := out[i].Actors[actor]; there {
			a.Usage = nil
			out[i].Actors[actor] = a
		}
	}
	at := 0
	for r := range Readings(samples, actor) {
		off := func(i int) float64 { return max(out[i].Elapsed-r.Elapsed, r.Elapsed-out[i].Elapsed) }
		for at+1 < len(out) && off(at+1) <= off(at) {
			at++
		}
		a := out[at].Actors[actor]
		a.Usage = r.Usage
		out[at].Actors[actor] = a
	}
}

// A CPUTime is the CPU seconds that an actor had used, a counter. Own is set where the
// actor's own metrics tell it, and not the place.
type CPUTime struct {
	Series
	Own bool
}

// CPUTimeOf is an actor's CPU time from the finer of two sources: the place's account, as
// long as it is not coarse and goes on, then what the process says of itself, if it said so in
// nine looks of ten, and then the place's account after all.
func CPUTimeOf(samples []Sample, actor string) CPUTime {
	place, own := CPUSeconds(samples, actor), OwnCPUSeconds(samples, actor)
	ended := own.Len() > 0 && place.Len() > 0 &&
		own.Elapsed[own.Len()-1]-place.Elapsed[place.Len()-1] > CPUWindow
	if place.Len() >= 2 && !place.Coarse() && !ended {
		return CPUTime{Series: place}
	}
	looks := 0
	for i := range samples {
		if samples[i].Actors[actor].Running {
			looks++
		}
	}
	if own.Len() >= 2 && 10*own.Len() >= 9*looks && !own.Coarse() {
		return CPUTime{Series: own, Own: true}
	}
	return CPUTime{Series: place}
}

// OwnCPUSeconds is the CPU time that an actor says of itself, a counter, in the middle of
// the time that its answer took.
func OwnCPUSeconds(samples []Sample, actor string) Series {
	var s Series
	for i := range samples {
		a := samples[i].Actors[actor]
		if v, ok := a.Metrics[ProcessCPU]; ok {
			s.add(samples[i].Elapsed+a.ScrapeSeconds/2, v)
		}
	}
	return s
}

// Over is the cores used over a sliding window of so many seconds. Between readings that
// are further apart it is the mean from one to the next, however long that is: shorter is
// not known.
func (c CPUTime) Over(window float64) Series {
	if !c.Coarse() {
		return RateOver(c.Series, window)
	}
	most := Reach * max(window, c.Resolution())
	var s Series
	first := 0 // since the last fall
	for i := 1; i < c.Len(); i++ {
		if c.Values[i] < c.Values[i-1] {
			first = i
		}
		from := i - 1
		for from > first && c.Elapsed[i]-c.Elapsed[from] < 0.8*window {
			from--
		}
		over := c.Elapsed[i] - c.Elapsed[from]
		if from >= first && over >= 0.8*window && over <= most {
			s.add(c.Elapsed[i], (c.Values[i]-c.Values[from])/over)
		}
	}
	return s
}
