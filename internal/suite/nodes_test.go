package suite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/suite"
)

func node(name string, cores int) record.Machine {
	return record.Machine{
		Name: name, OS: "Debian 13", Arch: "amd64", Kernel: "6.12", Cores: cores, MemoryBytes: 8 << 30,
	}
}

// inCluster puts the gateway of each trial on the node that on says.
func inCluster(on func(n int) string, nodes ...record.Machine) suite.Runner {
	n := 0
	return answering(func(_ suite.Part, _ string, r *record.Record) error {
		n++
		r.Header.Environment, r.Header.Nodes, r.Header.Machine = "kubernetes", nodes, nodes[0]
		r.Ending.Nodes = map[string]string{record.Gateway: on(n), record.Backend: nodes[0].Name}
		return nil
	})
}

// The machine of a capacity in a cluster is that of its trials' gateways, whatever node was
// thought the likeliest before.
func TestMachineOfACapacityInACluster(t *testing.T) {
	small, large, twin := node("small", 2), node("large", 8), node("twin", 8)
	for name, c := range map[string]struct {
		on      func(n int) string
		machine string
		nodes   []record.Machine
		note    string
	}{
		"one that was not the first": {func(int) string { return "large" }, "large", []record.Machine{large}, ""},
		"two of a kind": {
			func(n int) string { return []string{"large", "twin"}[n%2] }, "twin",
			[]record.Machine{twin, large},
			"",
		},
		"two kinds": {
			func(n int) string { return []string{"large", "small"}[n%2] }, "small",
			[]record.Machine{small, large},
			"large of another kind than small",
		},
		"one that came later": {
			func(int) string { return "new" }, "new", []record.Machine{{Name: "new"}}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := looking(t)
			s.Environment, s.Machine = "kubernetes", small
			dir := begin(t, s)
			found := run(t.Context(), t, s, dir, inCluster(c.on, small, large, twin))
			if found.Machine.Name != c.machine {
				t.Errorf("machine %+v, want %s", found.Machine, c.machine)
			}
			if diff := cmp.Diff(c.nodes, found.Nodes); diff != "" {
				t.Errorf("nodes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.nodes, s.Nodes(dir)); diff != "" {
				t.Errorf("nodes of the search (-want +got):\n%s", diff)
			}
			notes := strings.Join(found.Notes, "\n")
			if got := strings.Contains(notes, "nodes that differ"); got != (c.note != "") ||
				!strings.Contains(notes, c.note) {
				t.Errorf("notes %q, want %q among them", notes, c.note)
			}
		})
	}
}

// A baseline is of one kind of machine, which is known.
func TestBaselineOfNodes(t *testing.T) {
	for want, nodes := range map[string][]record.Machine{
		"": {node("a", 4), node("b", 4)},
		"found trials on nodes that differ, b of another kind than a": {node("a", 4), node("b", 2)},
		"found a trial on node new, of which nothing more is known":   {node("a", 4), {Name: "new"}},
	} {
		c := claim()
		c.Nodes, c.Machine = nodes, nodes[0]
		b, err := suite.BaselineOf(c, "a")
		if want == "" {
			if err != nil || b.Host.Cores != 4 || b.Host.OS != "Debian 13" {
				t.Errorf("BaselineOf(%v) = %+v, %v", nodes, b.Host, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("BaselineOf(%v) = %v, want %s", nodes, err, want)
		}
	}
}

// In a cluster a cell is left out only where no node can take its gateway: the ends may be on
// other nodes.
func TestCellsOfACluster(t *testing.T) {
	m := presetsOf(t, nil)
	m.Environment, m.Machine = "kubernetes", node("first", 1)
	for _, known := range []bool{true, false} {
		if m.Unplaceable = nil; known {
			m.Unplaceable = func(cores float64, memory int64) string {
				if cores <= 1.25 {
					return ""
				}
				return fmt.Sprintf("no node has %g cores and %v", cores, scenario.Bytes(memory))
			}
		}
		m.Prepare()
		var got []string
		for _, c := range m.Cells {
			if got = append(got, c.NotHere); c.Left != nil {
				t.Errorf("%s leaves %v cores, want that it is not known", c.Name, *c.Left)
			}
		}
		want := []string{"", "", "", ""}
		if known {
			want[3] = "no node has 1.5 cores and 2000Mi"
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("known %v: cells that are not here (-want +got):\n%s", known, diff)
		}
	}
}
