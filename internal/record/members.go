package record

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// ofProcess are the metrics of an actor that are of its process. Of several processes
// their sum is held against nothing: each has its own limits.
var ofProcess = map[Metric]bool{
	ProcessCPU: true, ProcessRSS: true, HeapAlloc: true, RuntimeSys: true, Uptime: true,
	GoHeapLive: true, GoHeapGoal: true, GoMemory: true, GoMemLimit: true, GoGCCycles: true,
	GoGCCPU: true, GoGCPause: true, GoMaxProcs: true, GoGoroutines: true,
}

// gauges are the gateway's metrics that go with their process, and are no counters.
var gauges = map[Metric]bool{
	QueueSize: true, QueueCapacity: true, ProcessRSS: true, HeapAlloc: true, RuntimeSys: true,
	Uptime: true, GoHeapLive: true, GoHeapGoal: true, GoMemory: true, GoMemLimit: true,
	GoMaxProcs: true, GoGoroutines: true,
}

// IsCounter is whether a metric of the gateway only rises as long as its process lives.
func (m Metric) IsCounter() bool { return !gauges[m] }

// Members are the names of an actor's members that a look saw, by index; none where the
// actor is alone.
func (s *Sample) Members(actor string) []string { return membersIn(s.Actors, actor) }

func membersIn[T any](actors map[string]T, actor string) (names []string) {
	for name := range actors {
		if of, _, several := strings.Cut(name, "/"); several && of == actor {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, byIndex)
	return names
}

func byIndex(a, b string) int { return cmp.Compare(indexOf(a), indexOf(b)) }

func indexOf(name string) int {
	_, index, _ := strings.Cut(name, "/")
	n, _ := strconv.Atoi(index) // we gave it
	return n
}

// Members are the names of all members of an actor that were there, by index: as many as
// were asked for, and those that the place put beside them or in their stead. None where
// the actor was alone.
func (r *Record) Members(actor string) []string {
	seen := map[string]bool{}
	for _, a := range r.Header.Actors {
		if a.Name == actor && a.Replicas > 1 {
			for i := range a.Replicas {
				seen[env.MemberName(actor, i)] = true
			}
		}
	}
	for i := range r.Samples {
		for name := range r.Samples[i].Actors {
			if !seen[name] && strings.HasPrefix(name, actor+"/") {
				seen[name] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(seen), byIndex)
}

// WithOne is a look in which an actor's process is that of one of its members: its account
// by the place and what it says of itself as a process. What flows through the actor stays
// that of all members. The other members are not in it.
func (s Sample) WithOne(actor, member string) Sample {
	all, one := s.Actors[actor], s.Actors[member]
	metrics := make(map[Metric]float64, len(all.Metrics))
	for m, v := range all.Metrics {
		if !ofProcess[m] {
			metrics[m] = v
		}
	}
	for m, v := range one.Metrics {
		if ofProcess[m] {
			metrics[m] = v
		}
	}
	actors := make(map[string]ActorSample, len(s.Actors))
	for name, a := range s.Actors {
		if name == member || !strings.HasPrefix(name, actor+"/") {
			actors[name] = a
		}
	}
	one.Metrics = metrics
	actors[actor] = one
	s.Actors = actors
	return s
}

// WithOne is a record whose samples, pulses and profiles have one member in the place of an
// actor, as Sample.WithOne has it.
func (r *Record) WithOne(actor, member string) *Record {
	out := *r
	out.Samples = make([]Sample, len(r.Samples))
	for i, s := range r.Samples {
		out.Samples[i] = s.WithOne(actor, member)
	}
	out.Pulses = make([]Pulse, len(r.Pulses))
	for i, p := range r.Pulses {
		p.Actors = maps.Clone(p.Actors)
		delete(p.Actors, actor)
		if u := p.Actors[member]; u != nil {
			p.Actors[actor] = u
		}
		out.Pulses[i] = p
	}
	out.Profiles = slices.Clone(r.Profiles)
	for i := range out.Profiles {
		if p := &out.Profiles[i]; p.Actor == member {
			p.Actor = actor
		}
	}
	return &out
}
