package record

import (
	"maps"
	"slices"
	"strings"
)

// memoryAlike is how far what two nodes of one kind can give may lie apart, as a share: the
// kernel keeps for itself what depends on the boot.
const memoryAlike = 0.02

// Alike is whether two nodes of a cluster are of one kind, as far as the cluster tells; the
// model of a processor it does not. What is not known of one does not tell them apart.
func (m Machine) Alike(o Machine) bool {
	for _, f := range [][2]string{
		{m.InstanceType, o.InstanceType},
		{m.Arch, o.Arch},
		{m.Kernel, o.Kernel},
		{m.Kubelet, o.Kubelet},
		{m.CPUModel, o.CPUModel},
	} {
		if f[0] != f[1] && f[0] != "" && f[1] != "" {
			return false
		}
	}
	if m.Cores != o.Cores && m.Cores > 0 && o.Cores > 0 {
		return false
	}
	less, more := min(m.MemoryBytes, o.MemoryBytes), max(m.MemoryBytes, o.MemoryBytes)
	return less == 0 || float64(more-less) <= memoryAlike*float64(more)
}

// Known is whether there is more of a machine than its name.
func (m Machine) Known() bool { return m.Cores > 0 }

// GatewayNodes are the nodes of a cluster that gateways were on, by the gateways' names. Of
// one that was not there before the trial the name alone is known.
func (r *Record) GatewayNodes() (all []Machine) {
	if r.Ending == nil {
		return nil
	}
	seen := map[string]bool{}
	for _, actor := range slices.Sorted(maps.Keys(r.Ending.Nodes)) {
		name := r.Ending.Nodes[actor]
		if kind, _, _ := strings.Cut(actor, "/"); kind != Gateway || name == "" || seen[name] {
			continue
		}
		seen[name] = true
		all = append(all, r.node(name))
	}
	return all
}

// node is what is known of a node of the cluster.
func (r *Record) node(name string) Machine {
	for _, n := range r.Header.Nodes {
		if n.Name == name {
			return n
		}
	}
	return Machine{Name: name}
}
