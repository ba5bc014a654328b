package memoryadmission

import (
	"runtime/metrics"
	"sync"
)

// A reading is what the Go runtime says of its memory at one moment, in bytes.
type reading struct {
	limit   uint64 // GOMEMLIMIT; the largest int64 is none
	mapped  uint64 // got from the system, whether given back or not
	back    uint64 // of mapped, given back to the system
	free    uint64 // of mapped, kept and empty: the heap can grow into it
	objects uint64 // heap objects that are alive or not swept yet
	marked  uint64 // heap objects that the last collection found alive
	goal    uint64 // the heap size that the garbage collector aims at
}

// full tells whether another request is too much. Two things must be true at once.
//
// What the runtime uses has reached the limit: mapped − back is what GOMEMLIMIT bounds,
// and stands at the limit long before memory is short, since the runtime keeps what it
// once got. So what is free does not count.
//
// And the heap has reached the collector's goal. Under GOMEMLIMIT the goal is what the
// limit leaves to the heap, and the collector is started early enough to end below it: a
// heap at its goal is one that grows faster than it is collected. Where even the last
// collection left more than that, the goal is what it left, and marked is at it. Objects
// alone are not enough then: after a collection they may stand some hundred bytes below,
// and with every collection a few requests would come in that nothing lets out again.
//
// The next collection that frees something ends it; there is no second, lower threshold.
//
// These are the conditions of Odigos' own check, which reads the collector's internal
// state; here they are read through runtime/metrics.
func (r reading) full() bool {
	return r.mapped >= r.limit+r.back+r.free && max(r.objects, r.marked) >= r.goal
}

// names are in the order of a reading's fields.
var names = [...]string{
	"/gc/gomemlimit:bytes",
	"/memory/classes/total:bytes",
	"/memory/classes/heap/released:bytes",
	"/memory/classes/heap/free:bytes",
	"/memory/classes/heap/objects:bytes",
	"/gc/heap/live:bytes",
	"/gc/heap/goal:bytes",
}

// newRuntimeReader reads the runtime of this process, without stopping it and without
// allocating: about half a microsecond, so that it is read for every request.
func newRuntimeReader() func() reading {
	var mu sync.Mutex
	samples := make([]metrics.Sample, len(names))
	for i, name := range names {
		samples[i].Name = name
	}
	return func() reading {
		mu.Lock()
		defer mu.Unlock()
		metrics.Read(samples)
		return reading{
			limit:   samples[0].Value.Uint64(),
			mapped:  samples[1].Value.Uint64(),
			back:    samples[2].Value.Uint64(),
			free:    samples[3].Value.Uint64(),
			objects: samples[4].Value.Uint64(),
			marked:  samples[5].Value.Uint64(),
			goal:    samples[6].Value.Uint64(),
		}
	}
}
