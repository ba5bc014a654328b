package verdict

import (
	"fmt"

	"github.com/odigos-io/odigos-stress/internal/profile"
)

// mostGrown parts of a heap are told.
const mostGrown = 5

// A HeapPart is what one part of the heap came to before a death.
type HeapPart struct {
	Component string  `json:"component"`
	Bytes     float64 `json:"bytes"`
	Share     float64 `json:"ratio"` // of all that grew, or of the heap where one profile is all
}

// heapBefore tells what had grown in the heap of a life, from its first profile to its
// last, the most first; of a life with one profile, what was in use then. A profile tells
// who allocated what is held, not who holds it: what waits in a queue shows as decoded.
func (m measure) heapBefore(f *DeathFigures, l life) {
	heaps := m.heapsOf(l)
	if len(heaps) == 0 {
		return
	}
	first, last := heaps[0], heaps[len(heaps)-1]
	parts, total := last.Parsed.Parts, last.Parsed.Total
	f.HeapOf = fmt.Sprintf("in use at %s, `%s`", Clock(last.Elapsed), last.File)
	if len(heaps) > 1 {
		parts, total = profile.Difference(first.Parsed, last.Parsed), 0
		for _, p := range parts {
			total += max(0, p.Value)
		}
		f.HeapOf = fmt.Sprintf("grown from %s to %s, `%s` to `%s`", Clock(first.Elapsed),
			Clock(last.Elapsed), first.File, last.File)
	}
	for _, p := range parts {
		if p.Value > 0 && len(f.Heap) < mostGrown {
			f.Heap = append(f.Heap, HeapPart{p.Component, p.Value, p.Value / total})
		}
	}
}
