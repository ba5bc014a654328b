package kube

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

func TestMissingRightsAreNamedBeforeAnythingIsMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestCluster(t)
		for _, r := range []string{
			"create deployments.apps", "patch deployments.apps", "get pods/proxy", "create namespaces",
			"get nodes/proxy",
		} {
			c.denied[r] = true
		}
		_, err := c.try(Options{})
		if err == nil {
			t.Fatal("a run without rights was let in")
		}
		golden(t, "rights.golden.txt", err.Error()+"\n")
		if text := err.Error(); strings.Contains(text, "namespace: odigos-stress-run-1") ||
			strings.Contains(text, "kind: Role\n") {
			t.Error("what is to be applied is in a namespace that is not there")
		}
		for _, a := range c.Actions() {
			if v := a.GetVerb(); v != "get" && !strings.HasPrefix(a.GetResource().Resource, "selfsubject") {
				t.Errorf("it did %s %s before", v, a.GetResource().Resource)
			}
		}
	})
}

func TestRightsThatARunCanDoWithoutAreNotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestCluster(t)
		c.denied["get nodes/proxy"] = true
		k := c.open(Options{})
		defer shut(t, k)
		notes := strings.Join(k.Notes(), "\n")
		want := "no right to get nodes/proxy: processor time and memory of pods are not known from kubelet"
		if notes != want {
			t.Errorf("notes: %q, want %q", notes, want)
		}
	})
}

func TestCapabilities(t *testing.T) {
	c := newTestCluster(t)
	c.denied["get pods/proxy"] = true
	all, err := capabilities(context.Background(), c.access(), "ns", needed(true))
	if err != nil || len(all) != len(needed(true)) {
		t.Fatalf("%d capabilities, %v; want %d", len(all), err, len(needed(true)))
	}
	for _, x := range all {
		if x.OK == (x.Name == "get pods/proxy") || x.OK == (x.Remedy != "") {
			t.Errorf("%+v", x)
		}
	}
}

// In a namespace that is there what is of it is a Role, bound to who asks; what is granted already
// stays in it, and what a run can do without is not asked for.
func TestMissingRightsInANamespaceThatIsThere(t *testing.T) {
	for user, subject := range map[string]string{
		"":                                  "",
		"ann/ops":                           "- apiGroup: rbac.authorization.k8s.io\n  kind: User\n  name: ann/ops\n",
		"system:serviceaccount:load:stress": "- kind: ServiceAccount\n  name: stress\n  namespace: load\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newTestCluster(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}})
			c.denied["get pods/proxy"], c.denied["get nodes/proxy"] = true, true
			intercept(&c.Fake, "create", "selfsubjectreviews",
				func(clienttesting.Action) (bool, runtime.Object, error) {
					return true, &authenticationv1.SelfSubjectReview{
						Status: authenticationv1.SelfSubjectReviewStatus{
							UserInfo: authenticationv1.UserInfo{Username: user},
						},
					}, nil
				})
			_, err := c.try(Options{Namespace: "shop"})
			contains(t, "a run without rights", err, "1 rights that a run in namespace shop",
				"kind: Role\nmetadata:\n  name: odigos-stress\n  namespace: shop\n", "  - pods/log\n",
				"  - events\n", subject)
			text := err.Error()
			if strings.Contains(text, "nodes/proxy") {
				t.Errorf("a right that was not needed is proposed:\n%s", text)
			}
			if bound := strings.Contains(text, "kind: RoleBinding"); bound != (user != "") {
				t.Errorf("of user %q it is bound: %v", user, bound)
			}
			if user == "ann/ops" && !strings.Contains(text, "name: odigos-stress:ann-ops\n") {
				t.Errorf("the binding has another name:\n%s", text)
			}
		})
	}
}

// What is proposed for an installation leaves what a run has alone: roles of one name are replaced
// by who applies them.
func TestRolesInPlaceHaveANameOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestCluster(t)
		k := &Kube{o: Options{}, access: c.access(), naming: newNaming(Options{RunID: "run-1"}), own: true}
		all := []right{
			{verb: "get", resource: "configmaps"}, {verb: "list", group: odigosGroup, resource: "sources", cluster: true},
		}
		text := k.denied(t.Context(), all, all, odigosNamespace).Error()
		if n := strings.Count(text, "name: odigos-stress-in-place\n"); n != 2 ||
			strings.Contains(text, "name: odigos-stress\n") {
			t.Errorf("want two roles named odigos-stress-in-place:\n%s", text)
		}
		contains(t, "denied", k.denied(t.Context(), all, all, k.naming.namespace),
			"kind: ClusterRole\nmetadata:\n  name: odigos-stress\n")
	})
}
