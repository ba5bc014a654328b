package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/env/kube"
	"github.com/odigos-io/odigos-stress/internal/env/local"
	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A subject is what trials are planned with: the collector that is asked, the files that a
// scenario names, and the machines that its limits are held against.
type subject struct {
	collector gateway.Collector
	sources   plan.Sources
	inCluster bool
	host      host
	// target is the gateway of the cluster that is asked; nil: the scenario's own.
	target *target
	notes  []string // how the gateway was chosen
}

// subject finds the collector that a scenario asks, and the files that it names.
func (q *question) subject(
	ctx context.Context, s scenario.Scenario, args []string,
) (out subject, err error) {
	if err := q.place.check(); err != nil {
		return out, err
	}
	resolved, err := s.Resolved()
	if err != nil {
		return out, usage(err)
	}
	g := resolved.Gateway
	out.target, out.notes = q.way.target, q.way.notes
	if out.target.isInPlace() {
		return q.installed(ctx, out), nil
	}
	switch {
	case q.way.target.has(g.Config):
		out.sources.GatewayConfig = q.way.target.config
	case g.Config != "":
		out.sources.GatewayConfig, err = os.ReadFile(userConfig(g.Config, args))
		if err != nil {
			return out, usage(fmt.Errorf("gateway.config: %w", err))
		}
	}
	image, path, err := q.imageOf(g)
	if err != nil {
		return out, err
	}
	switch {
	case q.place.inCluster() && q.place.startsNothing:
		var note string
		out.collector, note, err = q.presumed(ctx, image, path)
		if note != "" && !slices.Contains(q.way.notes, note) {
			q.sayWay(note) // once, of several variants
		}
		out.notes = q.way.notes
	case q.place.inCluster():
		out.collector, err = q.place.collector(ctx, image, path)
	case image != "":
		out.collector, err = q.unpacked(ctx, image, path)
	default:
		out.collector, err = findCollector(ctx, g, q.collectorBin)
	}
	if err == nil {
		out.inCluster, out.host = q.place.inCluster(), q.place.host(ctx)
	}
	return out, err
}

// imageOf is the image that the collector is in, and its path there; without a path it is
// the entry point, without an image a program.
func (q *question) imageOf(g scenario.Gateway) (image, path string, err error) {
	ref, err := q.imageAsked()
	if err != nil || ref != "" {
		return ref, "", err
	}
	switch name := "--collector-bin"; {
	case q.collectorBin != "" && q.place.inCluster():
		if fromEnv(q.flagSet.Lookup("collector-bin")) {
			name = variable("collector-bin")
		}
		return "", "", usage(fmt.Errorf("%s: found %s, a program of this machine, which pods have not: "+
			"want an image, by --collector-image", name, q.collectorBin))
	case q.collectorBin != "":
		return "", "", nil
	case g.Image != "":
		return g.Image, g.Binary, nil
	case g.Binary != "" && q.place.inCluster():
		return "", "", usage(fmt.Errorf("gateway.binary: found %s, a program of this machine, which pods "+
			"have not: want gateway.image", g.Binary))
	}
	return "", "", nil
}

// unpacked is the collector of an image on this machine, where its entry point is taken: what
// the scenario says of its path must be that.
func (q *question) unpacked(ctx context.Context, image, path string) (gateway.Collector, error) {
	c, err := q.image.collector(ctx, image)
	if err == nil && path != "" && !strings.HasSuffix(filepath.ToSlash(c.Path), path) {
		err = usage(fmt.Errorf("gateway.binary: found %s, want the entry point of %s, %s: on this machine "+
			"no other program of an image is run", path, image, c.Path))
	}
	return c, err
}

// ownCollector is the path of our collector in the tool's own image.
const ownCollector = "/" + gateway.Sibling

// isOwn is whether a collector's image, empty for the tool's own, is that of this version.
func (o *placeOptions) isOwn(image string) bool { return image == "" && o.ownImage() == ownImage() }

// collector asks the collector of an image who it is: the program at the path, or the entry
// point; of the tool's own image, which an empty one means, ours.
func (o *placeOptions) collector(
	ctx context.Context, image, path string,
) (gateway.Collector, error) {
	if o.isOwn(image) {
		// The image of this version holds what lies beside the tool.
		if _, err := local.FindProgram([]string{gateway.Sibling}); err == nil {
			return sibling(ctx)
		}
	}
	from := image
	if image == "" {
		from, path = o.ownImage(), ownCollector
	}
	out, err := o.output(ctx, from, path, "components")
	if err != nil {
		return gateway.Collector{}, fmt.Errorf("ask the collector in %s for its components: %w", from,
			err)
	}
	c, err := gateway.Identify(cmp.Or(path, from), out)
	c.Path, c.Image = path, image
	return c, err
}

// plan makes the plan of one trial.
func (s subject) plan(asked scenario.Scenario) (plan.Plan, error) {
	p, err := s.target.plan(asked, func(fitted scenario.Scenario) (plan.Plan, error) {
		return plan.New(fitted, s.collector, s.sources)
	})
	if err != nil {
		return plan.Plan{}, usage(err)
	}
	if s.inCluster {
		p.Gateway.Image = s.collector.Image
		if err := s.host.limitEnds(&p); err != nil {
			return plan.Plan{}, usage(err)
		}
	}
	p.Notes = slices.Concat(s.notes, p.Notes, s.host.asked(), s.host.notes(p))
	return p, nil
}

// notes say which limits the host cannot give.
func (h host) notes(p plan.Plan) []string {
	switch {
	case h.unknown != nil:
		return []string{fmt.Sprintf("What the cluster's nodes have is not known (%v): whether they can "+
			"take the pods was not looked at.", h.unknown)}
	case h.nodes != nil || h.barred != nil:
		var notes []string
		for _, a := range actors(p) {
			notes = append(notes, h.unschedulable(a)...)
		}
		return notes
	}
	if h.machine.Cores == 0 { // nothing was looked at
		return nil
	}
	return unbindable(p.Gateway.Limits, h.machine)
}

// asked says that pods are not only as a run wants them.
func (h host) asked() []string {
	asked := h.pods.Understood()
	if asked == nil {
		return nil
	}
	return []string{fmt.Sprintf("The pods are as %s asks: %s.", h.pods.Name, report.PodsAsked(asked))}
}

// limitEnds gives both ends the limits that the file on pods gives their pods.
func (h host) limitEnds(p *plan.Plan) (err error) {
	if p.Backend, err = h.pods.Limited(p.Backend); err == nil {
		p.Loadgen, err = h.pods.Limited(p.Loadgen)
	}
	return err
}

// unschedulable says that no node takes an actor's pods, or that none of those that do is as large
// as what they ask for.
func (h host) unschedulable(a env.Actor) []string {
	if why := h.barred[a.Name]; why != "" {
		return []string{fmt.Sprintf("The %s cannot be scheduled as the nodes are, none takes its pods: %s.",
			a.Name, why)}
	}
	a.Limits = h.pods.Requests(a)
	return unschedulable(a, h.takers(a.Name))
}

// takers are the nodes that an actor's pods may go to.
func (h host) takers(actor string) []kube.Node {
	return slices.DeleteFunc(slices.Clone(h.nodes), func(n kube.Node) bool { return !n.Takes(actor) })
}

// unschedulable says that no node is as large as an actor's limits, which its pod requests.
func unschedulable(a env.Actor, nodes []kube.Node) []string {
	why := unplaceable(nodes, a.Limits)
	if why == "" {
		return nil
	}
	return []string{fmt.Sprintf("The %s cannot be scheduled: it asks for %s, and %s.", a.Name,
		amounts(a.Limits.CPUCores, a.Limits.MemoryBytes), why)}
}

// unplaceable is why no node takes a gateway of these limits, in a clause; empty where one does.
func (h host) unplaceable(cores float64, memory int64) string {
	if why := h.barred[record.Gateway]; why != "" {
		return "no node takes its pods: " + why
	}
	a := env.Actor{
		Name: record.Gateway, Limits: env.Limits{CPUCores: cores, MemoryBytes: memory},
	}
	return unplaceable(h.takers(a.Name), h.pods.Requests(a))
}

// unplaceable is why none of some nodes has what a pod requests, in a clause; empty where one
// has, or there is none.
func unplaceable(nodes []kube.Node, l env.Limits) string {
	takes := func(n kube.Node) bool { return fits(n, l) }
	if len(nodes) == 0 || slices.ContainsFunc(nodes, takes) {
		return ""
	}
	largest := slices.MaxFunc(nodes, func(x, y kube.Node) int {
		return cmp.Or(cmp.Compare(x.Cores, y.Cores), cmp.Compare(x.MemoryBytes, y.MemoryBytes))
	})
	return fmt.Sprintf("the largest of %s, %s, can give %s", counted(len(nodes), "node"), largest.Name,
		amounts(largest.Cores, largest.MemoryBytes))
}

// fits is whether a node has what a pod of these limits requests, as far as it is empty.
func fits(n kube.Node, l env.Limits) bool {
	return l.CPUCores <= n.Cores && l.MemoryBytes <= n.MemoryBytes
}

// amounts are cores and memory, as far as there are any.
func amounts(cores float64, memory int64) string {
	switch {
	case memory == 0:
		return fmt.Sprintf("%g cores", cores)
	case cores == 0:
		return scenario.Bytes(memory).String()
	}
	return fmt.Sprintf("%g cores and %v", cores, scenario.Bytes(memory))
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// unbindable says which limits are above what the machine has.
func unbindable(l env.Limits, m record.Machine) []string {
	var notes []string
	if l.CPUCores > float64(m.Cores) {
		notes = append(notes, fmt.Sprintf("The CPU limit of %g cores is more than the %d cores of this "+
			"machine: it cannot bind.", l.CPUCores, m.Cores))
	}
	if m.MemoryBytes > 0 && l.MemoryBytes > m.MemoryBytes {
		notes = append(notes, fmt.Sprintf("The memory limit of %v is more than the %v of this machine: it "+
			"cannot bind.", scenario.Bytes(l.MemoryBytes), scenario.Bytes(m.MemoryBytes)))
	}
	return notes
}

// An earlier is what trials were made with that are to be gone on with.
type earlier struct {
	environment string
	collector   record.Collector
	machine     record.Machine
	nodes       []record.Machine // of a cluster, that gateways were on
	limits      env.Limits       // of the gateway; the zero value: not one alone
	config      string
	original    *record.Original
	notes       []string
	pods        map[string]any // what was asked of the pods
}

// again is the subject of trials that were made before: the same collector at the same
// place, or an error. The question's place is theirs from now on. A gateway of the cluster
// is not read a second time.
func (q *question) again(ctx context.Context, m earlier) (out subject, err error) {
	was := m.collector
	q.place.environment = cmp.Or(m.environment, onMachine)
	if err := q.place.check(); err != nil {
		return out, err
	}
	if out.inCluster = q.place.inCluster(); out.inCluster {
		if err := q.place.podsAgain(m.pods); err != nil {
			return out, usage(fmt.Errorf("--pods: %w", err))
		}
	}
	out.host = q.place.host(ctx)
	if out.inCluster {
		note, err := out.host.sameNodes(m.nodes, m.limits)
		if err != nil {
			return out, err
		}
		if note != "" {
			m.notes = append(slices.Clone(m.notes), note)
		}
	} else if err := sameMachine(m.machine, out.host.machine); err != nil {
		return out, err
	}
	if m.config != "" {
		out.sources.GatewayConfig = []byte(m.config)
	}
	if out.notes = m.notes; m.original != nil {
		out.target = &target{original: *m.original}
		if m.original.Way == wayInPlace {
			return out, usage(fmt.Errorf("found trials that asked %s in place, want a new search: it would be "+
				"changed again though nobody asks for that now", m.original.Deployment))
		}
	}
	if out.collector, err = q.sameAgain(ctx, was); err != nil {
		return out, err
	}
	return out, sameCollector(was, out.collector)
}

// sameAgain finds the collector of trials that were made.
func (q *question) sameAgain(ctx context.Context, was record.Collector) (gateway.Collector, error) {
	image, err := q.imageAsked()
	if err != nil {
		return gateway.Collector{}, err
	}
	if image == "" && q.collectorBin == "" {
		image = was.Image
	}
	switch {
	case q.place.inCluster():
		path := was.Program
		if image != was.Image {
			path = "" // a path is of its own image
		}
		return q.place.collector(ctx, image, path)
	case image != "":
		return q.image.collector(ctx, image)
	}
	path, err := local.FindProgram([]string{cmp.Or(q.collectorBin, was.Program)})
	if err != nil {
		return gateway.Collector{}, fmt.Errorf("find the collector of its trials: %w", err)
	}
	return identify(ctx, path)
}

// sameCollector refuses to mix two collectors in one answer. In an image it is known by
// name and version, elsewhere by its bytes.
func sameCollector(was record.Collector, is gateway.Collector) error {
	same := was.SHA256 == is.SHA256
	if was.SHA256 == "" {
		same = was.Image == is.Image && was.Name == is.Name && was.Version == is.Version
	}
	if same {
		return nil
	}
	return fmt.Errorf("found another collector, %s %s (%s, sha256 %s): want that of its trials, %s %s "+
		"(%s, sha256 %s); name it with --collector-bin or --collector-image", is.Name, is.Version,
		cmp.Or(is.Image, is.Path),
		cmp.Or(is.SHA256, "not known"), was.Name, was.Version, cmp.Or(was.Image, was.Program),
		cmp.Or(was.SHA256, "not known"))
}
