package loadgen

import (
	"math/rand/v2"
	"testing"
	"time"
)

// waits plays waits of an interval against wake-ups of that delay, and returns how
// late the median was met and what share of the time was spun away.
func waits(interval time.Duration, delay func() time.Duration) (met int, share float64) {
	const n = 10_000
	var f foresight
	var spun time.Duration
	now := time.Unix(0, 0)
	for i := range n {
		until := time.Unix(0, 0).Add(time.Duration(i+1) * interval)
		if !now.Before(until) {
			continue
		}
		if wake := until.Add(-f.lead(now)); now.Before(wake) {
			late := delay()
			now = wake.Add(late)
			f.woke(late)
		}
		if now.Before(until) {
			spun += until.Sub(now)
			f.spent(until.Sub(now))
			now = until
		}
		if now.Equal(until) {
			met++
		}
	}
	return met * 100 / n, float64(spun) / float64(n*interval)
}

// Waits that are far apart are mostly met; however close they are, little is spun.
func TestForesight(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	delay := func() time.Duration {
		d := 10*time.Microsecond + time.Duration(r.IntN(10_000))
		if r.IntN(100) == 0 {
			d += 5 * time.Millisecond // somebody else had the core
		}
		return d
	}
	for _, test := range []struct {
		interval time.Duration
		met      int // percent
	}{{10 * time.Millisecond, 70}, {time.Millisecond, 70}, {20 * time.Microsecond, 0}} {
		met, share := waits(test.interval, delay)
		if met < test.met || share > 1.0/spinShare {
			t.Errorf("every %v: %d %% met, want %d; %.3f of a core spun", test.interval, met, test.met,
				share)
		}
	}
}
