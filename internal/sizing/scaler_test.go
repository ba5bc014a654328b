package sizing_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/sizing"
)

func TestScaler(t *testing.T) {
	// A pod holds 20,000 spans/s at 0.6 cores; a quarter of headroom is left at 16,000.
	s := sizes(t, sizing.Wish{Rate: 60000, Headroom: 0.25}, made("a", 1, 600, 20000)).Sizes[0].Scaler
	switch o := s.Odigos; {
	case s.MinReplicas != 4, s.MaxReplicas != 8, !near(s.Rate, 16000, 1e-9), !near(s.CPU, 0.48, 1e-6):
		t.Errorf("scaler: %+v", s)
	case o.CPU != 0.75, o.CPUAt != 0, !o.Known, o.Early:
		t.Errorf("Odigos' targets: %+v, want 0.75 cores, at no rate that was held", o)
	}
	// With 0.7 cores the target of 0.525 is reached at 17,500.
	s = sizes(t, sizing.Wish{Rate: 60000}, made("a", 0.7, 600, 20000)).Sizes[0].Scaler
	if !near(s.Odigos.CPUAt, 17500, 1e-6) || !s.Odigos.Early {
		t.Errorf("Odigos' targets: %+v, want 17,500, below the 20,000 that are wanted", s.Odigos)
	}
	b := made("a", 1, 600, 20000)
	b.Gateway.Kind = scenario.GatewayOtelcol
	if s := sizes(t, sizing.Wish{Rate: 60000}, b).Sizes[0].Scaler; s.Odigos != nil {
		t.Errorf("a collector that is not Odigos': %+v", s.Odigos)
	}
}

// What is printed runs one pod as it was measured.
func TestTrials(t *testing.T) {
	b := made("a", 1, 600, 20000)
	b.Load.Shape, b.Gateway.Compression = scenario.ShapeSimple, scenario.CompressionGzip
	b.Gateway.GoMemLimit = 300 * mebi
	got := sizes(t, sizing.Wish{Rate: 60000, Headroom: 0.25, Survive: 1}, b).Sizes[0].Trials
	want := "odigos-stress run custom --rate 20000 --cpu-limit 1 --memory-limit 600Mi --duration 2m " +
		"--set gateway.gomemlimit=300Mi --set gateway.compression=gzip --set load.shape=simple"
	if text := strings.Join(got.Holds, " "); text != want {
		t.Errorf("holds:\n%s, want\n%s", text, want)
	}
	if !slices.Contains(got.Breaks, "26000") {
		t.Errorf("breaks: %v, want 30 %% above the 20,000 that a pod must hold", got.Breaks)
	}
}
