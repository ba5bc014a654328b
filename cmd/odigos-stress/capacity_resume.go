package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/suite"
)

// goOn goes on with a search where it ended.
func (o *capacityOptions) goOn(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) > 0:
		return usage(fmt.Errorf("--resume: found a scenario too, %s: want none, the question stands in "+
			"the directory", args[0]))
	case o.dryRun:
		return usage(errNoSearch)
	case o.matrix.asked() || o.matrix.zip:
		return usage(errNoMatrix)
	}
	if err := o.question.onlyMore(); err != nil {
		return usage(err)
	}
	dir := o.resume
	if dir == record.Latest {
		var err error
		if dir, err = record.LatestDir(o.results); err != nil {
			return err
		}
	}
	if kind, err := kindOf(dir); err == nil && suite.IsMatrix(kind) {
		return o.goOnMatrix(cmd, dir)
	}
	c, _, err := suite.OpenCapacity(dir)
	if err != nil {
		return usage(err)
	}
	if err := o.question.goOn(cmd.Context(), c, dir); err != nil {
		return fmt.Errorf("go on with %s: %w", dir, err)
	}
	found, err := o.search(cmd, c, dir)
	if err != nil {
		return err
	}
	return o.answer(cmd, found)
}

// more are the paths of a search that may be asked anew when it goes on: what its trials
// showed does not depend on them.
var more = []string{"search.budget", "search.precision", "search.up_to"}

// onlyMore refuses what would make another question of a search that goes on.
func (q *question) onlyMore() error {
	fixed := append([]string{"set", "assert", "variant", "environment", "gateway"}, wayFlags...)
	for _, k := range q.known {
		if !slices.Contains(more, k.path) {
			fixed = append(fixed, k.flag)
		}
	}
	var errs []error
	q.flagSet.VisitAll(func(f *pflag.Flag) {
		if !f.Changed || !slices.Contains(fixed, f.Name) {
			return
		}
		name := "--" + f.Name
		if fromEnv(f) {
			name = variable(f.Name)
		}
		errs = append(errs, fmt.Errorf("--resume: found %s, want none: the question stands in the "+
			"directory; only --budget, --precision and --up-to may change", name))
	})
	return errors.Join(errs...)
}

// goOn makes the search in dir fit to run: with the same collector, at the same place, and
// with what is asked anew.
func (q *question) goOn(ctx context.Context, c *suite.Capacity, dir string) error {
	lay, origins := q.laid()
	asked, err := c.Asked.With(lay)
	if err == nil {
		asked, err = asked.Searched()
	}
	if err != nil {
		return usage(byOrigin(err, origins))
	}
	c.Asked, c.Scenario.Search, c.Spec = asked, asked.Search, suite.SpecOf(*asked.Search)
	found, err := q.again(ctx, earlier{
		environment: c.Environment, collector: c.Collector, machine: c.Machine, nodes: c.Nodes(dir),
		limits: limitsOf(c.Scenario.Gateway), config: c.GatewayConfig, original: c.Original,
		notes: c.Notes, pods: c.Pods,
	})
	if err != nil {
		return err
	}
	c.Plan = found.plan
	return nil
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// sameMachine refuses to mix two hosts in one answer.
func sameMachine(was, is record.Machine) error {
	describe := func(m record.Machine) string {
		return strings.Trim(fmt.Sprintf("%s%s, %d cores, %s %s", prefixed("node ", m.Name), m.CPUModel,
			m.Cores, m.OS, m.Kernel), " ,")
	}
	if describe(was) == describe(is) {
		return nil
	}
	return fmt.Errorf("found another machine (%s): want that of its trials (%s)", describe(is),
		describe(was))
}

func limitsOf(g scenario.Gateway) env.Limits {
	return env.Limits{CPUCores: float64(g.CPULimit), MemoryBytes: int64(g.MemoryLimit)}
}

// sameNodes refuses to mix kinds of nodes in one answer: where no node that can take a gateway
// of these limits is like one that trials ran on. Names do not matter, for autoscalers make
// nodes anew. What cannot be told is a note, and the search goes on.
func (h host) sameNodes(was []record.Machine, l env.Limits) (note string, err error) {
	was = slices.DeleteFunc(slices.Clone(was), func(m record.Machine) bool { return !m.Known() })
	switch {
	case h.unknown != nil:
		return fmt.Sprintf("Whether the nodes are of the kind that the trials before ran on is not "+
			"known: %v.", h.unknown), nil
	case len(was) == 0:
		return "", nil
	}
	var alike, others []string
	for _, n := range h.takers(record.Gateway) {
		m := machineOf(n)
		switch {
		case !fits(n, l):
		case slices.ContainsFunc(was, m.Alike):
			alike = append(alike, n.Name)
		default:
			others = append(others, describeNode(m))
		}
	}
	switch {
	case len(others) == 0:
		return "", nil
	case len(alike) == 0:
		return "", fmt.Errorf("found other nodes (%s): want one like that of its trials (%s)",
			strings.Join(others, "; "), describeNode(was[0]))
	}
	return fmt.Sprintf("Some nodes that can take the gateway are not of the kind that the trials before "+
		"ran on: %s. The report says where each ran.", strings.Join(others, "; ")), nil
}

func describeNode(m record.Machine) string {
	text := m.Name
	for _, part := range []string{
		prefixed("of type ", m.InstanceType), m.Arch, prefixed("kernel ", m.Kernel),
		prefixed("kubelet ", m.Kubelet), amounts(float64(m.Cores), m.MemoryBytes),
	} {
		text += prefixed(", ", part)
	}
	return text
}
