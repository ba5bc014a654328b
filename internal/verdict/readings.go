package verdict

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/odigos-io/odigos-stress/internal/record"
)

const (
	// bridge is how many seconds without a figure a stretch survives when the figures on
	// both sides hold. Where readings are further apart it is record.Reach of their
	// distances.
	bridge = 5.0
	// stepSlack is the part of the distance of readings by which the clock of the place may
	// make a time too short.
	stepSlack = 0.1
	// tailSeconds is how much of the newest samples a window of CPU needs, tailReadings how
	// many readings of usage the tail is to hold where they are far apart, and longestTail
	// how far back it goes for them.
	tailSeconds  = 3 * record.CPUWindow
	tailReadings = 4
	longestTail  = 150.0
	// paceSteps is how many distances of readings the pace is taken from.
	paceSteps = 31
)

// A level is a usage at one moment, or over the window before it.
type level struct {
	at, value float64
	window    float64 // seconds
	// step is how far apart such levels are where that is coarse, else 0.
	step float64
	own  bool // by the gateway's own metrics
}

// bridge is how far before a level another may be so that none is missing between them.
func (l level) bridge() float64 {
	if l.step == 0 {
		return bridge
	}
	return record.Reach * l.step
}

// newestCPU is the CPU over the last window, or between the last two readings.
func newestCPU(samples []record.Sample) (level, bool) {
	t := record.CPUTimeOf(samples, record.Gateway)
	s := t.Over(record.CPUWindow)
	last := s.Len() - 1
	if last < 0 {
		return level{}, false
	}
	l := level{at: s.Elapsed[last], value: s.Values[last], window: record.CPUWindow, own: t.Own}
	if t.Coarse() {
		l.step = t.Resolution()
		before := slices.Index(t.Elapsed, l.at) - 1
		l.window = max(l.window, l.at-t.Elapsed[before])
	}
	return l, true
}

func newestMemory(samples []record.Sample) (level, bool) {
	s := record.WorkingSet(samples, record.Gateway)
	last := s.Len() - 1
	if last < 0 {
		return level{}, false
	}
	l := level{at: s.Elapsed[last], value: s.Values[last]}
	if s.Coarse() {
		l.step = s.Resolution()
	}
	return l, true
}

// cpuCalled is what CPU figures are of, in words.
func cpuCalled(own bool, step float64) string {
	switch {
	case own && step > 0:
		return "CPU over 5 s by its own metrics (and between readings " + apart(step) +
			" where these were silent)"
	case own:
		return "CPU over 5 s by its own metrics"
	case step > 0:
		return "CPU between readings " + apart(step)
	}
	return "CPU over 5 s"
}

func memoryCalled(_ bool, step float64) string {
	if step > 0 {
		return "memory (working set, read every " + Seconds(math.Round(step)) + ")"
	}
	return "memory (working set)"
}

func apart(step float64) string { return Seconds(math.Round(step)) + " apart" }

// what is what the resource's levels are of, in words.
func (r *resource) what() string {
	if r.of != "" {
		return r.called(r.own, r.step()) + " of " + r.of
	}
	return r.called(r.own, r.step())
}

func (r *resource) whose() string {
	if r.of != "" {
		return r.of
	}
	return "the gateway"
}

// step is how far apart levels are as a rule where that is coarse, else 0.
func (r *resource) step() float64 {
	if len(r.steps) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(r.steps))[(len(r.steps)-1)/2]
}

// short is whether too little was seen for a threshold to have been reached for as long as
// it asks.
func (r *resource) short(h *hold) bool { return r.last-r.first < h.seconds-stepSlack*r.step() }

// unsure is whether a threshold was reached at single readings, which may or may not have
// been for as long as it asks: readings around them say no more than that it was less than
// twice their distance.
func (r *resource) unsure(h *hold) bool {
	now := h.current != nil && !h.current.counted && !h.current.own
	return len(r.steps) > 0 && len(h.stretches()) == 0 && (h.lone > 0 || now)
}

func (h *hold) unsureText() string {
	return fmt.Sprintf("%s (%s) reached, and whether for %s is not known", Percent(h.share),
		h.severity, Seconds(h.seconds))
}

// from is where in the record the levels are from.
func (r *resource) from() string {
	if r.own {
		return ownCPUSource
	}
	return r.source
}

const ownCPUSource = record.SamplesFile + ": actors.gateway.metrics." + string(record.ProcessCPU)

// tooFew tells of usage that is read every step seconds, and was read too seldom in the
// measured time to say anything of it: it is not known then, whatever was read.
func (r *resource) tooFew(step float64) (f Finding, ok bool) {
	if !record.Coarse(step) || r.own || r.points >= r.least {
		return Finding{}, false
	}
	return Finding{
		Check: r.check, Severity: Reservation, Reason: TooShortToHold, Limit: &r.limit, Unit: r.unit,
		Source: r.source, Text: fmt.Sprintf("%s of %s is not known: that takes two readings "+
			"within the measured time, which are %s; it could not be held against its limit of %s",
			r.called(false, 0), r.whose(), apart(step), r.show(r.limit)),
	}, true
}

// A tail is the newest samples, as many as a window of CPU needs.
type tail struct {
	samples []record.Sample
	read    int // how many of them have the gateway's usage
}

func hasUsage(s record.Sample) int {
	if s.Actors[record.Gateway].Usage != nil {
		return 1
	}
	return 0
}

func (t *tail) add(s record.Sample) {
	t.samples = append(t.samples, s)
	t.read += hasUsage(s)
	for {
		first := t.samples[0]
		old := s.Elapsed - first.Elapsed
		left := t.read - hasUsage(first)
		if old <= tailSeconds || old <= longestTail && t.read > 0 && left < tailReadings {
			return
		}
		t.samples, t.read = t.samples[1:], left
	}
}

// A pace is how often the place reads the gateway's usage, by what it told so far.
type pace struct {
	newest record.Sample // the first that had the last reading
	steps  []float64     // the last distances
	age    float64       // for how long nothing newer was told than the last reading
}

// step is how far apart readings are, in seconds: at least so far where there was but one. It
// is 0 where that is not known.
func (p *pace) step() float64 {
	if len(p.steps) == 0 {
		return p.age
	}
	return slices.Sorted(slices.Values(p.steps))[(len(p.steps)-1)/2]
}

// note takes the next sample that has a usage, and returns whether it is told anew.
func (p *pace) note(s record.Sample) bool {
	before := p.newest.Actors[record.Gateway].Usage
	if record.SameReading(before, s.Actors[record.Gateway].Usage) {
		p.age = s.Elapsed - p.newest.Elapsed
		return false
	}
	if before != nil {
		was, _ := p.newest.ReadAt(record.Gateway)
		at, _ := s.ReadAt(record.Gateway)
		if at > was {
			p.steps = append(p.steps, at-was)
		}
		if len(p.steps) > paceSteps {
			p.steps = p.steps[1:]
		}
	}
	p.newest, p.age = s, 0
	return true
}

// fresh takes from a sample the gateway's usage if it was told before, or is of a time
// before the measured one. told is whether it has one then.
func (w *Watch) fresh(s record.Sample) (_ record.Sample, told bool) {
	at, ok := s.ReadAt(record.Gateway)
	if !ok {
		return s, false
	}
	if w.pace.note(s) && (!w.measured || at >= w.from-tick) {
		return s, true
	}
	a := s.Actors[record.Gateway]
	a.Usage = nil
	s.Actors = maps.Clone(s.Actors)
	s.Actors[record.Gateway] = a
	return s, false
}

// within is whether a reading that was told after the measured time is of it.
func (w *Watch) within(s record.Sample) bool {
	at, _ := s.ReadAt(record.Gateway)
	return w.measured && record.Coarse(w.pace.step()) && at <= w.to+tick
}

// waits is whether readings of the measured time may still be told.
func (w *Watch) waits(phase record.Phase, told bool) bool {
	return phase == record.PhaseDraining && !told && record.Coarse(w.pace.step())
}

// reach is how far apart readings may be so that none is missing between them.
func (w *Watch) reach() float64 {
	if step := w.pace.step(); record.Coarse(step) {
		return record.Reach * step
	}
	return bridge
}

// usageAlone is a sample without all that is not of the moment at which usage was read.
func usageAlone(s record.Sample) record.Sample {
	a := s.Actors[record.Gateway]
	return record.Sample{
		At: s.At, Elapsed: s.Elapsed, Phase: s.Phase, Actors: map[string]record.ActorSample{
			record.Gateway: {Running: a.Running, Usage: a.Usage},
		},
	}
}
