package verdict

import (
	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// gateway is the gateway as it was to be started.
func (m measure) gateway() env.Actor {
	for _, a := range m.r.Header.Actors {
		if a.Name == record.Gateway {
			return a
		}
	}
	return env.Actor{}
}

// goMemLimit is the GOMEMLIMIT that the gateway was told; ok is false without one.
func (m measure) goMemLimit() (bytes float64, ok bool) {
	limit := m.gateway().GoRuntime().MemLimit
	return float64(limit), limit > 0
}
