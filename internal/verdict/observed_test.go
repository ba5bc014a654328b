package verdict

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// observedRecord is eleven seconds of a gateway of half a core, a tenth of it for GC.
func observedRecord() *record.Record {
	r := &record.Record{}
	for i := range 11 {
		at := float64(i)
		r.Samples = append(r.Samples, record.Sample{
			Elapsed: at, Phase: record.PhaseMeasuring,
			Actors: map[string]record.ActorSample{record.Gateway: {
				Running: true,
				Usage: &env.Usage{
					CPUSeconds: new(at / 2), ThrottledSeconds: new(1 + at/4),
					MemoryWorkingSet: new(int64(100 + i)), MemoryAnon: new(int64(90)),
					MemoryFile: new(int64(7)), MemoryStalled: new(at / 5),
					OOMEvents: new(uint64(i / 10)),
				},
				Metrics: map[record.Metric]float64{
					record.GoHeapLive: 50 + at, record.GoMemory: 80 + at, record.GoMemLimit: 85,
					record.GoGCCycles: 10 * at, record.GoGCCPU: at / 20, record.GoGCPause: at / 1000,
				},
			}},
		})
	}
	r.Pulses = []record.Pulse{
		{Elapsed: 10.5, Actors: map[string]*env.Usage{
			record.Gateway: {MemoryWorkingSet: new(int64(500))}, record.Backend: {},
		}},
		{Elapsed: 10.6, Actors: map[string]*env.Usage{record.Gateway: {CPUSeconds: new(5.0)}}},
	}
	return r
}

func TestObservedFigures(t *testing.T) {
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-9 })
	f := Measure(observedRecord())
	if diff := cmp.Diff(RuntimeFigures{
		Live: new(60.0), LiveMean: new(55.0), Memory: new(90.0), MemLimit: new(85.0),
		Distance: new(-5.0), Cycles: new(10.0), GC: new(0.05), Share: new(0.1), Pause: new(0.001),
	}, f.Runtime, near); diff != "" {
		t.Errorf("runtime (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(CloseFigures{
		Looks: 2, SetPeak: new(500.0), Anon: new(90.0), File: new(7.0), Held: new(2.5),
		OOMEvents: new(uint64(1)), MemoryStalled: new(0.2),
	}, f.Close, near); diff != "" {
		t.Errorf("close (-want +got):\n%s", diff)
	}
	// While GOMEMLIMIT presses the live heap is not told: what was seen before it is not the
	// most.
	r := observedRecord()
	for i, s := range r.Samples {
		s.Actors[record.Gateway].Metrics[record.HeapAlloc] = 100
		if i > 8 {
			delete(s.Actors[record.Gateway].Metrics, record.GoHeapLive)
		}
	}
	if f := Measure(r).Runtime; f.Live != nil || f.LiveMean != nil {
		t.Errorf("of a live heap that was seen at 9 of 11 looks, %v is said to be the most", *f.Live)
	}
	// Of a record that tells nothing nothing is known.
	f = Measure(&record.Record{})
	if diff := cmp.Diff(RuntimeFigures{}, f.Runtime); diff != "" {
		t.Errorf("runtime of nothing (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(CloseFigures{}, f.Close); diff != "" {
		t.Errorf("close of nothing (-want +got):\n%s", diff)
	}
}
