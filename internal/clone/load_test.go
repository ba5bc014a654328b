package clone

import (
	"math"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A span of the load is as long as one of the gateway's, within a twentieth, from the
// smallest shape on.
func TestFit(t *testing.T) {
	for _, size := range []float64{360, 400, 500, 700, 1000, 1204, 1918, 2500, 5000, 15000} {
		for _, wanted := range []float64{0, 1, 57.3} {
			f, err := fit(size, wanted, 5000)
			if err != nil {
				t.Fatal(err)
			}
			if f.perRequest%f.shape.Spans() != 0 || f.perRequest <= 0 {
				t.Errorf("fit(%v, %v) = %+v", size, wanted, f)
			}
			got, err := spanBytes(f.shape, f.perRequest, f.padding())
			if err != nil {
				t.Fatal(err)
			}
			// One trace a request has its resources for itself: it may be too long already. And
			// what is less than an attribute cannot be padded.
			tooLong, little := f.bytes == 0 && got > size, f.lacks <= float64(overhead)
			if off := math.Abs(got-size) / size; off > nearEnough && !tooLong && (!little || off > 0.1) {
				t.Errorf("fit(%v, %v) = %+v: spans of %.0f B", size, wanted, f, got)
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
		{1e6, 0, 6000, scenario.ShapeOdigosDocs, 100, mostAttributes},
	} {
		f, err := fit(c.size, c.perRequest, c.rate)
		if err != nil || f.shape != c.shape || f.perRequest != c.spans || len(f.padding()) != c.padding {
			t.Errorf("fit(%v, %v, %v) = %+v, %v, want %s, %d and %d attributes", c.size, c.perRequest,
				c.rate, f, err, c.shape, c.spans, c.padding)
		}
	}
}
