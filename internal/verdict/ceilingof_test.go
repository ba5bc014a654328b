package verdict

import (
	"testing"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

func TestCeilingOf(t *testing.T) {
	load := scenario.Load{
		Shape: "odigos-docs", Protocol: "grpc", Compression: "none", SpansPerRequest: 100,
		Connections: 1,
	}
	measured := record.Ceiling{
		Workload: record.Workload{
			Shape: "odigos-docs", Protocol: "grpc", Compression: "none", SpansPerRequest: 100,
			Connections: 1,
		},
		Rate: 300e3, EncodedPerSpan: 1900, Reached: true,
	}
	unreached, many := measured, load
	unreached.Reached = false
	many.Connections = 100
	for _, tt := range []struct {
		name      string
		kept      *record.Selftest
		load      scenario.Load
		low, high bool
		why       string
	}{
		{"no selftest", nil, load, false, false, "no selftest was made on this host"},
		{"as measured", &record.Selftest{Ceilings: []record.Ceiling{measured}}, load, true, true, ""},
		{"not reached", &record.Selftest{Ceilings: []record.Ceiling{unreached}}, load, true, false, ""},
		{
			"nothing bounds it", &record.Selftest{Ceilings: []record.Ceiling{unreached}}, many, false,
			false, "the selftest bounds it from neither side",
		},
		{
			"none like it", &record.Selftest{}, load, false, false,
			"they were not measured over grpc with compression none",
		},
	} {
		low, high, why := CeilingOf(tt.kept, tt.load, nil)
		if (low != nil) != tt.low || (high != nil) != tt.high || why != tt.why {
			t.Errorf("%s: CeilingOf = %v, %v, %q; want known %v, %v and %q", tt.name, low, high, why,
				tt.low, tt.high, tt.why)
		}
		if low != nil && *low != 300e3 {
			t.Errorf("%s: low is %g, want 300,000", tt.name, *low)
		}
	}
}
