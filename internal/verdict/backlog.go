package verdict

import (
	"fmt"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/odigos-io/odigos-stress/internal/record"
)

const (
	// backlogLooks is how many looks tell whether a queue grows: two for each quarter
	// of the measured time.
	backlogLooks = 8
	// backlogRise is how much it must have grown from the first quarter to the last, in
	// requests, and backlogTimes how many times its size; less is the noise of batches.
	// A queue whose last quarter adds less than a sixth of that has settled.
	backlogRise  = 5
	backlogTimes = 1.5
)

// backlog asks whether the gateway gave what it took. A queue that grew from each
// quarter of the measured time to the next would have grown on, up to its capacity and
// to loss, had the load lasted: the trial was too short to show that the gateway does
// not hold. It fails when less arrived than was acknowledged by more than may be lost,
// refused or left unsent; otherwise, and where a sampler drops on purpose or the backend
// was too slow by itself, it is a reservation, and no capacity can be claimed.
//
// The queue is the collector's own figure, and what arrived the backend's; no counter is
// taken from another.
func backlog(s *subject) []Finding {
	const check = "backlog"
	queue := record.MetricSeries(s.samples, record.Gateway, record.QueueSize)
	source := record.SamplesFile + ": actors.gateway.metrics." + string(record.QueueSize)
	switch {
	case s.gone() || len(s.samples) == 0:
		return nil
	case queue.Len() < backlogLooks:
		return one(check, Note, "whether the gateway's queue grew is not known: %s of %d that "+
			"are needed", plural(queue.Len(), "look", "looks"), backlogLooks)
	}
	q := quarters(queue)
	first, last := q[0], q[3]
	text := fmt.Sprintf("the exporter's queue held %s, %s, %s and %s requests in the "+
		"quarters of the measured time", Number(q[0]), Number(q[1]), Number(q[2]), Number(q[3]))
	if !queueGrew(q) {
		return with(one(check, Held, "%s: it did not grow all the time", text), &last, &first,
			"requests", source)
	}
	text += ": it grew all the time"
	arrived, taken := s.f.Rate.Arrived, s.f.Rate.Acknowledged
	if share := over(arrived, taken); share != nil {
		allowed := s.unsentAllowed()
		if l := s.r.Header.Scenario.Thresholds.Loss; l != nil {
			allowed = max(allowed, float64(*l))
		}
		text += fmt.Sprintf("; %s spans/s arrived at the backend meanwhile, %s were "+
			"acknowledged (%s less, allowed %s)", Number(*arrived), Number(*taken),
			Percent(max(0, 1-*share)),
			Percent(allowed))
		ours := s.backendFault()
		if ours != "" {
			text += "; " + ours
		}
		if 1-*share > allowed && len(s.r.Header.Sampling) == 0 && ours == "" {
			return with(one(check, Critical, "%s", text), &last, &first, "requests", source)
		}
	}
	return because(QueueGrew, with(one(check, Reservation, "%s", text), &last, &first, "requests",
		source))
}

// queueGrew is whether a queue, by the means of its quarters, grew all the time.
func queueGrew(q [4]float64) bool {
	first, last := q[0], q[3]
	return slices.IsSorted(q[:]) && last-first >= backlogRise && last >= backlogTimes*first &&
		last-q[2] >= (last-first)/6
}

// quarters are the means of a series of at least four points, by quarter.
func quarters(s record.Series) (q [4]float64) {
	for i := range q {
		q[i] = stat.Mean(s.Values[i*s.Len()/4:(i+1)*s.Len()/4], nil)
	}
	return q
}
