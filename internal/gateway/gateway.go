// Package gateway is the collectors that can be asked: which binary, with which
// configuration, started how.
package gateway

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/sampler"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A Collector is a collector binary that was found.
type Collector struct {
	Path    string `json:"path"`
	Name    string `json:"name"`    // as it names itself: odigosotelcol, otelcol-contrib …
	Version string `json:"version"` // without a leading v
	// Components are the ids it was built with, by kind: receivers, processors,
	// exporters, connectors, extensions, providers.
	Components map[string][]string `json:"components"`
	SHA256     string              `json:"sha256,omitempty"`
	// Image is the container image that it came out of, by digest; empty for a program.
	Image string `json:"image,omitempty"`
	// Env is what the image sets; what the kind and the scenario set goes before it.
	Env map[string]string `json:"env,omitempty"`
}

// Name of the gateway among the actors, and of its ports.
const (
	actorName = "gateway"

	PortOTLPGRPC = "otlp_grpc"
	PortOTLPHTTP = "otlp_http"
	PortMetrics  = "metrics"
	PortHealth   = "health"
	PortPprof    = "pprof"
	// PortServiceGraph is Odigos' own: where its service graph is scraped.
	PortServiceGraph = "servicegraph"
	portZPages       = "zpages"
)

// The mock backend's ports, as references.
const (
	backendGRPC = "$(backend.otlp_grpc)"
	backendHTTP = "$(backend.otlp_http)"
)

// ConfigFile names the collector's configuration among the actor's files,
// OverlayFile what is laid over it when it is the user's own.
const (
	ConfigFile  = "gateway.yaml"
	OverlayFile = "overlay.yaml"
)

// A Source is a text with the name under which its author knows it.
type Source struct {
	Name string
	Text []byte
}

// A Setup is a gateway that can be started.
type Setup struct {
	Actor env.Actor
	// Gateway is the scenario's, with what could only be settled once the collector was
	// known: its protection, and GOMEMLIMIT, which goes with it.
	Gateway scenario.Gateway
	Waits   Waits
	// Sampling are the processors that drop spans on purpose, by id.
	Sampling []string
	// Prediction says which traces they keep; nil where none samples.
	Prediction *sampler.Prediction
	// Notes are what the author of the scenario should know of it, in sentences.
	Notes []string
}

// kinds is every gateway that can be asked. A new one is a function and a line here.
var kinds = map[scenario.GatewayKind]func(scenario.Gateway, Collector, Source) (Setup, error){
	scenario.GatewayOdigos:  odigos,
	scenario.GatewayOtelcol: otelcol,
}

// New is the gateway of a resolved scenario. The source is what g.Config names, and
// empty for a kind that renders its own.
func New(g scenario.Gateway, c Collector, config Source) (Setup, error) {
	kind, ok := kinds[g.Kind]
	if !ok {
		return Setup{}, fmt.Errorf("set up gateway: kind %q is not known: want one of %s",
			g.Kind, strings.Join(kindNames(), ", "))
	}
	s, err := kind(g, c, config)
	if err != nil {
		return Setup{}, fmt.Errorf("set up gateway %s: %w", g.Kind, err)
	}
	return s.complete(g, c)
}

// Setup is the gateway of a resolved scenario, where it is an installation.
func (i Installation) Setup(g scenario.Gateway, c Collector) (Setup, error) {
	s, err := i.setup(g, c)
	if err != nil {
		return Setup{}, fmt.Errorf("set up gateway in place: %w", err)
	}
	return s.complete(g, c)
}

// complete adds what gateways of all kinds have in their environment.
func (s Setup) complete(g scenario.Gateway, c Collector) (Setup, error) {
	if err := addEnv(s.Actor.Env, s.Gateway); err != nil {
		return Setup{}, fmt.Errorf("set up gateway %s: %w", g.Kind, err)
	}
	for name, value := range c.Env {
		if _, set := s.Actor.Env[name]; !set {
			s.Actor.Env[name] = unreferenced(value)
		}
	}
	return s, nil
}

// unreferenced is a value in which an environment expands no reference of ours.
func unreferenced(value string) string { return strings.ReplaceAll(value, "$", "$$") }

// Port is where the gateway listens for OTLP by this protocol; ok is false when it
// does not.
func (s Setup) Port(p scenario.Protocol) (port string, ok bool) {
	port = PortOTLPGRPC
	if p == scenario.ProtocolHTTP {
		port = PortOTLPHTTP
	}
	return port, slices.Contains(s.Actor.Ports, port)
}

func kindNames() []string {
	var names []string
	for k := range kinds {
		names = append(names, string(k))
	}
	sort.Strings(names)
	return names
}

// actor is what gateways of all kinds have in common.
func actor(g scenario.Gateway, c Collector) env.Actor {
	return env.Actor{
		Name:    actorName,
		Program: c.Path,
		Args:    []string{"--config", "$(file." + ConfigFile + ")"},
		Env:     map[string]string{},
		Files:   map[string]string{},
		Ready:   env.Probe{Port: PortHealth, Path: "/", Timeout: 30 * time.Second},
		Limits:  env.Limits{CPUCores: float64(g.CPULimit), MemoryBytes: int64(g.MemoryLimit)},
		Grace:   30 * time.Second,
	}
}

// addEnv adds what the scenario asks of the runtime, and its own variables.
func addEnv(vars map[string]string, g scenario.Gateway) error {
	if g.GoMemLimit > 0 {
		vars["GOMEMLIMIT"] = GoMemLimit(g.GoMemLimit)
	}
	if g.GoMaxProcs > 0 {
		vars["GOMAXPROCS"] = strconv.Itoa(g.GoMaxProcs)
	}
	names := make([]string, 0, len(g.Env))
	for name := range g.Env {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if _, taken := vars[name]; taken && !slices.Contains(replaceable, name) {
			return fmt.Errorf("env: %s is set by the tool itself: leave it out%s", name, insteadOf[name])
		}
		vars[name] = unreferenced(g.Env[name])
	}
	return nil
}

// replaceable are the variables that we set and a scenario may set otherwise.
var replaceable = []string{"ODIGOS_VERSION", "POD_NAME"}

var insteadOf = map[string]string{
	"GOMEMLIMIT": ", or set gateway.gomemlimit",
	"GOMAXPROCS": ", or set gateway.gomaxprocs",
}

// GoMemLimit spells a limit as the Go runtime reads it.
func GoMemLimit(b scenario.Bytes) string {
	const mebi = 1 << 20
	if b%mebi == 0 {
		return fmt.Sprintf("%dMiB", b/mebi)
	}
	return fmt.Sprintf("%dB", b)
}

// Odigos tells whether the collector is Odigos' own distribution.
func (c Collector) Odigos() bool {
	return c.has("connectors", "odigosrouterconnector")
}

// Headline names the collector in every report, so that none is taken for another.
func (c Collector) Headline(kind scenario.GatewayKind) string {
	name := c.Name + " " + c.Version
	switch {
	case kind == scenario.GatewayOtelcol:
		return name + ", user's configuration"
	case c.Odigos():
		return name
	default:
		return name + ", Odigos-shaped (not Odigos)"
	}
}

func (c Collector) has(kind, id string) bool { return slices.Contains(c.Components[kind], id) }

// component returns the first of names that the collector was built with. Collectors
// rename components and keep the old name as an alias that `components` does not
// list, hence the choice.
func (c Collector) component(kind string, names ...string) (string, error) {
	for _, n := range names {
		if c.has(kind, n) {
			return n, nil
		}
	}
	return "", c.missing(kind, names[0])
}

func (c Collector) missing(kind, name string) error {
	return fmt.Errorf("%s %s (%s) has no %s %s: it has %s", c.Name, c.Version, c.Path,
		strings.TrimSuffix(kind, "s"), name, listOr(c.Components[kind], "none"))
}

func listOr(names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	return strings.Join(names, ", ")
}

// typeOf is the component's type in an id: type or type/name.
func typeOf(id string) string {
	t, _, _ := strings.Cut(id, "/")
	return strings.TrimSpace(t)
}
