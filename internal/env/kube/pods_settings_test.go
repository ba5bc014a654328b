package kube

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// What a user asks of pods is in what would be applied, and what the run wants of them is too.
func TestManifestsWithPods(t *testing.T) {
	o := Options{
		RunID: "run-1", Namespace: "shop", Image: "registry.example/odigos-stress:1.2", Pods: readPods(t),
	}
	actors := []env.Actor{backendForTest(), gatewayForTest(), loadgenForTest(1)}
	var b bytes.Buffer
	if err := Manifests(&b, o, actors); err != nil {
		t.Fatal(err)
	}
	golden(t, "manifests_pods.golden.yaml", b.String())
}

// A role's maps go over those of all key by key, its lists after theirs, its single values in their
// place, and each kind of affinity whole.
func TestPodsOfRole(t *testing.T) {
	zone := func(key string) *corev1.NodeAffinity {
		return &corev1.NodeAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{
				Weight: 1, Preference: corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{{
					Key: key, Operator: corev1.NodeSelectorOpExists,
				}}},
			}},
		}
	}
	p := parsePods(t, `
all:
  labels: {a: all, b: all}
  nodeSelector: {pool: all}
  tolerations: [{key: all, operator: Exists}]
  imagePullSecrets: [{name: one}, {name: two}]
  priorityClassName: all
  affinity:
    nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [
      {weight: 1, preference: {matchExpressions: [{key: all, operator: Exists}]}}]}
    podAffinity: {}
gateway:
  labels: {b: gateway, c: gateway}
  annotations: {a: gateway}
  tolerations: [{key: gateway, value: x}]
  imagePullSecrets: [{name: two}, {name: three}]
  affinity:
    nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [
      {weight: 1, preference: {matchExpressions: [{key: gateway, operator: Exists}]}}]}
backend: {priorityClassName: backend}
`)
	all := PodSettings{
		Labels: map[string]string{"a": "all", "b": "all"}, NodeSelector: map[string]string{"pool": "all"},
		Tolerations:       []corev1.Toleration{{Key: "all", Operator: corev1.TolerationOpExists}},
		ImagePullSecrets:  []corev1.LocalObjectReference{{Name: "one"}, {Name: "two"}},
		PriorityClassName: "all",
		Affinity:          &corev1.Affinity{NodeAffinity: zone("all"), PodAffinity: &corev1.PodAffinity{}},
	}
	gateway, backend := all, all
	gateway.Labels = map[string]string{"a": "all", "b": "gateway", "c": "gateway"}
	gateway.Annotations = map[string]string{"a": "gateway"}
	gateway.Tolerations = append(gateway.Tolerations, corev1.Toleration{Key: "gateway", Value: "x"})
	gateway.ImagePullSecrets = append(gateway.ImagePullSecrets, corev1.LocalObjectReference{Name: "three"})
	gateway.Affinity = &corev1.Affinity{NodeAffinity: zone("gateway"), PodAffinity: &corev1.PodAffinity{}}
	backend.PriorityClassName = "backend"
	for role, want := range map[string]PodSettings{
		"gateway": gateway, "backend": backend, "loadgen": all, "tool": all, "other": all,
	} {
		for range 2 { // nothing of the file is changed by asking
			if diff := cmp.Diff(want, p.of(role)); diff != "" {
				t.Errorf("settings of %s (-want +got):\n%s", role, diff)
			}
		}
	}
	if !(PodSettings{}).IsZero() || all.IsZero() {
		t.Error("IsZero does not tell nothing from something")
	}
}

// A namespace that the run makes has no Secrets. An installation in place has its own.
func TestPodsInANamespace(t *testing.T) {
	for _, c := range []struct {
		role         string
		own, inPlace bool
		want         string // empty: it may be
	}{
		{"all", true, false, "all.imagePullSecrets: found registry with a namespace that the run makes"},
		{"all", true, true, "all.imagePullSecrets"},
		{"gateway", true, false, "gateway.imagePullSecrets"},
		{"gateway", true, true, ""},
		{"loadgen", true, false, "want a namespace that is there and has it, by --namespace"},
		{"tool", true, false, "tool.imagePullSecrets"},
		{"tool", true, true, ""},
		{"all", false, false, ""},
	} {
		p := parsePods(t, c.role+": {imagePullSecrets: [{name: registry}]}")
		err := p.CheckNamespace(c.own, c.inPlace)
		switch {
		case c.want != "":
			contains(t, c.role, err, "pods.yaml: ", c.want)
		case err != nil:
			t.Errorf("%+v: %v", c, err)
		}
	}
	o := Options{RunID: "a", Image: "x", Pods: readPods(t)}
	contains(t, "Manifests", Manifests(&bytes.Buffer{}, o, nil), "all.imagePullSecrets")
	c := newTestCluster(t)
	_, err := c.try(o)
	contains(t, "New", err, "all.imagePullSecrets")
	if made := c.names("odigos-stress-a"); len(made) != 0 {
		t.Errorf("made %v before", made)
	}
	o.Namespace = "not-there"
	_, err = c.try(o)
	contains(t, "New in a namespace that is not there", err, "all.imagePullSecrets")
}

// Limits of an end are the scenario's or the file's, and what a pod asks for is what is given.
func TestPodsLimitEnds(t *testing.T) {
	p := parsePods(t, `
backend: {resources: {limits: {cpu: 1500m, memory: 2Gi}, requests: {cpu: 1}}}
loadgen: {resources: {requests: {cpu: 3}}}
`)
	backend, err := p.Limited(env.Actor{Name: "backend"})
	if want := (env.Limits{CPUCores: 1.5, MemoryBytes: 2 << 30}); backend.Limits != want || err != nil {
		t.Errorf("limits of the backend: %+v, %v; want %+v", backend.Limits, err, want)
	}
	if want := (env.Limits{CPUCores: 1, MemoryBytes: 2 << 30}); p.Requests(backend) != want {
		t.Errorf("requests of the backend: %+v, want %+v", p.Requests(backend), want)
	}
	if again, err := p.Limited(backend); again.Limits != backend.Limits || err != nil {
		t.Errorf("limits given a second time: %+v, %v", again.Limits, err)
	}
	if got := p.Requests(env.Actor{Name: "loadgen"}); got != (env.Limits{CPUCores: 3}) {
		t.Errorf("requests of the load generator: %+v, want 3 cores", got)
	}
	gateway := gatewayForTest()
	if got, err := p.Limited(gateway); got.Limits != gateway.Limits || err != nil {
		t.Errorf("limits of the gateway: %+v, %v; want its own", got.Limits, err)
	}
	if got := p.Requests(gateway); got != gateway.Limits {
		t.Errorf("requests of the gateway: %+v, want its limits", got)
	}
	_, err = p.Limited(loadgenForTest(1))
	contains(t, "Limited", err, "pods.yaml: loadgen.resources", "load.cpu_limit", "want one of both")
	o := Options{RunID: "a", Image: "x", Pods: p}
	actors := []env.Actor{backendForTest(), gateway, loadgenForTest(1)}
	contains(t, "Manifests", Manifests(&bytes.Buffer{}, o, actors), "write loadgen: ", "load.cpu_limit")
}

// The short pods are small unless another size is asked for, and go where they are told to.
func TestToolPods(t *testing.T) {
	k := &Kube{
		o: Options{Image: "own:1"}, naming: newNaming(Options{RunID: "run-1"}), own: true,
	}
	sizes := func(r corev1.ResourceRequirements) string {
		return r.Requests.Cpu().String() + " " + r.Requests.Memory().String() + ", " +
			r.Limits.Cpu().String() + " " + r.Limits.Memory().String()
	}
	watchdog := &takeover{k: k, site: site{namespace: "odigos-system"}}
	for _, c := range []struct {
		pods             Pods
		output, watchdog string
		pool             string
		secrets          int
	}{
		{Pods{}, "50m 100Mi, 500m 384Mi", "10m 32Mi, 200m 128Mi", "", 0},
		{readPods(t), "250m 200Mi, 250m 200Mi", "250m 200Mi, 250m 200Mi", "tools", 1},
	} {
		k.o.Pods = c.pods
		var pods []corev1.PodTemplateSpec
		job, err := watchdog.watchdogJob(metav1.ObjectMeta{Labels: k.naming.labels(componentWatchdog)})
		if err != nil {
			t.Fatal(err)
		}
		owner, err := k.drawing().ownerJob("now")
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(k.outputPod("output-1", "", []string{"", "components"}))
		if err != nil {
			t.Fatal(err)
		}
		var output corev1.PodTemplateSpec
		if err := json.Unmarshal(text, &output); err != nil {
			t.Fatal(err)
		}
		for n, want := range []string{c.output, c.watchdog} {
			of := []corev1.PodTemplateSpec{output, job.Spec.Template}[n]
			if got := sizes(of.Spec.Containers[0].Resources); got != want {
				t.Errorf("pod %d has %s, want %s", n, got, want)
			}
		}
		pods = append(pods, output, job.Spec.Template, owner.Spec.Template)
		for n, p := range pods {
			if got := p.Spec.NodeSelector["pool"]; got != c.pool || len(p.Spec.ImagePullSecrets) != c.secrets ||
				p.Spec.NodeSelector[corev1.LabelOSStable] != "linux" || p.Labels[labelRun] != "run-1" {
				t.Errorf("pod %d goes to %v with secrets %v, labelled %v", n, p.Spec.NodeSelector,
					p.Spec.ImagePullSecrets, p.Labels)
			}
		}
	}
}
