package kube

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// found are the findings of a run with these options, a line each.
func found(t *testing.T, c *testCluster, o Options) (lines []string) {
	t.Helper()
	o.RunID, o.Image = "doctor", "none"
	o, err := o.complete()
	if err != nil {
		t.Fatal(err)
	}
	k := &Kube{o: o, access: c.access(), naming: newNaming(o), table: newTable()}
	for _, x := range k.findings(context.Background()) {
		line := x.Name + ": " + x.Found
		if !x.OK {
			line = "missing " + line
		}
		if ends := strings.Contains(x.Found, "want one that answers"); x.OK == (x.Remedy != "") ||
			x.Optional == ends {
			t.Errorf("%+v", x)
		}
		lines = append(lines, line)
	}
	return lines
}

// Who will measure is said beforehand.
func TestFindingsOfUsage(t *testing.T) {
	for want, c := range map[string]struct {
		denied     bool
		prometheus string
	}{
		"usage: CPU and memory of pods are by the kubelet":             {false, ""},
		"missing usage: not known: there is no right to ask kubelets":  {true, ""},
		"missing usage: ask Prometheus http://ann:xxxxx@127.0.0.1:1: ": {true, "http://ann:secret@127.0.0.1:1"},
	} {
		cluster := newTestCluster(t)
		cluster.denied["get nodes/proxy"] = c.denied
		got := strings.Join(found(t, cluster, Options{Prometheus: PromServer{URL: c.prometheus}}), "\n")
		if !strings.HasPrefix(got, want) || strings.Contains(got, "secret") {
			t.Errorf("found %q, want %q", got, want)
		}
	}
}

// What a namespace that is there imposes is said, as far as it may be read.
func TestFindingsOfANamespace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name, Namespace: "shop"} }
		c := newTestCluster(t,
			&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
				Name: "shop", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "baseline"},
			}},
			&corev1.ResourceQuota{
				ObjectMeta: in("all"),
				Spec:       corev1.ResourceQuotaSpec{Hard: limitList("4", "8Gi")},
				Status:     corev1.ResourceQuotaStatus{Used: limitList("500m", "1Gi")},
			},
			&corev1.LimitRange{ObjectMeta: in("sizes"), Spec: corev1.LimitRangeSpec{
				Limits: []corev1.LimitRangeItem{
					{Type: corev1.LimitTypeContainer, Default: limitList("", "512Mi"), Max: limitList("2", "")},
					{Type: corev1.LimitTypePersistentVolumeClaim, Max: limitList("", "1Gi")},
				},
			}})
		want := []string{
			"usage: CPU and memory of pods are by the kubelet",
			"pod security of namespace shop: baseline is enforced; a run's pods keep to restricted",
			"quota all: used: cpu 500m of 4, memory 1Gi of 8Gi",
			"limit range sizes: container memory limit by default 512Mi, container cpu at most 2",
		}
		if diff := cmp.Diff(want, found(t, c, Options{Namespace: "shop"})); diff != "" {
			t.Errorf("findings (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want[:1], found(t, c, Options{})); diff != "" {
			t.Errorf("of a namespace of its own (-want +got):\n%s", diff)
		}
	})
}
