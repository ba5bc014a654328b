package verdict_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/profile"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// What grew is between the profiles of one life; those of another, of another actor and of
// CPU do not count.
func TestHeapBeforeADeath(t *testing.T) {
	heap := func(at float64, queue, batch float64) record.Profile {
		return record.Profile{
			Elapsed: at, Actor: record.Gateway, Kind: record.ProfileHeap, File: "a",
			Parsed: &profile.Profile{
				Kind: profile.Heap, Unit: "bytes", Total: queue + batch, Parts: []profile.Part{
					{Component: "receiver/otlp: decoding", Value: queue},
					{Component: "processor/batch", Value: batch},
				},
			},
		}
	}
	r := dying()
	cpu := heap(39, 1e9, 1e9)
	cpu.Kind = record.ProfileCPU
	other := heap(39, 1e9, 1e9)
	other.Actor = record.Backend
	r.Profiles = []record.Profile{heap(10, 100, 50), heap(20, 9e9, 1), heap(39, 400, 150), cpu, other, heap(60, 7, 7)}
	want := []verdict.HeapPart{
		{Component: "receiver/otlp: decoding", Bytes: 300, Share: 0.75},
		{Component: "processor/batch", Bytes: 100, Share: 0.25},
	}
	if diff := cmp.Diff(want, verdict.Measure(r).Deaths[0].Heap); diff != "" {
		t.Errorf("grown (-want +got):\n%s", diff)
	}
	r.Profiles = r.Profiles[2:3]
	want[0].Bytes, want[0].Share = 400, 400.0/550
	want[1].Bytes, want[1].Share = 150, 150.0/550
	if diff := cmp.Diff(want, verdict.Measure(r).Deaths[0].Heap); diff != "" {
		t.Errorf("of one profile (-want +got):\n%s", diff)
	}
	r.Profiles = nil
	if got := verdict.Measure(r).Deaths[0].Heap; got != nil {
		t.Errorf("of none: %v", got)
	}
}
