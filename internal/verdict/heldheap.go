package verdict

import "github.com/odigos-io/odigos-stress/internal/record"

// fewestProfiles of the heap are needed for a line through them.
const fewestProfiles = 3

// heldByHeap is a line through the heap that its profiles found in use, over the spans
// that the gateway held then. GOMEMLIMIT bends the line of memory, since it has garbage
// collected sooner, and leaves that of what is in use as it is. nil when there is no line.
func (m measure) heldByHeap(l life) *HeldFigures {
	at, spans := m.courseOfSpans(l)
	if len(at) < fewestProfiles {
		return nil
	}
	var x, heap []float64
	for _, p := range m.heapsOf(l) {
		if n, ok := between(at, spans, p.Elapsed); ok {
			x, heap = append(x, n), append(heap, p.Parsed.Total)
		}
	}
	if len(x) < fewestProfiles {
		return nil
	}
	live := fitted(x, heap)
	if live.fit < worstFit || live.slope <= 0 {
		return nil
	}
	return &HeldFigures{
		By: byHeap, Looks: len(x), Spans: spans[len(spans)-1], Growth: fitted(at, spans).slope,
		Base: max(0, live.intercept), PerSpan: live.slope, Fit: live.fit, Live: &live.slope,
	}
}

// courseOfSpans is how many spans a life held over time: none when it began.
func (m measure) courseOfSpans(l life) (at, spans []float64) {
	by := byBorder
	if len(m.r.Header.Sampling) > 0 || m.pod != "" {
		by = byQueue
	}
	at, spans = []float64{max(0, l.from)}, []float64{0}
	for _, s := range l.looks {
		if n, ok := m.spansHeld(by, s, l); ok && s.Elapsed > at[len(at)-1] {
			at, spans = append(at, s.Elapsed), append(spans, n)
		}
	}
	return at, spans
}

// between is the value at a moment on the straight line from the point before it to the
// one after it; ok is false outside of all points.
func between(at, values []float64, moment float64) (v float64, ok bool) {
	for i := 1; i < len(at); i++ {
		if moment >= at[i-1] && moment <= at[i] {
			share := (moment - at[i-1]) / (at[i] - at[i-1])
			return values[i-1] + share*(values[i]-values[i-1]), true
		}
	}
	return 0, false
}

// heapsOf are the heap profiles of the gateway that were taken in a life.
func (m measure) heapsOf(l life) []record.Profile {
	var all []record.Profile
	for _, p := range m.r.Profiles {
		if p.Actor == record.Gateway && p.Kind == record.ProfileHeap && p.Parsed != nil &&
			p.Elapsed >= l.from && p.Elapsed < l.to {
			all = append(all, p)
		}
	}
	return all
}
