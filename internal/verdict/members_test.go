package verdict_test

import (
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// shared makes the load generator of a record two, each with a limit of half a core, that
// use so many cores and have so many requests in flight.
func shared(r *record.Record, cores, inFlight [2]float64) {
	for i := range r.Header.Actors {
		if a := &r.Header.Actors[i]; a.Name == record.Loadgen {
			a.Replicas, a.Limits.CPUCores = 2, 0.5
		}
	}
	for i := range r.Samples {
		s := &r.Samples[i]
		var usages []env.Usage
		busy := 0.0
		for n := range 2 {
			u := *s.Actors[record.Loadgen].Usage
			u.CPUSeconds = new(cores[n] * max(0, s.Elapsed))
			usages, busy = append(usages, u), busy+inFlight[n]
			s.Actors[env.MemberName(record.Loadgen, n)] = record.ActorSample{
				Running: true, Usage: &u,
				Metrics: map[record.Metric]float64{record.LoadInFlight: inFlight[n]},
			}
		}
		together := s.Actors[record.Loadgen]
		together.Usage = new(env.UsageTogether(usages))
		together.Metrics[record.LoadInFlight] = busy
		s.Actors[record.Loadgen] = together
	}
}

// CPU is held against the limit of the one of several that is nearest to it; what they used
// is what all of them did.
func TestEndsOfSeveral(t *testing.T) {
	for _, c := range []struct {
		cores [2]float64
		full  float64
	}{
		{[2]float64{0.3, 0.3}, 0}, {[2]float64{0.1, 0.5}, 1}, {[2]float64{0.5, 0.01}, 1},
	} {
		r := trials.Calm().Record()
		shared(r, c.cores, [2]float64{1, 1})
		f := verdict.Measure(r).Loadgen
		if f.FullShare == nil || *f.FullShare != c.full || *f.Allowed != 0.5 {
			t.Errorf("%v cores of 0.5 each: full in %v of the windows of %v, want %v", c.cores,
				f.FullShare, f.Allowed, c.full)
		}
		if sum := c.cores[0] + c.cores[1]; f.Cores == nil || *f.Cores < 0.99*sum || *f.Cores > 1.01*sum {
			t.Errorf("%v cores: %v together, want %v", c.cores, f.Cores, sum)
		}
	}
}

// What all of several used is not counted again with each of them.
func TestHostCountsSeveralOnce(t *testing.T) {
	r := trials.Calm().Record()
	shared(r, [2]float64{1.2, 1.2}, [2]float64{1, 1})
	hostBusy(r, 3.99) // of 4 cores
	for _, f := range verdict.Judge(r).Findings {
		if f.Reason == verdict.HostBusy {
			return
		}
	}
	t.Error("others of which nothing is known used 1.2 cores of a full machine, and nothing was said")
}
