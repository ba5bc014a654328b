package report

import (
	"fmt"
	"io"
	"math"

	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/sizing"
)

// SizeHelm is the first size as values of Odigos' Helm chart, which wants the three numbers
// of its limiter together; the live one of them is goMemLimitMiB.
func SizeHelm(w io.Writer, a sizing.Answer) error {
	if len(a.Sizes) == 0 {
		return fmt.Errorf("write Helm values: there is no size")
	}
	if a.Workload.Kind != scenario.GatewayOdigos {
		return fmt.Errorf("write Helm values: found baselines of a gateway of kind %s, want kind "+
			"odigos: the values are those of Odigos' chart", a.Workload.Kind)
	}
	s := a.Sizes[0]
	l := s.Limits
	const mebi = 1 << 20
	memory := math.Ceil(l.Memory / mebi)
	derived := scenario.Derive(scenario.Bytes(memory * mebi))
	var p page
	p.line("# %s: %s.", wishText(a.Wish), podsText(s))
	p.line("# One pod holds %s.", capacityText(s))
	if l.Preset != "" {
		p.line("# These are the limits of ResourceSizePreset %s, which sizes the node collectors too.",
			l.Preset)
	}
	if s.Scaler.CPU > 0 {
		p.line("# The chart has no value for the autoscaler's targets: it takes 75 %%, %dm; the curve "+
			"says %dm.", milli(s.Scaler.Odigos.CPU), milli(s.Scaler.CPU))
	}
	p.line("# The chart has no value for the exporter's queue: its %s requests last %.0f s.",
		decimal(s.Queue.Requests), s.Queue.Lasts)
	p.line("collectorGateway:")
	for _, v := range []struct {
		name  string
		value float64
	}{
		{"minReplicas", float64(s.Scaler.MinReplicas)},
		{"maxReplicas", float64(s.Scaler.MaxReplicas)},
		{"requestCPUm", math.Ceil(1000*l.CPU - 1e-6)},
		{"limitCPUm", math.Ceil(1000*l.CPU - 1e-6)},
		{"requestMemoryMiB", memory},
		{"limitMemoryMiB", memory},
		{"memoryLimiterLimitMiB", float64(derived.Hard / mebi)},
		{"memoryLimiterSpikeLimitMiB", float64(derived.Spike / mebi)},
		{"goMemLimitMiB", math.Floor(l.GoMemLimit / mebi)},
	} {
		p.line("  %s: %.0f", v.name, v.value)
	}
	return p.to(w)
}
