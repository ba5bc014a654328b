package scenario

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// What a scenario means where it says nothing.
const (
	defaultRate  Rate = 1000
	defaultShape      = ShapeOdigosDocs
	defaultSeed       = 1
	// A request has at most this many spans, and at least so many requests are due
	// in a second, unless one trace is more.
	defaultSpansPerRequest        = 100
	defaultRequestsPerSecond      = 10
	defaultRampFrom          Rate = 100
	// defaultTimeout is what OTLP exporters wait.
	defaultTimeout = Duration(10 * time.Second)

	defaultPreset   = "size_m"
	defaultWarmUp   = Duration(10 * time.Second)
	defaultDuration = Duration(10 * time.Minute)
	defaultDrain    = Duration(time.Minute)

	defaultWarning  Ratio = 0.8
	defaultCritical Ratio = 0.9
	defaultFor            = Duration(10 * time.Second)
)

// What follows a death where restarts are asked for: often enough to see whether one
// death is like the other, and no loop that never ends.
const (
	defaultRestartDelay = Duration(time.Second)
	defaultRestarts     = 20
)

// Odigos' sizes, by their names.
const (
	PresetSizeS  Preset = "size_s"
	PresetSizeM  Preset = "size_m"
	PresetSizeL  Preset = "size_l"
	PresetSizeXL Preset = "size_xl"
)

const mebibyte Bytes = 1 << 20

// A size is what a preset gives one gateway.
type size struct {
	cpu    CPU
	memory Bytes
}

var sizes = map[Preset]size{
	PresetSizeS:  {0.3, 300 * mebibyte},
	PresetSizeM:  {1, 600 * mebibyte},
	PresetSizeL:  {1.25, 850 * mebibyte},
	PresetSizeXL: {1.5, 2000 * mebibyte},
}

// Spans is how many spans one trace of the shape has.
func (s Shape) Spans() int {
	switch s {
	case ShapeSimple:
		return 10
	case ShapeComplex:
		return 20
	}
	return 2
}

// Resolved returns s with every default filled in, so that nothing is left to
// decide; s itself is left as it is. Resolving twice changes nothing. An error
// says what in s contradicts itself, without places. A scenario with variants is many
// trials: each is resolved by itself, see Variant.
func (s Scenario) Resolved() (Scenario, error) {
	if wrong := s.check(); len(wrong) > 0 {
		return Scenario{}, join(wrong)
	}
	if len(s.Variants) > 0 {
		return Scenario{}, &Error{
			Path: "variants", Found: fmt.Sprintf("%d variants", len(s.Variants)),
			Want: "one of them: " + strings.Join(s.VariantNames(), ", "),
		}
	}
	// Timing first: a ramp takes its length from there.
	s.Timing = s.Timing.resolved()
	s.Load = s.Load.resolved(s.Timing.Duration, s.Gateway.Replicas)
	s.Gateway = s.Gateway.resolved()
	s.Backend.SuccessRate = or(s.Backend.SuccessRate, 1)
	one(&s.Gateway.Replicas)
	one(&s.Backend.Replicas)
	s.Thresholds = s.Thresholds.resolved()
	s.Search = nil // a trial has none
	return s, nil
}

func (t Timing) resolved() Timing {
	t.WarmUp = or(t.WarmUp, defaultWarmUp)
	fill(&t.Duration, defaultDuration)
	fill(&t.Drain, defaultDrain)
	return t
}

// resolved has a connection for each of the gateways, since one sticks to one of them.
func (l Load) resolved(measured Duration, gateways int) Load {
	fill(&l.Engine, EngineOTLP)
	fill(&l.Pattern, PatternConstant)
	fill(&l.Rate, defaultRate)
	if l.Pattern == PatternRampUp {
		ramp := Ramp{}
		if l.Ramp != nil {
			ramp = *l.Ramp
		}
		fill(&ramp.From, max(1, min(defaultRampFrom, l.Rate/10)))
		fill(&ramp.Over, measured)
		l.Ramp = &ramp
	}
	fill(&l.Shape, defaultShape)
	fill(&l.SpansPerRequest, l.defaultSpansPerRequest())
	fill(&l.Protocol, ProtocolGRPC)
	fill(&l.Compression, CompressionNone)
	one(&l.Generators)
	fill(&l.Connections, max(1, l.Generators, gateways))
	fill(&l.InFlight, l.defaultInFlight())
	fill(&l.Timeout, defaultTimeout)
	fill(&l.Retry, RetryNone)
	fill(&l.Seed, defaultSeed)
	return l
}

// defaultSpansPerRequest is min(100, rate/10), in whole traces and at least one,
// or at least one span where traces may be split.
func (l Load) defaultSpansPerRequest() int {
	spans := int(min(defaultSpansPerRequest, l.Rate/defaultRequestsPerSecond))
	if l.Split {
		return max(1, spans)
	}
	trace := l.Shape.Spans()
	return max(trace, spans/trace*trace)
}

// defaultInFlight lets a gateway that answers within a second get everything that
// is due in it. The bounds: a low rate still has 16 and each connection 4, and
// above 256 the generator would hold more payload than it could explain.
func (l Load) defaultInFlight() int {
	peak := l.Rate
	if l.Burst != nil {
		peak = l.Burst.Rate
	}
	aSecond := math.Ceil(float64(peak) / float64(l.SpansPerRequest))
	return max(16, 4*l.Connections, int(min(256, aSecond)))
}

func (g Gateway) resolved() Gateway {
	fill(&g.Kind, GatewayOdigos)
	fill(&g.OnDeath, DeathEnd)
	if g.OnDeath == DeathRestart {
		fill(&g.RestartDelay, defaultRestartDelay)
		fill(&g.MaxRestarts, defaultRestarts)
	}
	if g.Kind == GatewayOdigos {
		fill(&g.Compression, CompressionNone)
		if g.Preset == "" && (g.CPULimit == 0 || g.MemoryLimit == 0) {
			g.Preset = defaultPreset
		}
	}
	if preset, ok := sizes[g.Preset]; ok {
		fill(&g.CPULimit, preset.cpu)
		fill(&g.MemoryLimit, preset.memory)
		if preset != (size{g.CPULimit, g.MemoryLimit}) {
			g.Preset = "" // not that size any more
		}
	}
	if g.Kind == GatewayOdigos {
		fill(&g.GoMemLimit, Derive(g.MemoryLimit).GoMemLimit)
		fill(&g.GoMaxProcs, int(math.Ceil(float64(g.CPULimit))))
	}
	return g
}

// A Derived is what Odigos' chart makes of a gateway's memory limit, in whole MiB.
type Derived struct {
	Hard       Bytes // memoryLimiterLimitMiB
	Spike      Bytes // memoryLimiterSpikeLimitMiB
	GoMemLimit Bytes
}

// Derive is the hard limit that lies 50 MiB below the container's, a fifth of it, and 80 % of
// it. Below 100 MiB that would leave next to nothing, or less; there the hard limit is half
// the container's.
func Derive(limit Bytes) Derived {
	whole := func(b Bytes) Bytes { return b / mebibyte * mebibyte }
	hard := max(limit-50*mebibyte, limit/2)
	return Derived{Hard: whole(hard), Spike: whole(hard / 5), GoMemLimit: whole(hard * 8 / 10)}
}

func (t Thresholds) resolved() Thresholds {
	t.CPU, t.Memory = t.CPU.resolved(), t.Memory.resolved()
	t.Loss, t.Refused = or(t.Loss, 0), or(t.Refused, 0)
	fill(&t.Growth, GrowthWarning)
	return t
}

// resolved keeps warning at or below critical, whichever of the two was given.
func (t ResourceThreshold) resolved() ResourceThreshold {
	warning, critical := defaultWarning, defaultCritical
	if t.Critical != nil {
		warning = min(warning, *t.Critical)
	}
	if t.Warning != nil {
		critical = max(critical, *t.Warning)
	}
	t.Warning, t.Critical = or(t.Warning, warning), or(t.Critical, critical)
	fill(&t.For, defaultFor)
	return t
}

// one writes a number of one as none: so do all records of before there could be more.
func one(n *int) {
	if *n == 1 {
		*n = 0
	}
}

// fill sets what is zero.
func fill[T comparable](into *T, value T) {
	var zero T
	if *into == zero {
		*into = value
	}
}

// or returns given, or a pointer to value where nothing was.
func or[T any](given *T, value T) *T {
	if given != nil {
		return given
	}
	return &value
}
