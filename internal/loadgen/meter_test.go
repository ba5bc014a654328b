package loadgen

import (
	"testing"
	"time"
)

// Whoever scrapes reads quantiles to a tenth out of the buckets.
func TestMeterBuckets(t *testing.T) {
	var m meter
	m.add(time.Millisecond, 90)
	m.add(time.Second, 9)
	m.add(time.Hour, 1)
	buckets := m.buckets()
	for _, test := range []struct {
		quantile  uint64
		low, high float64
	}{{1, 1e-3, 1.1e-3}, {90, 1e-3, 1.1e-3}, {91, 1, 1.1}, {99, 1, 1.1}} {
		got := 0.0
		for _, bound := range meterBounds {
			if buckets[bound] >= test.quantile {
				got = bound
				break
			}
		}
		if got < test.low || got > test.high {
			t.Errorf("entry %d of 100 is in the bucket up to %v, want %v to %v", test.quantile, got,
				test.low, test.high)
		}
	}
	if m.count != 100 || buckets[meterBounds[len(meterBounds)-1]] != 99 {
		t.Errorf("%d entries, %d in buckets, want 100 and 99", m.count,
			buckets[meterBounds[len(meterBounds)-1]])
	}
}
