package odigostest

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	group   = "odigos.io"
	version = "v1alpha1"
)

// A kind is one of Odigos' kinds of objects.
type kind struct{ name, plural string }

// kinds are those that this project has to do with.
var kinds = []kind{
	{"Destination", "destinations"},
	{"Source", "sources"},
	{"Processor", "processors"},
	{"Action", "actions"},
	{"Sampling", "samplings"},
	{"CollectorsGroup", "collectorsgroups"},
	{"InstrumentationConfig", "instrumentationconfigs"},
}

// The resources of Odigos.
var (
	Destinations           = odigos("destinations")
	Sources                = odigos("sources")
	Processors             = odigos("processors")
	Actions                = odigos("actions")
	Samplings              = odigos("samplings")
	CollectorsGroups       = odigos("collectorsgroups")
	InstrumentationConfigs = odigos("instrumentationconfigs")
)

// The resources of Kubernetes that it has to do with.
var (
	ConfigMaps  = core("configmaps")
	Pods        = core("pods")
	Deployments = schema.GroupVersionResource{
		Group: "apps", Version: "v1", Resource: "deployments",
	}
	Autoscalers = schema.GroupVersionResource{
		Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers",
	}

	namespaces      = core("namespaces")
	services        = core("services")
	serviceAccounts = core("serviceaccounts")

	crds = schema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
	}
	apiServices = schema.GroupVersionResource{
		Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices",
	}
)

func odigos(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: version, Resource: resource}
}

func core(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: resource}
}

// watched are the resources whose changes the controller looks at.
var watched = []schema.GroupVersionResource{
	Destinations, Processors, Actions, Samplings, CollectorsGroups, ConfigMaps, Deployments,
	Autoscalers, services,
}

// resourceOf is where an object of a kind that is used here belongs.
func resourceOf(o *unstructured.Unstructured) schema.GroupVersionResource {
	gvk := o.GroupVersionKind()
	return gvk.GroupVersion().WithResource(strings.ToLower(gvk.Kind) + "s")
}

func (k kind) crd() string { return k.plural + "." + group }

// definition is a kind whose objects hold anything: what the fields mean is the
// controller's business.
func (k kind) definition() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": k.crd()},
		"spec": map[string]any{
			"group": group, "scope": "Namespaced",
			"names": map[string]any{
				"kind": k.name, "listKind": k.name + "List", "plural": k.plural,
				"singular": strings.ToLower(k.name),
			},
			"versions": []any{map[string]any{
				"name": version, "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": map[string]any{
					"type": "object", "x-kubernetes-preserve-unknown-fields": true,
				}},
				"subresources": map[string]any{"status": map[string]any{}},
			}},
		},
	}}
}

// New is an object of Odigos before it is in a cluster; kind is Destination, Action …
func New(kind, name string, spec map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": fmt.Sprintf("%s/%s", group, version), "kind": kind,
		"metadata": map[string]any{"name": name, "namespace": Namespace},
		"spec":     spec,
	}}
}

// NewDestination is the Destination of a plain OTLP backend, host:port.
func NewDestination(name, endpoint string) *unstructured.Unstructured {
	return New("Destination", name, map[string]any{
		"type": "otlp", "destinationName": name, "signals": []any{"TRACES"},
		"data": map[string]any{
			"OTLP_GRPC_ENDPOINT": endpoint, "OTLP_GRPC_COMPRESSION": "none",
		},
	})
}
