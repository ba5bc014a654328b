package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/yaml"

	"github.com/odigos-io/odigos-stress/internal/report"
)

// chartGolden is what the chart renders of deploy/testdata/cluster.values.yaml, which the tests
// of deploy keep true, so that no Helm is needed here.
const (
	chartGolden    = "../../deploy/testdata/cluster.golden.yaml"
	chartImage     = "registry.example.com/odigos-stress:v1"
	chartNamespace = "load-tests"
)

// A chartTest is the chart in a cluster.
type chartTest struct {
	*clusterTest
	client  kubernetes.Interface
	dynamic dynamic.Interface
	mapper  *restmapper.DeferredDiscoveryRESTMapper
}

func newChartTest(t *testing.T) *chartTest {
	t.Helper()
	c := &chartTest{clusterTest: newClusterTest(t)}
	config := clusterConfig(t)
	c.client, c.dynamic = kubernetes.NewForConfigOrDie(config), dynamic.NewForConfigOrDie(config)
	c.mapper = restmapper.NewDeferredDiscoveryRESTMapper(
		memory.NewMemCacheClient(discovery.NewDiscoveryClientForConfigOrDie(config)))
	return c
}

// objects are those of the golden file, with the image of the test.
func (c *chartTest) objects() []*unstructured.Unstructured {
	c.Helper()
	image := os.Getenv("ODIGOS_STRESS_IMAGE")
	text, err := os.ReadFile(chartGolden)
	if err != nil {
		c.Fatal(err)
	}
	if image == "" || !strings.Contains(string(text), chartImage) {
		c.Fatalf("found image %q, and %s in %s: want both", image, chartImage, chartGolden)
	}
	var all []*unstructured.Unstructured
	for part := range strings.SplitSeq(strings.ReplaceAll(string(text), chartImage, image), "\n---\n") {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(part), &o.Object); err != nil {
			c.Fatalf("%v in:\n%s", err, part)
		}
		if o.GetKind() != "" {
			all = append(all, o)
		}
	}
	return all
}

// create makes an object, and takes it away at the end.
func (c *chartTest) create(o *unstructured.Unstructured) {
	c.Helper()
	kind := o.GroupVersionKind()
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		c.Fatal(err)
	}
	var in dynamic.ResourceInterface = c.dynamic.Resource(mapping.Resource)
	if o.GetNamespace() != "" {
		in = c.dynamic.Resource(mapping.Resource).Namespace(o.GetNamespace())
	}
	if _, err := in.Create(c.ctx, o, metav1.CreateOptions{}); err != nil {
		c.Fatalf("create %s %s: %v", kind.Kind, o.GetName(), err)
	}
	c.Cleanup(func() {
		background := metav1.DeletePropagationBackground
		err := in.Delete(c.ctx, o.GetName(), metav1.DeleteOptions{PropagationPolicy: &background})
		if err != nil && !apierrors.IsNotFound(err) {
			c.Errorf("delete %s %s: %v", kind.Kind, o.GetName(), err)
		}
	})
}

// ended waits for a pod to end, and says how, and what it said.
func (c *chartTest) ended(which metav1.ListOptions) (*corev1.ContainerStateTerminated, string) {
	c.Helper()
	pods := c.client.CoreV1().Pods(chartNamespace)
	var pod corev1.Pod
	what := which.LabelSelector + which.FieldSelector
	until(c.ctx, c.T, "the pod with "+what+" has ended", func() bool {
		list, err := pods.List(c.ctx, which)
		if err != nil || len(list.Items) == 0 {
			return false
		}
		pod = list.Items[0]
		return len(pod.Status.ContainerStatuses) > 0 &&
			pod.Status.ContainerStatuses[0].State.Terminated != nil
	})
	said, err := pods.GetLogs(pod.Name, &corev1.PodLogOptions{}).DoRaw(c.ctx)
	if err != nil {
		c.Fatalf("read what %s said: %v", pod.Name, err)
	}
	return pod.Status.ContainerStatuses[0].State.Terminated, string(said)
}

// The chart as it is rendered: its tests pass, and a night that is begun by hand runs in the
// cluster, with the rights that the chart grants, to an exact account. Nothing of it is left.
func TestClusterChart(t *testing.T) {
	c := newChartTest(t)
	// The standard that the chart says it keeps.
	namespace := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]any{"name": chartNamespace, "labels": map[string]any{
			"pod-security.kubernetes.io/enforce": "restricted",
		}},
	}}
	t.Run("installed", func(t *testing.T) {
		// What was made is gone with this.
		c := &chartTest{&clusterTest{t, c.ctx, c.tool, c.before}, c.client, c.dynamic, c.mapper}
		c.create(namespace)
		var tests []*unstructured.Unstructured
		var night *unstructured.Unstructured
		for _, o := range c.objects() {
			if o.GetAnnotations()["helm.sh/hook"] != "" {
				tests = append(tests, o)
				continue
			}
			c.create(o)
			if o.GetKind() == "CronJob" {
				night = o
			}
		}
		for _, o := range tests {
			c.create(o)
			c.test(o)
		}
		c.night(night)
	})
	c.wantNothingLeft()
}

// test wants a pod of helm test to pass.
func (c *chartTest) test(o *unstructured.Unstructured) {
	c.Helper()
	ending, said := c.ended(metav1.ListOptions{FieldSelector: "metadata.name=" + o.GetName()})
	if ending.ExitCode != exitPass {
		c.Errorf("%s: exit code %d\n%s", o.GetName(), ending.ExitCode, said)
	}
	c.Logf("%s:\n%s", o.GetName(), said)
}

// night begins a night by hand, as kubectl create job --from does, and wants its account to be
// exact. The trial may be invalid, on a machine that is busy: the Job has failed then.
func (c *chartTest) night(cron *unstructured.Unstructured) {
	c.Helper()
	spec, ok, err := unstructured.NestedMap(cron.Object, "spec", "jobTemplate", "spec")
	if err != nil || !ok {
		c.Fatalf("CronJob %s: no spec of its Jobs: %v", cron.GetName(), err)
	}
	c.create(&unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "batch/v1", "kind": "Job",
		"metadata": map[string]any{"name": "night", "namespace": chartNamespace}, "spec": spec,
	}})
	ending, said := c.ended(metav1.ListOptions{LabelSelector: "batch.kubernetes.io/job-name=night"})
	var summary struct {
		ExitCode int             `json:"exit_code"`
		Account  report.Accounts `json:"ledger"`
	}
	begin, end := strings.Index(said, "{\n"), strings.LastIndex(said, "}")
	if begin < 0 || end < begin {
		c.Fatalf("the night told no summary; exit code %d\n%s", ending.ExitCode, said)
	}
	if err := json.NewDecoder(bytes.NewReader([]byte(said[begin : end+1]))).Decode(&summary); err != nil {
		c.Fatalf("read the summary: %v\n%s", err, said)
	}
	if int(ending.ExitCode) != summary.ExitCode || summary.ExitCode != exitPass &&
		summary.ExitCode != exitInvalid {
		c.Fatalf("exit code %d, and %d in the summary; want one of %v\n%s", ending.ExitCode,
			summary.ExitCode, ran, said)
	}
	if m := summary.Account.Measured; m == nil || m.Due != 5000 || m.Acknowledged.Once != m.Acknowledged.Items ||
		m.Acknowledged.Items+m.Unsent != m.Due || m.Impossible != 0 {
		c.Errorf("account %+v; want 5000 spans, all acknowledged and delivered once", m)
	}
	want := map[bool]string{true: "Complete", false: "Failed"}[summary.ExitCode == exitPass]
	until(c.ctx, c.T, "the Job is "+want, func() bool {
		job, err := c.client.BatchV1().Jobs(chartNamespace).Get(c.ctx, "night", metav1.GetOptions{})
		if err != nil {
			return false
		}
		for _, condition := range job.Status.Conditions {
			if string(condition.Type) == want && condition.Status == corev1.ConditionTrue {
				return true
			}
		}
		return false
	})
	c.Logf("night: exit code %d, Job %s, account %+v", ending.ExitCode, want, *summary.Account.Measured)
}
