package gateway

import (
	"slices"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// samplers are the types of processors that drop spans on purpose.
var samplers = []string{"tail_sampling", "probabilistic_sampler", "filter", "odigostailsampling"}

func samples(id string) bool { return slices.Contains(samplers, typeOf(id)) }

// sampling are the processors in pipelines of traces that drop spans on purpose.
func (u *user) sampling() (ids []string) {
	for _, p := range u.pipelines {
		if typeOf(p.id) != "traces" {
			continue
		}
		for _, id := range p.processors {
			if samples(id) && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// odigosSampling are the scenario's own processors that drop spans on purpose.
func odigosSampling(g scenario.Gateway) (ids []string) {
	for _, p := range g.Processors {
		if samples(p.ID) {
			ids = append(ids, p.ID)
		}
	}
	return ids
}
