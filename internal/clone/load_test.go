package clone

import (
	"math"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A span of the load is as long as one of the gateway's, within a fiftieth, from the smallest
// shape on.
func TestFit(t *testing.T) {
	for _, size := range []float64{360, 500, 700, 1000, 1204, 1918, 2500, 5000} {
		for _, wanted := range []float64{0, 1, 57.3, 2000} {
			shape, spans, padding, err := fit(size, wanted, 5000)
			if err != nil {
				t.Fatal(err)
			}
			if spans%shape.Spans() != 0 || spans <= 0 {
				t.Errorf("fit(%v, %v): %d spans of shape %s a request", size, wanted, spans, shape)
			}
			got, err := spanBytes(shape, spans, padding)
			if err != nil {
				t.Fatal(err)
			}
			// One trace a request has its resources for itself: it may be too long already.
			if off := math.Abs(got-size) / size; off > 0.06 && !(got > size && padding == 0) {
				t.Errorf("fit(%v, %v) = %s, %d, %d: spans of %.0f B", size, wanted, shape, spans, padding, got)
			}
		}
	}
}

func TestFitOfWhatIsNotKnown(t *testing.T) {
	for _, c := range []struct {
		size, perRequest, rate float64
		shape                  scenario.Shape
		spans, padding         int
	}{
		{0, 0, 6000, scenario.ShapeOdigosDocs, 100, 0},
		{0, 0, 15, scenario.ShapeOdigosDocs, 2, 0},
		{0, 33, 6000, scenario.ShapeOdigosDocs, 34, 0},
		{100, 0, 6000, scenario.ShapeSimple, 100, 0},
		{1e6, 0, 6000, scenario.ShapeOdigosDocs, 100, mostPadding},
	} {
		shape, spans, padding, err := fit(c.size, c.perRequest, c.rate)
		if err != nil || shape != c.shape || spans != c.spans || padding != c.padding {
			t.Errorf("fit(%v, %v, %v) = %s, %d, %d, %v, want %s, %d, %d", c.size, c.perRequest, c.rate,
				shape, spans, padding, err, c.shape, c.spans, c.padding)
		}
	}
}
