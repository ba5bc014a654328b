package memoryadmission

import (
	"math"
	"runtime/debug"
	"testing"
)

const mib = 1 << 20

// What the runtime says in each state, made up to stand at the borders.
func TestFull(t *testing.T) {
	for _, c := range []struct {
		name string
		r    reading
		want bool
	}{
		{"at rest", reading{limit: 200 * mib, mapped: 60 * mib, objects: 20 * mib, goal: 40 * mib}, false},
		{
			"memory at the limit, the heap far below its goal: kept, not used",
			reading{limit: 200 * mib, mapped: 200 * mib, objects: 50 * mib, goal: 180 * mib},
			false,
		},
		{
			"a heap at its goal, memory far below the limit: a collection is due, no more",
			reading{limit: 200 * mib, mapped: 80 * mib, objects: 40 * mib, goal: 40 * mib},
			false,
		},
		{
			"both",
			reading{limit: 200 * mib, mapped: 200 * mib, objects: 180 * mib, goal: 180 * mib},
			true,
		},
		{
			"both, and far above",
			reading{limit: 200 * mib, mapped: 260 * mib, objects: 240 * mib, goal: 180 * mib},
			true,
		},
		{
			"the last collection left more than the limit leaves; the newest objects are not counted yet",
			reading{
				limit: 200 * mib, mapped: 260 * mib, objects: 229 * mib, marked: 230 * mib, goal: 230 * mib,
			},
			true,
		},
		{
			"one byte below the limit",
			reading{limit: 200 * mib, mapped: 200*mib - 1, objects: 180 * mib, goal: 180 * mib},
			false,
		},
		{
			"one byte below the goal",
			reading{limit: 200 * mib, mapped: 200 * mib, objects: 180*mib - 1, goal: 180 * mib},
			false,
		},
		{
			"above the limit but for what was given back",
			reading{limit: 200 * mib, mapped: 260 * mib, back: 61 * mib, objects: 190 * mib, goal: 180 * mib},
			false,
		},
		{
			"above the limit but for what is free",
			reading{limit: 200 * mib, mapped: 260 * mib, free: 61 * mib, objects: 190 * mib, goal: 180 * mib},
			false,
		},
		{
			"read at two moments: more free than mapped",
			reading{limit: 200 * mib, mapped: 10 * mib, free: 20 * mib, objects: 40 * mib, goal: 40 * mib},
			false,
		},
		{
			"no limit",
			reading{limit: math.MaxInt64, mapped: 1 << 40, objects: 1 << 40, goal: 1 << 30},
			false,
		},
	} {
		if got := c.r.full(); got != c.want {
			t.Errorf("%s: %+v.full() = %v, want %v", c.name, c.r, got, c.want)
		}
	}
}

// The names are those that this runtime knows: a metric of an unknown name has no value,
// and its Uint64 panics.
func TestRuntimeReader(t *testing.T) {
	before := debug.SetMemoryLimit(8 << 40)
	defer debug.SetMemoryLimit(before)
	r := newRuntimeReader()()
	if r.limit != 8<<40 {
		t.Errorf("limit = %d, want %d", r.limit, int64(8<<40))
	}
	if r.mapped == 0 || r.objects == 0 || r.goal == 0 || r.mapped <= r.back+r.free {
		t.Errorf("reading = %+v, want memory in use", r)
	}
	if r.full() {
		t.Errorf("%+v.full() = true, far below the limit", r)
	}
}

// A process whose live heap is above its limit is full, and is not once it is freed.
func TestRuntimeOfAHeapAboveItsLimit(t *testing.T) {
	read := newRuntimeReader()
	held := make([][]byte, 64)
	for i := range held {
		held[i] = make([]byte, mib)
	}
	before := debug.SetMemoryLimit(32 * mib)
	defer debug.SetMemoryLimit(before)
	for range 8 { // the goal is the live heap: what is added stands above it
		held = append(held, make([]byte, mib))
	}
	if r := read(); !r.full() {
		t.Errorf("%+v.full() = false, with %d MiB held under a limit of 32 MiB", r, len(held))
	}
	clear(held)
	debug.FreeOSMemory()
	if r := read(); r.full() {
		t.Errorf("%+v.full() = true, with nothing held", r)
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	read := newRuntimeReader()
	if n := testing.AllocsPerRun(100, func() { read() }); n != 0 {
		t.Errorf("a reading allocates %v times, want 0: it is taken when there is no memory", n)
	}
}

// BenchmarkFull is what each request costs.
func BenchmarkFull(b *testing.B) {
	read := newRuntimeReader()
	b.ReportAllocs()
	for b.Loop() {
		read().full()
	}
}
