package verdict

import (
	"fmt"
	"math"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// checkGrew is of a backlog in the gateway as a whole, whatever it waits in.
const checkGrew = "inside"

// What a backlog must do to have grown; ADR 0020 has the trials that chose it.
const (
	// grewAlpha is the chance that a series without growth rises as much by accident, of
	// each of the two that must agree.
	grewAlpha = 0.05
	// grewSeconds is by how much both must rise over the measured time, in seconds of the
	// load, and grewOfBatches the same as a share of what batch processors wait in all: the
	// phase of requests against them moves both.
	grewSeconds   = 0.1
	grewOfBatches = 0.5
	// grewLate is the least part of the rise, from the first quarter to the last, that must
	// have come in the last step: a third of a straight line, none of what settles.
	grewLate = 0.1
	// fewestToGrow looks are needed.
	fewestToGrow = 6
	// batchTimeout is how long a batch processor waits by default, in seconds.
	batchTimeout = 0.2
)

// A rising is Sen's line through a series, and how likely it is to be an accident by the
// test of Mann and Kendall, kinship of neighbours allowed for.
type rising struct {
	rise   float64 // over all of the series
	chance float64 // one-sided
	late   float64 // as in Trend
}

func newRising(s record.Series) (r rising, known bool) {
	if s.Len() < fewestToGrow {
		return r, false
	}
	slope := median(pairSlopes(s.Elapsed, s.Values))
	rest := make([]float64, s.Len())
	for i := range rest {
		rest[i] = s.Values[i] - slope*(s.Elapsed[i]-s.Elapsed[0])
	}
	r.rise = slope * (s.Elapsed[s.Len()-1] - s.Elapsed[0])
	r.late = lateShare(s.Values)
	variance := kendallVariance(s.Values) * kinship(rest)
	if variance <= 0 {
		return rising{chance: 1}, true
	}
	r.chance = distuv.UnitNormal.Survival((kendall(s.Values) - 1) / math.Sqrt(variance))
	return r, true
}

// up is whether the series rose by so much or more, and not by accident.
func (r rising) up(floor float64) bool { return r.chance <= grewAlpha && r.rise >= floor }

// lasts is whether it still rose at the end of so many looks: what settles does not.
func (r rising) lasts(looks int) bool { return looks < backlogLooks || r.late >= grewLate }

// inside is how many spans were sent and not yet delivered, look by look: due, less what
// never went in or came out in another way, less what arrived. With unsent, what the gateway
// left unsent counts too: it would be inside, had there been room.
//
// Both ends are read within some milliseconds of each other, so that a look is wrong by as
// much of the load. It is of no use where a sampler drops spans on purpose: empty then.
func (m measure) inside(samples []record.Sample, unsent bool) (s record.Series) {
	if len(m.r.Header.Sampling) > 0 {
		return s
	}
	for i := range samples {
		load := samples[i].Actors[record.Loadgen].Metrics
		gate := samples[i].Actors[record.Gateway].Metrics
		due, ok := load[record.LoadDue]
		arrived, ok2 := samples[i].Actors[record.Backend].Metrics[record.BackendUnique]
		if !ok || !ok2 {
			continue
		}
		n := due - arrived - load[record.LoadRefusedRetryable] -
			load[record.LoadRefusedPermanent] - load[record.LoadRejectedInPart] -
			load[record.LoadDropped] - gate[record.ExporterSendFailed] -
			gate[record.ExporterEnqueueFailed]
		if !unsent {
			n -= load[record.LoadUnsent]
		}
		s.Elapsed = append(s.Elapsed, samples[i].Elapsed)
		s.Values = append(s.Values, max(0, n))
	}
	return s
}

// grew finds a backlog that grew all the measured time, whether it waited in the exporter's
// queue or not; nil when none did. Two series must agree: what is inside, in seconds of the
// load, and the median latency of each second. The first is a glance between two batches
// that may beat with the looks, the second is an average over a second that moves
// with the phase of the requests; a gateway that takes more than it gives raises both by a
// second each second, times what it cannot do. Where what may be in flight is bounded
// latency stops rising and spans go unsent: those of the second half then stand for it.
func (s *subject) grew() *Break {
	rate := float64(s.r.Header.Scenario.Load.Rate)
	if s.gone() || rate <= 0 || s.ownFault() != "" || s.backendFault() != "" {
		return nil
	}
	left := s.inside(s.samples, true)
	for i := range left.Values {
		left.Values[i] /= rate
	}
	median := record.MetricSeries(s.samples, record.Backend, record.BackendLatencyP50)
	floor := max(grewSeconds, grewOfBatches*s.batchesWait())
	work, seen := newRising(left)
	wait, told := newRising(median)
	stays := wait.lasts(median.Len())
	switch {
	case !told:
		return nil
	case !seen: // a sampler
		if !wait.up(2*floor) || !stays {
			return nil
		}
	case !work.up(floor) || !(wait.up(floor) && stays) && !s.unsentOn():
		return nil
	}
	text := fmt.Sprintf("the median latency rose by %s in the measured time", Seconds(wait.rise))
	if seen {
		text = fmt.Sprintf("what was due and had not arrived grew by %s spans in the measured time, "+
			"%s of the load, and the median latency by %s", Number(math.Round(work.rise*rate)),
			Seconds(work.rise), Seconds(wait.rise))
	}
	var at *float64
	if median.Len() > 0 {
		at = &median.Elapsed[0]
	}
	b := newBreak(checkGrew, text+": the gateway took more than it gave", at)
	return &b
}

// unsentOn is whether spans went unsent in half of the looks of the second half of the
// measured time.
func (s *subject) unsentOn() bool {
	unsent := record.MetricSeries(s.samples[len(s.samples)/2:], record.Loadgen, record.LoadUnsent)
	rose := 0
	for i := 1; i < unsent.Len(); i++ {
		if unsent.Values[i] > unsent.Values[i-1] {
			rose++
		}
	}
	return rose > 0 && 2*rose >= unsent.Len()-1
}

// batchesWait is how long a span may wait in all batch processors on its way, in seconds.
func (m measure) batchesWait() (sum float64) {
	ran := m.ran()
	if ran == nil {
		return 3 * batchTimeout // as Odigos has them
	}
	for _, step := range ran.Way {
		if step.Type != "batch" {
			continue
		}
		wait := batchTimeout
		if text, ok := step.Config["timeout"].(string); ok {
			if d, err := time.ParseDuration(text); err == nil {
				wait = d.Seconds()
			}
		}
		sum += wait
	}
	return sum
}
