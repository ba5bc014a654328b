package scenario

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// The least that a limit may be: below it the kernel's own unit ends (CPU: one
// millisecond of a period of 100) or no collector starts.
const (
	minCPU    CPU   = 0.01
	minMemory Bytes = 16 << 20
)

const (
	maxGenerators      = 64
	maxGateways        = 100
	maxReplicas        = 16
	maxConnections     = 10_000
	maxInFlight        = 100_000
	maxSpansPerRequest = 100_000
	maxName            = 63
)

var (
	goodName      = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	goodComponent = regexp.MustCompile(`^[a-z][a-z0-9_]*(/[^\s/]+)?$`)
)

// leastCut leaves a sender the time to connect again and to send something.
const leastCut = Duration(100 * time.Millisecond)

// problems are mistakes that no single value shows.
type problems []*Error

// add notes a mistake at path.
func (p *problems) add(path, found, want string) {
	*p = append(*p, &Error{Path: path, Found: found, Want: want})
}

// between holds a whole number that 0 leaves to its default against its bounds.
func (p *problems) between(path string, n, most int) {
	if n < 0 || n > most {
		p.add(path, fmt.Sprint(n), fmt.Sprintf("0 to %d", most))
	}
}

// whole holds a part of the schedule against its unit.
func (p *problems) whole(path string, d Duration) {
	if d%Duration(time.Millisecond) != 0 {
		p.add(path, d.String(), "whole milliseconds")
	}
}

// check returns everything that contradicts itself, in a scenario with or without
// its defaults.
func (s Scenario) check() problems {
	var p problems
	switch {
	case s.Name == "":
		p.add("name", "no name", "lower-case words joined by dashes, such as basic-load-1k")
	case !goodName.MatchString(s.Name) || len(s.Name) > maxName:
		p.add("name", quote(s.Name), fmt.Sprintf(
			"lower-case words of letters and digits joined by dashes, at most %d characters", maxName))
	}
	if len(s.Variants) > 0 {
		s.checkVariants(&p)
		return p
	}
	s.Load.check(&p)
	s.checkPattern(&p)
	s.Gateway.check(&p)
	p.between("backend.replicas", s.Backend.Replicas, maxReplicas)
	p.between("backend.max_connections", s.Backend.MaxConnections, 1e6)
	p.between("backend.max_concurrent", s.Backend.MaxConcurrent, 1e6)
	if cut := s.Backend.CutEvery; cut != 0 && cut < leastCut {
		p.add("backend.cut_every", cut.String(), "0 (never) or at least "+leastCut.String())
	}
	s.Thresholds.CPU.check(&p, "thresholds.cpu")
	s.Thresholds.Memory.check(&p, "thresholds.memory")
	s.Timing.check(&p)
	s.checkSearch(&p)
	s.checkAssertions(&p)
	return p
}

func (t Timing) check(p *problems) {
	if t.Duration != 0 && t.Duration < Duration(time.Second) {
		p.add("timing.duration", t.Duration.String(), "at least 1s")
	}
	p.whole("timing.duration", t.Duration)
	if t.WarmUp != nil {
		p.whole("timing.warm_up", *t.WarmUp)
	}
}

func (l Load) check(p *problems) {
	if l.Rate != 0 && l.Rate < 1 {
		p.add("load.rate", l.Rate.String(), "at least 1 span per second")
	}
	p.between("load.spans_per_request", l.SpansPerRequest, maxSpansPerRequest)
	shape := l.Shape
	if shape == "" {
		shape = defaultShape
	}
	if trace := shape.Spans(); !l.Split && l.SpansPerRequest > 0 && l.SpansPerRequest%trace != 0 {
		p.add("load.spans_per_request", fmt.Sprint(l.SpansPerRequest), fmt.Sprintf(
			"a multiple of %d, the spans of one trace of shape %s, or split: true", trace, shape))
	}
	if l.Engine == EngineSDK && l.Compression != "" &&
		l.Compression != CompressionNone && l.Compression != CompressionGzip {
		p.add("load.compression", string(l.Compression),
			"none or gzip, which is what engine sdk can, or engine otlp")
	}
	if l.CPULimit > 0 && l.CPULimit < 0.01 {
		p.add("load.cpu_limit", l.CPULimit.String(), "at least 10m")
	}
	p.between("load.generators", l.Generators, maxGenerators)
	p.between("load.connections", l.Connections, maxConnections)
	p.between("load.in_flight", l.InFlight, maxInFlight)
	if l.Connections > 0 && l.Connections < l.Generators {
		p.add("load.connections", fmt.Sprint(l.Connections), fmt.Sprintf(
			"at least %d, one for each of load.generators", l.Generators))
	}
	if least := max(1, l.Connections, l.Generators); l.InFlight > 0 && l.InFlight < least {
		p.add("load.in_flight", fmt.Sprint(l.InFlight), fmt.Sprintf(
			"at least %d, one for each of load.connections", least))
	}
	for key := range l.ResourceAttributes {
		emptyKey(p, "load.resource_attributes", key)
	}
	for key := range l.SpanAttributes {
		emptyKey(p, "load.span_attributes", key)
	}
}

func emptyKey(p *problems, path, key string) {
	if strings.TrimSpace(key) == "" {
		p.add(path, "an attribute without a name", "a name such as deployment.environment.name")
	}
}

// checkPattern holds the course of the rate against the time there is.
func (s Scenario) checkPattern(p *problems) {
	rate, duration := s.Load.Rate, s.Timing.Duration
	if rate == 0 {
		rate = defaultRate
	}
	if duration == 0 {
		duration = defaultDuration
	}
	if r := s.Load.Ramp; r != nil {
		p.whole("load.ramp.over", r.Over)
		switch {
		case s.Load.Pattern != PatternRampUp:
			p.add("load.ramp", "a ramp with pattern "+s.Load.patternName(),
				"pattern ramp-up, or no ramp (null)")
		case r.From != 0 && r.From < 1:
			p.add("load.ramp.from", r.From.String(), "at least 1 span per second")
		case r.From > rate:
			p.add("load.ramp.from", r.From.String(), fmt.Sprintf(
				"at most load.rate, the end of the ramp (%s)", rate))
		case r.Over > duration:
			p.add("load.ramp.over", r.Over.String(), fmt.Sprintf(
				"at most timing.duration (%s), so that the end is reached", duration))
		}
	}
	b := s.Load.Burst
	switch {
	case b == nil && s.Load.Pattern == PatternBurst:
		p.add("load.burst", "none with pattern burst", "a mapping with rate, every, for")
	case b != nil && s.Load.Pattern != PatternBurst:
		p.add("load.burst", "a burst with pattern "+s.Load.patternName(),
			"pattern burst, or no burst (null)")
	case b != nil:
		b.check(p, rate, duration)
	}
}

func (l Load) patternName() string {
	if l.Pattern == "" {
		return string(PatternConstant)
	}
	return string(l.Pattern)
}

func (b Burst) check(p *problems, base Rate, duration Duration) {
	p.whole("load.burst.every", b.Every)
	p.whole("load.burst.for", b.For)
	switch {
	case b.Rate == 0:
		p.add("load.burst.rate", "no rate", "the rate during a burst, such as 20k")
	case b.Rate < base:
		p.add("load.burst.rate", b.Rate.String(), fmt.Sprintf(
			"at least load.rate, the base between bursts (%s); see --set load.burst.rate", base))
	}
	switch {
	case b.Every == 0:
		p.add("load.burst.every", "no time", "the time from one burst to the next, such as 1m")
	case b.Every > duration:
		p.add("load.burst.every", b.Every.String(), fmt.Sprintf(
			"at most timing.duration (%s), so that there is a whole burst", duration))
	}
	switch {
	case b.For == 0:
		p.add("load.burst.for", "no time", "how long one burst lasts, such as 10s")
	case b.Every != 0 && b.For >= b.Every:
		p.add("load.burst.for", b.For.String(), fmt.Sprintf(
			"less than load.burst.every (%s)", b.Every))
	}
}

func (g Gateway) check(p *problems) {
	if g.CPULimit != 0 && g.CPULimit < minCPU {
		p.add("gateway.cpu_limit", g.CPULimit.String(), "at least 10m")
	}
	if g.MemoryLimit != 0 && g.MemoryLimit < minMemory {
		p.add("gateway.memory_limit", g.MemoryLimit.String(), "at least 16Mi; Mi is 2^20 bytes")
	}
	if g.GoMemLimit != 0 && g.GoMemLimit < 1<<20 {
		p.add("gateway.gomemlimit", g.GoMemLimit.String(), "at least 1Mi; Mi is 2^20 bytes")
	}
	p.between("gateway.replicas", g.Replicas, maxGateways)
	p.between("gateway.gomaxprocs", g.GoMaxProcs, 1024)
	for key, value := range g.Env {
		if key == "" || strings.ContainsAny(key, "=\x00") || strings.ContainsRune(value, 0) {
			p.add("gateway.env", "the variable "+quote(key),
				"a name, without = and null bytes in it or in its value")
		}
	}
	if g.Image != "" {
		g.checkImage(p)
	}
	g.checkDeath(p)
	if g.Kind == GatewayOtelcol {
		g.checkOtelcol(p)
	} else {
		g.checkOdigos(p)
	}
}

// goodImage is a reference to an image as registries read it, less strictly: whoever
// pulls it knows better.
var goodImage = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._:/-]*(@sha256:[a-f0-9]{64})?$`)

// checkImage refuses what is no reference, and a program that is not in the image.
func (g Gateway) checkImage(p *problems) {
	if !goodImage.MatchString(g.Image) {
		p.add("gateway.image", quote(g.Image), "an image such as "+
			"docker.io/otel/opentelemetry-collector-contrib:0.157.0")
	}
	if g.Binary != "" && !strings.HasPrefix(g.Binary, "/") {
		p.add("gateway.binary", quote(g.Binary)+" with an image", "its path there, such as /otelcol")
	}
}

// mostRestarts keeps a record of deaths that somebody can read.
const mostRestarts = 1000

// checkDeath refuses what says something of restarts where there are none.
func (g Gateway) checkDeath(p *problems) {
	p.between("gateway.max_restarts", g.MaxRestarts, mostRestarts)
	if g.OnDeath == DeathRestart {
		return
	}
	const want = "gateway.on_death: restart, or nothing"
	if g.RestartDelay != 0 {
		p.add("gateway.restart_delay", "a delay of restarts without restarts", want)
	}
	if g.MaxRestarts != 0 {
		p.add("gateway.max_restarts", "a number of restarts without restarts", want)
	}
}

// checkOdigos refuses what belongs to a user's own configuration, and processors
// that no collector could be given.
func (g Gateway) checkOdigos(p *problems) {
	const found, want = "it with kind odigos", "kind otelcol, or nothing"
	if g.Config != "" {
		p.add("gateway.config", found, want)
	}
	if g.Exporter != "" {
		p.add("gateway.exporter", found, want)
	}
	if len(g.AllowExporters) > 0 {
		p.add("gateway.allow_exporters", found, want)
	}
	seen := map[string]bool{}
	for i, processor := range g.Processors {
		path := fmt.Sprintf("gateway.processors.%d.id", i)
		switch {
		case processor.ID == "":
			p.add(path, "no id", "type or type/name, such as memory_limiter")
		case !goodComponent.MatchString(processor.ID):
			p.add(path, quote(processor.ID), "type or type/name, such as memory_limiter")
		case seen[processor.ID]:
			p.add(path, quote(processor.ID)+" a second time", "type/name, a name of its own")
		}
		seen[processor.ID] = true
	}
}

func (g Gateway) checkOtelcol(p *problems) {
	if g.Config == "" {
		p.add("gateway.config", "none with kind otelcol",
			"the collector's configuration file, relative to the scenario")
	}
	if g.Exporter == "" {
		p.add("gateway.exporter", "none with kind otelcol",
			"the exporter in gateway.config that is pointed at the mock backend, such as otlp")
	}
	for i, id := range append([]string{g.Exporter}, g.AllowExporters...) {
		if path := fmt.Sprintf("gateway.allow_exporters.%d", i-1); i == 0 && id == "" {
			continue
		} else if !goodComponent.MatchString(id) {
			if i == 0 {
				path = "gateway.exporter"
			}
			p.add(path, quote(id), "type or type/name, such as otlp/backend")
		}
	}
	const found, want = "it with kind otelcol", "kind odigos, or the same in gateway.config"
	if g.Protection != "" {
		p.add("gateway.protection", found, want)
	}
	if len(g.Processors) > 0 {
		p.add("gateway.processors", found, want)
	}
	if g.Compression != "" {
		p.add("gateway.compression", found, want)
	}
}

func (t ResourceThreshold) check(p *problems, path string) {
	if t.Warning != nil && t.Critical != nil && *t.Warning > *t.Critical {
		p.add(path+".warning", t.Warning.String(), fmt.Sprintf(
			"at most the critical threshold (%s)", t.Critical))
	}
}
