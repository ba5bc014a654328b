package report

import (
	"fmt"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// nodesText says on which nodes of a cluster gateways were, and of what kinds these are.
func nodesText(nodes []record.Machine) string {
	type kind struct {
		of    record.Machine
		names []string
	}
	var kinds []kind
next:
	for _, n := range nodes {
		for i := range kinds {
			if k := &kinds[i]; n.Known() == k.of.Known() && n.Alike(k.of) {
				k.names = append(k.names, n.Name)
				continue next
			}
		}
		kinds = append(kinds, kind{n, []string{n.Name}})
	}
	texts := make([]string, 0, len(kinds))
	for _, k := range kinds {
		which, each := "node "+k.names[0], ""
		if len(k.names) > 1 {
			which, each = "nodes "+strings.Join(k.names, ", "), "each "
		}
		if !k.of.Known() {
			texts = append(texts, which+", of which nothing more is known")
			continue
		}
		m := k.of
		texts = append(texts, fmt.Sprintf("%s: %s%s%s, %s, kernel %s, %d cores and %s for pods", which,
			each, followed(m.InstanceType, ", "), orDash(m.OS), orDash(m.Arch), orDash(m.Kernel),
			m.Cores, mib(float64(m.MemoryBytes))))
	}
	return strings.Join(texts, "; ")
}

// followed is a text with what follows it; empty where there is none.
func followed(text, after string) string {
	if text == "" {
		return ""
	}
	return text + after
}
