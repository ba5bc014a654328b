package trial

import (
	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// configured keeps what the gateway runs, where that is its place's to make, and notes in what
// it is not what the plan assumed.
func (r *run) configured(instance env.Instance) {
	c, ok := env.Members(instance)[0].(env.Configured)
	if !ok || c.Configuration() == "" {
		return
	}
	text := c.Configuration()
	if err := r.log.GatewayConfig(text); err != nil {
		r.options.Logger.Error("cannot write the gateway's configuration", "error", err)
	}
	for _, said := range gateway.Differs(text, r.plan.Quiet, r.plan.Sampling) {
		r.event(record.EventNote, record.Gateway, said)
	}
}

// givenBack notes what the end of something lent has done to it.
func (r *run) givenBack(name string, instance env.Instance) {
	lent, ok := env.Members(instance)[0].(env.Lent)
	if !ok {
		return
	}
	for _, text := range lent.GivenBack() {
		r.event(record.EventNote, name, text)
	}
}
