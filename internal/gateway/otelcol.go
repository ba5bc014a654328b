package gateway

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// otelcol is a gateway with the user's own configuration: it runs as it is, with a
// second one laid over it, which the collector merges. The overlay moves what listens
// to the actor's ports and the named exporter to the mock backend, and nothing else.
func otelcol(g scenario.Gateway, c Collector, config Source) (Setup, error) {
	u, err := readUser(config)
	if err != nil {
		return Setup{}, err
	}
	o := overlay{user: u, c: c, actor: actor(g, c)}
	if err := errors.Join(u.checkExporters(g), o.checkTraces(g)); err != nil {
		return Setup{}, err
	}
	steps := []func() error{
		o.layReceivers,
		func() error { return o.layExporter(g.Exporter) },
		o.layExtensions,
		o.layTelemetry,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return Setup{}, err
		}
	}
	text, err := yaml.Marshal(o.config())
	if err != nil {
		return Setup{}, fmt.Errorf("render overlay: %w", err)
	}
	o.actor.Args = append(o.actor.Args, "--config", "$(file."+OverlayFile+")")
	o.actor.Files[ConfigFile] = string(config.Text)
	o.actor.Files[OverlayFile] = string(text)
	o.noteOthers()
	return Setup{
		Actor: o.actor, Gateway: g, Waits: u.waits(g.Exporter), Sampling: u.sampling(),
		Prediction: u.prediction(g.Exporter), Notes: o.notes,
	}, nil
}

// harmless exporters send nothing to anybody.
var harmless = []string{"nop", "debug", "logging"}

// checkExporters refuses what would really send: a stress test must not flood
// somebody's vendor. All that is refused is said at once.
func (u *user) checkExporters(g scenario.Gateway) error {
	var problems []error
	refused := map[string]bool{}
	for _, p := range u.pipelines {
		for _, id := range p.exporters {
			_, isExporter := u.exporters[id]
			_, isConnector := u.connectors[id]
			switch {
			case id == g.Exporter || isConnector || slices.Contains(harmless, typeOf(id)) ||
				slices.Contains(g.AllowExporters, id) || refused[id]:
			case !isExporter:
				problems = append(problems, fmt.Errorf("%s: pipeline %s: %q is no exporter or connector"+
					" of this file, so it cannot be told where it sends",
					u.at("service", "pipelines", p.id, "exporters"), p.id, id))
			default:
				refused[id] = true
				problems = append(problems, fmt.Errorf("%s: exporter %s (pipeline %s)%s would really"+
					" send the load there: take it out of the pipeline, or allow it with"+
					" gateway.allow_exporters: [%s]", u.at("exporters", id), id, p.id,
					endpointOf(u.exporters[id]), id))
			}
		}
	}
	for _, id := range g.AllowExporters {
		if _, ok := u.exporters[id]; !ok {
			problems = append(problems, fmt.Errorf("%s: gateway.allow_exporters names %q, which is"+
				" no exporter of this file: it has %s", u.name, id, listOr(sortedKeys(u.exporters), "none")))
		}
	}
	return errors.Join(problems...)
}

func endpointOf(exporter any) string {
	settings, _ := exporter.(map[string]any)
	if e, ok := settings["endpoint"].(string); ok {
		return " to " + e
	}
	return ""
}

// pointable are the exporters that can be pointed at the mock backend, and whether
// they speak HTTP.
var pointable = map[string]bool{
	"otlp": false, "otlp_grpc": false, "otlphttp": true, "otlp_http": true,
}

// checkTraces finds out whether traces can come in and go out to the backend at all.
func (o *overlay) checkTraces(g scenario.Gateway) error {
	u := o.user
	if g.Exporter == "" {
		return fmt.Errorf("%s: gateway.exporter is missing: name the exporter that is to be pointed at"+
			" the mock backend, one of %s", u.name,
			listOr(u.pointable(), "none: this file has no otlp exporter"))
	}
	if _, ok := u.exporters[g.Exporter]; !ok {
		return fmt.Errorf("%s: gateway.exporter: %q is no exporter of this file: it has %s",
			u.name, g.Exporter, listOr(sortedKeys(u.exporters), "none"))
	}
	if _, ok := pointable[typeOf(g.Exporter)]; !ok {
		return fmt.Errorf("%s: gateway.exporter: %s cannot be pointed at the mock backend, which speaks"+
			" OTLP: want an exporter of type otlp_grpc or otlp_http (or otlp, otlphttp)",
			u.at("exporters", g.Exporter), g.Exporter)
	}
	var in, out bool
	for _, p := range u.pipelines {
		if typeOf(p.id) != "traces" {
			continue
		}
		in = in || slices.ContainsFunc(p.receivers, u.isOTLPReceiver)
		out = out || slices.Contains(p.exporters, g.Exporter)
	}
	switch {
	case !in:
		return fmt.Errorf("%s: no traces pipeline has an otlp receiver: the load could not come in",
			u.at("service", "pipelines"))
	case !out:
		return fmt.Errorf("%s: no traces pipeline uses exporter %s: nothing could reach the mock backend",
			u.at("service", "pipelines"), g.Exporter)
	}
	return nil
}

func (u *user) isOTLPReceiver(id string) bool {
	_, ok := u.receivers[id]
	return ok && typeOf(id) == "otlp"
}

func (u *user) pointable() []string {
	var out []string
	for _, id := range sortedKeys(u.exporters) {
		if _, ok := pointable[typeOf(id)]; ok {
			out = append(out, id)
		}
	}
	return out
}

// noteOthers names what the overlay leaves as it is although it reaches beyond the
// trial.
func (o *overlay) noteOthers() {
	o.note("The record keeps %s as it is: secrets belong in variables, such as ${env:NAME}.",
		o.user.name)
	var receivers []string
	for _, id := range o.user.usedReceivers() {
		if _, ok := o.user.receivers[id]; ok && typeOf(id) != "otlp" {
			receivers = append(receivers, id)
		}
	}
	if len(receivers) > 0 {
		o.note("Left as configured: receivers %s; what they listen on or pull, and its cost,"+
			" belongs to the trial.", strings.Join(receivers, ", "))
	}
	var extensions []string
	for _, id := range o.user.extensionsInUse {
		if slices.Contains(outgoing, typeOf(id)) {
			extensions = append(extensions, id)
		}
	}
	if len(extensions) > 0 {
		o.note("Left as configured: extensions %s; they may listen, or call others, as configured.",
			strings.Join(extensions, ", "))
	}
}

// outgoing are extensions that are known to listen or to call somebody.
var outgoing = []string{
	"awsproxy", "datadog", "http_forwarder", "jaegerremotesampling", "oauth2client", "opamp",
	"remotetap", "sumologic",
}
