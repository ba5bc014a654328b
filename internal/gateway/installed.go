package gateway

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/sampler"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// An Installation is a gateway of Odigos that is there already, and is asked where it is. Its
// configuration is Odigos' to make: for a plan there is the one of before the run alone.
type Installation struct {
	Config Source
	// Image and Program are what runs.
	Image, Program string
	// Added are the processors, by type, that are added for the run.
	Added []string
}

// idInstalled is what Odigos makes of the Destination of a run in place.
const idInstalled = "generic-odigos-stress"

// TailSampler is the processor by which Odigos carries Samplings out.
const TailSampler = "odigostailsampling"

// tailWait is how long it has traces wait for the rest of them unless told otherwise.
const tailWait = 30 * time.Second

// Collector is what runs, as far as its image and its configuration tell: it is not asked.
func (i Installation) Collector() Collector {
	name := path.Base(i.Program)
	if i.Program == "" {
		name = path.Base(strings.SplitN(path.Base(i.Image), ":", 2)[0])
	}
	_, version, _ := strings.Cut(path.Base(i.Image), ":")
	c := Collector{
		Path: i.Program, Image: i.Image, Name: name, Components: map[string][]string{},
		Version: strings.TrimPrefix(strings.SplitN(version, "@", 2)[0], "v"),
	}
	if c.Version == "" {
		c.Version = "of unknown version"
	}
	u, err := readUser(i.Config)
	if err != nil {
		return c
	}
	for kind, section := range map[string]map[string]any{
		"receivers": u.receivers, "processors": u.processors, "exporters": u.exporters,
		"connectors": u.connectors, "extensions": u.extensions,
	} {
		for _, id := range sortedKeys(section) {
			if t := typeOf(id); !slices.Contains(c.Components[kind], t) {
				c.Components[kind] = append(c.Components[kind], t)
			}
		}
	}
	return c
}

// setup is the gateway of a plan. What a scenario asks of a gateway that it describes, and an
// installation cannot be made to be, is an error.
func (i Installation) setup(g scenario.Gateway, c Collector) (Setup, error) {
	if err := i.refuse(g); err != nil {
		return Setup{}, err
	}
	a := actor(g, c)
	a.Program, a.Args, a.Grace = "", []string{}, 0
	a.Ports = []string{PortOTLPGRPC, PortOTLPHTTP, PortMetrics, PortHealth, PortPprof}
	s := Setup{Actor: a, Gateway: g}
	s.Gateway.Protection = scenario.ProtectionNone
	r := i.read()
	if r.odigos {
		s.Gateway.Protection = scenario.ProtectionOdigos
	}
	s.Waits, s.Sampling = r.waits, r.sampling
	if !r.rendered {
		s.Notes = append(s.Notes, "Odigos has no pipeline for traces yet: how long a span may rest in "+
			"the gateway is reckoned from what it renders by default.")
	}
	for _, t := range i.Added {
		there := func(id string) bool { return typeOf(id) == t }
		if samples(t) && !slices.ContainsFunc(s.Sampling, there) {
			s.Sampling = append(s.Sampling, t)
		}
		if t == TailSampler && !r.groups {
			s.Waits.Pipeline += tailWait
		}
	}
	if len(s.Sampling) > 0 {
		s.Prediction = &sampler.Prediction{Unpredictable: "its rules are Odigos' to render"}
	}
	return s, nil
}

// refuse names all that a scenario asks for in vain.
func (i Installation) refuse(g scenario.Gateway) error {
	var errs []error
	want := func(asked bool, field, want string) {
		if asked {
			errs = append(errs, fmt.Errorf("%s: found it for a gateway in place, want %s", field, want))
		}
	}
	want(g.Kind != scenario.GatewayOdigos, "gateway.kind", "odigos")
	want(len(g.Processors) > 0, "gateway.processors", "objects of Odigos, by --odigos-object")
	want(len(g.Env) > 0, "gateway.env", "it left out: the variables are Odigos' to set")
	want(g.Protection != "" && g.Protection != scenario.ProtectionOdigos, "gateway.protection",
		"it left out: it is what the installation has")
	want(g.OnDeath == scenario.DeathRestart, "gateway.on_death", "end: once its gateway has died an "+
		"installation is given back")
	want(g.Image != "" || g.Binary != "", "gateway.image and gateway.binary",
		"them left out: they are what the installation has")
	return errors.Join(errs...)
}

// A reading is what of a configuration matters to a plan.
type reading struct {
	rendered, odigos, groups bool
	waits                    Waits
	sampling                 []string
}

// read looks at the configuration of before the run. Where it has no pipeline for traces, the
// waits are those of what Odigos renders by default.
func (i Installation) read() reading {
	byDefault := reading{waits: odigosWaits(scenario.Gateway{})}
	u, err := readUser(i.Config)
	if err != nil {
		return byDefault
	}
	byDefault.odigos = u.isOdigos()
	if u.loadReceiver() == "" {
		return byDefault
	}
	r := reading{rendered: true, odigos: u.isOdigos(), waits: u.waits("*/" + idInstalled)}
	r.sampling = u.sampling()
	for id := range u.processors {
		r.groups = r.groups || typeOf(id) == "groupbytrace"
	}
	return r
}

// Differs says in what a configuration that was rendered for a run is not what its plan assumed,
// in sentences: waits that are longer, processors that drop spans.
// Quiet is the silence after which the plan takes the gateway for empty.
func Differs(rendered string, quiet time.Duration, sampling []string) []string {
	u, err := readUser(Source{Name: "the gateway's configuration", Text: []byte(rendered)})
	if err != nil {
		return []string{fmt.Sprintf("What the gateway runs could not be read: %v.", err)}
	}
	var all []string
	exporter := ""
	for id := range u.exporters {
		if strings.HasSuffix(id, "/"+idInstalled) {
			exporter = id
		}
	}
	if w := u.waits(exporter); w.Pipeline > quiet {
		all = append(all, fmt.Sprintf("A span may rest in the gateway for %s, and it is taken for empty "+
			"after %s: what the drain did not wait for may be told as lost.", w.Pipeline, quiet))
	}
	types := func(ids []string) []string {
		out := []string{}
		for _, id := range ids {
			out = append(out, typeOf(id))
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	if is, was := types(u.sampling()), types(sampling); !slices.Equal(is, was) {
		all = append(all, fmt.Sprintf("The gateway samples by %s, and %s was assumed: of traces that "+
			"did not arrive the wrong cause may be told.", listOr(is, "nothing"), listOr(was, "nothing")))
	}
	return all
}
