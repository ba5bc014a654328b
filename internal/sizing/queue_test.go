package sizing_test

import (
	"testing"

	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/sizing"
)

// Odigos' queue has 1,000 places and is filled five times a second: 200 s, whatever the
// rate. The batch processor cuts larger batches above 8,192 × 5 spans/s.
func TestQueueOfOdigos(t *testing.T) {
	for _, c := range []struct{ rate, lasts float64 }{
		{100, 200}, {20000, 200}, {40000, 200}, {81920, 1000.0 / 15},
	} {
		q := sizes(t, sizing.Wish{Rate: c.rate}, made("a", 4, 4096, 100000)).Sizes[0].Queue
		if !q.Fixed || q.Requests != 1000 || !near(q.Lasts, c.lasts, 1e-9) {
			t.Errorf("%v spans/s: %+v, want 1,000 places for %v s", c.rate, q, c.lasts)
		}
	}
}

func TestOutage(t *testing.T) {
	b := made("a", 1, 600, 20000)
	span := 4200.0
	b.QueuedSpan = &span
	w := sizing.Wish{Rate: 10000, Outage: 60}
	s := sizes(t, w, b).Sizes[0]
	o := s.Queue.Asked
	// 600,000 spans of 4,200 B on top of 20 MiB, a fifth of GOMEMLIMIT free, 80 % of the
	// limit less 50 MiB; 10,000 of 20,000 are spare.
	live := 20*mebi + 600000*span
	limit := live/0.8/0.8 + 50*mebi
	switch {
	case o.Spans != 600000, o.Held != 600000, o.Size != 300, o.CatchUp != 60:
		t.Errorf("outage: %+v", o)
	case !near(o.Live, live, 1e-6), !near(o.GoMemLimit, live/0.8, 1e-6):
		t.Errorf("heap: %+v, want %v live", o, live)
	case o.MemoryLimit < limit, o.MemoryLimit > limit+50*mebi:
		t.Errorf("limit: %v, want %v in steps of 50 MiB", o.MemoryLimit, limit)
	case s.Limits.Memory != o.MemoryLimit, s.Limits.Raised != 600*mebi, s.Limits.Preset != "":
		t.Errorf("limits: %+v", s.Limits)
	case s.Limits.GoMemLimit < o.GoMemLimit:
		t.Errorf("GOMEMLIMIT %v has no room for %v", s.Limits.GoMemLimit, o.GoMemLimit)
	case s.Queue.SpanFrom != sizing.SpanMeasured:
		t.Errorf("the span is from %v", s.Queue.SpanFrom)
	}
	// (0.8 × 440 MiB − 20 MiB) ÷ 42 MB/s
	if want := (0.8*440 - 20) * mebi / 42e6; !near(s.Queue.MemoryLasts, want, 1e-6) {
		t.Errorf("memory lasts %v s, want %v", s.Queue.MemoryLasts, want)
	}

	// An outage that the places do not last for is lost from there on, and no memory is
	// asked for what cannot be held.
	w.Outage = 500
	o = sizes(t, w, b).Sizes[0].Queue.Asked
	if o.Held != 200*10000 || o.Spans != 500*10000 {
		t.Errorf("500 s: %+v, want 200 s of them held", o)
	}
	// A short one fits into what was measured.
	w.Outage = 1
	if s := sizes(t, w, b).Sizes[0]; s.Limits.Raised != 0 || s.Limits.Memory != 600*mebi ||
		s.Limits.Preset != scenario.PresetSizeM {
		t.Errorf("1 s: %+v, want size_m as it was", s.Limits)
	}
}

// Without a measured queue the live part of the slope stands for it, with GOGC out of it;
// one that the user measured goes before all.
func TestQueuedSpan(t *testing.T) {
	b := made("a", 1, 600, 20000)
	q := sizes(t, sizing.Wish{Rate: 10000}, b).Sizes[0].Queue
	if q.SpanFrom != sizing.SpanSlope || !near(q.Span, 10000, 1e-6) {
		t.Errorf("GOGC 100: %+v, want half of 20,000 B", q)
	}
	b.Gateway.Env = map[string]string{"GOGC": "300"}
	if q = sizes(t, sizing.Wish{Rate: 10000}, b).Sizes[0].Queue; !near(q.Span, 5000, 1e-6) {
		t.Errorf("GOGC 300: %+v, want a quarter of 20,000 B", q)
	}
	q = sizes(t, sizing.Wish{Rate: 10000, QueuedSpan: 3000}, b).Sizes[0].Queue
	if q.SpanFrom != sizing.SpanGiven || q.Span != 3000 {
		t.Errorf("given: %+v, want 3,000 B", q)
	}
	// One baseline that measured it speaks for the others of the workload.
	other := made("b", 2, 1200, 40000)
	other.Gateway.Env = b.Gateway.Env
	span := 4200.0
	other.QueuedSpan = &span
	for _, s := range sizes(t, sizing.Wish{Rate: 10000}, b, other).Sizes {
		if s.Queue.Span != span || s.Queue.SpanFrom != sizing.SpanMeasured {
			t.Errorf("%s: %+v, want 4,200 B as measured", s.Sources[0].Baseline, s.Queue)
		}
	}
}

// A collector whose queue can be set gets the places that the outage needs.
func TestOutageOfACollector(t *testing.T) {
	b := made("a", 1, 600, 20000)
	b.Gateway.Kind, b.Gateway.GoMemLimit, b.Gateway.GoMaxProcs = scenario.GatewayOtelcol, 0, 0
	s := sizes(t, sizing.Wish{Rate: 10000, Outage: 400}, b).Sizes[0]
	o := s.Queue.Asked
	if s.Queue.Fixed || o.Size != 1800 || o.Held != o.Spans {
		t.Errorf("400 s at 4.5 requests a second: %+v", o)
	}
	// Without GOMEMLIMIT as much garbage as lives may lie beside it.
	if s.Limits.GoMemLimit != 0 || o.MemoryLimit < 2*o.Live || o.MemoryLimit > 2*o.Live+50*mebi {
		t.Errorf("without GOMEMLIMIT: %+v, %+v", s.Limits, o)
	}
}

// A backend that answered no request with success, 1 CPU and 600 MiB, 3,000 spans/s: the
// first request was refused 33 to 34 s after the load began, when 101,400 spans were inside
// and the heap was 425 MB. By the model memory is full a little before that.
func TestQueueAgainstATrial(t *testing.T) {
	for _, b := range measured(t) {
		if b.Name != "measured-1-600mi" {
			continue
		}
		q := sizes(t, sizing.Wish{Rate: 3000}, b).Sizes[0].Queue
		if q.MemoryLasts < 25 || q.MemoryLasts > 34 {
			t.Errorf("memory lasts %.1f s by the model, 34 s in the trial", q.MemoryLasts)
		}
	}
}
