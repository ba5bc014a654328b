package gateway

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// An overlay is what is laid over a user's configuration. The collector merges
// mappings key by key and replaces lists whole.
type overlay struct {
	user  *user
	c     Collector
	actor env.Actor
	notes []string

	receivers, exporters, extensions yaml.MapSlice
	extensionIDs                     []any
	telemetry                        yaml.MapSlice
}

func (o *overlay) note(format string, args ...any) {
	o.notes = append(o.notes, fmt.Sprintf(format, args...))
}

// listen gives the actor a port, and returns how the configuration refers to it.
func (o *overlay) listen(port string) string {
	o.actor.Ports = append(o.actor.Ports, port)
	name := "STRESS_" + strings.ToUpper(port)
	o.actor.Env[name] = "$(self." + port + ")"
	return fromEnv(name)
}

func (o *overlay) config() yaml.MapSlice {
	out := m("receivers", o.receivers, "exporters", o.exporters)
	if len(o.extensions) > 0 {
		put(&out, "extensions", o.extensions)
	}
	put(&out, "service", m("extensions", o.extensionIDs, "telemetry", o.telemetry))
	return out
}

// layReceivers moves each otlp receiver in use to ports of ours. The load goes to the
// first that feeds a traces pipeline.
func (o *overlay) layReceivers() error {
	first := o.user.loadReceiver()
	others := 0
	for _, id := range o.user.usedReceivers() {
		if !o.user.isOTLPReceiver(id) {
			continue
		}
		suffix := ""
		if id != first {
			others++
			suffix = fmt.Sprintf("_other%d", others)
		}
		if err := o.layReceiver(id, suffix); err != nil {
			return err
		}
	}
	if others > 0 {
		o.note("The load goes to receiver %s alone; the other otlp receivers listen and get nothing.",
			first)
	}
	return nil
}

func (o *overlay) layReceiver(id, suffix string) error {
	path := []string{"receivers", id}
	settings, err := o.user.mapping(o.user.receivers[id], path...)
	if err != nil {
		return err
	}
	path = append(path, "protocols")
	protocols, err := o.user.mapping(settings["protocols"], path...)
	if err != nil {
		return err
	}
	var laid yaml.MapSlice
	for _, p := range []struct{ key, port string }{{"grpc", PortOTLPGRPC}, {"http", PortOTLPHTTP}} {
		protocol, there := protocols[p.key]
		if !there {
			continue
		}
		settings, err := o.user.mapping(protocol, append(path, p.key)...)
		if err != nil {
			return err
		}
		over := m("endpoint", o.listen(p.port+suffix))
		if _, ok := settings["transport"]; ok {
			put(&over, "transport", "tcp")
		}
		o.clear(&over, settings, "tls", "auth")
		o.noteCleared(settings, "receiver "+id+" ("+p.key+")", "the load comes in plain", "tls", "auth")
		put(&laid, p.key, over)
	}
	if len(laid) == 0 {
		return fmt.Errorf("%s: receiver %s has no protocol: want protocols: {grpc: } or {http: }, or"+
			" both", o.user.at("receivers", id), id)
	}
	put(&o.receivers, id, m("protocols", laid))
	return nil
}

// clear takes the settings that are there back to the collector's defaults.
func (o *overlay) clear(over *yaml.MapSlice, settings map[string]any, names ...string) {
	for _, name := range names {
		if v, ok := settings[name]; ok && v != nil {
			put(over, name, nil)
		}
	}
}

func (o *overlay) noteCleared(settings map[string]any, of, why string, names ...string) {
	var cleared []string
	for _, name := range names {
		if v, ok := settings[name]; ok && v != nil {
			cleared = append(cleared, name)
		}
	}
	if len(cleared) > 0 {
		o.note("Of %s %s is left out: %s.", of, strings.Join(cleared, ", "), why)
	}
}

// layExporter points the named exporter at the mock backend, in plain text.
func (o *overlay) layExporter(id string) error {
	settings, err := o.user.mapping(o.user.exporters[id], "exporters", id)
	if err != nil {
		return err
	}
	tls, err := o.user.mapping(settings["tls"], "exporters", id, "tls")
	if err != nil {
		return err
	}
	plain := m("insecure", true)
	for _, name := range sortedKeys(tls) {
		// With any of these the collector would speak TLS for all that.
		if strings.HasPrefix(name, "ca_") || strings.HasPrefix(name, "cert_") ||
			strings.HasPrefix(name, "key_") {
			put(&plain, name, "")
		}
	}
	var over yaml.MapSlice
	if pointable[typeOf(id)] {
		o.actor.Env[varBackendHTTP] = backendHTTP
		url := "http://" + fromEnv(varBackendHTTP)
		over = m("endpoint", url, "tls", plain)
		for _, signal := range []string{"traces", "metrics", "logs"} {
			if _, ok := settings[signal+"_endpoint"]; ok {
				put(&over, signal+"_endpoint", url+"/v1/"+signal)
			}
		}
		if _, ok := settings["proxy_url"]; ok {
			put(&over, "proxy_url", "")
		}
	} else {
		o.actor.Env[varBackendGRPC] = backendGRPC
		over = m("endpoint", fromEnv(varBackendGRPC), "tls", plain)
	}
	o.clear(&over, settings, "auth")
	o.noteCleared(settings, "exporter "+id,
		"the mock backend is spoken to in plain text, unauthenticated", "auth")
	put(&o.exporters, id, over)
	return nil
}

// replaced are extensions of which ours takes the place: they serve the same on a port
// that the user chose.
var replaced = []string{"health_check", "healthcheckv2", "pprof"}

func (o *overlay) layExtensions() error {
	for _, id := range o.user.extensionsInUse {
		switch t := typeOf(id); {
		case slices.Contains(replaced, t):
			continue
		case t == "zpages":
			put(&o.extensions, id, m("endpoint", o.listen(portZPages+suffixOf(id))))
		}
		o.extensionIDs = append(o.extensionIDs, id)
	}
	health, err := o.c.component("extensions", "health_check", "healthcheckv2")
	if err != nil {
		return err
	}
	o.addExtension(health, PortHealth)
	if o.c.has("extensions", "pprof") {
		o.addExtension("pprof", PortPprof)
	} else {
		o.note("%s has no pprof extension: profiles of it cannot be taken.", o.c.Name)
	}
	return nil
}

func suffixOf(id string) string {
	_, name, ok := strings.Cut(id, "/")
	if !ok {
		return ""
	}
	return "_" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
}

func (o *overlay) addExtension(name, port string) {
	id := name + "/odigos-stress"
	put(&o.extensions, id, m("endpoint", o.listen(port)))
	o.extensionIDs = append(o.extensionIDs, id)
}

// layTelemetry lets the collector's metrics be read on our port, and keeps its own
// telemetry from being sent anywhere.
func (o *overlay) layTelemetry() error {
	sections := map[string]map[string]any{}
	for _, name := range []string{"metrics", "traces", "logs"} {
		section, err := o.user.mapping(o.user.telemetry[name], "service", "telemetry", name)
		if err != nil {
			return err
		}
		sections[name] = section
	}
	o.layMetrics(sections["metrics"])
	for _, name := range []string{"traces", "logs"} {
		if _, ok := sections[name]["processors"]; ok {
			put(&o.telemetry, name, m("processors", []any{}))
			o.note("The collector's own %s stay inside: service.telemetry.%s.processors is left out.",
				name, name)
		}
	}
	return nil
}

func (o *overlay) layMetrics(metrics map[string]any) {
	var over yaml.MapSlice
	if level, ok := metrics["level"].(string); ok && strings.EqualFold(level, "none") {
		put(&over, "level", "basic")
		o.note("service.telemetry.metrics.level is basic, not none: without its metrics a collector" +
			" cannot be judged.")
	}
	o.actor.Ports = append(o.actor.Ports, PortMetrics)
	_, readers := metrics["readers"]
	if _, old := metrics["address"]; old {
		// Collectors that take an address make a reader of it; newer ones refuse it.
		o.actor.Env[varMetrics] = "$(self.metrics)"
		put(&over, "address", fromEnv(varMetrics))
		if readers {
			put(&over, "readers", []any{})
		}
	} else {
		o.actor.Env[varMetricsHost] = "$(self.metrics.host)"
		o.actor.Env[varMetricsPort] = "$(self.metrics.port)"
		put(&over, "readers", []any{metricsReader()})
	}
	if readers {
		o.note("service.telemetry.metrics.readers is replaced by one that the monitor reads.")
	}
	put(&o.telemetry, "metrics", over)
}
