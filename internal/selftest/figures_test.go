package selftest

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/ledger"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values        []float64
		middle, ratio float64
	}{
		{[]float64{4}, 4, 0},
		{[]float64{10, 9, 11, 10, 100}, 10, 0.1}, // one outlier moves nothing
		{[]float64{1, 3}, 2, 0.5},
		{[]float64{0, 0, 0}, 0, 0},
		{nil, 0, 0},
	} {
		middle, ratio := spread(c.values)
		if math.Abs(middle-c.middle) > 1e-12 || math.Abs(ratio-c.ratio) > 1e-12 {
			t.Errorf("spread(%v) = %v, %v, want %v, %v", c.values, middle, ratio, c.middle, c.ratio)
		}
	}
}

// A percentile that the data cannot bear is not known.
func TestQuantile(t *testing.T) {
	h := ledger.NewHistogram()
	h.Record(time.Millisecond, 1000)
	if got := quantile(h, 0.99, 99); got != nil {
		t.Errorf("p99 of 99 = %v", *got)
	}
	if got := quantile(h, 0.99, 100); got == nil || math.Abs(*got-0.001) > 1e-5 {
		t.Errorf("p99 of 100 = %v, want 1 ms", got)
	}
	if got := quantile(h, 0.5, 1); got != nil {
		t.Errorf("p50 of one = %v", *got)
	}
}

// Whatever is not acknowledged and delivered once is named.
func TestExact(t *testing.T) {
	good := func() *ledger.Joined {
		return &ledger.Joined{All: ledger.Account{
			Due: 12, Unsent: 2, Offered: 10, Acknowledged: ledger.Fate{Items: 10, Once: 10},
		}}
	}
	if err := exact(good()); err != nil {
		t.Errorf("exact account: %v", err)
	}
	for says, change := range map[string]func(*ledger.Joined){
		"1 acknowledged spans were lost": func(j *ledger.Joined) {
			j.All.Acknowledged.Once, j.All.Acknowledged.NotDelivered = 9, 1
		},
		"2 spans came more than once": func(j *ledger.Joined) {
			a := &j.All.Acknowledged
			a.Once, a.Repeatedly, a.Extra = 8, 2, 2
		},
		"3 offered spans were not acknowledged": func(j *ledger.Joined) {
			j.All.Acknowledged = ledger.Fate{Items: 7, Once: 7}
			j.All.Unknown = ledger.Fate{Items: 3, Once: 3}
		},
		"4 spans came that were never offered": func(j *ledger.Joined) { j.All.Impossible = 4 },
		"5 spans of somebody else":             func(j *ledger.Joined) { j.Foreign = 5 },
		"due are not":                          func(j *ledger.Joined) { j.All.Due++ },
	} {
		j := good()
		change(j)
		if err := exact(j); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("exact = %v, want %q", err, says)
		}
	}
}
