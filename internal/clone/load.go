package clone

import (
	"fmt"

	"github.com/odigos-io/odigos-stress/internal/env/kube"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A load is what one pod is sent, with what is to be said of it.
type load struct {
	rate         float64
	rateSays     string
	shape        scenario.Shape
	padding      map[string]string
	sizeSays     string
	perRequest   int
	requestSays  string // empty: not known
	protocol     scenario.Protocol
	protocolSays string
}

// defaultRate is what a scenario asks that does not say.
const defaultRate = 1000

func (q Question) load() (load, error) {
	o := q.Observed
	l := load{
		protocol:     scenario.ProtocolGRPC,
		protocolSays: "Whether its spans come over gRPC or HTTP is not known.",
		sizeSays: "The size of its spans is not known: they are of the workload that Odigos" +
			" documents.",
	}
	l.rate, l.rateSays = q.rate()
	size, wanted := value(o.SpanBytes), value(o.SpansPerRequest)
	fitted, err := fit(size, wanted, l.rate)
	if err != nil {
		return l, err
	}
	l.shape, l.perRequest, l.padding = fitted.shape, fitted.perRequest, fitted.padding()
	if size > 0 {
		l.sizeSays = fmt.Sprintf("Its spans have %.0f B. Those of this shape come nearest.", size)
		if len(l.padding) > 0 {
			l.sizeSays = fmt.Sprintf("Its spans have %.0f B. Those of this shape have %.0f, and are padded.",
				size, fitted.bytes)
		}
	}
	if wanted > 0 {
		l.requestSays = fmt.Sprintf("Its requests have %.1f spans", wanted)
		if o.RequestBytes != nil {
			l.requestSays += fmt.Sprintf(" in %.0f B", o.RequestBytes.Value)
		}
		l.requestSays += ". They are whole traces here."
	}
	if o.HTTP != nil {
		l.protocolSays = fmt.Sprintf("%.1f%% of its spans come over HTTP.", 100*o.HTTP.Value)
		if o.HTTP.Value > 0.5 {
			l.protocol = scenario.ProtocolHTTP
		}
	}
	return l, nil
}

// value is 0 for what is not known.
func value(f *kube.Figure) float64 {
	if f == nil {
		return 0
	}
	return f.Value
}

// rate is the highest that is known of one pod.
func (q Question) rate() (rate float64, says string) {
	o := q.Observed
	together := ""
	switch {
	case o.Peak != nil && o.Mean != nil:
		together = fmt.Sprintf(" All pods together get %s at their peak, %s in the mean.",
			whole(o.Peak.Value), whole(o.Mean.Value))
	case o.Mean != nil:
		together = fmt.Sprintf(" All pods together get %s.", whole(o.Mean.Value))
	}
	switch {
	case o.PodPeak != nil && o.PodPeak.Value >= 1 && o.Peak != nil:
		return o.PodPeak.Value, "The highest mean of 5 minutes of the busiest pod." + together
	case o.PodPeak != nil && o.PodPeak.Value >= 1:
		return o.PodPeak.Value, "What the busiest pod got while it was looked at." + together
	case o.PodPeak != nil:
		return defaultRate, "Nothing came, or nearly nothing: this is the default." + together
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
	p.mapping("  ", "span_attributes", l.padding)
	if l.requestSays == "" {
		p.comment("  ", "How many spans a request has is not known: it is left to the default.")
		p.line("  # spans_per_request: %d", l.perRequest)
	} else {
		p.comment("  ", "%s", l.requestSays)
		p.line("  spans_per_request: %d", l.perRequest)
	}
	p.comment("  ", "%s", l.protocolSays)
	p.line("  protocol: %s", l.protocol)
}
