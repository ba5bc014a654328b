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

// Whoever has no more rights than a run needs gets one, and is told what it lacks. What pods
// use is then known to a Prometheus alone.
func TestClusterFewRights(t *testing.T) {
	if os.Getenv(inTestCluster) == "" {
		newClusterTest(t) // skips
	}
	const name = "odigos-stress-few-rights"
	client := adminClient(t)
	grantFewRights(t, client, name)
	prometheus := newKubeletPrometheus(t, client)
	c := newClusterTest(t) // with the role, which is to be there afterwards
	// A kubelet may take 21 s from one reading of a container to the next.
	r := c.run(ran, "basic-load-1k", "--duration=30s", "--warm-up=3s", "--as="+name,
		"--prometheus="+prometheus.URL)
	notes := strings.Join(r.Header.Notes, "\n")
	for _, said := range []string{
		"no right to list events: ", "no right to watch events: ", "no right to get nodes/proxy: ",
		"no right to list nodes: ", "no right to watch nodes: ", "no right to list deployments.apps: ",
		"no right to watch deployments.apps: ",
		"processor time and memory of pods are by Prometheus",
	} {
		if !strings.Contains(notes, said) {
			t.Errorf("the record does not say %q:\n%s", said, notes)
		}
	}
	readings := map[string]int{}
	for _, actor := range []string{record.Backend, record.Gateway, record.Loadgen} {
		for reading := range record.Readings(r.Samples, actor) {
			u := reading.Usage
			if u.Source != "Prometheus" || u.CPUSeconds == nil || u.MemoryWorkingSet == nil ||
				actor == record.Gateway && u.Periods == nil {
				t.Errorf("usage of %s: %+v; want CPU, memory and throttling by Prometheus", actor, *u)
			}
			readings[actor]++
		}
	}
	t.Logf("readings by Prometheus: %v", readings)
	if len(readings) < 3 {
		t.Errorf("readings %v, want some of each actor", readings)
	}
	for _, s := range r.Samples {
		if scale := s.Actors[record.Gateway].Scale; scale != nil {
			t.Fatalf("scale %+v is known without a right", *scale)
		}
	}
	if r.Ending == nil || r.Ending.Measured.Acknowledged.Once != 30_000 {
		t.Errorf("ending %+v, want 30,000 spans that were delivered", r.Ending)
	}
}

// adminClient has the rights of the current context.
func adminClient(t *testing.T) *kubernetes.Clientset {
	t.Helper()
	config := clusterConfig(t)
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// grantFewRights lets a user do what docs/kubernetes.md says that a run needs, and no more.
func grantFewRights(t *testing.T, client kubernetes.Interface, name string) {
	t.Helper()
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
