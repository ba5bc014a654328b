package monitor

import (
	"math"
	"testing"
)

// counted builds buckets of 1 s, 2 s, … and one without a bound.
func counted(counts ...float64) []bucket {
	var all []bucket
	for i, c := range counts {
		all = append(all, bucket{float64(i + 1), c})
	}
	all[len(all)-1].bound = math.Inf(1)
	return all
}

func TestQuantile(t *testing.T) {
	tests := []struct {
		entries []bucket
		q       float64
		want    float64
		ok      bool
	}{
		{nil, 0.5, 0, false},
		{counted(0, 0, 0), 0.5, 0, false},
		{counted(2, 2, 2), 0.5, 0.5, true},
		{counted(1, 1, 1), 0.5, 0, false}, // one entry has no median worth the name
		{counted(0, 100, 100), 0.99, 1.99, true},
		{counted(0, 99, 99), 0.99, 0, false}, // too few for the 99th percentile
		{counted(50, 100, 100), 0.9, 1.8, true},
		{counted(0, 98, 100), 0.99, 0, false}, // beyond the last bound
		{counted(0, 98, 100), 0.9, 1 + 90.0/98, true},
	}
	for _, test := range tests {
		got, ok := quantile(test.entries, test.q)
		if ok != test.ok || math.Abs(got-test.want) > 1e-9 {
			t.Errorf("quantile(%v, %v) = %v, %v; want %v, %v",
				test.entries, test.q, got, ok, test.want, test.ok)
		}
	}
}

func TestSince(t *testing.T) {
	tests := []struct {
		before, now []bucket
		want        float64 // entries
		ok          bool
	}{
		{counted(1, 2, 3), counted(2, 4, 9), 6, true},
		{counted(1, 2, 3), counted(0, 0, 1), 0, false}, // restart
		{counted(1, 2, 3), counted(1, 9, 4), 0, false}, // not a distribution
		{counted(1, 2), counted(1, 2, 3), 0, false},
		{nil, counted(1, 2, 3), 0, false},
	}
	for _, test := range tests {
		entries, ok := since(test.before, test.now)
		if ok != test.ok || ok && entries[len(entries)-1].count != test.want {
			t.Errorf("since(%v, %v) = %v, %v; want %v entries, %v",
				test.before, test.now, entries, ok, test.want, test.ok)
		}
	}
}

func TestTogether(t *testing.T) {
	both := together(counted(1, 2, 3), counted(4, 5, 6))
	if both[0].count != 5 || both[2].count != 9 {
		t.Errorf("together = %v, want 5 … 9", both)
	}
	other := counted(1, 2, 3)
	other[0].bound = 0.5
	if got := together(counted(1, 2, 3), other); len(got) != 0 {
		t.Errorf("together of other bounds = %v, want none", got)
	}
}
