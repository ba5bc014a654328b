package kube

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A Grant is one verb on one resource, as a role gives it. Lists of them are what a role for
// the tool has to hold, for those who write one.
type Grant struct {
	Verb, Group string
	// Resource has its subresource behind it: pods/proxy.
	Resource string
	// Cluster is set where only a ClusterRole gives it.
	Cluster bool
	// Optional is set where a run does without it, and less is known then.
	Optional bool
}

// RunGrants are those of a run, in a namespace of its own or in one that is there.
func RunGrants(ownNamespace bool) []Grant {
	var all []Grant
	for _, r := range needed(ownNamespace) {
		all = append(all, r.grant())
	}
	return all
}

// CleanupGrants are those that finding dead runs takes in the whole cluster, beside those of a
// run in a namespace of its own.
func CleanupGrants() []Grant {
	return []Grant{
		{Verb: "list", Resource: "namespaces", Cluster: true},
		{Verb: "list", Group: "batch", Resource: "jobs", Cluster: true},
	}
}

// MetricsGrants are those that reading CPU and memory of a run's pods from the metrics API takes.
func MetricsGrants() []Grant {
	return []Grant{{Verb: "get", Group: "metrics.k8s.io", Resource: "pods", Optional: true}}
}

// ReadGrants are those that reading a gateway takes, in its namespace: all that is read by
// import, and copied.
func ReadGrants() []Grant {
	return []Grant{
		{Verb: "get", Group: "apps", Resource: "deployments"},
		{Verb: "get", Resource: "configmaps"},
		{Verb: "list", Resource: "pods"},
		{Verb: "get", Resource: "pods/proxy", Optional: true},
		{
			Verb: "list", Group: "autoscaling", Resource: "horizontalpodautoscalers", Optional: true,
		},
	}
}

// InPlaceGrants are those that a run takes in the namespace of an installation of Odigos that is
// its gateway, with objects of every kind, beside those of reading it.
func InPlaceGrants() []Grant {
	t := &takeover{}
	for _, kind := range slices.Sorted(maps.Keys(kindsAdded)) {
		t.o.Objects = append(t.o.Objects, Object{
			content: &unstructured.Unstructured{Object: map[string]any{"kind": kind}},
		})
	}
	var all []Grant
	for _, r := range t.needed() {
		all = append(all, r.grant())
	}
	return all
}

func (r right) grant() Grant {
	g := Grant{
		Verb: r.verb, Group: r.group, Resource: r.resource, Cluster: r.cluster,
		Optional: r.without != "",
	}
	if r.sub != "" {
		g.Resource += "/" + r.sub
	}
	return g
}
