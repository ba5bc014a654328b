package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/odigos-io/odigos-stress/internal/env/kube"
)

// A bound is what the tool's service account may do somewhere: in a namespace, or everywhere
// where that is empty.
type bound map[string][]string

// boundIn reads the roles that are bound, verb by verb: get pods/proxy, create deployments.apps.
func boundIn(t *testing.T, files map[string]string) bound {
	t.Helper()
	roles := map[string][]rbacv1.PolicyRule{}
	out := bound{}
	var bindings []rbacv1.RoleBinding
	for _, text := range strings.Split(manifests(files), "\n---\n") {
		var meta struct{ Kind string }
		if err := yaml.Unmarshal([]byte(text), &meta); err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
		var role rbacv1.Role // a ClusterRole and its binding have the same fields, as far as here
		var binding rbacv1.RoleBinding
		var err error
		switch meta.Kind {
		case "Role", "ClusterRole":
			err = yaml.UnmarshalStrict([]byte(text), &role)
			roles[meta.Kind+" "+role.Namespace+"/"+role.Name] = role.Rules
		case "RoleBinding", "ClusterRoleBinding":
			err = yaml.UnmarshalStrict([]byte(text), &binding)
			bindings = append(bindings, binding)
		}
		if err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
	}
	for _, b := range bindings {
		name := b.RoleRef.Kind + " " + b.Namespace + "/" + b.RoleRef.Name
		rules, ok := roles[name]
		if !ok {
			t.Errorf("binding %s/%s: there is no %s", b.Namespace, b.Name, name)
		}
		if want := []rbacv1.Subject{{
			Kind: "ServiceAccount", Name: "stress-odigos-stress", Namespace: "load-tests",
		}}; cmp.Diff(want, b.Subjects) != "" {
			t.Errorf("binding %s/%s: subjects %v, want %v", b.Namespace, b.Name, b.Subjects, want)
		}
		for _, r := range rules {
			out[b.Namespace] = append(out[b.Namespace], verbs(t, r)...)
		}
	}
	if len(roles) != len(bindings) {
		t.Errorf("%d roles and %d bindings, want as many", len(roles), len(bindings))
	}
	for in := range out {
		slices.Sort(out[in])
	}
	return out
}

func verbs(t *testing.T, r rbacv1.PolicyRule) (all []string) {
	t.Helper()
	if len(r.ResourceNames)+len(r.NonResourceURLs) > 0 {
		t.Errorf("rule %+v names what this test does not look at", r)
	}
	for _, group := range r.APIGroups {
		for _, resource := range r.Resources {
			for _, verb := range r.Verbs {
				if strings.Contains(group+resource+verb, "*") {
					t.Errorf("rule %+v has a *", r)
				}
				all = append(all, told(verb, group, resource))
			}
		}
	}
	return all
}

func told(verb, group, resource string) string {
	return strings.TrimRight(fmt.Sprintf("%s %s in %s", verb, resource, group), " ")
}

// A wanted is what roles should hold, made of the tool's own lists.
func wanted(where string, grants []kube.Grant, but ...string) []string {
	var all []string
	for _, g := range grants {
		text := told(g.Verb, g.Group, g.Resource)
		if g.Cluster == (where == "cluster") || where == "all" {
			if !slices.Contains(but, text) {
				all = append(all, text)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

var (
	proxy = told("get", "", "nodes/proxy")
	nodes = []string{told("list", "", "nodes"), told("watch", "", "nodes")}
	usage = told("get", "metrics.k8s.io", "pods")
)

// The roles hold what the tool asks for, verb by verb, and nothing else.
func TestRights(t *testing.T) {
	const image = "image: {repository: r.example.com/odigos-stress}\n"
	own, there := kube.RunGrants(true), kube.RunGrants(false)
	own, there = append(own, kube.MetricsGrants()...), append(there, kube.MetricsGrants()...)
	for _, c := range []struct {
		what, values string
		want         bound
	}{
		{"a namespace of its own", "", bound{"": wanted("all", own, proxy)}},
		{"kubelet's figures", "rbac: {nodesProxy: true}", bound{"": wanted("all", own)}},
		{
			"no nodes", "rbac: {nodes: false}",
			bound{"": wanted("all", own, append(nodes, proxy)...)},
		},
		{"no metrics API", "rbac: {metrics: false}", bound{"": wanted("all", own, proxy, usage)}},
		{
			"cleanup", "cleanup: {schedule: '@hourly'}",
			bound{"": wanted("all", append(own, kube.CleanupGrants()...), proxy)},
		},
		{
			"a namespace that is there", "namespace: here",
			bound{"here": wanted("namespace", there), "": nodes},
		},
		{
			"that and kubelet's figures", "{namespace: here, rbac: {nodesProxy: true}}",
			bound{"here": wanted("namespace", there), "": wanted("cluster", there)},
		},
		{
			"that and no nodes", "{namespace: here, rbac: {nodes: false}}",
			bound{"here": wanted("namespace", there)},
		},
		{
			"copies", "{rbac: {clone: {enabled: true}}}",
			bound{"": wanted("all", own, proxy), "odigos-system": wanted("all", kube.ReadGrants())},
		},
		{
			"an installation in place", "{namespace: here, rbac: {nodes: false, inPlace: {enabled: true}}}",
			bound{
				"here": wanted("namespace", there), "": wanted("cluster", kube.InPlaceGrants()),
				"odigos-system": wanted("namespace", slices.Concat(kube.ReadGrants(), kube.InPlaceGrants())),
			},
		},
		{
			"that and no metrics API",
			"{namespace: here, rbac: {nodes: false, metrics: false, inPlace: {enabled: true}}}",
			bound{
				"here": wanted("namespace", there, usage), "": wanted("cluster", kube.InPlaceGrants()),
				"odigos-system": wanted("namespace",
					slices.Concat(kube.ReadGrants(), kube.InPlaceGrants()), usage),
			},
		},
		{
			"none", "rbac: {create: false, nodesProxy: true, clone: {enabled: true}, inPlace: {enabled: true}}",
			bound{},
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			values := parseValues(t, c.values)
			values["image"] = parseValues(t, image)["image"]
			files, err := render(t, values)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, boundIn(t, files)); diff != "" {
				t.Errorf("rights (-asked for +granted):\n%s", diff)
			}
		})
	}
}

// The role that the documentation shows is the one of all that can be granted.
func TestDocumentedRights(t *testing.T) {
	text, err := os.ReadFile("../docs/kubernetes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Rights\n")
	_, block, _ := strings.Cut(section, "```yaml\n")
	block, _, _ = strings.Cut(block, "```\n")
	var role rbacv1.ClusterRole
	if err := yaml.UnmarshalStrict([]byte(block), &role); err != nil || len(role.Rules) == 0 {
		t.Fatalf("%d rules, %v in:\n%s", len(role.Rules), err, block)
	}
	var shown []string
	for _, r := range role.Rules {
		shown = append(shown, verbs(t, r)...)
	}
	slices.Sort(shown)
	all := slices.Concat(kube.RunGrants(true), kube.CleanupGrants(), kube.MetricsGrants())
	want := wanted("all", all)
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("rights (-asked for +documented):\n%s", diff)
	}
}
