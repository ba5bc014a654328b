// Package profile tells what a pprof profile of a collector says, by its components.
//
// Each sample is given to one part, named "owner: work", or by one of the two where the
// other is not known. The owner is the innermost frame that belongs to a component:
// receiver/otlp, processor/batch, connector/servicegraph, exporter/otlp, extension/…; and
// beside the components
//
//   - exporterhelper/queue and exporterhelper: the sending queue, and the retries and
//     timeouts around an exporter,
//   - fanout: the copies that are made where a pipeline has several consumers,
//   - own telemetry: the collector's metrics and spans of itself,
//   - observation: profiles and metrics being served to who asks for them,
//   - startup: what was done, and is still held, of the start.
//
// The work is what the innermost frames below the owner do, those of the Go runtime
// apart: allocating and copying memory is part of what it is done for. It is compression,
// decoding and encoding (of OTLP), copying (of spans), grpc, http, tls, network (system
// calls), or nothing when the component's own code runs. gRPC's server is the receiver
// even where no frame of it is on the stack yet, and gRPC's client the exporter: it is
// OTLP that is sent through the gateway.
//
// Without an owner there is the work alone, with pdata in place of decoding, encoding and
// copying; the Go runtime is gc, whoever has to assist it, or runtime; what is left is
// other.
//
// A heap profile tells who allocated what is held, not who holds it: spans that wait in a
// queue show as the receiver's decoding, or as the copies of a fanout.
package profile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	pprof "github.com/google/pprof/profile"
)

// The kinds of profiles.
const (
	CPU  = "cpu"
	Heap = "heap"
)

// A Profile is one pprof profile, by parts.
type Profile struct {
	// Kind is CPU or Heap.
	Kind string
	// Unit is "seconds" of CPU time, or "bytes" that were in use after the last
	// garbage collection.
	Unit string
	// Total of all parts, in Unit.
	Total float64
	// Seconds that a CPU profile is of; 0 for a heap profile.
	Seconds float64
	// Parts, the largest first.
	Parts []Part
}

// A Part is what one component did by one kind of work.
type Part struct {
	Component string  // "exporter/otlp: compression", see the package's comment
	Value     float64 // in the profile's unit
	Share     float64 // of the total, 0 to 1
}

// Parse reads a profile as the Go runtime serves it: CPU, or heap of which it takes
// inuse_space. Any other kind is an error.
func Parse(data []byte) (*Profile, error) {
	read, err := pprof.ParseData(data)
	if err != nil {
		return nil, fmt.Errorf("parse profile: %w", err)
	}
	p := &Profile{}
	var index int
	var scale float64
	switch {
	case typeIndex(read, "cpu", "nanoseconds") >= 0:
		index, scale = typeIndex(read, "cpu", "nanoseconds"), 1e-9
		p.Kind, p.Unit, p.Seconds = CPU, "seconds", float64(read.DurationNanos)*1e-9
	case typeIndex(read, "inuse_space", "bytes") >= 0:
		index, scale = typeIndex(read, "inuse_space", "bytes"), 1
		p.Kind, p.Unit = Heap, "bytes"
	default:
		return nil, fmt.Errorf("parse profile: found values of %s, want cpu in nanoseconds, "+
			"or inuse_space in bytes", types(read))
	}
	values := map[string]float64{}
	for _, s := range read.Sample {
		if v := float64(s.Value[index]) * scale; v != 0 {
			values[component(stack(s))] += v
			p.Total += v
		}
	}
	p.Parts = parts(values, p.Total)
	return p, nil
}

// Difference is by how much each part grew from one profile to another of the same kind,
// the largest growth first; what shrank is negative, and what stayed is left out. Shares
// are of all that grew, 0 for what did not. A nil profile has no parts.
func Difference(before, after *Profile) []Part {
	values := map[string]float64{}
	if after != nil {
		for _, p := range after.Parts {
			values[p.Component] += p.Value
		}
	}
	if before != nil {
		for _, p := range before.Parts {
			values[p.Component] -= p.Value
		}
	}
	maps.DeleteFunc(values, func(_ string, v float64) bool { return v == 0 })
	var grown float64
	for _, v := range values {
		grown += max(0, v)
	}
	return parts(values, grown)
}

func parts(values map[string]float64, total float64) []Part {
	var all []Part
	for name, v := range values {
		part := Part{Component: name, Value: v}
		if total > 0 {
			part.Share = max(0, v/total)
		}
		all = append(all, part)
	}
	slices.SortFunc(all, func(a, b Part) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.Component, b.Component))
	})
	return all
}

func typeIndex(p *pprof.Profile, kind, unit string) int {
	return slices.IndexFunc(p.SampleType, func(t *pprof.ValueType) bool {
		return t.Type == kind && t.Unit == unit
	})
}

func types(p *pprof.Profile) string {
	text := "nothing"
	for i, t := range p.SampleType {
		if i == 0 {
			text = ""
		} else {
			text += ", "
		}
		text += t.Type + " in " + t.Unit
	}
	return text
}

// stack is the names of a sample's functions from the innermost outwards, inlined calls
// included.
func stack(s *pprof.Sample) []string {
	var names []string
	for _, location := range s.Location {
		for _, line := range location.Line {
			if line.Function != nil {
				names = append(names, line.Function.Name)
			}
		}
	}
	return names
}
