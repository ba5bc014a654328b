package verdict_test

import (
	"testing"

	"github.com/odigos-io/odigos-stress/internal/verdict"
)

func TestPercent(t *testing.T) {
	for share, want := range map[float64]string{
		0: "0 %", -0.000001: "-0.0001 %", -1e-12: "0 %", 1e-12: "0 %", 1e-7: "0.00001 %",
		0.00002: "0.002 %", 0.0005: "0.05 %", 0.43: "43 %", 0.9995: "100 %", 1: "100 %", -0.004: "-0.4 %",
		25: "2,500 %",
	} {
		if got := verdict.Percent(share); got != want {
			t.Errorf("Percent(%v) = %q, want %q", share, got, want)
		}
	}
}
