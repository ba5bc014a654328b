package verdict

import (
	"fmt"
	"math"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// DeathFigures are what is known of one death of the gateway, from the looks of the life
// that it ended. What is nil or absent is not known.
type DeathFigures struct {
	record.Death
	// LastAt is the elapsed time of the last look at its memory, Last what was anonymous and
	// the kernel's then, and Limit what a kill comes at.
	LastAt *float64 `json:"memory_last_at_seconds,omitempty"`
	Last   *float64 `json:"memory_last_anon_and_kernel_bytes,omitempty"`
	Limit  *float64 `json:"memory_limit_bytes,omitempty"`
	// Growth is the slope of memory over the last GrowthOver seconds before, by the looks in
	// GrowthOf.
	Growth     *float64 `json:"memory_growth_bytes_per_second,omitempty"`
	GrowthOver float64  `json:"memory_growth_over_seconds,omitempty"`
	GrowthOf   string   `json:"memory_growth_source,omitempty"`
	// Held is how its memory went with the spans that it held.
	Held *HeldFigures `json:"held,omitempty"`
	// Buffers are where the spans were at the last look, the fullest first.
	Buffers []Buffer `json:"buffers,omitempty"`
	// Heap is what its heap profiles say beside that, and HeapOf which and when.
	Heap   []HeapPart `json:"heap,omitempty"`
	HeapOf string     `json:"heap_source,omitempty"`
	// Grew names the buffer in which more than half of them were; empty when there is none,
	// or it cannot be told.
	Grew string `json:"grew,omitempty"`
}

// A Buffer is one place in the gateway where spans wait.
type Buffer struct {
	Name  string   `json:"name"`
	Spans *float64 `json:"spans,omitempty"`
	Bytes *float64 `json:"bytes,omitempty"`
	// Share of all the spans that it held.
	Share float64 `json:"ratio"`
	// Evidence is where the figure comes from, with its numbers.
	Evidence string `json:"evidence"`
}

// A life is one process of the gateway, from ready to its death, in elapsed seconds.
type life struct {
	from, to float64
	looks    []record.Sample // at which it ran, since the start of the load
	before   float64         // spans that had been lost inside its predecessors
}

// deaths are the figures of every death, in order.
func (m measure) deaths() []DeathFigures {
	var all []DeathFigures
	starts := map[string]float64{} // of the process at hand
	for _, d := range m.ending.Deaths {
		from, again := starts[d.Member]
		if !again {
			from = math.Inf(-1)
		}
		f := DeathFigures{Death: d}
		if b := float64(m.r.Header.Scenario.Gateway.MemoryLimit); b > 0 {
			f.Limit = &b
		}
		if d.Kind != record.DeathStart {
			one := m
			if d.Member != "" {
				one = m.on(d.Member)
			}
			l := one.life(from, d.Elapsed)
			one.memoryBefore(&f, l)
			f.Held = one.held(l)
			one.buffers(&f, l)
			one.heapBefore(&f, l)
		}
		all = append(all, f)
		if d.Restarted != nil {
			starts[d.Member] = *d.Restarted
		}
	}
	return all
}

func (m measure) life(from, to float64) life {
	l := life{from: from, to: to}
	for _, s := range m.r.Samples {
		switch {
		case s.Elapsed >= to:
			return l
		case s.Elapsed < from:
			if inside, ok := betweenEnds(s); ok {
				l.before = inside
			}
		case s.Elapsed >= 0 && s.Actors[record.Gateway].Running:
			l.looks = append(l.looks, s)
		}
	}
	return l
}

// betweenEnds are the spans that were acknowledged and had not arrived, by one look.
func betweenEnds(s record.Sample) (spans float64, ok bool) {
	acknowledged, ok := s.Actors[record.Loadgen].Metrics[record.LoadAcknowledged]
	arrived, ok2 := s.Actors[record.Backend].Metrics[record.BackendUnique]
	return max(0, acknowledged-arrived), ok && ok2
}

// growthWindow is how long before a death its growth is looked at, in seconds.
const growthWindow = 10.0

// memoryBefore takes the last look at memory and the growth that led to it, from the close
// looks where there are such.
func (m measure) memoryBefore(f *DeathFigures, l life) {
	from := max(l.from, l.to-growthWindow)
	s, source := m.pulsed(from, l.to), record.PulsesFile
	if s.Len() < 10 {
		s, source = record.Unreclaimable(l.looks, record.Gateway).Between(from, l.to), record.SamplesFile
	}
	if s.Len() == 0 {
		return
	}
	f.LastAt, f.Last = new(s.Elapsed[s.Len()-1]), new(s.Values[s.Len()-1])
	if s.Len() < 4 {
		return
	}
	line := fitted(s.Elapsed, s.Values)
	f.Growth, f.GrowthOf = new(line.slope), source
	f.GrowthOver = s.Elapsed[s.Len()-1] - s.Elapsed[0]
}

// pulsed is anonymous and kernel memory by the close looks. At one that counts a kill
// more than the one before, the kernel takes the memory back already.
func (m measure) pulsed(from, to float64) record.Series {
	var s record.Series
	kills := uint64(0)
	for _, p := range m.r.Pulses {
		u := p.Actors[record.Gateway]
		if u == nil {
			continue
		}
		before := kills
		if kills = 0; u.OOMKills != nil {
			kills = *u.OOMKills
		}
		if p.Elapsed >= from && p.Elapsed < to {
			if kills > before {
				break
			}
			if b, ok := unreclaimable(u); ok {
				s.Elapsed, s.Values = append(s.Elapsed, p.Elapsed), append(s.Values, b)
			}
		}
	}
	return s
}

func unreclaimable(u *env.Usage) (bytes float64, ok bool) {
	if u == nil || u.MemoryAnon == nil || u.MemoryKernel == nil {
		return 0, false
	}
	return float64(*u.MemoryAnon + *u.MemoryKernel), true
}

// ForMemory tells whether it was a kill for want of memory, or the runtime's own end for
// that.
func (f DeathFigures) ForMemory() bool {
	s := f.State
	return f.Kind == record.DeathOOM || s.OOMKilled != nil && *s.OOMKilled
}

// Room is how many seconds the growth would have needed from the last look to the limit;
// nil when one is not known or memory did not grow.
func (f DeathFigures) Room() *float64 {
	if f.Growth == nil || f.Last == nil || f.Limit == nil || *f.Growth <= 0 {
		return nil
	}
	return new(max(0, *f.Limit-*f.Last) / *f.Growth)
}

// Where says in words where the spans were that filled its memory.
func (f DeathFigures) Where() string {
	switch {
	case f.Grew != "":
		for _, b := range f.Buffers {
			if b.Name == f.Grew {
				return fmt.Sprintf("%s, %s (%s)", f.Grew, Percent(b.Share), b.Evidence)
			}
		}
		return f.Grew
	case len(f.Buffers) > 0:
		return "no buffer alone"
	}
	return "not known: what the gateway told before it died does not say"
}
