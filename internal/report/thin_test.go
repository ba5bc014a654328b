package report

import (
	"math"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/record"
)

func TestThinKeepsWhatStandsOut(t *testing.T) {
	var day record.Series
	for i := range 86400 {
		day.Elapsed = append(day.Elapsed, float64(i))
		day.Values = append(day.Values, math.Sin(float64(i)))
	}
	day.Values[12345], day.Values[54321] = 50, -50
	got := thin(day)
	if got.Len() != mostPoints {
		t.Errorf("a day has %d points, want %d", got.Len(), mostPoints)
	}
	high, at, _ := got.Max()
	low := 0.0
	for i, v := range got.Values {
		low = min(low, v)
		if i > 0 && got.Elapsed[i] < got.Elapsed[i-1] {
			t.Fatalf("point %d goes back in time", i)
		}
	}
	if high != 50 || at != 12345 || low != -50 {
		t.Errorf("most is %v at %v, least %v, want 50 at 12345, and -50", high, at, low)
	}
	if short := thin(got); short.Len() != got.Len() {
		t.Errorf("%d points became %d", got.Len(), short.Len())
	}
}
