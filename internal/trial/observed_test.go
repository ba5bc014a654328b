package trial_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// observed is long enough for two samples in the steady state, and too short for a profile of CPU.
const observed = 2900 * time.Millisecond

// The record of a trial has close looks at all actors, and the heap profile of its middle.
func TestTrialIsObserved(t *testing.T) {
	t.Parallel()
	heap, err := os.ReadFile(filepath.Join("..", "profile", "testdata", "heap-grpc.pb.gz"))
	if err != nil {
		t.Fatal(err)
	}
	q := question{measured: observed, gateway: &gateway{heap: heap}}
	r := q.finished(t, t.Context())
	seen := map[string]int{}
	for _, p := range r.Pulses {
		for name := range p.Actors {
			seen[name]++
		}
	}
	for _, actor := range []string{record.Backend, record.Gateway, record.Loadgen} {
		if seen[actor] == 0 {
			t.Errorf("no pulse of %s among %d", actor, len(r.Pulses))
		}
	}
	if len(r.Profiles) != 1 {
		t.Fatalf("profiles %+v, want one", r.Profiles)
	}
	p := r.Profiles[0]
	if p.Parsed == nil || p.Kind != record.ProfileHeap || p.Moment != record.MomentSteady ||
		p.Elapsed <= 0 || p.Error != "" {
		t.Errorf("profile = %+v, want the heap of the steady state", p)
	}
}

// A gateway that serves no profiles is told of once, and nothing else comes of it.
func TestTrialWithoutProfiles(t *testing.T) {
	t.Parallel()
	q := question{measured: observed}
	r := q.finished(t, t.Context())
	told := 0
	for _, e := range r.Events {
		if e.Kind == record.EventNote && e.Actor == record.Gateway && e.Text != "starting" {
			told++
		}
	}
	if told != 1 || len(r.Profiles) != 1 || r.Profiles[0].Error == "" {
		t.Errorf("%d notes, profiles %+v; want one of each, with why there is none", told, r.Profiles)
	}
}
