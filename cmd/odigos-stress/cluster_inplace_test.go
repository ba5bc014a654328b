package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/odigos-io/odigos-stress/internal/env/kube/odigostest"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// An inPlaceTest is a cluster with a stand-in for Odigos that others use: it has a Destination,
// and a workload that sends.
type inPlaceTest struct {
	*clusterTest
	odigos *odigostest.Odigos
}

func newInPlaceTest(t *testing.T) *inPlaceTest {
	t.Helper()
	c := newClusterTest(t)
	config := clusterConfig(t)
	in := &inPlaceTest{c, odigostest.Install(c.ctx, t, config, os.Getenv("ODIGOS_STRESS_IMAGE"))}
	for _, o := range []*unstructured.Unstructured{
		odigostest.NewDestination("theirs", "collector.theirs:4317"),
		odigostest.New("Source", "shop", map[string]any{
			"workload": map[string]any{"kind": "Deployment", "name": "shop", "namespace": "shop"},
		}),
	} {
		if err := in.odigos.Put(c.ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	in.before = settledInventory(stillInventory(c.ctx, t))
	return in
}

// run is a trial that asks the stand-in in place, half its CPU taken.
func (t *inPlaceTest) args(results string, more ...string) []string {
	return append([]string{
		"run", "basic-load-1k", "--gateway=in-place", "--rate=200", "--warm-up=1s", "--quiet",
		"--results=" + results, "--cpu-limit=150m", "--set=gateway.memory_limit=320Mi",
	}, more...)
}

// pods are those of the stand-in's gateway.
func (t *inPlaceTest) pods() []corev1.Pod {
	t.Helper()
	list, err := t.odigos.Client.Resource(odigostest.Pods).Namespace(odigostest.Namespace).List(t.ctx,
		metav1.ListOptions{LabelSelector: odigostest.Selector})
	if err != nil {
		t.Fatal(err)
	}
	var all []corev1.Pod
	for _, item := range list.Items {
		var p corev1.Pod
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object, &p); err != nil {
			t.Fatal(err)
		}
		if p.DeletionTimestamp == nil {
			all = append(all, p)
		}
	}
	return all
}

// sized waits until the stand-in's pods have the limits that a run asks for.
func (t *inPlaceTest) sized() {
	t.Helper()
	until(t.ctx, t.T, "the pods have the limits that were asked for", func() bool {
		pods := t.pods()
		for _, p := range pods {
			limits := p.Spec.Containers[0].Resources.Limits
			if limits.Cpu().String() != "150m" || limits.Memory().String() != "320Mi" {
				return false
			}
		}
		return len(pods) == 1
	})
}

// wantAsBefore compares the cluster with what it was, the gateway's pods aside: they are others,
// with the same template.
func (t *inPlaceTest) wantAsBefore() {
	t.Helper()
	t.wantNone(func() string {
		return t.before.difference(settledInventory(takeInventory(t.ctx, t.T)))
	})
}

// settledInventory leaves out what counts changes, and what a Deployment makes anew.
func settledInventory(of inventory) inventory {
	out := inventory{}
	for key, text := range of {
		kind, _, _ := strings.Cut(key, " ")
		if strings.Contains(key, " "+odigostest.Namespace+"/") {
			switch kind {
			case "/pods", "/endpoints", "apps/replicasets", "discovery.k8s.io/endpointslices":
				continue
			}
		}
		var object map[string]any
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			panic(err) // it was written from one
		}
		if kind == "autoscaling/horizontalpodautoscalers" {
			delete(object, "status") // its controller looks at it now and then
		}
		unstructured.RemoveNestedField(object, "metadata", "generation")
		unstructured.RemoveNestedField(object, "metadata", "annotations", "deployment.kubernetes.io/revision")
		uncounted(object)
		again, err := json.MarshalIndent(object, "", " ")
		if err != nil {
			panic(err)
		}
		out[key] = string(again)
	}
	return out
}

// uncounted takes away which generation was observed.
func uncounted(value any) {
	switch v := value.(type) {
	case map[string]any:
		delete(v, "observedGeneration")
		for _, inner := range v {
			uncounted(inner)
		}
	case []any:
		for _, inner := range v {
			uncounted(inner)
		}
	}
}

// An installation that others use is asked in place: the account is exact, its pods had the limits
// that were asked for, and it is as it was afterwards.
func TestClusterInPlace(t *testing.T) {
	c := newInPlaceTest(t)
	refused, said := c.command(c.args(t.TempDir(), "--duration=1s")...)
	if err := refused.Run(); err == nil || !strings.Contains(said.String(), "theirs") ||
		!strings.Contains(said.String(), "--allow-live") {
		t.Errorf("without --allow-live: %v, want it refused\n%s", err, said)
	}
	c.doctors()
	object := filepath.Join(t.TempDir(), "processor.yaml")
	if err := os.WriteFile(object, []byte(inPlaceProcessor), 0o644); err != nil {
		t.Fatal(err)
	}
	c.shown("--allow-live", "--odigos-object="+object)
	results := t.TempDir()
	cmd, said := c.command(c.args(results, "--duration=5s", "--allow-live", "--odigos-object="+object)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // unless it has ended
	c.sized()
	_ = cmd.Wait() // how it ended is looked at
	t.Logf("run: %s", said)
	if code := cmd.ProcessState.ExitCode(); code != exitPass && code != exitInvalid {
		t.Fatalf("exit code %d", code)
	}
	r, err := record.Open(filepath.Join(results, record.Latest))
	if err != nil {
		t.Fatal(err)
	}
	c.exact(r, 1000)
	config, err := os.ReadFile(filepath.Join(results, record.Latest, record.GatewayConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"otlp_grpc/generic-odigos-stress", "attributes/stress-mark"} {
		if !bytes.Contains(config, []byte(want)) {
			t.Errorf("the gateway's configuration has no %s:\n%s", want, config)
		}
	}
	if bytes.Contains(config, []byte("generic-theirs")) {
		t.Errorf("the gateway sent to somebody else:\n%s", config)
	}
	c.wantAsBefore()
	c.strays()
}

// doctors has it said beforehand what a run would say.
func (t *inPlaceTest) doctors() {
	t.Helper()
	refused, said := t.command("doctor", "--gateway=in-place")
	if err := refused.Run(); err == nil || !strings.Contains(said.String(), "missing  installation: ") ||
		!strings.Contains(said.String(), "theirs") {
		t.Errorf("doctor without --allow-live: %v, want it to name theirs\n%s", err, said)
	}
	taken, said := t.command("doctor", "--gateway=in-place", "--allow-live")
	if err := taken.Run(); err != nil || !strings.Contains(said.String(), "can be taken in place now") ||
		!strings.Contains(said.String(), "ok       create destinations.odigos.io in "+odigostest.Namespace) {
		t.Errorf("doctor with --allow-live: %v\n%s", err, said)
	}
}

// shown has all that only shows what a run would change do so, and wants nothing changed.
func (t *inPlaceTest) shown(more ...string) {
	t.Helper()
	for _, command := range []string{"plan", "manifests", "run --dry-run"} {
		args := append(strings.Fields(command), t.args("", more...)[1:]...)
		if command != "run --dry-run" {
			args = slices.DeleteFunc(args, func(s string) bool {
				return s == "--quiet" || strings.HasPrefix(s, "--results")
			})
		}
		show, said := t.command(args...)
		if err := show.Run(); err != nil {
			t.Errorf("%s: %v\n%s", command, err, said)
		}
		for _, want := range []string{
			"limitCPUm 150 (was 200)", "Disable Destination theirs", "Make Processor stress-mark",
			"Make Destination odigos-stress", "Make ConfigMap odigos-stress-journal",
		} {
			if !strings.Contains(said.String(), want) {
				t.Errorf("%s does not say %q:\n%s", command, want, said)
			}
		}
	}
	if difference := t.before.difference(settledInventory(takeInventory(t.ctx, t.T))); difference != "" {
		t.Errorf("what only shows has changed the cluster (-before +after):\n%s", difference)
	}
}

// strays wants the load ended, and so the run, where somebody adds a Destination in its midst.
func (t *inPlaceTest) strays() {
	t.Helper()
	began := time.Now()
	r := t.beginInPlace()
	late := odigostest.NewDestination("late", "collector.late:4317")
	if err := t.odigos.Put(t.ctx, late); err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.ended:
	case <-t.ctx.Done():
		t.Fatal("it does not end")
	}
	code := r.cmd.ProcessState.ExitCode()
	t.Logf("ended after %s with %d: %s", time.Since(began), code, r.said)
	if said := r.said.String(); code == exitPass || !strings.Contains(said, "generic-late") {
		t.Errorf("exit code %d, want none of a pass, and the exporter named", code)
	}
	err := t.odigos.Client.Resource(odigostest.Destinations).Namespace(odigostest.Namespace).
		Delete(t.ctx, late.GetName(), metav1.DeleteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.wantAsBefore()
}

const inPlaceProcessor = `apiVersion: odigos.io/v1alpha1
kind: Processor
metadata: {name: stress-mark}
spec:
  type: attributes
  processorName: stress-mark
  collectorRoles: [CLUSTER_GATEWAY]
  signals: [TRACES]
  orderHint: 1
  processorConfig:
    actions: [{key: stress.mark, action: insert, value: x}]
`

// beginInPlace begins a run of a minute and waits until it measures.
func (t *inPlaceTest) beginInPlace(more ...string) *running {
	t.Helper()
	results := t.TempDir()
	args := append([]string{"--duration=60s", "--allow-live"}, more...)
	return t.started(results, t.args(results, args...)...)
}

// Of two runs at once, one with a gateway of its own and one in place, an interrupt leaves nothing.
func TestClusterInterrupted(t *testing.T) {
	c := newInPlaceTest(t)
	both := []*running{c.begin(), c.beginInPlace("--autoscale")}
	for _, r := range both {
		if err := r.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range both {
		select {
		case <-r.ended:
		case <-c.ctx.Done():
			t.Fatal("it does not end")
		}
		if code := r.cmd.ProcessState.ExitCode(); code != 130 {
			t.Errorf("exit code %d, want 130\n%s", code, r.said)
		}
	}
	c.wantAsBefore()
}

// Of a run that is killed the watchdog alone gives the installation back. What remains of it, and
// of one with a gateway of its own, is a namespace, which cleanup takes away.
func TestClusterKilled(t *testing.T) {
	c := newInPlaceTest(t)
	for _, r := range []*running{c.begin(), c.beginInPlace()} {
		if err := r.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	if difference := c.before.difference(settledInventory(takeInventory(c.ctx, t))); difference == "" {
		t.Error("a living run shows no difference: the search for what is left is blind")
	}
	until(c.ctx, t, "the watchdog has given it back", func() bool {
		_, err := c.odigos.Client.Resource(odigostest.ConfigMaps).Namespace(odigostest.Namespace).
			Get(c.ctx, "odigos-stress-journal", metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
	c.wantNone(func() string {
		return c.before.of(odigostest.Namespace).difference(
			settledInventory(takeInventory(c.ctx, t)).of(odigostest.Namespace))
	})
	removed := 0
	until(c.ctx, t, "cleanup has found both namespaces", func() bool {
		clean, said := c.command("cleanup")
		if err := clean.Run(); err != nil {
			t.Fatalf("cleanup: %v\n%s", err, said)
		}
		removed += strings.Count(said.String(), "removed namespace")
		return removed >= 2
	})
	c.wantAsBefore()
}

// of is what of an inventory is in a namespace.
func (i inventory) of(namespace string) inventory {
	out := inventory{}
	for key, text := range i {
		if strings.Contains(key, " "+namespace+"/") {
			out[key] = text
		}
	}
	return out
}
