package kube

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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
	intercept(&c.Fake, "create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		made := action.(clienttesting.CreateActionImpl)
		if diff := cmp.Diff([]string{metav1.DryRunAll}, made.CreateOptions.DryRun); diff != "" {
			c.t.Errorf("a pod is made in earnest (-want +got):\n%s", diff)
		}
		p := made.GetObject().(*corev1.Pod)
		asked = append(asked, "pod "+p.GenerateName)
		if p.Labels[labelComponent] == c.quota {
			return true, nil, apierrors.NewForbidden(corev1.Resource("pods"), p.GenerateName,
				errors.New("exceeded quota: compute"))
		}
		return true, p, nil
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
		"services backend", "deployments backend", "pod backend-",
		"configmaps gateway-files", "services gateway", "deployments gateway", "pod gateway-",
		"configmaps loadgen-files", "services loadgen", "jobs loadgen", "pod loadgen-",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked about (-want +got):\n%s", diff)
	}
}

// A quota and an admission of pods say nothing of what makes pods: they are asked too.
func TestDryRunAsksForPods(t *testing.T) {
	for _, actor := range []string{"gateway", "loadgen"} {
		c := newTestCluster(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}})
		c.quota = actor
		_, _, err := c.show(Options{Namespace: "shop"})
		contains(t, "dryRun", err, "ask about "+actor, "make its pod in namespace shop", "exceeded quota: compute",
			"want a quota")
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
