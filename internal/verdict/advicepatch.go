package verdict

import (
	"fmt"
	"math"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

const mebi = 1 << 20

func (s *subject) odigos() bool {
	return s.r.Header.Scenario.Gateway.Kind == scenario.GatewayOdigos
}

func mebis(bytes float64) string { return fmt.Sprintf("%.0f", bytes/mebi) }

// memoryPatches set another memory limit. Odigos' chart wants the three numbers of its
// limiter together; the live one of them is goMemLimitMiB.
func (s *subject) memoryPatches(limit float64) []Patch {
	g := s.r.Header.Scenario.Gateway
	limit = 50 * mebi * math.Ceil(limit/(50*mebi))
	derived := scenario.Derive(scenario.Bytes(limit))
	setting := "gateway:\n  memory_limit: " + mebis(limit) + "Mi\n"
	if !s.odigos() {
		if g.GoMemLimit > 0 {
			setting += "  gomemlimit: " + mebis(float64(derived.GoMemLimit)) + "Mi\n"
		}
		return []Patch{{ForScenario, setting}}
	}
	helm := "collectorGateway:\n  requestMemoryMiB: " + mebis(limit) + "\n  limitMemoryMiB: " +
		mebis(limit) + "\n  memoryLimiterLimitMiB: " + mebis(float64(derived.Hard)) +
		"\n  memoryLimiterSpikeLimitMiB: " + mebis(float64(derived.Spike)) + "\n  goMemLimitMiB: " +
		mebis(float64(derived.GoMemLimit)) + "\n"
	return []Patch{{ForScenario, setting}, {ForHelm, helm}}
}

// cpuPatches set another CPU limit.
func (s *subject) cpuPatches(cores float64) []Patch {
	cores = math.Ceil(10*cores-1e-9) / 10 // 0.2 + 0.1 is a little more than 0.3
	patches := []Patch{{ForScenario, fmt.Sprintf("gateway:\n  cpu_limit: %.1f\n", cores)}}
	if s.odigos() {
		patches = append(patches, Patch{ForHelm, fmt.Sprintf("collectorGateway:\n"+
			"  requestCPUm: %.0f\n  limitCPUm: %.0f\n", 1000*cores, 1000*cores)})
	}
	return patches
}

// replicaPatch spreads the load over so many times as many gateways: with Odigos' Helm
// values, or as the autoscaler's own bounds.
func (s *subject) replicaPatch(times float64) Patch {
	replicas := times * s.spread()
	least, most := max(2, math.Ceil(replicas)), max(4, 2*math.Ceil(replicas))
	if s.odigos() {
		return Patch{ForHPA, fmt.Sprintf("collectorGateway:\n  minReplicas: %.0f\n"+
			"  maxReplicas: %.0f\n", least, most)}
	}
	return Patch{ForHPA, fmt.Sprintf("spec:\n  minReplicas: %.0f\n  maxReplicas: %.0f\n", least,
		most)}
}

// exporterPatch sets what stands below the exporter to the backend, under the id that
// the configuration that ran gives it.
func exporterPatch(id, settings string) Patch {
	lines := strings.Split(strings.TrimSuffix(settings, "\n"), "\n")
	return Patch{ForCollector, "exporters:\n  " + id + ":\n    " + strings.Join(lines, "\n    ") +
		"\n"}
}

// processorsPatch sets the processors of pipelines.
func processorsPatch(order []string, of map[string][]string) Patch {
	var b strings.Builder
	b.WriteString("service:\n  pipelines:\n")
	for _, pipeline := range order {
		fmt.Fprintf(&b, "    %s:\n      processors: [%s]\n", pipeline,
			strings.Join(of[pipeline], ", "))
	}
	return Patch{ForCollector, b.String()}
}
