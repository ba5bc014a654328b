package verdict

import (
	"math"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// CeilingOf is between which rates, in spans per second, the highest lies that this host's
// own ends can do of a load when there is no gateway between them, by a selftest. An end
// that is not known is nil; why says so where neither is.
func CeilingOf(
	kept *record.Selftest, l scenario.Load, encodedPerSpan *float64,
) (low, high *float64, why string) {
	if kept == nil {
		return nil, nil, "no selftest was made on this host"
	}
	nearest, why := nearestCeiling(kept.Ceilings, l, encodedPerSpan)
	if nearest == nil {
		return nil, nil, why
	}
	from, to, _ := nearest.bounds(l, encodedPerSpan)
	if from > 0 {
		low = new(from)
	}
	if !math.IsInf(to, 1) {
		high = new(to)
	}
	if low == nil && high == nil {
		why = "the selftest bounds it from neither side"
	}
	return low, high, why
}
