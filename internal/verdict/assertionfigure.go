package verdict

import (
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A reading is what is known of a condition at one look.
type reading struct {
	known    bool
	violated bool
	value    *float64 // in the condition's unit; nil where only the comparison is known
}

// A figure is what an assertion is about, over the samples of the measured time. It takes
// them one by one, and needs as much memory after an hour as after a second.
type figure interface {
	// add takes the next look and tells what it says by itself, and what all looks so
	// far say together.
	add(s record.Sample) (now, soFar reading)
	// window is how many seconds before its moment what a look says by itself is of.
	window() float64
	// moment is when what a look says was so, in elapsed seconds: some places tell late.
	moment(s record.Sample) float64
}

// judgeable is how many seconds of looks a mean over time needs: it swings before.
const judgeable = 0.8 * record.CPUWindow

// A source is one number of one look; ok is false where it is not known.
type source func(s record.Sample) (value float64, ok bool)

func metric(actor string, names ...record.Metric) source {
	return func(s record.Sample) (sum float64, ok bool) {
		for _, name := range names {
			v, known := s.Actors[actor].Metrics[name]
			if !known {
				return 0, false
			}
			sum += v
		}
		return sum, true
	}
}

// point is the one point that a series has of one sample.
func point(of func([]record.Sample, string) record.Series, actor string) source {
	return func(s record.Sample) (float64, bool) {
		series := of([]record.Sample{s}, actor)
		if series.Len() == 0 {
			return 0, false
		}
		return series.Values[0], true
	}
}

// per divides by what is known beforehand.
func per(of source, by float64) source {
	return func(s record.Sample) (float64, bool) {
		v, ok := of(s)
		return v / by, ok && by > 0
	}
}

// quotient divides by what the same look says.
func quotient(of, by source) source {
	return func(s record.Sample) (float64, bool) {
		v, ok := of(s)
		d, also := by(s)
		return v / d, ok && also && d > 0
	}
}

// less is the difference of two numbers of one actor's one answer.
func less(of, by source) source {
	return func(s record.Sample) (float64, bool) {
		v, ok := of(s)
		d, also := by(s)
		return v - d, ok && also
	}
}

// A scalar is a figure that is one number at each look.
type scalar struct {
	c scenario.Condition
	// look takes a look and returns its own number, and that of all looks so far.
	look func(s record.Sample) (own, soFar *float64)
	// peak is whether the whole is the largest of the looks.
	peak    bool
	seconds float64
	// told is when the last number of a look was so; nil where that is when it was looked.
	told func(s record.Sample) (elapsed float64, ok bool)
}

func (f *scalar) window() float64 { return f.seconds }

func (f *scalar) moment(s record.Sample) float64 {
	if f.told == nil {
		return s.Elapsed
	}
	if at, ok := f.told(s); ok && s.Elapsed-at > tick {
		return at
	}
	return s.Elapsed
}

func (f *scalar) add(s record.Sample) (now, soFar reading) {
	own, all := f.look(s)
	read := func(v *float64) reading {
		if v == nil {
			return reading{}
		}
		return reading{known: true, violated: !f.c.Holds(*v), value: v}
	}
	if f.peak && f.c.Upper() {
		return read(own), read(all)
	}
	return read(all), read(all)
}

// peakOf is the largest of the looks.
func peakOf(c scenario.Condition, of source) *scalar {
	var most *float64
	return &scalar{c: c, peak: true, look: func(s record.Sample) (own, soFar *float64) {
		if v, ok := of(s); ok {
			own = &v
			if most == nil || v > *most {
				most = &v
			}
		}
		return own, most
	}}
}

// meanOf is the mean of the looks.
func meanOf(c scenario.Condition, of source) *scalar {
	var sum, n float64
	return &scalar{c: c, look: func(s record.Sample) (own, soFar *float64) {
		if v, ok := of(s); ok {
			sum, n = sum+v, n+1
		}
		if n == 0 {
			return nil, nil
		}
		return nil, new(sum / n)
	}}
}

// A pair is two counters of the same looks; steps in which one fell are left out, since
// their owner was started anew.
type pair struct {
	a, b           float64
	seen           bool
	riseA, riseB   float64
	steps, seconds float64
	at             float64
}

func (p *pair) add(at, a, b float64) {
	if p.seen && a >= p.a && b >= p.b && at > p.at {
		p.riseA, p.riseB = p.riseA+a-p.a, p.riseB+b-p.b
		p.seconds += at - p.at
		p.steps++
	}
	p.a, p.b, p.at, p.seen = a, b, at, true
}

// riseOf is by how much a counter rose.
func riseOf(c scenario.Condition, of source) *scalar {
	var p pair
	return &scalar{c: c, look: func(s record.Sample) (own, soFar *float64) {
		if v, ok := of(s); ok {
			p.add(s.Elapsed, v, 0)
		}
		if p.steps == 0 {
			return nil, nil
		}
		return nil, new(p.riseA)
	}}
}

// ratioOf is by how much one counter rose for each that the other did; known after so
// many seconds.
func ratioOf(c scenario.Condition, of, by source, after float64) *scalar {
	var p pair
	return &scalar{c: c, look: func(s record.Sample) (own, soFar *float64) {
		v, ok := of(s)
		d, also := by(s)
		if ok && also {
			p.add(s.Elapsed, v, d)
		}
		if p.riseB <= 0 || p.seconds < after {
			return nil, nil
		}
		return nil, new(p.riseA / p.riseB)
	}}
}

// rateOf is by how much a counter rose in a second.
func rateOf(c scenario.Condition, of source) *scalar {
	clock := func(s record.Sample) (float64, bool) { return s.Elapsed, true }
	return ratioOf(c, of, clock, judgeable)
}

// restarts is how often the uptime of a gateway fell.
func restarts(c scenario.Condition) *scalar {
	before, n := map[string]float64{}, 0.0
	return &scalar{c: c, look: func(s record.Sample) (own, soFar *float64) {
		of := s.Members(record.Gateway)
		if len(of) == 0 {
			of = []string{record.Gateway}
		}
		for _, name := range of {
			if v, ok := s.Actors[name].Metrics[record.Uptime]; ok {
				if last, known := before[name]; known && v < last {
					n++
				}
				before[name] = v
			}
		}
		if len(before) == 0 {
			return nil, nil
		}
		return nil, new(n)
	}}
}

// A lastLevel is the newest level of a usage; a look that brought no new one has none.
type lastLevel struct {
	newest func([]record.Sample) (level, bool)
	tail   tail
	last   level
	seen   bool
}

func (n *lastLevel) value(s record.Sample) (float64, bool) {
	n.tail.add(s)
	l, ok := n.newest(n.tail.samples)
	if !ok || n.seen && l.at <= n.last.at {
		return 0, false
	}
	n.last, n.seen = l, true
	return l.value, true
}

func (n *lastLevel) moment(record.Sample) (elapsed float64, ok bool) { return n.last.at, n.seen }
