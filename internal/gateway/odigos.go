package gateway

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// The ids of the Odigos gateway's configuration, as Odigos itself generates them for
// one destination named stress-mock.
const (
	idBatch          = "batch/generic-batch-processor"
	idVersion        = "resource/odigos-version"
	idRole           = "resource/odigos-collector-role"
	idPodName        = "resource/pod-name"
	idTraceState     = "odigostracestate"
	idTrafficMetrics = "odigostrafficmetrics"
	idConfigK8s      = "odigos_config_k8s"
	idRouter         = "odigosrouterconnector/traces"
	idDestination    = "generic-stress-mock"
	idForward        = "forward/traces/" + idDestination
	idSelfMetrics    = "prometheus/self-metrics"
	idServiceGraph   = "prometheus/servicegraph"

	// The stand-ins for the router: a connector with a second branch, whose
	// processor changes what it gets, so that a deep copy must be made of it.
	idStockRouter = "forward/router"
	idRouterCopy  = "resource/router-copy"
	idCopySink    = "nop/router-copy"
)

// Variables of the gateway's process through which the configuration learns its
// addresses.
const (
	varOTLPGRPC     = "STRESS_OTLP_GRPC"
	varOTLPHTTP     = "STRESS_OTLP_HTTP"
	varMetrics      = "STRESS_METRICS"
	varMetricsHost  = "STRESS_METRICS_HOST"
	varMetricsPort  = "STRESS_METRICS_PORT"
	varHealth       = "STRESS_HEALTH"
	varPprof        = "STRESS_PPROF"
	varServiceGraph = "STRESS_SERVICEGRAPH"
	varBackendGRPC  = "STRESS_BACKEND_GRPC"
	varBackendHTTP  = "STRESS_BACKEND_HTTP"
)

func fromEnv(name string) string { return "${env:" + name + "}" }

// odigos is a gateway with a configuration of the shape of Odigos' own: with an
// odigosotelcol the very components, with any other stock parts in the places of
// those that only Odigos has.
func odigos(g scenario.Gateway, c Collector, _ Source) (Setup, error) {
	r, err := newRendering(g, c)
	if err != nil {
		return Setup{}, err
	}
	text, err := yaml.Marshal(r.config())
	if err != nil {
		return Setup{}, fmt.Errorf("render configuration: %w", err)
	}
	a := actor(g, c)
	a.Files[ConfigFile] = string(text)
	a.Ports = []string{PortOTLPGRPC, PortOTLPHTTP, PortMetrics, PortHealth, PortPprof}
	a.Env = map[string]string{
		varOTLPGRPC: "$(self.otlp_grpc)", varOTLPHTTP: "$(self.otlp_http)",
		varMetricsHost: "$(self.metrics.host)", varMetricsPort: "$(self.metrics.port)",
		varHealth: "$(self.health)", varPprof: "$(self.pprof)", varBackendGRPC: backendGRPC,
		// Without a version Odigos' own configuration is invalid.
		"ODIGOS_VERSION": c.Version, "POD_NAME": "odigos-gateway-0",
	}
	if r.scrapes() {
		a.Env[varMetrics] = "$(self.metrics)"
	}
	if r.graphExporter != "" {
		a.Ports = append(a.Ports, PortServiceGraph)
		a.Env[varServiceGraph] = "$(self.servicegraph)"
	}
	return Setup{
		Actor: a, Gateway: r.g, Waits: odigosWaits(g), Sampling: odigosSampling(g),
		Prediction: odigosPrediction(g), Notes: r.notes(),
	}, nil
}

// A rendering is one configuration of kind odigos on its way.
type rendering struct {
	g scenario.Gateway
	c Collector
	// The names by which this collector knows what others know by another name.
	otlpExporter, serviceGraph string
	// Where it has them: graphExporter serves the service graph, selfReceiver
	// scrapes the collector's own metrics.
	graphExporter, selfReceiver string
	limiter                     *limiter // nil for every protection but its own
	unasked                     bool     // nobody asked for no protection, there is none
}

func newRendering(g scenario.Gateway, c Collector) (*rendering, error) {
	r := &rendering{g: g, c: c}
	var err error
	if r.otlpExporter, err = c.component("exporters", "otlp_grpc", "otlp"); err != nil {
		return nil, err
	}
	if r.serviceGraph, err = c.component("connectors", "service_graph", "servicegraph"); err != nil {
		return nil, err
	}
	if c.has("exporters", "prometheus") {
		r.graphExporter = idServiceGraph
	}
	if c.has("receivers", "prometheus") {
		r.selfReceiver = idSelfMetrics
	}
	if err := r.requireParts(); err != nil {
		return nil, err
	}
	if err := r.protect(); err != nil {
		return nil, err
	}
	return r, r.checkProcessors()
}

// requireParts names what the shape cannot do without.
func (r *rendering) requireParts() error {
	need := [][2]string{
		{"receivers", "otlp"},
		{"processors", "batch"},
		{"processors", "resource"},
		{"connectors", "forward"},
		{"extensions", "health_check"},
		{"extensions", "pprof"},
	}
	if r.c.Odigos() {
		need = append(need, [][2]string{
			{"receivers", "prometheus"},
			{"exporters", "prometheus"},
			{"processors", idTraceState},
			{"processors", idTrafficMetrics},
			{"extensions", idConfigK8s},
		}...)
	} else {
		need = append(need, [2]string{"exporters", "nop"})
	}
	for _, n := range need {
		if _, err := r.c.component(n[0], n[1]); err != nil {
			return err
		}
	}
	return nil
}

// checkProcessors holds the scenario's own processors against the collector.
func (r *rendering) checkProcessors() error {
	ours := []string{
		idBatch, idVersion, idRole, idPodName, idTraceState, idTrafficMetrics, idRouterCopy,
	}
	if r.limiter != nil {
		ours = append(ours, r.limiter.id)
	}
	seen := map[string]bool{}
	for _, p := range r.g.Processors {
		switch t := typeOf(p.ID); {
		case t == "":
			return fmt.Errorf("processors: id %q: want type or type/name", p.ID)
		case slices.Contains(ours, p.ID):
			return fmt.Errorf("processors: %s is part of the gateway already: give yours another"+
				" name, such as %s/mine", p.ID, t)
		case seen[p.ID]:
			return fmt.Errorf("processors: %s is there twice: name them apart, such as %s/second",
				p.ID, t)
		case !r.hasProcessor(t):
			return fmt.Errorf("processors: %s: %w", p.ID, r.c.missing("processors", t))
		}
		seen[p.ID] = true
	}
	return nil
}

// hasProcessor overlooks underscores: a collector still knows k8sattributes when it
// lists k8s_attributes.
func (r *rendering) hasProcessor(t string) bool {
	bare := func(s string) string { return strings.ReplaceAll(s, "_", "") }
	return slices.ContainsFunc(r.c.Components["processors"], func(id string) bool {
		return bare(id) == bare(t)
	})
}

func (r *rendering) scrapes() bool { return r.selfReceiver != "" }

// notes say how far the stand-in is from the gateway whose shape it has.
func (r *rendering) notes() []string {
	if r.c.Odigos() {
		return r.protectionNotes()
	}
	notes := []string{
		"The gateway has the shape of Odigos' but is not Odigos': a forward connector with one forced" +
			" deep copy stands in for the router, odigostracestate and odigostrafficmetrics are left out.",
	}
	notes = append(notes, r.protectionNotes()...)
	if !r.scrapes() {
		notes = append(notes, r.c.Name+" has no prometheus receiver: the cost of scraping its own"+
			" metrics every 10 s, as Odigos does, is not in the figures.")
	}
	if r.graphExporter == "" {
		notes = append(notes, r.c.Name+" has no prometheus exporter: the service graph's metrics"+
			" end in a nop exporter.")
	}
	return notes
}
