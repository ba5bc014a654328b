package gateway

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Copy is a configuration of a collector that runs somewhere, made fit to run elsewhere
// in front of a mock backend: what would send to others, take from others, or need the
// rights of the original is taken out.
type Copy struct {
	Text []byte
	// Exporter carries the load; AllowExporters listen, and send to nobody.
	Exporter       string
	AllowExporters []string
	// Odigos is whether it is of Odigos' own components.
	Odigos bool
	// ByWorkload are components that go by objects of the cluster, for each workload.
	ByWorkload []string
	// Variables are those that Text refers to.
	Variables []string
	// MetricsPort is where the original serves its own metrics; 0: not said, so the default.
	MetricsPort int
	// Differences to the original, in sentences.
	Differences []string
}

// NewCopy copies a configuration. Exporter names the one that carries the load; empty: the
// only one of the traces pipelines that speaks OTLP.
func NewCopy(config Source, exporter string) (Copy, error) {
	u, err := readUser(config)
	if err != nil {
		return Copy{}, err
	}
	if exporter, err = u.carrier(exporter); err != nil {
		return Copy{}, fmt.Errorf("copy collector configuration: %w", err)
	}
	c := copying{
		user: u, cut: newEdits(), carrier: exporter,
		pipelines: make([]userPipeline, len(u.pipelines)),
	}
	for i, p := range u.pipelines {
		p.receivers, p.processors = slices.Clone(p.receivers), slices.Clone(p.processors)
		p.exporters = slices.Clone(p.exporters)
		c.pipelines[i] = p
	}
	c.cutReceivers()
	c.cutProcessors()
	c.cutExporters()
	c.cutExtensions()
	c.prune()
	text, err := c.cut.text(config)
	if err != nil {
		return Copy{}, fmt.Errorf("copy collector configuration %s: %w", config.Name, err)
	}
	return Copy{
		Text: text, Exporter: exporter, AllowExporters: c.allowed,
		Odigos: u.isOdigos(), ByWorkload: u.byWorkload(), Variables: variablesOf(text),
		MetricsPort: u.metricsPort(), Differences: c.differences,
	}, nil
}

// carrier is the exporter that carries the load.
func (u *user) carrier(named string) (string, error) {
	var found, all []string
	for _, p := range u.pipelines {
		if typeOf(p.id) != "traces" {
			continue
		}
		for _, id := range p.exporters {
			if _, ok := u.exporters[id]; !ok || slices.Contains(all, id) {
				continue
			}
			all = append(all, id)
			if _, ok := pointable[typeOf(id)]; ok {
				found = append(found, id)
			}
		}
	}
	switch {
	case named != "" && !slices.Contains(found, named):
		return "", fmt.Errorf("%s: found no exporter %s of type otlp_grpc or otlp_http in its traces"+
			" pipelines, want one of %s", u.name, named, listOr(found, "none"))
	case named != "":
		return named, nil
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0:
		return "", fmt.Errorf("%s: found exporters %s in its traces pipelines, want one of type"+
			" otlp_grpc or otlp_http: the mock backend speaks OTLP alone", u.name, listOr(all, "none"))
	}
	for i, id := range found {
		found[i] += endpointOf(u.exporters[id])
	}
	return "", fmt.Errorf("%s: found %d exporters that may carry the load: %s; name one with"+
		" --exporter", u.name, len(found), strings.Join(found, ", "))
}

// isOdigos tells whether a configuration is of Odigos' own components.
func (u *user) isOdigos() bool {
	for id := range u.connectors {
		if typeOf(id) == "odigosrouterconnector" {
			return true
		}
	}
	return false
}

// byWorkload are the components that ask an extension for the rules of each workload.
func (u *user) byWorkload() []string {
	var ids []string
	for _, section := range []map[string]any{u.processors, u.connectors} {
		for _, id := range sortedKeys(section) {
			settings, _ := section[id].(map[string]any)
			if _, ok := settings["odigos_config_extension"]; ok {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// metricsPort is where the collector's own metrics are served, as far as it is written out.
func (u *user) metricsPort() int {
	metrics, _ := u.telemetry["metrics"].(map[string]any)
	readers, _ := metrics["readers"].([]any)
	for _, r := range readers {
		for _, key := range []string{"pull", "exporter", "prometheus"} {
			m, _ := r.(map[string]any)
			r = m[key]
		}
		m, _ := r.(map[string]any)
		switch port := m["port"].(type) {
		case uint64:
			return int(port)
		case int64:
			return int(port)
		}
	}
	return 0
}

// mentioned is how a configuration refers to a variable: ${NAME}, ${env:NAME},
// ${env:NAME:-default}.
var mentioned = regexp.MustCompile(`\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-[^}]*)?\}`)

func variablesOf(text []byte) []string {
	var names []string
	for _, m := range mentioned.FindAllSubmatch(text, -1) {
		names = append(names, string(m[1]))
	}
	slices.Sort(names)
	return slices.Compact(names)
}
