package verdict_test

import (
	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// hostBusy makes the whole machine use so many cores all the time.
func hostBusy(r *record.Record, cores float64) {
	for i := range r.Samples {
		s := &r.Samples[i]
		s.Host = &env.Host{BusySeconds: cores * s.At.Sub(r.Samples[0].At).Seconds()}
	}
}
