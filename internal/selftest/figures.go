package selftest

import (
	"math"
	"slices"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// workload is a resolved load without its rate.
func workload(l scenario.Load) record.Workload {
	return record.Workload{
		Shape: string(l.Shape), SpansPerRequest: l.SpansPerRequest, Protocol: string(l.Protocol),
		Compression: string(l.Compression), Connections: l.Connections, InFlight: l.InFlight,
	}
}

// cpuPerSpan is the CPU time of both ends from start to finish, warm-up included, in
// seconds a delivered span of the same time.
func (p *pass) cpuPerSpan() (sender, receiver float64) {
	spans := float64(p.joined.All.Acknowledged.Delivered())
	return p.sent.CPUSeconds / spans, p.received.CPUSeconds / spans
}

// quantile is in seconds; nil when fewer than a single one of n independent entries
// lies beyond it.
func quantile(h *ledger.Histogram, q float64, n int64) *float64 {
	if float64(n)*(1-q) < 1-1e-9 {
		return nil
	}
	return new(h.Quantile(q).Seconds())
}

// spread is the median of the values, and their median absolute deviation over it.
func spread(values []float64) (middle, ratio float64) {
	middle = median(values)
	away := make([]float64, len(values))
	for i, v := range values {
		away[i] = math.Abs(v - middle)
	}
	if middle == 0 {
		return 0, 0
	}
	return middle, median(away) / middle
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
