package profile

import "strings"

const (
	ownerQueue       = "exporterhelper/queue"
	ownerHelper      = "exporterhelper"
	ownerFanout      = "fanout"
	ownerTelemetry   = "own telemetry"
	ownerObservation = "observation"
	ownerStartup     = "startup"
	ownerReceiver    = "receiver/otlp"
	ownerExporter    = "exporter/otlp"
)

// A place is where a package or a function lives, and who owns what it does.
type place struct{ prefix, owner string }

// packages that are no component, by the beginning of their path. The first that fits
// counts.
var packages = []place{
	{"net/http/pprof", ownerObservation},
	{"runtime/pprof", ownerObservation},
	{"expvar", ownerObservation},
	{"github.com/prometheus/client_golang/", ownerObservation},
	{"github.com/google/pprof/", ownerObservation},
	{"go.opentelemetry.io/otel/", ownerTelemetry},
	{instrumentation, ownerTelemetry},
	{collector + "receiver/receiverhelper", ownerTelemetry},
	{collector + "processor/processorhelper", ownerTelemetry},
	{collector + "service/internal/obsconsumer", ownerTelemetry},
	{"go.uber.org/zap", ownerTelemetry},
	{collector + "exporter/exporterhelper/internal/queue", ownerQueue},
	{collector + "exporter/exporterqueue", ownerQueue},
	{collector + "exporter/internal/queue", ownerQueue},
	{collector + "exporter/exporterhelper", ownerHelper},
	{collector + "internal/fanoutconsumer", ownerFanout},
	{collector + "service/internal/fanoutconsumer", ownerFanout},
	{collector + "internal/memorylimiter", "processor/memory_limiter"},
	{collector + "otelcol", ownerStartup},
	{collector + "confmap", ownerStartup},
}

const (
	collector       = "go.opentelemetry.io/collector/"
	instrumentation = "go.opentelemetry.io/contrib/instrumentation/"
)

// functions of libraries that tell who asked for them.
var functions = []place{
	{"google.golang.org/grpc.(*Server).", ownerReceiver},
	{"google.golang.org/grpc/internal/transport.NewServerTransport", ownerReceiver},
	{"google.golang.org/grpc/internal/transport.(*http2Server).", ownerReceiver},
	{"google.golang.org/grpc/internal/transport.NewHTTP2Client", ownerExporter},
	{"google.golang.org/grpc/internal/transport.newHTTP2Client", ownerExporter},
	{"google.golang.org/grpc/internal/transport.(*http2Client).", ownerExporter},
}

// ownerOf is who owns a function; empty where it is a library's.
func ownerOf(pkg, name string) string {
	for _, p := range packages {
		if strings.HasPrefix(pkg, p.prefix) {
			if p.prefix == instrumentation && !strings.Contains(strings.ToLower(name), "handlerpc") {
				return "" // it stands between a component and its client, and passes on
			}
			return p.owner
		}
	}
	for _, f := range functions {
		if strings.HasPrefix(pkg+"."+name, f.prefix) {
			return f.owner
		}
	}
	if pkg == "main" || initialises(name) {
		return ownerStartup
	}
	return componentOf(pkg)
}

// initialises tells the initialisation of a package: init, init.0, map.init.0. A function
// literal in it, init.func1, may be called at any time.
func initialises(name string) bool {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(name, "map."), "init")
	return ok && strings.Trim(rest, ".0123456789") == ""
}

// kinds of components, as their packages' names end.
var kinds = []string{"receiver", "processor", "exporter", "connector", "extension"}

// irregular are the types whose names their packages do not have.
var irregular = map[string]string{
	"memorylimiter": "memory_limiter", "tailsampling": "tail_sampling",
	"probabilisticsampler": "probabilistic_sampler", "healthcheck": "health_check",
	"k8sattributes": "k8s_attributes",
}

// componentOf finds a component by its package, as the collector and its distributions
// name them: …/otlpreceiver, …/otlpreceiver/internal/trace, and Odigos' …/processors/name.
func componentOf(pkg string) string {
	if strings.HasPrefix(pkg, "go.opentelemetry.io/otel/") {
		return ""
	}
	segments := strings.Split(pkg, "/")
	for i := len(segments) - 1; i > 0; i-- {
		for _, kind := range kinds {
			name, ok := strings.CutSuffix(segments[i], kind)
			if !ok && strings.Contains(pkg, "/collector/") && segments[i-1] == kind+"s" {
				name, ok = segments[i], true
			}
			if !ok || name == "" || name == "x" {
				continue
			}
			if other, ok := irregular[name]; ok {
				name = other
			}
			return kind + "/" + name
		}
	}
	return ""
}
