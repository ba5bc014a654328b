package verdict

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// soakMinutes is the shortest trial that is advised to see whether growth lasts, and
// soakMost the longest.
const (
	soakMinutes = 10
	soakMost    = 24 * 60
)

// memoryGrows speaks of growth that was found and that nothing stopped.
func memoryGrows(s *subject) *Advice {
	g := s.f.Growth.Memory
	if g.Kind != GrowthContinue || s.f.Failures.Killed {
		return nil
	}
	const figure = "growth.gateway_memory."
	a := &Advice{
		Name:    "memory-grows",
		Symptom: "the gateway's " + g.Of + " grew all the measured time and did not settle",
		Evidence: []Evidence{
			proof(figure+"per_minute", "bytes/min", *g.PerMinute, "growth %s",
				g.text(perMinuteMiB)),
			proof(figure+"line_last", "bytes", *g.Last, "from %s to %s",
				bytesText(*g.First), bytesText(*g.Last)),
			proof(figure+"chance", "", *g.Chance, "the chance of such a rise where nothing "+
				"grows: %s", Percent(max(1e-9, *g.Chance))),
		},
		Change: "Compare two heap profiles, one early and one late: what holds the difference " +
			"grows. Keys without bound (attributes that are different in each span, as " +
			"dimensions of a connector that never forgets) are the usual cause. Run longer " +
			"to see whether it ends.",
		Where: inScenario,
	}
	minutes := 10 * s.time.Measured / 60
	if g.ToLimit != nil {
		minutes = 1.5 * *g.ToLimit / 60
		a.Evidence = append(a.Evidence, proof(figure+"seconds_to_limit", "s", *g.ToLimit,
			"%s until the memory limit, if it goes on", Lasting(*g.ToLimit)))
	}
	a.Setting = "timing:\n  duration: " +
		strconv.Itoa(int(math.Ceil(min(soakMost, max(soakMinutes, minutes))))) + "m\n"
	a.Effect = "The longer trial shows whether the growth lasts."
	if text := strings.TrimPrefix(g.outlook(), "; "); text != "" {
		a.Effect = fmt.Sprintf("Computed: %s. Whether the growth lasts is what the longer "+
			"trial shows.", text)
	}
	return a
}
