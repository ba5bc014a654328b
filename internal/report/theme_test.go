package report

import (
	"slices"
	"testing"

	"gonum.org/v1/plot/vg"
)

// A legend that finds no room beside the title goes on in a row above.
func TestLegendRows(t *testing.T) {
	for _, tt := range []struct {
		widths []vg.Length
		want   []int
	}{
		{nil, []int{}},
		{[]vg.Length{40, 50}, []int{0, 0}},
		{[]vg.Length{40, 50, 60}, []int{0, 1, 1}},
		{[]vg.Length{200, 10}, []int{0, 1}},
		{[]vg.Length{10, 200}, []int{0, 1}}, // one that never fits has a row all the same
	} {
		if got := legendRows(tt.widths, 100); !slices.Equal(got, tt.want) {
			t.Errorf("legendRows(%v) = %v, want %v", tt.widths, got, tt.want)
		}
	}
}
