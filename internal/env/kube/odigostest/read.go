package odigostest

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// disabled is whether an object says that it is not to be heeded.
func disabled(o unstructured.Unstructured) bool {
	off, _, _ := unstructured.NestedBool(o.Object, "spec", "disabled")
	return off || o.GetDeletionTimestamp() != nil
}

func spec(o unstructured.Unstructured, fields ...string) string {
	text, _, _ := unstructured.NestedString(o.Object, append([]string{"spec"}, fields...)...)
	return text
}

func takesTraces(o unstructured.Unstructured) bool {
	signals, _, _ := unstructured.NestedStringSlice(o.Object, "spec", "signals")
	return slices.Contains(signals, "TRACES")
}

// destinationOf is what a Destination says; an error is for its author.
func destinationOf(o unstructured.Unstructured) (destination, error) {
	switch name := o.GetName(); spec(o, "type") {
	case "otlp":
		endpoint := spec(o, "data", "OTLP_GRPC_ENDPOINT")
		if endpoint == "" {
			return destination{}, fmt.Errorf("spec.data: found no OTLP_GRPC_ENDPOINT, want host:port")
		}
		d := destination{name: "generic-" + name, settings: mapping{
			"endpoint": strings.TrimPrefix(endpoint, "grpc://"), "tls": mapping{"insecure": true},
		}}
		d.exporter = "otlp_grpc/" + d.name
		if compression := spec(o, "data", "OTLP_GRPC_COMPRESSION"); compression != "" {
			d.settings["compression"] = compression
		}
		return d, nil
	case "nop", "debug":
		return destination{
			name: spec(o, "type") + "-" + name, exporter: spec(o, "type") + "/" + name,
			settings: mapping{},
		}, nil
	default:
		return destination{}, fmt.Errorf("spec.type: found %q, want otlp, nop or debug",
			spec(o, "type"))
	}
}

// available are the types of processors that the collector here has.
var available = []string{
	"attributes", "batch", "filter", "groupbyattrs", "memory_limiter", "probabilistic_sampler",
	"redaction", "resource", "span", "tail_sampling", "transform",
}

// processorOf is what a Processor says; ok is false where it is not for the gateway's spans.
func processorOf(o unstructured.Unstructured) (p processor, ok bool, err error) {
	roles, _, _ := unstructured.NestedStringSlice(o.Object, "spec", "collectorRoles")
	if !slices.Contains(roles, "CLUSTER_GATEWAY") || !takesTraces(o) {
		return p, false, nil
	}
	kind := spec(o, "type")
	if !slices.Contains(available, kind) {
		return p, false, fmt.Errorf("spec.type: found %q, want one of %s", kind,
			strings.Join(available, ", "))
	}
	p.id = kind + "/" + o.GetName()
	p.settings, _, _ = unstructured.NestedMap(o.Object, "spec", "processorConfig")
	p.order, _, _ = unstructured.NestedInt64(o.Object, "spec", "orderHint")
	return p, true, nil
}

// processorFor is the Processor that an Action becomes.
func processorFor(action unstructured.Unstructured) (*unstructured.Unstructured, error) {
	of := func(kind string, order int64, config mapping) *unstructured.Unstructured {
		signals, _, _ := unstructured.NestedSlice(action.Object, "spec", "signals")
		return New("Processor", action.GetName(), mapping{
			"type": kind, "processorName": action.GetName(), "orderHint": order,
			"collectorRoles": []any{"CLUSTER_GATEWAY"}, "processorConfig": config,
			"signals": signals, "disabled": disabled(action),
		})
	}
	body, _, _ := unstructured.NestedMap(action.Object, "spec")
	switch {
	case body["addClusterInfo"] != nil:
		var attributes []any
		all, _, _ := unstructured.NestedSlice(body, "addClusterInfo", "clusterAttributes")
		for _, a := range all {
			attributes = append(attributes, mapping{
				"action": "insert", "key": field(a, "attributeName"),
				"value": field(a, "attributeStringValue"),
			})
		}
		return of("resource", 1, mapping{"attributes": attributes}), nil
	case body["deleteAttribute"] != nil:
		var actions []any
		all, _, _ := unstructured.NestedSlice(body, "deleteAttribute", "attributeNamesToDelete")
		for _, name := range all {
			actions = append(actions, mapping{"action": "delete", "key": name})
		}
		return of("attributes", -100, mapping{"actions": actions}), nil
	}
	return nil, fmt.Errorf("spec: found neither addClusterInfo nor deleteAttribute," +
		" and the stand-in does no more")
}

// samplingOf is the share of traces, in percent, that the enabled rules keep; nil: there
// are none. Of several the lowest counts: who they are for is not looked at.
func samplingOf(all []unstructured.Unstructured) *float64 {
	var share *float64
	for _, o := range all {
		if disabled(o) {
			continue
		}
		if share == nil {
			share = new(100.0)
		}
		rules, _, _ := unstructured.NestedSlice(o.Object, "spec", "costReductionRules")
		for _, rule := range rules {
			switch at := field(rule, "percentageAtMost").(type) {
			case float64:
				*share = min(*share, at)
			case int64:
				*share = min(*share, float64(at))
			}
		}
	}
	return share
}
