package trial

import (
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
)

const (
	// hangAfter is how long a gateway shows no sign of life before it hangs.
	hangAfter = 10 * time.Second
	// hangKill is how long it hangs before it is killed for a restart: as a liveness probe
	// with kubelet's defaults does, which asks every 10 s and gives up after three.
	hangKill = 30 * time.Second
)

// A hangWatch tells a gateway that is there and makes no progress. It hangs when, for a
// time, it did not answer for its metrics, it answered no request in any way, nothing
// came from it to the backend, and spans were due all the while. One of the three ends
// it. Looks that either end of the wire did not answer prove nothing: it may be the host
// that stands still.
type hangWatch struct {
	after time.Duration

	signs float64   // answers and arrivals, as counted at the last sign of life
	due   float64   // and the spans that were due then
	alive time.Time // when that was; zero before the first
	hung  bool
}

// add takes one look; began or ended is set when a hang begins or ends with it.
func (h *hangWatch) add(s record.Sample) (began, ended bool) {
	gate, load, back := s.Actors[record.Gateway], s.Actors[record.Loadgen], s.Actors[record.Backend]
	due, known := load.Metrics[record.LoadDue]
	_, arrived := back.Metrics[record.BackendUnique]
	switch {
	case !gate.Running:
		*h = hangWatch{after: h.after}
		return false, false
	case !known || !arrived:
		return false, false
	}
	signs := back.Metrics[record.BackendUnique] + back.Metrics[record.BackendDuplicate] +
		back.Metrics[record.BackendFailed]
	for _, answered := range []record.Metric{
		record.LoadAcknowledged, record.LoadRefusedRetryable, record.LoadRefusedPermanent,
		record.LoadRejectedInPart,
	} {
		signs += load.Metrics[answered]
	}
	if h.alive.IsZero() || gate.ScrapeError == "" || signs != h.signs {
		ended = h.hung
		h.signs, h.due, h.alive, h.hung = signs, due, s.At, false
		return false, ended
	}
	if !h.hung && s.At.Sub(h.alive) >= h.after && due > h.due {
		h.hung = true
		return true, false
	}
	return false, false
}
