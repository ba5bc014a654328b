package suite

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
)

// onCluster is the environment of trials in a cluster, as records spell it.
const onCluster = "kubernetes"

// ofCluster says which nodes the gateways of a search were on, and which is its machine.
func ofCluster(c *report.Capacity) {
	for _, shown := range []bool{true, false} {
		for _, t := range c.Trials {
			if t.Data != nil && shows(t) == shown {
				c.Nodes = withNodes(c.Nodes, t.Data.GatewayNodes())
			}
		}
		if len(c.Nodes) > 0 { // what a trial in vain ran on is no matter
			break
		}
	}
	c.Machine = firstKnown(c.Nodes)
	c.Notes = append(slices.Clone(c.Notes), mixedNodes(c.Nodes)...)
}

// withNodes are nodes with those of others that are not among them by name.
func withNodes(all, others []record.Machine) []record.Machine {
	for _, n := range others {
		i := slices.IndexFunc(all, func(o record.Machine) bool { return o.Name == n.Name })
		switch {
		case i < 0:
			all = append(all, n)
		case !all[i].Known():
			all[i] = n
		}
	}
	return all
}

// firstKnown is the first node of which there is more than a name; where there is none, that
// name.
func firstKnown(nodes []record.Machine) record.Machine {
	for _, n := range nodes {
		if n.Known() {
			return n
		}
	}
	if len(nodes) > 0 {
		return nodes[0]
	}
	return record.Machine{}
}

// mixed are the names of nodes that are not like the first; empty where all are, as far as
// is known.
func mixed(nodes []record.Machine) (names []string) {
	first := firstKnown(nodes)
	for _, n := range nodes {
		if !n.Alike(first) {
			names = append(names, n.Name)
		}
	}
	return names
}

// mixedNodes is what must be known of figures from nodes that differ.
func mixedNodes(nodes []record.Machine) []string {
	others := mixed(nodes)
	if len(others) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("The gateways of the trials ran on nodes that differ: %s of another "+
		"kind than %s. The answer is of neither kind alone.", strings.Join(others, ", "),
		firstKnown(nodes).Name)}
}

// onWhich is what is wrong with the nodes of a claim: it is of one kind of machine.
func onWhich(c report.Capacity) (problems []error) {
	if len(c.Nodes) == 0 {
		return nil
	}
	if others := mixed(c.Nodes); len(others) > 0 {
		problems = append(problems, fmt.Errorf("found trials on nodes that differ, %s of another kind "+
			"than %s: want all on nodes of one kind", strings.Join(others, ", "),
			firstKnown(c.Nodes).Name))
	}
	for _, n := range c.Nodes {
		if !n.Known() {
			problems = append(problems, fmt.Errorf("found a trial on node %s, of which nothing more is "+
				"known: want the right to list nodes, and nodes that are there before the trial", n.Name))
		}
	}
	return problems
}

// Nodes are those of a cluster that the gateways of the search in dir were on until now; none
// on this machine.
func (c *Capacity) Nodes(dir string) (all []record.Machine) {
	if c.Environment != onCluster {
		return nil
	}
	for _, t := range c.Trials {
		r, err := record.Open(filepath.Join(dir, filepath.FromSlash(t.Record)))
		if err == nil {
			all = withNodes(all, r.GatewayNodes())
		}
	}
	return all
}

// Nodes are those of a cluster that the gateways of the matrix in dir were on until now.
func (m *Matrix) Nodes(dir string) (all []record.Machine, err error) {
	var errs []error
	for _, c := range m.Cells {
		at := filepath.Join(dir, filepath.FromSlash(c.Record))
		if !record.IsSuite(at) {
			continue
		}
		one, _, err := OpenCapacity(at)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = withNodes(all, one.Nodes(at))
	}
	return all, errors.Join(errs...)
}
