package sizing

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/baseline"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A Workload is what baselines must have in common to be sized from together: their
// capacities differ by the limits alone.
type Workload struct {
	Collector string               `json:"collector"` // headline
	Kind      scenario.GatewayKind `json:"gateway_kind"`
	Config    string               `json:"config,omitempty"`
	// Pipeline is processors, protection and environment, as JSON.
	Pipeline       string               `json:"pipeline"`
	Out            scenario.Compression `json:"exporter_compression"`
	Shape          scenario.Shape       `json:"shape"`
	Attributes     string               `json:"added_attributes"` // as JSON
	Protocol       scenario.Protocol    `json:"protocol"`
	In             scenario.Compression `json:"load_compression"`
	Backend        string               `json:"backend"`    // as JSON
	Thresholds     string               `json:"thresholds"` // as JSON
	Host           string               `json:"host"`       // CPU model, or a cloud's type, and architecture
	EncodedPerSpan float64              `json:"encoded_bytes_per_span"`
}

func workloadOf(b baseline.Baseline) Workload {
	g, l := b.Gateway, b.Load
	return Workload{
		Collector: b.Collector.Headline, Kind: g.Kind, Config: g.Config,
		Pipeline: asJSON(g.Processors, g.Protection, g.Env), Out: g.Compression,
		Shape: l.Shape, Attributes: asJSON(l.ResourceAttributes, l.SpanAttributes),
		Protocol: l.Protocol, In: l.Compression, Backend: asJSON(b.Backend),
		Thresholds:     asJSON(b.Thresholds),
		Host:           hostText(b.Host),
		EncodedPerSpan: b.Capacity.EncodedPerSpan,
	}
}

// hostText is by what processors are told apart.
func hostText(h baseline.Host) string {
	return strings.TrimSpace(cmp.Or(h.CPUModel, h.InstanceType) + " " + h.Arch)
}

// asJSON is a text that is equal for equal values.
func asJSON(values ...any) string {
	text, _ := json.Marshal(values) // maps of text, numbers and lists: it cannot fail
	return string(text)
}

// part is one thing that workloads can differ in, and how to choose among them.
type part struct{ name, found, flag string }

// parts leave out the bytes of a span, which follow from the rest.
func (w Workload) parts() []part {
	return []part{
		{"collector", w.Collector, "--collector"},
		{"gateway kind", string(w.Kind), "--collector"},
		{"collector configuration", w.Config, ""},
		{"processors, protection or environment", w.Pipeline, ""},
		{"the exporter's compression", string(w.Out), ""},
		{"shape", string(w.Shape), "--shape"},
		{"added attributes", w.Attributes, ""},
		{"protocol", string(w.Protocol), ""},
		{"the load's compression", string(w.In), ""},
		{"backend", w.Backend, ""},
		{"thresholds", w.Thresholds, ""},
		{"host", w.Host, ""},
	}
}

// A Filter says which baselines are asked; what is empty asks all.
type Filter struct {
	Shape     scenario.Shape
	Collector string   // a part of the headline
	Names     []string // patterns such as odigos-*
}

// why says why b is not asked.
func (f Filter) why(b baseline.Baseline) string {
	named := len(f.Names) == 0
	for _, pattern := range f.Names {
		ok, _ := path.Match(pattern, b.Name)
		named = named || ok
	}
	switch {
	case !named:
		return "another name was asked for"
	case f.Shape != "" && b.Load.Shape != f.Shape:
		return fmt.Sprintf("measured with shape %s", b.Load.Shape)
	case !strings.Contains(strings.ToLower(b.Collector.Headline), strings.ToLower(f.Collector)):
		return "measured with " + b.Collector.Headline
	case b.Capacity.Low <= 0:
		return "it knows no rate that held"
	case b.Gateway.CPULimit <= 0 || b.Gateway.MemoryLimit <= 0:
		return "measured without a limit of CPU or memory"
	}
	return ""
}

// Mixed is the error of baselines that were not measured under one workload.
type Mixed struct {
	Groups [][]string // names
	Differ []string   // in what, with the flag that chooses
}

func (m *Mixed) Error() string {
	groups := make([]string, len(m.Groups))
	for i, names := range m.Groups {
		groups[i] = strings.Join(names, ", ")
	}
	return fmt.Sprintf("choose baselines: found %d workloads (%s), which differ in %s: want one; "+
		"name it, or its baselines with --baseline", len(m.Groups), strings.Join(groups, " | "),
		strings.Join(m.Differ, ", "))
}

// Select takes the baselines that a filter asks, by name, and says why it leaves the others.
// They are of one workload, or the error is a *Mixed.
func Select(all []baseline.Baseline, f Filter) ([]baseline.Baseline, []LeftOut, error) {
	for _, pattern := range f.Names {
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, nil, fmt.Errorf("choose baselines: found pattern %q, want a name, or one with "+
				"* for any letters", pattern)
		}
	}
	var taken []baseline.Baseline
	var left []LeftOut
	for _, b := range all {
		if why := f.why(b); why != "" {
			left = append(left, LeftOut{b.Name, why})
			continue
		}
		taken = append(taken, b)
	}
	return taken, left, mixed(taken)
}

func mixed(all []baseline.Baseline) error {
	var kinds []Workload
	var groups [][]string
	for _, b := range all {
		w := workloadOf(b)
		i := slices.IndexFunc(kinds, func(k Workload) bool { return slices.Equal(k.parts(), w.parts()) })
		if i < 0 {
			kinds, groups, i = append(kinds, w), append(groups, nil), len(kinds)
		}
		groups[i] = append(groups[i], b.Name)
	}
	if len(kinds) < 2 {
		return nil
	}
	m := &Mixed{Groups: groups}
	for i, first := range kinds[0].parts() {
		var found []string
		for _, k := range kinds {
			if text := k.parts()[i].found; !slices.Contains(found, text) {
				found = append(found, text)
			}
		}
		if len(found) > 1 {
			text := fmt.Sprintf("%s (%s)", first.name, strings.Join(found, ", "))
			if first.flag != "" {
				text += ", see " + first.flag
			}
			m.Differ = append(m.Differ, text)
		}
	}
	return m
}
