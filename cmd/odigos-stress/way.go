package main

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/odigos-io/odigos-stress/internal/env/kube"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// The ways to a gateway that --gateway knows, as records spell them.
const (
	wayScenario = "scenario" // the one that the scenario describes
	wayClone    = "clone"    // a copy of one that runs in the cluster
	wayInPlace  = "in-place" // the one that runs in the cluster
)

// A wayOptions is which gateway trials ask, and by which way they come to it.
type wayOptions struct {
	way      string // empty: not said
	wanted   kube.Wanted
	exporter string
	inPlace  inPlaceOptions
	stderr   func() io.Writer

	// target is the gateway of the cluster that was found; nil: the scenario's own.
	target *target
	notes  []string // how it was chosen
}

// wayFlags say which gateway of a cluster is meant.
var wayFlags = []string{"odigos-namespace", "deployment", "container", "exporter"}

func (o *wayOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(choice{&o.way, []string{wayScenario, wayClone, wayInPlace}}, "gateway",
		"the gateway that is asked: the scenario's, a copy of one that runs in the cluster, or that "+
			"one itself; if not given a copy of Odigos' own where there is one and the scenario describes "+
			"no other")
	f.StringVar(&o.wanted.Namespace, "odigos-namespace", "", "`namespace` of the gateway in the cluster "+
		"(default all that may be read, else odigos-system)")
	f.StringVar(&o.wanted.Deployment, "deployment", "",
		"another collector's Deployment in the cluster, as `namespace/name`")
	f.StringVar(&o.wanted.Container, "container", "",
		"of the gateway in the cluster the collector's container (default gateway, or the only one)")
	f.StringVar(&o.exporter, "exporter", "", "of the gateway in the cluster the exporter that carries "+
		"the load (default the only one of type otlp_grpc or otlp_http)")
	o.inPlace.flags(cmd)
	o.stderr = cmd.ErrOrStderr
}

// names are the flags that name a gateway of the cluster.
func (o *wayOptions) names() []string {
	var all []string
	for name, value := range map[string]string{
		"--deployment": o.wanted.Deployment, "--container": o.wanted.Container, "--exporter": o.exporter,
	} {
		if value != "" {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// checkWay refuses a way into a cluster where none was asked for, and what names a gateway of
// it where the scenario's own is asked.
func (q *question) checkWay() error {
	o := q.way
	if err := q.checkInPlace(); err != nil {
		return err
	}
	switch named := o.names(); {
	case q.place.inCluster() && o.way == wayScenario && len(named) > 0:
		return usage(fmt.Errorf("%s: found it with --gateway %s, want --gateway %s", named[0], wayScenario,
			wayClone))
	case q.place.inCluster() || o.way == "" || o.way == wayScenario:
		return nil
	}
	if f := q.flagSet.Lookup("gateway"); fromEnv(f) {
		return nil // for whichever command is about a cluster
	}
	return usage(fmt.Errorf("--gateway: found %s with --environment %s, want --environment %s: it is a "+
		"gateway of a cluster", o.way, q.place.environment, onCluster))
}

// aim finds the gateway that trials of a scenario are to ask, and lays it into the scenario.
func (q *question) aim(ctx context.Context, whole scenario.Scenario) (scenario.Scenario, error) {
	if err := q.place.check(); err != nil {
		return whole, err
	}
	if err := q.checkWay(); err != nil || !q.place.inCluster() {
		return whole, err
	}
	inPlace := q.way.way == wayInPlace
	if err := q.place.pods.CheckNamespace(q.place.namespace == "", inPlace); err != nil {
		return whole, usage(fmt.Errorf("--pods: %w", err))
	}
	c, err := q.choose(ctx, whole)
	if err != nil {
		return whole, err
	}
	switch c.way {
	case wayClone:
		return q.aimAtClone(whole, c)
	case wayInPlace:
		return q.aimInPlace(whole, c)
	}
	if q.way.way == "" {
		q.sayWay("The gateway is the one that the scenario describes: " + c.why + ".")
	}
	return whole, nil
}

// A chosenWay is a way, and why it was taken.
type chosenWay struct {
	way, why string
	found    kube.Found // of the cluster; zero for the scenario's own
}

// choose decides which gateway is asked, and finds it. Without a word of the user it is a
// copy of Odigos' own, where there is one and the scenario does not ask for another.
func (q *question) choose(ctx context.Context, whole scenario.Scenario) (chosenWay, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	named := strings.Join(q.way.names(), ", ")
	switch own := q.describesGateway(whole); {
	case q.way.way == wayScenario:
		return chosenWay{way: wayScenario}, nil
	case q.way.way != "" || named != "":
		c := chosenWay{way: q.way.way, why: "as --gateway asks"}
		if q.way.way == "" {
			c = chosenWay{way: wayClone, why: "as " + named + " asks"}
		}
		var err error
		c.found, err = kube.FindGateway(ctx, q.place.cluster, q.way.wanted)
		return c, err
	case q.place.offline:
		return chosenWay{way: wayScenario, why: "no cluster was asked whether it has one of Odigos"}, nil
	case own != "":
		return chosenWay{way: wayScenario, why: own + " is said of it"}, nil
	}
	found, why, err := kube.LookForGateway(ctx, q.place.cluster, q.way.wanted)
	if err != nil {
		return chosenWay{}, fmt.Errorf("look for Odigos in the cluster: %w\n%s", err, instead)
	}
	if why != "" {
		return chosenWay{way: wayScenario, why: why}, nil
	}
	return chosenWay{wayClone, "as it was found in the cluster", found}, nil
}

// instead says how to do without a gateway of the cluster.
const instead = "to ask the gateway that the scenario describes: --gateway " + wayScenario

// sizesAndDeath are the fields of a gateway that say nothing of which one it is. Presets and
// limits are sizes of Odigos' own.
var sizesAndDeath = []string{
	"kind", "preset", "cpu_limit", "memory_limit", "replicas", "on_death", "restart_delay",
	"max_restarts",
}

// describesGateway is what of a scenario, its variants or the command line describes a
// gateway of its own; empty where nothing does.
func (q *question) describesGateway(whole scenario.Scenario) string {
	if whole.Gateway.Kind == scenario.GatewayOtelcol {
		return "gateway.kind: otelcol"
	}
	for _, field := range fieldsSaid(whole.Gateway) {
		if !slices.Contains(sizesAndDeath, field) {
			return "gateway." + field
		}
	}
	// Sizes are the original's, but not where they are what is compared.
	for _, v := range whole.Variants {
		for _, set := range v.Settings() {
			field, ok := gatewayField(set)
			if ok && !slices.Contains(sizesAndDeath[4:], field) {
				return "gateway." + field + " of variant " + v.Name
			}
		}
	}
	lay, _ := q.laid()
	for _, set := range lay {
		if field, ok := gatewayField(set); ok && !slices.Contains(sizesAndDeath[1:], field) {
			return "gateway." + field
		}
	}
	switch {
	case q.image.ref != "":
		return "--collector-image"
	case q.collectorBin != "":
		return "--collector-bin"
	}
	return ""
}

// gatewayField is the field of a gateway that path=value is about.
func gatewayField(set string) (field string, ok bool) {
	path, _, _ := strings.Cut(set, "=")
	section, below, _ := strings.Cut(path, ".")
	field, _, _ = strings.Cut(below, ".")
	return field, section == "gateway"
}

// fieldsSaid are the fields of a scenario's gateway that have a value, as a file spells them.
func fieldsSaid(g scenario.Gateway) []string {
	var all []string
	v := reflect.ValueOf(g)
	for i := range v.NumField() {
		if !v.Field(i).IsZero() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
			all = append(all, name)
		}
	}
	return all
}

// sayWay tells how the gateway was chosen, here and in the record.
func (q *question) sayWay(note string) {
	q.way.notes = append(q.way.notes, note)
	if q.way.stderr != nil {
		fmt.Fprintf(q.way.stderr(), "note: %s\n", note)
	}
}
