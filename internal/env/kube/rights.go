package kube

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A right is one verb on one resource.
type right struct {
	verb, group, resource, sub string
	// cluster is set where it is not of a namespace.
	cluster bool
	// without says what a run lacks without it; empty where there is no run then.
	without string
}

// String is as kubectl writes it: get pods/proxy, create deployments.apps.
func (r right) String() string {
	s := r.verb + " " + r.resource
	if r.group != "" {
		s += "." + r.group
	}
	if r.sub != "" {
		s += "/" + r.sub
	}
	return s
}

// What a run lacks without a right that it can do without.
const (
	withoutEvents  = "what happens to pods, and why the cluster refuses one, is told in part"
	withoutKubelet = "processor time and memory of pods are not known from kubelet"
	withoutMetrics = "processor time and memory of pods are not known from the metrics API"
	withoutNodes   = "what becomes of nodes under a run is not told"
	withoutScale   = "how many pods of the gateway there are over time is not known"
	withoutScaler  = "what an autoscaler decides is not told"
)

// missing says what is not known without it.
func (r right) missing() string { return fmt.Sprintf("no right to %s: %s", r, r.without) }

// needed are the rights of a run. Those to namespaces are for one of its own alone.
func needed(ownNamespace bool) []right {
	var all []right
	want := func(group, resource, sub string, verbs ...string) {
		for _, verb := range verbs {
			all = append(all, right{verb: verb, group: group, resource: resource, sub: sub})
		}
	}
	// Server-side apply is a patch, and a create where there is nothing yet.
	apply := []string{"get", "create", "patch", "delete"}
	want("", "configmaps", "", apply...)
	want("", "services", "", apply...)
	want("apps", "deployments", "", apply...)
	want("batch", "jobs", "", apply...)
	want("", "pods", "", append([]string{"list", "watch"}, apply...)...)
	want("", "pods", "log", "get")
	want("", "pods", "proxy", "get", "create")
	want("discovery.k8s.io", "endpointslices", "", "list", "watch")
	if ownNamespace {
		for _, verb := range apply {
			all = append(all, right{verb: verb, resource: "namespaces", cluster: true})
		}
	}
	return append(
		all,
		right{
			verb: "list", resource: "events", without: withoutEvents,
		},
		right{verb: "watch", resource: "events", without: withoutEvents},
		right{
			verb: "get", resource: "nodes", sub: "proxy", cluster: true,
			without: withoutKubelet,
		},
		right{
			verb: "list", resource: "nodes", cluster: true,
			without: "the machines that pods run on are not known",
		},
		right{verb: "watch", resource: "nodes", cluster: true, without: withoutNodes},
		right{verb: "list", group: "apps", resource: "deployments", without: withoutScale},
		right{verb: "watch", group: "apps", resource: "deployments", without: withoutScale},
	)
}

// An answer is what the API server says of a right.
type answer struct {
	right   right
	allowed bool
	reason  string
}

// ask asks for each right, some at a time.
func ask(ctx context.Context, a access, namespace string, rights []right) ([]answer, error) {
	const atOnce = 8
	answers := make([]answer, len(rights))
	errs := make([]error, len(rights))
	tokens := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	for n, r := range rights {
		group.Go(func() {
			tokens <- struct{}{}
			defer func() { <-tokens }()
			answers[n], errs[n] = askOne(ctx, a, namespace, r)
		})
	}
	group.Wait()
	return answers, errors.Join(errs...)
}

func askOne(ctx context.Context, a access, namespace string, r right) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if r.cluster {
		namespace = ""
	}
	review := &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: namespace, Verb: r.verb, Group: r.group, Resource: r.resource, Subresource: r.sub,
			},
		},
	}
	said, err := a.client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review,
		metav1.CreateOptions{})
	if err != nil {
		return answer{}, fmt.Errorf("ask for the right to %s: %w", r, err)
	}
	return answer{right: r, allowed: said.Status.Allowed, reason: said.Status.Reason}, nil
}

// askRights fails where there can be no run, with all that is missing; what a run can do
// without becomes a note.
func (k *Kube) askRights(ctx context.Context) error {
	if err := k.askRightsIn(ctx, k.naming.namespace, needed(k.own)); err != nil || k.inPlace == nil {
		return err
	}
	return k.askRightsIn(ctx, k.inPlace.site.namespace, k.inPlace.needed())
}

func (k *Kube) askRightsIn(ctx context.Context, namespace string, rights []right) error {
	answers, err := ask(ctx, k.access, namespace, rights)
	if err != nil {
		return err
	}
	var missing []right
	for _, x := range answers {
		switch {
		case x.allowed:
		case x.right.without != "" && namespace != k.naming.namespace && !x.right.cluster:
			k.note("in namespace " + namespace + ": " + x.right.missing()) // as who follows it says
		case x.right.without != "":
			k.note(x.right.missing())
		default:
			missing = append(missing, x.right)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return k.denied(ctx, missing, grantable(answers), namespace)
}

// Rights says for each verb on each resource that a run needs whether it is allowed, of one in
// place also in the installation's namespace. The
// remedy of one that is missing is a role, or what a run does without.
func Rights(ctx context.Context, o Options) ([]env.Capability, error) {
	if o.RunID == "" {
		o.RunID = "doctor"
	}
	a, err := connect(o.Cluster)
	if err != nil {
		return nil, err
	}
	defer a.close()
	k := &Kube{o: o, access: a, naming: newNaming(o)}
	// A namespace that cannot be used is for the run to refuse.
	exists, err := k.namespaceExists(ctx)
	all, err := capabilities(ctx, a, k.naming.namespace, needed(!exists && err == nil))
	if err != nil || o.InPlace == nil {
		return all, err
	}
	t, err := newTakeover(k, *o.InPlace)
	if err != nil {
		return all, nil // Findings says what is wrong with the installation
	}
	more, err := capabilities(ctx, a, t.site.namespace, t.needed())
	for n := range more {
		more[n].Name += " in " + t.site.namespace
	}
	return append(all, more...), err
}

func capabilities(ctx context.Context, a access, namespace string, rights []right) (
	[]env.Capability, error,
) {
	answers, err := ask(ctx, a, namespace, rights)
	if err != nil {
		return nil, fmt.Errorf("use %s: %w", a.where, err)
	}
	all := make([]env.Capability, 0, len(answers))
	for _, x := range answers {
		c := env.Capability{
			Name: x.right.String(), OK: x.allowed, Found: "allowed", Optional: x.right.without != "",
		}
		if !x.allowed {
			c.Found = strings.TrimRight("not allowed: "+x.reason, ": ")
			c.Remedy = "have it granted in a role"
			if x.right.without != "" {
				c.Remedy += "; without it " + x.right.without
			}
		}
		all = append(all, c)
	}
	return all, nil
}
