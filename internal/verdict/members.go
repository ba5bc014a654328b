package verdict

import (
	"maps"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// members are the names of an actor of which there are several; none where it is alone.
func (m measure) members(actor string) []string { return m.raw.Members(actor) }

// inPlaceOf is the measure in which an actor is one of its members.
func (m measure) inPlaceOf(actor, member string) measure {
	samples := make([]record.Sample, len(m.samples))
	for i, s := range m.samples {
		s.Actors = maps.Clone(s.Actors)
		s.Actors[actor] = s.Actors[member]
		samples[i] = s
	}
	m.samples = samples
	if on, known := m.ending.Nodes[member]; known {
		m.ending.Nodes = map[string]string{actor: on}
	}
	return m
}

// ends is end for an actor of which there may be several. What they used is then that of
// all of them; CPU against what was allowed, and the shares of the time in which one was
// held back or waited, are those of the one that fared worst: each has its own limit, and
// one that is late makes the load late.
func (m measure) ends(actor string) EndFigures {
	f := m.end(actor)
	f.Alike = len(m.members(actor))
	for i, name := range m.members(actor) {
		one := m.inPlaceOf(actor, name).end(actor)
		if i == 0 || above(one.FullShare, orZero(f.FullShare)) ||
			f.FullShare == nil && one.FullShare != nil {
			f.Allowed, f.Max, f.P95, f.FullShare = one.Allowed, one.Max, one.P95, one.FullShare
		}
		f.ThrottledPeriods = larger(f.ThrottledPeriods, one.ThrottledPeriods, i == 0)
		f.Stalled = larger(f.Stalled, one.Stalled, i == 0)
	}
	return f
}

// larger is the larger of two figures, or the one that is known; the second where it is
// the first to be looked at.
func larger(a, b *float64, first bool) *float64 {
	if first || a == nil || b != nil && *b > *a {
		return b
	}
	return a
}

func orZero(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

// roomAt is whether every load generator had less than a part of its workers waiting at a
// look. A worker that one has to spare is none for another.
func (m measure) roomAt(sample int, part float64) bool {
	names := m.members(record.Loadgen)
	all := m.r.Header.Scenario.Load.InFlight
	of := func(name string, workers int) bool {
		busy, known := m.samples[sample].Actors[name].Metrics[record.LoadInFlight]
		return known && busy < part*float64(workers)
	}
	if len(names) == 0 {
		return of(record.Loadgen, all)
	}
	for i, name := range names {
		workers := all / len(names) // as loadgen.Segment deals them out
		if i < all%len(names) {
			workers++
		}
		if !of(name, workers) {
			return false
		}
	}
	return true
}

// longestStill is stoodStill of the one of several that stood still for longest.
func (s *subject) longestStill(actor string) (from, to float64, known bool) {
	from, to, known = s.stoodStill(actor)
	for _, name := range s.members(actor) {
		begin, end, ok := s.stoodStill(name)
		known = known || ok
		if end-begin > to-from {
			from, to = begin, end
		}
	}
	return from, to, known
}

// actorOf is the actor that a name is of, or that a member is one of.
func actorOf(name string) string {
	actor, _, _ := strings.Cut(name, "/")
	return actor
}
