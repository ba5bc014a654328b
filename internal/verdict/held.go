package verdict

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// HeldFigures are how the gateway's memory went with the spans that it held, look by look:
// a line through both. What a span takes in memory is thereby as it is charged, with what
// the garbage collector has not freed yet.
type HeldFigures struct {
	// By says what was taken for the spans that it held.
	By    string `json:"by"`
	Looks int    `json:"looks"`
	// Spans is how many were held at the last look, Growth how many more each second.
	Spans  float64 `json:"spans"`
	Growth float64 `json:"growth_spans_per_second"`
	// Base is memory without any, PerSpan what each adds, Fit the R² of the line.
	Base    float64 `json:"base_bytes"`
	PerSpan float64 `json:"bytes_per_span"`
	Fit     float64 `json:"r_squared"`
	// Live is what a span takes of the heap that is in use: the smallest there was, since
	// what is not collected yet comes on top. nil where the heap is not told.
	Live *float64 `json:"live_bytes_per_span,omitempty"`
}

// How the spans in a gateway are counted.
const (
	byBorder = "acknowledged or in flight, and not yet delivered"
	byQueue  = "requests in the sending queue × spans a request"
	byHeap   = "live heap of the heap profiles, over spans in the gateway"
)

// OfHeap is whether a span's memory is what is in use of the heap, without garbage.
func (h HeldFigures) OfHeap() bool { return h.By == byHeap }

const (
	// fewestLooks is how many make a line that anything is computed from, and worstFit its
	// least R².
	fewestLooks = 5
	worstFit    = 0.7
)

// A regression is a least-squares line with its R².
type regression struct{ intercept, slope, fit float64 }

func fitted(x, y []float64) regression {
	var l regression
	l.intercept, l.slope = stat.LinearRegression(x, y, nil, false)
	l.fit = stat.RSquared(x, y, nil, l.intercept, l.slope)
	if math.IsNaN(l.fit) || math.IsNaN(l.slope) || math.IsInf(l.slope, 0) {
		return regression{}
	}
	return l
}

// held finds by which count memory follows the spans best; nil when by none.
func (m measure) held(l life) *HeldFigures {
	var best *HeldFigures
	for _, by := range []string{byBorder, byQueue} {
		h := m.heldBy(by, l)
		if h != nil && (best == nil || h.Fit > best.Fit) {
			best = h
		}
	}
	if best == nil {
		return m.heldByHeap(l)
	}
	return best
}

func (m measure) heldBy(by string, l life) *HeldFigures {
	if by == byBorder && (len(m.r.Header.Sampling) > 0 || m.pod != "") {
		// What a sampler drops never arrives, and is not held; what several gateways hold
		// is not one's.
		return nil
	}
	var at, spans, bytes, heap []float64
	for _, s := range l.looks {
		n, ok := m.spansHeld(by, s, l)
		b, known := unreclaimable(s.Actors[record.Gateway].Usage)
		if ok && known {
			at, spans, bytes = append(at, s.Elapsed), append(spans, n), append(bytes, b)
			heap = append(heap, heapInUse(s.Actors[record.Gateway].Metrics))
		}
	}
	if len(at) < fewestLooks {
		return nil
	}
	memory := fitted(spans, bytes)
	if memory.fit < worstFit || memory.slope <= 0 {
		return nil
	}
	return &HeldFigures{
		By: by, Looks: len(at), Spans: spans[len(spans)-1], Growth: fitted(at, spans).slope,
		Base: max(0, memory.intercept), PerSpan: memory.slope, Fit: memory.fit,
		Live: livePerSpan(spans, heap),
	}
}

// heapInUse is the live heap where that is told, else what is allocated of it; 0 where
// neither is.
func heapInUse(metrics map[record.Metric]float64) float64 {
	if live := metrics[record.GoHeapLive]; live > 0 {
		return live
	}
	return metrics[record.HeapAlloc]
}

// livePerSpan is the smallest heap a span, of the looks at which at least half as many
// were held as ever; a few say more of what was there before.
func livePerSpan(spans, heap []float64) (least *float64) {
	most := slices.Max(spans)
	for i, n := range spans {
		if n > 0 && n >= most/2 && heap[i] > 0 && (least == nil || heap[i]/n < *least) {
			least = new(heap[i] / n)
		}
	}
	return least
}

func (m measure) spansHeld(by string, s record.Sample, l life) (spans float64, ok bool) {
	if by == byBorder {
		spans, ok = betweenEnds(s)
		flying := s.Actors[record.Loadgen].Metrics[record.LoadInFlight]
		return max(0, spans-l.before) + flying*m.perRequest(), ok
	}
	queue, ok := m.own(s)[record.QueueSize]
	each := m.perQueued()
	return queue * each, ok && each > 0
}

// perRequest is how many spans the load generator sends in one request.
func (m measure) perRequest() float64 { return float64(m.r.Header.Scenario.Load.SpansPerRequest) }

// perQueued is how many spans a queued request has: as many as those that came to the
// backend; 0 when none came. The backend's book is of the whole run.
func (m measure) perQueued() float64 {
	if m.received == nil || m.received.RequestSpans == nil || m.received.RequestSpans.Count() == 0 {
		return 0
	}
	return m.received.RequestSpans.HDR().Mean()
}
