package plan

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// width is where text is broken.
const width = 90

// WriteText tells a reader what the trial would be.
func (p Plan) WriteText(w io.Writer) error {
	var t page
	t.title(p.Scenario.Name)
	t.paragraph("", p.Scenario.Description)
	t.section("load", p.loadLines())
	t.section("gateway", p.gatewayLines())
	t.section("backend", backendLines(p.Scenario.Backend))
	t.section("thresholds", thresholdLines(p.Scenario))
	t.section("time", p.timeLines())
	t.notes(p.Notes)
	for _, a := range []env.Actor{p.Backend, p.Gateway, p.Loadgen} {
		t.actor(a)
	}
	for _, name := range []string{gateway.ConfigFile, gateway.OverlayFile} {
		if text, ok := p.Gateway.Files[name]; ok {
			t.file("gateway's "+name, text)
		}
	}
	_, err := t.WriteTo(w)
	return err
}

// A line is a name and what is to be said of it.
type line struct{ name, text string }

func (p Plan) loadLines() []line {
	l := p.Scenario.Load
	rate := fmt.Sprintf("%s spans/s", l.Rate)
	switch {
	case l.Ramp != nil:
		rate = fmt.Sprintf("from %s to %s spans/s over %s", l.Ramp.From, l.Rate, l.Ramp.Over)
	case l.Burst != nil:
		rate = fmt.Sprintf("%s spans/s, every %s a burst of %s spans/s for %s",
			l.Rate, l.Burst.Every, l.Burst.Rate, l.Burst.For)
	}
	whole := "traces whole"
	if l.Split {
		whole = "traces may be split"
	}
	lines := []line{
		{"pattern", fmt.Sprintf("%s, %s", l.Pattern, rate)},
		{"requests", fmt.Sprintf("%s/s of %d spans, %s", p.requestRates(), l.SpansPerRequest, whole)},
		{"shape", fmt.Sprintf("%s, %d spans a trace, seed %d", l.Shape, l.Shape.Spans(), l.Seed)},
		{"sent by", fmt.Sprintf("engine %s over %s, compression %s",
			l.Engine, l.Protocol, l.Compression)},
		{"connections", fmt.Sprintf("%d, at most %d requests unanswered, timeout %s, retry %s",
			l.Connections, l.InFlight, l.Timeout, l.Retry)},
	}
	if l.Generators > 1 {
		lines = append(lines, line{"generators", fmt.Sprintf("%d, which share all of it", l.Generators)})
	}
	return append(lines, attributeLines(l)...)
}

func attributeLines(l scenario.Load) []line {
	var out []line
	for _, a := range []struct {
		name string
		of   map[string]string
	}{{"resource", l.ResourceAttributes}, {"span", l.SpanAttributes}} {
		for _, key := range slices.Sorted(maps.Keys(a.of)) {
			out = append(out, line{a.name, key + "=" + a.of[key]})
		}
	}
	return out
}

func (p Plan) requestRates() string {
	l := p.Scenario.Load
	low, high := lowest(l), peak(l)
	if low == high {
		return number(requestsPerSecond(l, low))
	}
	return number(requestsPerSecond(l, low)) + " to " + number(requestsPerSecond(l, high))
}

func (p Plan) gatewayLines() []line {
	g := p.Scenario.Gateway
	lines := []line{
		{"collector", p.Collector.Headline},
		{"program", program(p.Collector)},
		{"limits", limits(g)},
	}
	if g.Replicas > 1 {
		lines = append(lines, line{"replicas", fmt.Sprintf("%d, each within these limits", g.Replicas)})
	}
	goEnv := fmt.Sprintf("GOMEMLIMIT %s, GOMAXPROCS %s",
		orNotSet(p.Gateway.Env["GOMEMLIMIT"]), orNotSet(p.Gateway.Env["GOMAXPROCS"]))
	lines = append(lines, line{"runtime", goEnv})
	if g.Kind == scenario.GatewayOdigos {
		lines = append(lines, line{"protection", protections[g.Protection]})
		lines = append(lines, line{"exporter", "otlp over grpc, compression " + string(g.Compression)})
	} else {
		lines = append(lines, line{"exporter", g.Exporter + " of " + g.Config})
	}
	for _, processor := range g.Processors {
		lines = append(lines, line{"processor", processor.ID})
	}
	return lines
}

// program says where the collector's program is.
func program(c record.Collector) string {
	switch {
	case c.Image == "":
		return c.Program
	case c.Program == "":
		return "the entry point of " + c.Image
	}
	return c.Program + " of " + c.Image
}

// protections tell what keeps the gateway's memory below its limit.
var protections = map[scenario.Protection]string{
	scenario.ProtectionOdigos:  "odigos: gRPC requests refused before decoding, at GOMEMLIMIT",
	scenario.ProtectionLimiter: "limiter: a stock memory_limiter, first in the pipeline",
	scenario.ProtectionNone:    "none",
}

func limits(g scenario.Gateway) string {
	cpu, memory := "no CPU limit", "no memory limit"
	if g.CPULimit > 0 {
		cpu = fmt.Sprintf("%s CPU", g.CPULimit)
	}
	if g.MemoryLimit > 0 {
		memory = fmt.Sprintf("%s memory", g.MemoryLimit)
	}
	text := cpu + ", " + memory
	if g.Preset != "" {
		text += fmt.Sprintf(" (Odigos' %s)", g.Preset)
	}
	return text
}

func orNotSet(s string) string {
	if s == "" {
		return "not set"
	}
	return s
}

func backendLines(b scenario.Backend) []line {
	lines := []line{
		{"answers", fmt.Sprintf("after %s, %s with success", b.Delay, ratio(b.SuccessRate))},
	}
	if b.Replicas > 1 {
		lines = append(lines, line{"backends", fmt.Sprintf("%d, each of which answers so", b.Replicas)})
	}
	if b.MaxConnections > 0 {
		lines = append(lines, line{"connections", fmt.Sprintf("at most %d", b.MaxConnections)})
	}
	if b.MaxConcurrent > 0 {
		text := fmt.Sprintf("at most %d worked on at once", b.MaxConcurrent)
		lines = append(lines, line{"requests", text})
	}
	if b.CutEvery > 0 {
		lines = append(lines, line{"cut", fmt.Sprintf("all connections, every %s", b.CutEvery)})
	}
	return lines
}

func thresholdLines(s scenario.Scenario) []line {
	t := s.Thresholds
	resource := func(r scenario.ResourceThreshold, limited bool) string {
		if !limited {
			return "not judged: there is no limit"
		}
		return fmt.Sprintf("warning at %s of the limit, critical at %s, each for %s",
			ratio(r.Warning), ratio(r.Critical), r.For)
	}
	lines := []line{
		{"CPU", resource(t.CPU, s.Gateway.CPULimit > 0)},
		{"memory", resource(t.Memory, s.Gateway.MemoryLimit > 0)},
		{"loss", "at most " + ratio(t.Loss) + " of acknowledged spans"},
		{"refused", "at most " + ratio(t.Refused) + " of offered spans"},
	}
	if t.LatencyP99 > 0 {
		text := fmt.Sprintf("p99 at most %s, due time to receipt", t.LatencyP99)
		lines = append(lines, line{"latency", text})
	}
	for _, a := range s.Assertions {
		lines = append(lines, line{"assertion", assertionText(a)})
	}
	if s.Expect != scenario.ExpectNothing {
		lines = append(lines, line{"expected", string(s.Expect)})
	}
	return lines
}

func assertionText(a scenario.Assertion) string {
	text := string(a.That)
	if a.AbortOnFail {
		text += ", or the load ends"
	}
	if a.DelayAbortEval > 0 {
		text += fmt.Sprintf(" (after %s of the measured time)", a.DelayAbortEval)
	}
	return text
}

func ratio(r *scenario.Ratio) string {
	if r == nil {
		return "not set"
	}
	return r.String()
}

func (p Plan) timeLines() []line {
	t := p.Scenario.Timing
	warm, total := scenario.Duration(warmUp(t)), scenario.Duration(t.Total())
	return []line{
		{"in all", fmt.Sprintf("%s of load (%s warm-up, %s measured), then a drain of at most %s",
			total, warm, t.Duration, t.Drain)},
		{"at most", (total + t.Drain).String() + ", and the start and stop of the actors"},
		{"drained", fmt.Sprintf("when the queue is empty and nothing came for %s",
			scenario.Duration(p.Quiet))},
		{"followed", fmt.Sprintf("one of %d spans, from due time to receipt", p.SampleEvery)},
	}
}

// number prints a figure with as many digits as help.
func number(f float64) string {
	if f >= 100 || f == float64(int64(f)) {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strconv.FormatFloat(f, 'g', 3, 64)
}

// A page is text on its way.
type page struct{ bytes.Buffer }

func (t *page) title(s string) { fmt.Fprintf(t, "%s\n%s\n", s, strings.Repeat("=", len(s))) }

func (t *page) section(name string, lines []line) {
	fmt.Fprintf(t, "\n%s\n", name)
	last := ""
	for _, l := range lines {
		shown := l.name
		if shown == last {
			shown = ""
		}
		last = l.name
		t.paragraph(fmt.Sprintf("  %-12s", shown), l.text)
	}
}

// paragraph breaks s between words; further lines are set in as far as the first.
func (t *page) paragraph(lead, s string) {
	indent := strings.Repeat(" ", len(lead))
	column := 0
	for _, word := range strings.Fields(s) {
		switch {
		case column == 0:
			t.WriteString(lead + word)
			column = len(lead) + len(word)
		case column+1+len(word) > width:
			t.WriteString("\n" + indent + word)
			column = len(indent) + len(word)
		default:
			t.WriteString(" " + word)
			column += 1 + len(word)
		}
	}
	if column > 0 {
		t.WriteString("\n")
	}
}

func (t *page) notes(notes []string) {
	if len(notes) == 0 {
		return
	}
	t.WriteString("\nnotes\n")
	for _, n := range notes {
		t.paragraph("  - ", n)
	}
}

// actor shows what would be started; $(…) are known once it is.
func (t *page) actor(a env.Actor) {
	program := a.Program
	switch {
	case program == "" && a.Image != "":
		program = "the entry point of " + a.Image
	case program == "":
		program = "odigos-stress"
	}
	lines := []line{
		{"command", program + " " + strings.Join(a.Args, " ")},
		{"listens on", strings.Join(a.Ports, ", ")},
		{"ready", fmt.Sprintf("GET %s on %s answers 200, within %s", a.Ready.Path, a.Ready.Port,
			scenario.Duration(a.Ready.Timeout))},
		{"stopped", fmt.Sprintf("killed %s after it was asked", a.Grace.Round(time.Second))},
	}
	if a.Replicas > 1 {
		lines = append(lines, line{"replicas", strconv.Itoa(a.Replicas)})
	}
	for _, name := range slices.Sorted(maps.Keys(a.Env)) {
		lines = append(lines, line{"environment", name + "=" + a.Env[name]})
	}
	t.section("actor "+a.Name, lines)
}

func (t *page) file(name, text string) {
	fmt.Fprintf(t, "\n%s\n", name)
	for l := range strings.Lines(text) {
		t.WriteString("  " + strings.TrimRight(l, "\r\n") + "\n")
	}
}
