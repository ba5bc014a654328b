package clone

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/env/kube"
	"github.com/odigos-io/odigos-stress/internal/otlp"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A load is what one pod is sent, with what is to be said of it.
type load struct {
	rate              float64
	rateSays          string
	shape             scenario.Shape
	padding           int
	sizeSays          string
	perRequest        int
	requestSays       string
	protocol          scenario.Protocol
	protocolSays      string
	perRequestUnknown bool
}

// defaultRate is what a scenario asks that does not say.
const defaultRate = 1000

func (q Question) load() (load, error) {
	o := q.Observed
	l := load{protocol: scenario.ProtocolGRPC}
	l.rate, l.rateSays = q.rate()
	size := 0.0
	if o.SpanBytes != nil {
		size = o.SpanBytes.Value
	}
	wanted := 0.0
	if o.SpansPerRequest != nil {
		wanted = o.SpansPerRequest.Value
	}
	var err error
	if l.shape, l.perRequest, l.padding, err = fit(size, wanted, l.rate); err != nil {
		return l, err
	}
	l.sizeSays = "The size of its spans is not known: they are of the workload that Odigos documents."
	if size > 0 {
		l.sizeSays = fmt.Sprintf("Its spans have %.0f B: %s.", size, o.SpanBytes.From)
		if l.padding == 0 {
			l.sizeSays += " Those of this shape come nearest."
		} else {
			l.sizeSays += " Those of this shape are smaller, and are padded."
		}
	}
	l.perRequestUnknown = wanted <= 0
	if !l.perRequestUnknown {
		l.requestSays = fmt.Sprintf("Its requests have %.1f spans: %s. They are whole traces here.",
			wanted, o.SpansPerRequest.From)
		if o.RequestBytes != nil {
			l.requestSays += fmt.Sprintf(" They have %.0f B: %s.", o.RequestBytes.Value, o.RequestBytes.From)
		}
	}
	if o.HTTP != nil {
		l.protocolSays = fmt.Sprintf("%.1f%% of its spans come over HTTP.", 100*o.HTTP.Value)
		if o.HTTP.Value > 0.5 {
			l.protocol = scenario.ProtocolHTTP
		}
	}
	return l, nil
}

// rate is the highest that is known of one pod.
func (q Question) rate() (rate float64, says string) {
	o := q.Observed
	together := ""
	for _, t := range []struct {
		says string
		of   *kube.Figure
	}{{"peak of 5 minutes", o.Peak}, {"mean", o.Mean}} {
		if t.of != nil {
			together += fmt.Sprintf(" All pods together: %s %s spans/s.", t.says, whole(t.of.Value))
		}
	}
	if o.PodPeak != nil && o.PodPeak.Value >= 1 {
		return o.PodPeak.Value, fmt.Sprintf("What the busiest pod gets: %s.%s", o.PodPeak.From, together)
	}
	if together != "" {
		together = " It accepted nothing, or nearly nothing." + together
	}
	return defaultRate, "What a pod gets is not known: this is the default." + together
}

func (l load) write(p *page) {
	p.line("load:")
	p.line("  pattern: constant")
	p.comment("  ", "%s", l.rateSays)
	p.line("  rate: %s # spans per second", whole(l.rate))
	p.comment("  ", "%s", l.sizeSays)
	p.line("  shape: %s", l.shape)
	if l.padding > 0 {
		p.line("  span_attributes:")
		p.line("    %s: %s", paddingKey, strings.Repeat(paddingText, l.padding/len(paddingText)+1)[:l.padding])
	}
	if l.perRequestUnknown {
		p.comment("  ", "How many spans a request has is not known: it is left to the default.")
		p.line("  # spans_per_request: %d", l.perRequest)
	} else {
		p.comment("  ", "%s", l.requestSays)
		p.line("  spans_per_request: %d", l.perRequest)
	}
	if l.protocolSays == "" {
		p.comment("  ", "Whether its spans come over gRPC or HTTP is not known.")
	} else {
		p.comment("  ", "%s", l.protocolSays)
	}
	p.line("  protocol: %s", l.protocol)
}

const (
	paddingKey  = "odigos.stress.padding"
	paddingText = "kf3Zr0vQm8Tn5Xc1Lb7Wd2Hy9Ps4Gj6Ae" // of no word, though gzip finds it again

	// mostPadding keeps the scenario file within what may be read.
	mostPadding = 16 << 10
	// nearEnough is by how much a shape may be smaller than what is wanted.
	nearEnough = 0.05
)

// fit is the shape whose spans come nearest to a size from below, the spans of a request in
// whole traces, and how many bytes of padding a span lacks. A size of 0, or a number of
// spans of 0, is not known.
func fit(size, perRequest, rate float64) (s scenario.Shape, spans, padding int, err error) {
	s = scenario.ShapeOdigosDocs
	if perRequest <= 0 {
		perRequest = min(100, rate/10)
	}
	if size <= 0 {
		return s, traces(s, perRequest), 0, nil
	}
	best := 0.0
	s = scenario.ShapeSimple // the smallest, where all are too large
	for _, shape := range []scenario.Shape{
		scenario.ShapeSimple, scenario.ShapeComplex, scenario.ShapeOdigosDocs,
	} {
		has, err := spanBytes(shape, traces(shape, perRequest), 0)
		if err != nil {
			return "", 0, 0, err
		}
		if has <= size*(1+nearEnough) && has > best {
			s, best = shape, has
		}
	}
	spans = traces(s, perRequest)
	if best == 0 || best >= size*(1-nearEnough) {
		return s, spans, 0, nil
	}
	const trial = 200
	padded, err := spanBytes(s, spans, trial)
	if err != nil {
		return "", 0, 0, err
	}
	padding = int(math.Round(size - best - (padded - best - trial)))
	return s, spans, min(mostPadding, max(0, padding)), nil
}

// traces is a number of spans in whole traces, at least one.
func traces(s scenario.Shape, spans float64) int {
	return s.Spans() * max(1, int(math.Round(spans/float64(s.Spans()))))
}

// spanBytes is how long a span of a shape is, in requests of so many, with a padding.
func spanBytes(s scenario.Shape, perRequest, padding int) (float64, error) {
	var attributes map[string]string
	if padding > 0 {
		attributes = map[string]string{paddingKey: strings.Repeat("x", padding)}
	}
	shape, err := otlp.NewShape(string(s), nil, attributes)
	if err != nil {
		return 0, err
	}
	const seed = 1
	template := otlp.NewTemplate(shape, 0, perRequest, rand.New(rand.NewPCG(seed, seed)))
	return float64(len(template.Bytes)) / float64(perRequest), nil
}
