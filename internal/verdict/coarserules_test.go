package verdict

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/record"
)

func seriesEvery(step float64) (s record.Series) {
	for i := range 9 {
		s.Elapsed, s.Values = append(s.Elapsed, step*float64(i)), append(s.Values, 1)
	}
	return s
}

// A block holds a reading, however chance has these come, and is a multiple of the usual one.
func TestBlockOfReadings(t *testing.T) {
	for _, c := range []struct {
		step   float64
		seldom bool
		want   float64
	}{{1, true, 5}, {2, true, 5}, {3, true, 10}, {10, true, 25}, {15, true, 40}, {15, false, 5}} {
		of := settling{series: seriesEvery(c.step), seldom: c.seldom}
		if got := of.block(); got != c.want {
			t.Errorf("block(%v s apart, seldom %t) = %v, want %v", c.step, c.seldom, got, c.want)
		}
	}
}

func TestSeriesAtOtherMoments(t *testing.T) {
	s := record.Series{Elapsed: []float64{1, 2, 4}, Values: []float64{10, 20, 60}}
	got := at(s, []float64{0, 1, 1.5, 3, 4, 9}).Values
	if diff := cmp.Diff([]float64{10, 10, 15, 40, 60, 60}, got); diff != "" {
		t.Errorf("at (-want +got):\n%s", diff)
	}
	if n := at(record.Series{}, []float64{1}).Len(); n != 0 {
		t.Errorf("at of no points has %d, want none", n)
	}
}
