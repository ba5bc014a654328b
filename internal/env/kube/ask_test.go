package kube

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// answers are of the kinds that the client wants.
var answers = map[string]runtime.Object{
	"namespaces": &corev1.Namespace{}, "configmaps": &corev1.ConfigMap{}, "services": &corev1.Service{},
	"deployments": &appsv1.Deployment{}, "jobs": &batchv1.Job{},
}

// show is a dry run in the cluster, and what it asked about, in its order. Whatever is not
// asked for show is an error.
func (c *testCluster) show(o Options) (asked, notes []string, err error) {
	c.t.Helper()
	intercept(&c.Fake, "patch", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		p := action.(clienttesting.PatchActionImpl)
		if diff := cmp.Diff([]string{metav1.DryRunAll}, p.PatchOptions.DryRun); diff != "" {
			c.t.Errorf("%s %s is applied in earnest (-want +got):\n%s", p.Resource.Resource, p.Name, diff)
		}
		asked = append(asked, p.Resource.Resource+" "+p.Name)
		return true, answers[p.Resource.Resource], nil
	})
	o.RunID, o.Image = "run-1", "cluster.local/odigos-stress:1"
	if o, err = o.complete(); err != nil {
		c.t.Fatal(err)
	}
	k := &Kube{o: o, access: c.access(), naming: newNaming(o), table: newTable(), listen: anyIPv4}
	notes, err = k.dryRun(context.Background(), []env.Actor{
		backendForTest(), gatewayForTest(), loadgenForTest(2),
	})
	return asked, notes, err
}

// Of a namespace that is there the server is asked about all that would be in it.
func TestDryRun(t *testing.T) {
	c := newTestCluster(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}})
	asked, _, err := c.show(Options{Namespace: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"services backend", "deployments backend",
		"configmaps gateway-files", "services gateway", "deployments gateway",
		"configmaps loadgen-files", "services loadgen", "jobs loadgen",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked about (-want +got):\n%s", diff)
	}
}

// What somebody else has in the namespace would not be taken.
func TestDryRunLeavesAnothersAlone(t *testing.T) {
	c := newTestCluster(
		t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}},
		&corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "gateway", Namespace: "shop"}},
	)
	_, _, err := c.show(Options{Namespace: "shop"})
	contains(t, "dryRun", err, "ask about gateway", "not this run's")
}

// A namespace of the run's own is all that can be asked about.
func TestDryRunInANamespaceOfItsOwn(t *testing.T) {
	c := newTestCluster(t)
	asked, notes, err := c.show(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"namespaces odigos-stress-run-1"}, asked); diff != "" {
		t.Errorf("asked about (-want +got):\n%s", diff)
	}
	if text := strings.Join(notes, "\n"); !strings.Contains(text, "--namespace") {
		t.Errorf("notes %q, want what was not asked about", text)
	}
}

func TestDryRunWithoutRights(t *testing.T) {
	c := newTestCluster(t)
	c.denied["create jobs.batch"] = true
	asked, _, err := c.show(Options{})
	contains(t, "dryRun", err, "create jobs.batch")
	if len(asked) > 0 {
		t.Errorf("it asked about %v before", asked)
	}
}

// A program of an image is run by its path, or as the entry point that the image has.
func TestOutputPod(t *testing.T) {
	k := &Kube{o: Options{Image: "own:1"}, naming: newNaming(Options{RunID: "run-1"}), own: true}
	for _, c := range []struct {
		image         string
		words         []string
		want          string
		command, args []string
	}{
		{"", []string{"/otelcol", "components"}, "own:1", []string{"/otelcol"}, []string{"components"}},
		{"image:2", []string{"", "components", "$(X)"}, "image:2", nil, []string{"components", "$$(X)"}},
	} {
		got := k.outputPod("output-1", c.image, c.words).Spec.Containers[0]
		if *got.Image != c.want || !cmp.Equal(got.Command, c.command) || !cmp.Equal(got.Args, c.args) {
			t.Errorf("%q %q: image %s, command %q, arguments %q; want %+v", c.image, c.words, *got.Image,
				got.Command, got.Args, c)
		}
	}
}
