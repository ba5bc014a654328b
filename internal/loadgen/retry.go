package loadgen

import (
	"math/rand/v2"
	"time"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// The defaults of a collector exporter's retry_on_failure.
const (
	retryInitial    = 5 * time.Second
	retryMultiplier = 1.5
	retrySpread     = 0.5 // to either side
	retryLongest    = 30 * time.Second
	retryGiveUp     = 300 * time.Second // from the first attempt
)

// A retry is how one request is tried again. It keeps its place in flight while it
// waits, as a request of a collector's exporter keeps its queue consumer: a gateway
// that refuses for long therefore makes slots unsent.
type retry struct {
	kind  scenario.Retry
	began time.Time
	next  time.Duration
}

// after is how long to wait after an answer before the next attempt; ok is false
// when there is none.
func (r *retry) after(a Answer, now time.Time) (wait time.Duration, ok bool) {
	if r.kind != scenario.RetryExporter || a.Class == ledger.Acknowledged || !a.Retry {
		return 0, false
	}
	if r.next == 0 {
		r.next = retryInitial
	}
	wait = time.Duration((1 + retrySpread*(2*rand.Float64()-1)) * float64(r.next))
	r.next = min(time.Duration(retryMultiplier*float64(r.next)), retryLongest)
	wait = max(wait, a.Wait)
	return wait, now.Add(wait).Sub(r.began) <= retryGiveUp
}

// outcome joins what the attempts of one item say of it. An acceptance settles the
// matter. Without one, an attempt that nobody answered leaves it open whatever the
// others were answered: that one may have been taken in.
func outcome(before, a Answer) Answer {
	if a.Class == ledger.Acknowledged || a.Class == ledger.RejectedInPart {
		return a
	}
	if before.Class == ledger.Unknown && before.Attempted {
		return before
	}
	return a
}
