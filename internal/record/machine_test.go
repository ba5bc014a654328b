package record

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Nodes are alike by what they are, and not by their names; what is not known of one does not
// tell them apart.
func TestAlike(t *testing.T) {
	of := func(change func(m *Machine)) Machine {
		m := Machine{
			Name: "a", InstanceType: "n2-standard-4", Kubelet: "v1.35.4", OS: "Debian", Arch: "amd64",
			Kernel: "6.1", Cores: 4, MemoryBytes: 15 << 30,
		}
		if change != nil {
			change(&m)
		}
		return m
	}
	for name, c := range map[string]struct {
		other Machine
		alike bool
	}{
		"the same":                 {of(nil), true},
		"another name":             {of(func(m *Machine) { m.Name = "b" }), true},
		"a little less memory":     {of(func(m *Machine) { m.MemoryBytes -= 8 << 20 }), true},
		"nothing but a name":       {Machine{Name: "b"}, true},
		"a record before types":    {of(func(m *Machine) { m.InstanceType, m.Kubelet = "", "" }), true},
		"another type":             {of(func(m *Machine) { m.InstanceType = "n2d-standard-4" }), false},
		"another architecture":     {of(func(m *Machine) { m.Arch = "arm64" }), false},
		"another kernel":           {of(func(m *Machine) { m.Kernel = "6.12" }), false},
		"another kubelet":          {of(func(m *Machine) { m.Kubelet = "v1.36.0" }), false},
		"more cores":               {of(func(m *Machine) { m.Cores = 8 }), false},
		"half the memory":          {of(func(m *Machine) { m.MemoryBytes /= 2 }), false},
		"another processor's name": {of(func(m *Machine) { m.CPUModel = "B" }), true},
	} {
		one := of(nil)
		if one.Alike(c.other) != c.alike || c.other.Alike(one) != c.alike {
			t.Errorf("%s: alike %v and %v, want %v", name, one.Alike(c.other), c.other.Alike(one), c.alike)
		}
	}
}

// The nodes of gateways are each there once; one that came after the trial was begun bears its
// name alone, and is the machine all the same.
func TestGatewayNodes(t *testing.T) {
	one, two := Machine{Name: "one", Cores: 2}, Machine{Name: "two", Cores: 4}
	for name, c := range map[string]struct {
		on      map[string]string
		want    []Machine
		machine Machine
	}{
		"one":              {map[string]string{Gateway: "two", Backend: "one"}, []Machine{two}, two},
		"several":          {map[string]string{"gateway/0": "two", "gateway/1": "one", "gateway/2": "two"}, []Machine{two, one}, two},
		"a node that came": {map[string]string{Gateway: "three"}, []Machine{{Name: "three"}}, Machine{Name: "three"}},
		"not known":        {nil, nil, one},
	} {
		r := Record{Header: Header{Machine: one, Nodes: []Machine{one, two}}, Ending: &Ending{Nodes: c.on}}
		r.locate()
		if diff := cmp.Diff(c.want, r.GatewayNodes()); diff != "" {
			t.Errorf("%s: nodes (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(c.machine, r.Header.Machine); diff != "" {
			t.Errorf("%s: machine (-want +got):\n%s", name, diff)
		}
	}
	if got := (&Record{}).GatewayNodes(); got != nil {
		t.Errorf("of a trial that was cut off: %v", got)
	}
}
