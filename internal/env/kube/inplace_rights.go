package kube

// needed are the rights that a run needs in the namespace of an installation, beside those in its
// own. It hands some of them on to its watchdog, which nobody may who has them not.
func (t *takeover) needed() []right {
	var all []right
	want := func(group, resource, sub string, verbs ...string) {
		for _, verb := range verbs {
			all = append(all, right{verb: verb, group: group, resource: resource, sub: sub})
		}
	}
	want("", "configmaps", "", "get", "create", "update", "delete")
	want("", "serviceaccounts", "", "create")
	want("rbac.authorization.k8s.io", "roles", "", "create")
	want("rbac.authorization.k8s.io", "rolebindings", "", "create")
	want("batch", "jobs", "", "create")
	want("", "events", "", "create")
	want("apps", "deployments", "", "get")
	want("", "services", "", "get")
	want("", "pods", "", "get", "list", "watch", "delete")
	want("", "pods", "log", "get")
	want("", "pods", "proxy", "get", "create")
	want("discovery.k8s.io", "endpointslices", "", "list", "watch")
	want(odigosGroup, destinations, "", "get", "list", "create", "update", "delete")
	want(odigosGroup, groups, "", "get")
	for _, resource := range []string{processors, actions, samplings} {
		for _, o := range t.o.Objects {
			if o.resource() == resource {
				want(odigosGroup, resource, "", "get", "create", "delete")
				break
			}
		}
	}
	without := func(what, group, resource string, verbs ...string) {
		for _, verb := range verbs {
			all = append(all, right{verb: verb, group: group, resource: resource, without: what})
		}
	}
	without(withoutEvents, "", "events", "list", "watch")
	without(withoutScale, "apps", "deployments", "list", "watch")
	without(withoutScaler, "autoscaling", "horizontalpodautoscalers", "list", "watch")
	without(withoutMetrics, "metrics.k8s.io", "pods", "get")
	for _, resource := range []string{sources, instrumented} {
		r := right{verb: "list", group: odigosGroup, resource: resource, cluster: true}
		if t.o.AllowLive {
			r.without = "which workloads send to the installation is not known"
		}
		all = append(all, r)
	}
	return all
}
