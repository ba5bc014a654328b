package report

import (
	"math"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
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

// A picture tells of each end of the gateway.
func TestPicturesTellEachEnd(t *testing.T) {
	var f verdict.Figures
	f.Failures.KilledAt = new(3.0)
	for _, want := range []string{
		"; gateway ended at 0:03 (red line)", "; gateway ended at 0:03 (red line)",
		"; gateway ended 2 times from 0:03 on (red lines)",
	} {
		if got := (frame{ended: ended(f)}).endedText(); got != want {
			t.Errorf("%d deaths: %q, want %q", len(f.Deaths), got, want)
		}
		f.Deaths = append(f.Deaths, verdict.DeathFigures{
			Death: record.Death{Kind: record.DeathOOM, Elapsed: 3 + 5*float64(len(f.Deaths))},
		})
	}
}
