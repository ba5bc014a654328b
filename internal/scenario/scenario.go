// Package scenario is a question about a gateway, as its author wrote it: the
// YAML file, its strict reading, its defaults, its limits and its JSON Schema.
package scenario

import "time"

// A Scenario asks whether one gateway holds: under this load, in front of this
// backend, within these thresholds.
type Scenario struct {
	// Name is lower-case words joined by dashes; the record's directory bears it.
	Name        string     `yaml:"name" json:"name"`
	Description string     `yaml:"description,omitempty" json:"description,omitempty"`
	Load        Load       `yaml:"load" json:"load"`
	Gateway     Gateway    `yaml:"gateway" json:"gateway"`
	Backend     Backend    `yaml:"backend" json:"backend"`
	Thresholds  Thresholds `yaml:"thresholds" json:"thresholds"`
	Timing      Timing     `yaml:"timing" json:"timing"`
	// Assertions are held against the trial beside the thresholds.
	Assertions []Assertion `yaml:"assertions,omitempty" json:"assertions,omitempty"`
	// Expect says which ending the author expects; a trial that ends so does not
	// fail for it, and one that does not, does.
	Expect Expect `yaml:"expect,omitempty" json:"expect,omitempty"`
	// Search says how the capacity of this gateway is looked for; a trial has none.
	Search *Search `yaml:"search,omitempty" json:"search,omitempty"`
	// Variants are trials to be held beside each other. With any, the scenario itself is
	// no trial, only what they have in common.
	Variants []Variant `yaml:"variants,omitempty" json:"variants,omitempty"`
}

// An Expect is an ending that the author asks for.
type Expect string

// The endings that can be expected.
const (
	ExpectNothing  Expect = ""         // no threshold becomes critical, the gateway lives
	ExpectCritical Expect = "critical" // a resource threshold becomes critical
	ExpectKilled   Expect = "killed"   // the gateway is killed for want of memory
)

// Load says what is sent, when, and how.
type Load struct {
	// Engine is what sends: EngineOTLP (prepared payloads) or EngineSDK (the
	// OpenTelemetry Go SDK).
	Engine  Engine      `yaml:"engine,omitempty" json:"engine"`
	Pattern PatternKind `yaml:"pattern,omitempty" json:"pattern"`
	// Rate in spans per second: of a constant load the rate, of a ramp its end,
	// of a burst its base.
	Rate Rate `yaml:"rate,omitempty" json:"rate_spans_per_second"`
	// Ramp and Burst belong to their patterns and are nil elsewhere.
	Ramp  *Ramp  `yaml:"ramp,omitempty" json:"ramp,omitempty"`
	Burst *Burst `yaml:"burst,omitempty" json:"burst,omitempty"`

	Shape Shape `yaml:"shape,omitempty" json:"shape"`
	// ResourceAttributes and SpanAttributes are added to those of the shape; a key
	// that the shape has is replaced.
	ResourceAttributes map[string]string `yaml:"resource_attributes,omitempty" json:"resource_attributes,omitempty"`
	SpanAttributes     map[string]string `yaml:"span_attributes,omitempty" json:"span_attributes,omitempty"`

	// SpansPerRequest is 0 in a file for min(100, Rate/10); the plan makes it a
	// whole number of traces, so that a trace stays within one request.
	SpansPerRequest int `yaml:"spans_per_request,omitempty" json:"spans_per_request"`
	// Split lets a trace reach over two requests.
	Split bool `yaml:"split,omitempty" json:"split,omitempty"`

	Protocol    Protocol    `yaml:"protocol,omitempty" json:"protocol"`
	Compression Compression `yaml:"compression,omitempty" json:"compression"`
	// CompressOnline compresses each request when it is sent, at the level that is the
	// codec's default, instead of patching requests that were compressed beforehand.
	CompressOnline bool `yaml:"compress_online,omitempty" json:"compress_online,omitempty"`
	// Generators is how many load generators share the load; 0 is 1. Connections and
	// InFlight are of all of them, CPULimit is each one's.
	Generators  int `yaml:"generators,omitempty" json:"generators,omitempty"`
	Connections int `yaml:"connections,omitempty" json:"connections"`
	// InFlight is how many requests may be unanswered at once, over all
	// connections; a slot that finds all of them taken is unsent.
	InFlight int      `yaml:"in_flight,omitempty" json:"in_flight"`
	Timeout  Duration `yaml:"timeout,omitempty" json:"timeout_seconds"`
	Retry    Retry    `yaml:"retry,omitempty" json:"retry"`
	// CPULimit bounds the load generator itself, so that it leaves the gateway its
	// cores; 0: no limit.
	CPULimit CPU `yaml:"cpu_limit,omitempty" json:"cpu_limit_cores,omitempty"`
	// Seed of everything random in the load. Same seed, run id and start: same bytes.
	Seed uint64 `yaml:"seed,omitempty" json:"seed"`
}

// An Engine is a way to make and send telemetry.
type Engine string

// A PatternKind is a course of the rate over time.
type PatternKind string

// A Shape is a form of trace, with its attributes.
type Shape string

// A Protocol is how OTLP travels.
type Protocol string

// A Compression is the encoding of a request's body.
type Compression string

// A Retry is what the load generator does with a refused request.
type Retry string

// The kinds, as a scenario file spells them.
const (
	EngineOTLP Engine = "otlp"
	EngineSDK  Engine = "sdk"

	PatternConstant PatternKind = "constant"
	PatternRampUp   PatternKind = "ramp-up"
	PatternBurst    PatternKind = "burst"

	ShapeOdigosDocs Shape = "odigos-docs" // server + client span, about 1.9 KB each
	ShapeSimple     Shape = "simple"      // ten spans of about 355 B
	ShapeComplex    Shape = "complex"     // twenty spans over six services

	ProtocolGRPC Protocol = "grpc"
	ProtocolHTTP Protocol = "http"

	CompressionNone   Compression = "none"
	CompressionGzip   Compression = "gzip"
	CompressionZstd   Compression = "zstd"
	CompressionSnappy Compression = "snappy"

	RetryNone     Retry = "none"
	RetryExporter Retry = "exporter"
)

// A Ramp goes from one rate to Load.Rate, in a straight line, then stays.
type Ramp struct {
	From Rate `yaml:"from,omitempty" json:"from_spans_per_second"`
	// Over is how long the way takes; 0 in a file is the whole measured time.
	Over Duration `yaml:"over,omitempty" json:"over_seconds"`
}

// A Burst lifts the rate to its own height again and again.
type Burst struct {
	// Rate during a burst.
	Rate Rate `yaml:"rate" json:"rate_spans_per_second"`
	// Every is from one burst's start to the next one's; a base phase comes first.
	Every Duration `yaml:"every" json:"every_seconds"`
	// For is how long a burst lasts.
	For Duration `yaml:"for" json:"for_seconds"`
}

// Gateway says which collector is asked, with which configuration and limits.
type Gateway struct {
	Kind GatewayKind `yaml:"kind,omitempty" json:"kind"`
	// Binary is a path or a name on PATH; empty lets the search decide. With an Image it is the
	// path there; empty is its entry point.
	Binary string `yaml:"binary,omitempty" json:"binary,omitempty"`
	// Image is a container image that holds the collector; empty: none.
	Image string `yaml:"image,omitempty" json:"image,omitempty"`
	// Config is the user's own collector configuration (kind otelcol), relative
	// to the scenario file.
	Config string `yaml:"config,omitempty" json:"config,omitempty"`
	// Exporter names the exporter in Config that is pointed at the mock backend.
	Exporter string `yaml:"exporter,omitempty" json:"exporter,omitempty"`
	// AllowExporters names further exporters in Config that may really send.
	AllowExporters []string `yaml:"allow_exporters,omitempty" json:"allow_exporters,omitempty"`
	// Preset is one of Odigos' sizes (size_s … size_xl); it gives the limits that
	// are not given here.
	Preset      Preset `yaml:"preset,omitempty" json:"preset,omitempty"`
	CPULimit    CPU    `yaml:"cpu_limit,omitempty" json:"cpu_limit_cores"`       // 0: none
	MemoryLimit Bytes  `yaml:"memory_limit,omitempty" json:"memory_limit_bytes"` // 0: none
	// Replicas is how many pods of it share what is sent; 0 is 1. Limits are each one's.
	Replicas int `yaml:"replicas,omitempty" json:"replicas,omitempty"`
	// GoMemLimit and GoMaxProcs are set in the gateway's environment. For kind
	// odigos 0 means: as Odigos' chart derives them; for otelcol: not set.
	GoMemLimit Bytes `yaml:"gomemlimit,omitempty" json:"gomemlimit_bytes,omitempty"`
	GoMaxProcs int   `yaml:"gomaxprocs,omitempty" json:"gomaxprocs,omitempty"`
	// Protection is what keeps the memory below its limit (kind odigos). Empty: Odigos'
	// where the collector can; the plan settles it, for it depends on the collector.
	Protection Protection `yaml:"protection,omitempty" json:"protection,omitempty"`
	// Processors are put before the first batch, in this order (kind odigos).
	Processors []Processor `yaml:"processors,omitempty" json:"processors,omitempty"`
	// Compression of the exporter towards the backend (kind odigos).
	Compression Compression `yaml:"compression,omitempty" json:"compression,omitempty"`
	// Env is added to the gateway's environment.
	Env map[string]string `yaml:"env,omitempty" json:"env,omitempty"`
	// OnDeath is what follows when it ends without being asked to: DeathEnd or DeathRestart.
	OnDeath OnDeath `yaml:"on_death,omitempty" json:"on_death,omitempty"`
	// RestartDelay is from its death to the next start, MaxRestarts how many there are at
	// most; both are 0 unless OnDeath is DeathRestart.
	RestartDelay Duration `yaml:"restart_delay,omitempty" json:"restart_delay_seconds,omitempty"`
	MaxRestarts  int      `yaml:"max_restarts,omitempty" json:"max_restarts,omitempty"`
}

// An OnDeath is how a trial goes on whose gateway has died.
type OnDeath string

// The ways to go on.
const (
	DeathEnd     OnDeath = "end"     // the load ends soon after
	DeathRestart OnDeath = "restart" // the gateway is started again, the load goes on
)

// A GatewayKind is a family of collectors.
type GatewayKind string

// The gateways that can be asked.
const (
	GatewayOdigos  GatewayKind = "odigos"
	GatewayOtelcol GatewayKind = "otelcol"
)

// A Preset is one of Odigos' sizes.
type Preset string

// A Protection is a way to keep a gateway's memory below its limit.
type Protection string

// The protections that a gateway of kind odigos may have.
const (
	ProtectionOdigos  Protection = "odigos"  // refuses gRPC before decoding, at GOMEMLIMIT
	ProtectionLimiter Protection = "limiter" // a stock memory_limiter, below GOMEMLIMIT
	ProtectionNone    Protection = "none"    // takes in whatever comes
)

// A Processor is a collector processor laid into the gateway's pipeline.
type Processor struct {
	ID     string         `yaml:"id" json:"id"` // type or type/name
	Config map[string]any `yaml:"config,omitempty" json:"config,omitempty"`
}

// LateAnswer is how long after the delay that it was told an answer of the backend is late.
const LateAnswer = 100 * time.Millisecond

// Backend says how the mock backend answers.
type Backend struct {
	// Replicas is how many backends share what the gateway sends; 0 is 1. What is said of
	// connections, requests and cuts is each one's.
	Replicas int `yaml:"replicas,omitempty" json:"replicas,omitempty"`

	Delay Duration `yaml:"delay,omitempty" json:"delay_seconds"` // before each answer
	// SuccessRate is the share of requests answered with success; nil in a file is 1.
	SuccessRate *Ratio `yaml:"success_rate,omitempty" json:"success_rate"`
	// MaxConnections is how many connections are served at once; 0: no limit.
	MaxConnections int `yaml:"max_connections,omitempty" json:"max_connections,omitempty"`
	// MaxConcurrent is how many requests are worked on at once; a further one
	// waits (backpressure). 0: no limit.
	MaxConcurrent int `yaml:"max_concurrent,omitempty" json:"max_concurrent,omitempty"`
	// CutEvery is how often the backend cuts all its OTLP connections at once, without a
	// word, whatever is under way; 0: never.
	CutEvery Duration `yaml:"cut_every,omitempty" json:"cut_every_seconds,omitempty"`
}

// Thresholds are what the trial is held against.
type Thresholds struct {
	CPU    ResourceThreshold `yaml:"cpu,omitempty" json:"cpu"`
	Memory ResourceThreshold `yaml:"memory,omitempty" json:"memory"`
	// Loss is the largest share of acknowledged spans that may be missing.
	Loss *Ratio `yaml:"loss,omitempty" json:"loss"`
	// Refused is the largest share of offered spans that may be refused.
	Refused *Ratio `yaml:"refused,omitempty" json:"refused"`
	// LatencyP99 is from due time to receipt at the backend; 0: not judged.
	LatencyP99 Duration `yaml:"latency_p99,omitempty" json:"latency_p99_seconds,omitempty"`
	// Growth is what memory that grows by itself means.
	Growth Growth `yaml:"growth,omitempty" json:"growth,omitempty"`
}

// A Growth is what it means that memory grows under a constant load.
type Growth string

// What growth can mean.
const (
	GrowthWarning  Growth = "warning"  // it is said; the default
	GrowthCritical Growth = "critical" // it fails the trial
)

// A ResourceThreshold holds usage against the gateway's limit.
type ResourceThreshold struct {
	Warning  *Ratio   `yaml:"warning,omitempty" json:"warning"`   // default 80 %
	Critical *Ratio   `yaml:"critical,omitempty" json:"critical"` // default 90 %
	For      Duration `yaml:"for,omitempty" json:"for_seconds"`   // default 10 s
}

// Timing says how long each phase lasts.
type Timing struct {
	WarmUp   *Duration `yaml:"warm_up,omitempty" json:"warm_up_seconds"` // default 10 s; 0 is allowed
	Duration Duration  `yaml:"duration,omitempty" json:"duration_seconds"`
	// Drain is the longest wait after the load for the gateway to empty.
	Drain Duration `yaml:"drain,omitempty" json:"drain_seconds"`
}

// Total is how long load is sent: warm-up and measured time.
func (t Timing) Total() time.Duration {
	total := time.Duration(t.Duration)
	if t.WarmUp != nil {
		total += time.Duration(*t.WarmUp)
	}
	return total
}
