package trial

import (
	"fmt"
	"time"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/loadgen"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A window is the time, from the start of the load, whose spans a death cost something.
type window struct{ from, to float64 }

// windows cuts the load by its deaths, in order and without overlap. That of a death is
// from the gateway's last start, or from the end of the hang before it, to when it
// served again, or to the next death, or to the end of the load; that of a hang begins
// with the hang.
func windows(deaths []record.Death, end float64) []window {
	begins := func(d record.Death) float64 {
		if d.Since != nil {
			return *d.Since
		}
		return d.Elapsed
	}
	all, last := make([]window, 0, len(deaths)), 0.0
	for i, d := range deaths {
		w := window{from: last, to: end}
		if d.Since != nil {
			w.from = max(last, *d.Since)
		}
		switch {
		case d.Restarted != nil:
			w.to = *d.Restarted
		case d.Until != nil:
			w.to = *d.Until
		case i+1 < len(deaths):
			w.to = begins(deaths[i+1])
		}
		w.to = max(w.from, w.to)
		all, last = append(all, w), w.to
	}
	return all
}

// stretches are the sequences that the schedule makes due in each window, of each of so
// many generators' streams. The last one, where nothing follows the death, goes on without
// an end.
func stretches(all []window, load scenario.Load, t scenario.Timing, end float64, generators int) (
	ledger.Stretches, error,
) {
	measured := time.Duration(t.Duration)
	whole, err := loadgen.NewSchedule(load, t.Total()-measured, measured)
	if err != nil {
		return nil, fmt.Errorf("find what was due when the gateway died: %w", err)
	}
	return func(stream uint16) []ledger.Stretch {
		s := loadgen.Segment{Index: int(stream), Of: generators}.Schedule(whole)
		sequence := func(at float64) uint64 {
			if at >= end {
				return ledger.MaxSequence + 1
			}
			before := time.Duration(max(0, at) * float64(time.Second))
			return loadgen.Slots(s, before) * uint64(load.SpansPerRequest)
		}
		var out []ledger.Stretch
		for _, w := range all {
			out = append(out, ledger.Stretch{From: sequence(w.from), To: sequence(w.to)})
		}
		return out
	}, nil
}

// cost is what one death cost. What a sampler was predicted to drop is not lost.
func cost(w window, p ledger.Part) *record.Cost {
	a := &p.Account
	return &record.Cost{
		From: w.from, To: w.to, Due: a.Due, Acknowledged: a.Acknowledged.Items,
		Lost:    a.Acknowledged.NotDelivered - p.Predicted.Acknowledged.NotDelivered,
		Sampled: p.Predicted.Acknowledged.NotDelivered,
		Refused: a.RefusedRetryable.Items + a.RefusedPermanent.Items + a.RejectedInPart.Items,
		Unknown: a.Unknown.Items, Unsent: a.Unsent, Dropped: a.Dropped.Items,
	}
}
