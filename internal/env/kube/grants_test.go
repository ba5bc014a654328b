package kube

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// grantsUsed are the rights that what was done took.
func grantsUsed(actions []clienttesting.Action) []string {
	var all []string
	for _, a := range actions {
		r := a.GetResource()
		all = append(all, right{
			verb: a.GetVerb(), group: r.Group, resource: r.Resource, sub: a.GetSubresource(),
		}.String())
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func grantsNamed(all ...[]Grant) []string {
	var names []string
	for _, g := range slices.Concat(all...) {
		names = append(names, right{verb: g.Verb, group: g.Group, resource: g.Resource}.String())
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// A gateway is read with what ReadGrants names, and all of it is needed.
func TestReadGrants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fake.NewClientset(odigosObjects("odigos-system")...)
		found, err := findGateway(t.Context(), c, Wanted{})
		if err != nil {
			t.Fatal(err)
		}
		want := slices.DeleteFunc(grantsNamed(ReadGrants()), func(name string) bool {
			return name == "get pods/proxy" // the fake keeps no account of it
		})
		if diff := cmp.Diff(want, grantsUsed(c.Actions())); diff != "" {
			t.Errorf("rights (-named +used):\n%s", diff)
		}
		c.ClearActions()
		asked := 0
		servePods(c, func(string, int) (string, error) { asked++; return served(1), nil })
		if _, err := watchPods(t.Context(), c, found, exporterOfTest, 0); err != nil || asked == 0 {
			t.Errorf("asked %d times, %v", asked, err)
		}
	})
}

// Dead runs are found and taken away with the rights of a run and those of CleanupGrants.
func TestCleanupGrants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead := newNaming(Options{RunID: "dead"})
		ofRun := metav1.ObjectMeta{
			Name: dead.namespace, UID: "dead", Labels: dead.labels(componentRun),
			Annotations: map[string]string{noteRun: "dead"},
		}
		guest := metav1.ObjectMeta{
			Name: ownerName, Namespace: "shop", UID: "guest",
			Labels:      newNaming(Options{RunID: "guest"}).labels(componentRun),
			Annotations: map[string]string{noteRun: "guest", noteAlive: stamp(time.Now())},
		}
		c := newTestCluster(t, &corev1.Namespace{ObjectMeta: ofRun}, &batchv1.Job{ObjectMeta: guest})
		time.Sleep(2 * aliveFor)
		found, err := cleanup(t.Context(), c.access(), false)
		if err != nil || len(found) != 2 {
			t.Fatalf("found %+v, %v; want two", found, err)
		}
		granted := grantsNamed(CleanupGrants(), RunGrants(true))
		for _, name := range grantsUsed(c.Actions()) {
			if !slices.Contains(granted, name) {
				t.Errorf("it used the right to %s, which no list names", name)
			}
		}
		for _, name := range grantsNamed(CleanupGrants()) {
			if !slices.Contains(grantsUsed(c.Actions()), name) {
				t.Errorf("it did not use the right to %s", name)
			}
		}
	})
}
