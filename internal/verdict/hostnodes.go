package verdict

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// A node is a machine of a cluster, and which actors or members were on it.
type node struct {
	name   string
	cores  int // 0: not known
	actors []string
}

// nodes are the machines that actors were on, by name; fewer than two where all were on
// one, or where it is not known.
func (m measure) nodes() (all []node) {
	on := map[string][]string{}
	for actor, name := range m.ending.Nodes {
		on[name] = append(on[name], actor)
	}
	for _, name := range slices.Sorted(maps.Keys(on)) {
		n := node{name: name, actors: slices.Sorted(slices.Values(on[name]))}
		for _, machine := range m.r.Header.Nodes {
			if machine.Name == name {
				n.cores = machine.Cores
			}
		}
		all = append(all, n)
	}
	return all
}

// coresFor are the cores of the machine that an actor was on; 0 where they are not known.
func (m measure) coresFor(actor string) int {
	for _, machine := range m.r.Header.Nodes {
		if machine.Name != "" && machine.Name == m.ending.Nodes[actor] {
			return machine.Cores
		}
	}
	return m.r.Header.Machine.Cores
}

// usedOn is how many cores the actors of a node used together on average, and how many they
// may; unknown names one of which that is not known.
func (m measure) usedOn(n node) (sum, room float64, unknown string) {
	for _, actor := range n.actors {
		if used, over := record.Increase(record.CPUTimeOf(m.samples, actor).Series); over > 0 {
			sum += used / over
		} else {
			unknown = actor
		}
	}
	return sum, hostShare * float64(n.cores), unknown
}

// gatewayNodesUsed is how much of its room was used on the fullest of the nodes that a
// gateway was on; nil where that is not known of one of them.
func (m measure) gatewayNodesUsed(nodes []node) (most *float64) {
	for _, n := range nodes {
		if !slices.ContainsFunc(n.actors, func(a string) bool { return actorOf(a) == record.Gateway }) {
			continue
		}
		sum, room, unknown := m.usedOn(n)
		if unknown != "" || room == 0 {
			return nil
		}
		most = new(max(sum/room, orZero(most)))
	}
	return most
}

// nodesFull holds what the actors of each node used against its cores. One that is alone on
// its node waits for nobody, however full that is; of what others run there is no account.
func (s *subject) nodesFull(nodes []node) (found []Finding) {
	const source = record.SamplesFile + ": usage.cpu_seconds"
	for _, n := range nodes {
		sum, room, unknown := s.usedOn(n)
		who := strings.Join(n.actors, ", ")
		text := fmt.Sprintf("on node %s %s used %.2f of %d cores on average", n.name, who, sum, n.cores)
		switch {
		case n.cores == 0:
			found = append(found, one("host", Note, "the cores of node %s, which %s ran on, are not known",
				n.name, who)...)
		case unknown != "":
			found = append(found, one("host", Note, "how much of node %s its actors used is not known: "+
				"of %s nothing is", n.name, unknown)...)
		case sum > room && len(n.actors) > 1:
			found = append(found, because(HostFull, with(one("host", Reservation, "%s: they had to wait "+
				"for each other", text), &sum, &room, "cores", source))...)
		default:
			found = append(found, with(one("host", Held, "%s", text), &sum, &room, "cores", source)...)
		}
	}
	return found
}
