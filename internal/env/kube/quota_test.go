package kube

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

// quotaOf is one of the namespace shop; what it lets be used, and what is, as NAME=QUANTITY.
func quotaOf(hard, used string) *corev1.ResourceQuota {
	list := func(text string) corev1.ResourceList {
		all := corev1.ResourceList{}
		for _, field := range strings.Fields(text) {
			name, q, _ := strings.Cut(field, "=")
			all[corev1.ResourceName(name)] = resource.MustParse(q)
		}
		return all
	}
	return &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "compute", Namespace: "shop"},
		Spec:       corev1.ResourceQuotaSpec{Hard: list(hard)},
		Status:     corev1.ResourceQuotaStatus{Hard: list(hard), Used: list(used)},
	}
}

// A dry run refuses what a quota takes pod by pod and not together: a gateway of 1.25 cores and
// 600Mi, a backend, and two load generators of a core each.
func TestDryRunHoldsQuotasAgainstAllPods(t *testing.T) {
	shop := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	const of = "quota compute of namespace shop: "
	for _, c := range []struct {
		hard, used string
		scopes     []corev1.ResourceQuotaScope
		want       []string // of the error; none: it has room
	}{
		{"limits.cpu=3750m limits.memory=1Gi pods=5", "limits.cpu=500m limits.memory=424Mi pods=1", nil, nil},
		{"limits.cpu=3700m", "limits.cpu=500m", nil, []string{
			of + "limits.cpu: found 500m used and 3250m asked for by all pods together, want at most 3700m",
		}},
		{"pods=3 memory=599Mi", "", nil, []string{
			of + "pods: found 0 used and 4 asked for", of + "memory: found 0 used and 600Mi asked for",
		}},
		{"count/pods=4", "count/pods=1", nil, []string{of + "count/pods: found 1 used and 4"}},
		{"pods=3", "", []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeBestEffort}, nil},
		{"services=1 requests.storage=1Gi", "services=1", nil, nil}, // the server reckons these
	} {
		q := quotaOf(c.hard, c.used)
		q.Spec.Scopes = c.scopes
		_, notes, err := newTestCluster(t, shop, q).show(Options{Namespace: "shop"})
		if c.want != nil {
			contains(t, c.hard, err, c.want...)
		} else if err != nil || len(notes) > 0 {
			t.Errorf("%s: %v, notes %q; want room", c.hard, err, notes)
		}
	}
}

// Whoever may not list quotas is told what was not asked.
func TestDryRunWithoutRightToQuotas(t *testing.T) {
	c := newTestCluster(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}})
	intercept(&c.Fake, "list", "resourcequotas", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(corev1.Resource("resourcequotas"), "", nil)
	})
	_, notes, err := c.show(Options{Namespace: "shop"})
	want := []string{"Whether quotas of namespace shop take all pods together is not known: no right to list " +
		"resourcequotas."}
	if diff := cmp.Diff(want, notes); diff != "" || err != nil {
		t.Errorf("%v, notes (-want +got):\n%s", err, diff)
	}
}
