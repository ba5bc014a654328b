package report

import (
	"testing"

	"github.com/odigos-io/odigos-stress/internal/record"
)

func TestNodesText(t *testing.T) {
	node := func(name, kind string, cores int) record.Machine {
		return record.Machine{
			Name: name, InstanceType: kind, OS: "Debian 13", Arch: "amd64", Kernel: "6.12", Cores: cores,
			MemoryBytes: 4 << 30,
		}
	}
	for want, nodes := range map[string][]record.Machine{
		"node a: Debian 13, amd64, kernel 6.12, 2 cores and 4,096 MiB for pods": {node("a", "", 2)},
		"nodes a, b: each m6i.large, Debian 13, amd64, kernel 6.12, 2 cores and 4,096 MiB for pods": {
			node("a", "m6i.large", 2), node("b", "m6i.large", 2),
		},
		"node a: Debian 13, amd64, kernel 6.12, 2 cores and 4,096 MiB for pods; node b: Debian 13, amd64, " +
			"kernel 6.12, 4 cores and 4,096 MiB for pods": {node("a", "", 2), node("b", "", 4)},
		"nodes a, b, of which nothing more is known": {{Name: "a"}, {Name: "b"}},
	} {
		if got := nodesText(nodes); got != want {
			t.Errorf("nodesText = %q, want %q", got, want)
		}
	}
}
