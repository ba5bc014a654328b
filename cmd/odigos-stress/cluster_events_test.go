package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// toldOf wants the cluster's own account of a death: that kubelet started the container
// again, of what the one before had died, and that for a while none was ready.
func (t *clusterTest) toldOf(r *record.Record, d record.Death) {
	t.Helper()
	var restart *record.Event
	for _, e := range r.Events {
		if e.Kind != record.EventPlace {
			continue
		}
		t.Logf("%+.3f s: %s: %s", e.Elapsed, e.Actor, e.Text)
		if e.Actor == record.Gateway && strings.Contains(e.Text, "restart 1") {
			restart = &e
		}
	}
	switch {
	case restart == nil:
		t.Error("the cluster told of no restart")
	case !strings.Contains(restart.Text, "OOMKilled, exit code 137"):
		t.Errorf("restart %q, want what the one before died of", restart.Text)
	case restart.At.Before(d.At.Truncate(time.Second)) || restart.At.After(r.Ending.Finished):
		t.Errorf("restart at %s, want it after the death at %s", restart.At, d.At)
	}
	ready := map[env.Scale]bool{}
	for _, s := range r.Samples {
		if scale := s.Actors[record.Gateway].Scale; scale != nil {
			ready[*scale] = true
		}
	}
	if !ready[env.Scale{Wanted: 1, Ready: 1}] {
		t.Errorf("scales %v, want one of one at some time", ready)
	}
}

// Whoever has no more rights than a run needs gets one, and is told what it lacks.
func TestClusterFewRights(t *testing.T) {
	const name = "odigos-stress-few-rights"
	grantFewRights(t, name)
	c := newClusterTest(t) // with the role, which is to be there afterwards
	r := c.run(ran, "basic-load-1k", "--duration=3s", "--warm-up=1s", "--as="+name)
	notes := strings.Join(r.Header.Notes, "\n")
	for _, lacking := range []string{
		"list events", "watch events", "get nodes/proxy", "list nodes", "watch nodes",
		"list deployments.apps", "watch deployments.apps",
	} {
		if !strings.Contains(notes, "no right to "+lacking+": ") {
			t.Errorf("the record does not say that there is no right to %s:\n%s", lacking, notes)
		}
	}
	for _, s := range r.Samples {
		g := s.Actors[record.Gateway]
		if g.Usage != nil || g.Scale != nil {
			t.Fatalf("known without a right: usage %+v, scale %+v", g.Usage, g.Scale)
		}
	}
	if r.Ending == nil || r.Ending.Measured.Acknowledged.Once != 3_000 {
		t.Errorf("ending %+v, want 3,000 spans that were delivered", r.Ending)
	}
}

// grantFewRights lets a user do what docs/kubernetes.md says that a run needs, and no more.
func grantFewRights(t *testing.T, name string) {
	t.Helper()
	if os.Getenv(inTestCluster) == "" {
		return // the test is skipped
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	rule := func(group, resources string, verbs ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{
			APIGroups: []string{group}, Resources: strings.Split(resources, " "), Verbs: verbs,
		}
	}
	apply := []string{"get", "create", "patch", "delete"}
	meta := metav1.ObjectMeta{Name: name}
	role := &rbacv1.ClusterRole{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
		rule("", "namespaces configmaps services", apply...),
		rule("", "namespaces", "list"),
		rule("apps", "deployments", apply...),
		rule("batch", "jobs", append(apply, "list")...),
		rule("", "pods", append(apply, "list", "watch")...),
		rule("", "pods/log", "get"),
		rule("", "pods/proxy", "get", "create"),
		rule("discovery.k8s.io", "endpointslices", "list", "watch"),
	}}
	rbac := client.RbacV1()
	if _, err := rbac.ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context()) // which ends before the cleanup
	t.Cleanup(func() {
		if err := rbac.ClusterRoles().Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: name}},
	}
	if _, err := rbac.ClusterRoleBindings().Create(t.Context(), binding,
		metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rbac.ClusterRoleBindings().Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}
