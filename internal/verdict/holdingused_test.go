package verdict

import (
	"testing"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// What was used reaches 1 exactly where the threshold breaks.
func TestKeptFor(t *testing.T) {
	series := record.Series{
		Elapsed: []float64{1, 2, 3, 4, 5, 6, 7},
		Values:  []float64{.2, .9, .7, .8, .9, .1, .9},
	}
	for seconds, want := range map[float64]float64{0: .9, 1: .8, 2: .7, 3: .7, 5: .1, 6: .1, 7: 0} {
		if got := keptFor(series, seconds); got != want {
			t.Errorf("keptFor(%v s) = %v, want %v", seconds, got, want)
		}
	}
}
