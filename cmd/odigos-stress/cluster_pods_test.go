package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// In a namespace with a quota each pod has to say what it uses, which a file of pods does for
// both ends; all of them go to the node that it names.
func TestClusterPods(t *testing.T) {
	if os.Getenv(inTestCluster) == "" {
		newClusterTest(t) // skips
	}
	const name = "odigos-stress-quota"
	client := adminClient(t)
	makeQuota(t, client, name)
	c := newClusterTest(t) // with the namespace, which is to be there afterwards
	nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	node := nodes.Items[0].Labels[corev1.LabelHostname]
	pods := filepath.Join(t.TempDir(), "pods.yaml")
	text := `all:
  nodeSelector: {kubernetes.io/hostname: ` + node + `}
  labels: {team: load}
backend: {resources: {limits: {cpu: "1", memory: 512Mi}, requests: {cpu: 50m, memory: 64Mi}}}
loadgen: {resources: {limits: {cpu: "1", memory: 512Mi}, requests: {cpu: 50m, memory: 64Mi}}}
`
	if err := os.WriteFile(pods, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	bin, err := filepath.Abs("../../bin") // what starts nothing asks the collector beside the tool
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", os.Getenv("PATH")+string(filepath.ListSeparator)+bin)
	args := []string{"basic-load-1k", "--duration=10s", "--warm-up=3s", "--namespace=" + name}
	cmd, said := c.command(append([]string{"run", "--dry-run"}, args...)...)
	err = cmd.Run()
	if err == nil || !strings.Contains(said.String(), "must specify") {
		t.Errorf("a dry run without %s: %v, want the quota to refuse it:\n%s", pods, err, said)
	}
	args = append(args, "--pods="+pods)
	cmd, said = c.command(append([]string{"run", "--dry-run"}, args...)...)
	if err := cmd.Run(); err != nil {
		t.Errorf("a dry run: %v\n%s", err, said)
	}
	cmd, said = c.command(append([]string{"run", "--dry-run", "--set=gateway.replicas=7"}, args...)...)
	if err := cmd.Run(); err == nil || !strings.Contains(said.String(), "asked for by all pods together") {
		t.Errorf("a dry run of seven gateways: %v, want the quota to refuse them together\n%s", err, said)
	}
	r := c.run(ran, args...)
	c.exact(r, 10_000)
	if len(r.Header.Pods) == 0 {
		t.Error("the record does not say what was asked of pods")
	}
	for _, a := range r.Header.Actors {
		if a.Limits.CPUCores == 0 || a.Limits.MemoryBytes == 0 {
			t.Errorf("%s has the limits %+v, want both", a.Name, a.Limits)
		}
	}
}

// makeQuota makes a namespace in which pods without limits are refused.
func makeQuota(t *testing.T, client kubernetes.Interface, name string) {
	t.Helper()
	meta := metav1.ObjectMeta{Name: name}
	_, err := client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: meta},
		metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context()) // which ends before the cleanup
	t.Cleanup(func() {
		if err := client.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(ctx, longestGoing)
		defer cancel()
		until(ctx, t, "the namespace is gone", func() bool { // before others look
			_, err := client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
			return apierrors.IsNotFound(err)
		})
	})
	most := resource.MustParse
	_, err = client.CoreV1().ResourceQuotas(name).Create(t.Context(), &corev1.ResourceQuota{
		ObjectMeta: meta,
		Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{
			corev1.ResourceLimitsCPU: most("8"), corev1.ResourceLimitsMemory: most("8Gi"),
			corev1.ResourceRequestsCPU: most("8"), corev1.ResourceRequestsMemory: most("8Gi"),
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}
