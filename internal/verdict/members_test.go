package verdict_test

import (
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/ledger"
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

// Of one nothing may be known: then what all used is not known, and the worst is that of
// the others.
func TestEndsOfSeveralOneUnknown(t *testing.T) {
	for i, unknown := range []int{0, 1, 0, 1} {
		r := trials.Calm().Record()
		cores, full := 0.5, 1.0
		if i > 1 {
			cores, full = 0.1, 0
		}
		shared(r, [2]float64{cores, cores}, [2]float64{1, 1})
		for i := range r.Samples {
			s := &r.Samples[i]
			for _, name := range []string{record.Loadgen, env.MemberName(record.Loadgen, unknown)} {
				a := s.Actors[name]
				a.Usage = nil
				s.Actors[name] = a
			}
		}
		f := verdict.Measure(r).Loadgen
		if f.Cores != nil || f.FullShare == nil || *f.FullShare != full || f.Alike != 2 {
			t.Errorf("without usage of load generator %d: %v cores, full in %v, %d alike", unknown, f.Cores,
				f.FullShare, f.Alike)
		}
	}
}

// A worker that one load generator has to spare is none of another, which is late for want
// of one.
func TestWorkersToSpareOfSeveral(t *testing.T) {
	for _, c := range []struct {
		inFlight [2]float64
		why      verdict.Reason
	}{
		{[2]float64{20, 20}, verdict.GeneratorLate}, {[2]float64{32, 2}, ""},
	} {
		r := trials.Calm().Record()
		shared(r, [2]float64{0.1, 0.1}, c.inFlight)
		r.Ending.Sent.Lateness = ledger.NewHistogram()
		r.Ending.Sent.Lateness.Record(time.Second, 1000)
		for i := range r.Samples {
			r.Samples[i].Actors[record.Loadgen].Metrics[record.LoadLatenessP99] = 1
		}
		late := false
		for _, f := range verdict.Judge(r).Findings {
			late = late || f.Reason == verdict.GeneratorLate
		}
		if late != (c.why == verdict.GeneratorLate) {
			t.Errorf("%v of 32 requests in flight each: the load generator is at fault: %t", c.inFlight, late)
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
