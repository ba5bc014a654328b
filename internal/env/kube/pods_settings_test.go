package kube

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

func readPods(t *testing.T) Pods {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "pods.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return parsePods(t, string(text))
}

func parsePods(t *testing.T, text string) Pods {
	t.Helper()
	p, err := ParsePods("pods.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

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

// What cannot be asked is refused, and the error says where it stands.
func TestParsePodsRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "pods.yaml: found nothing, want one or more of all, gateway, backend, loadgen, tool"},
		{"# nothing\n---\n", "found nothing"},
		{"all: {}\n---\ngateway: {}\n", "found 2 documents, want one"},
		{"[all]", `found ["all"], want one or more of the keys all, gateway, backend, loadgen, tool`},
		{"all: {", "read YAML"},
		{"all: {}\nall: {}\n", "read YAML"},
		{"gatway: {}", "gatway: found a field that is not known, want one of all, gateway, backend, loadgen, tool"},
		{
			"gateway: {nodeselector: {a: b}}",
			"gateway.nodeselector: found a field that is not known, want one of labels, annotations, nodeSelector",
		},
		{"all: {tolerations: [{efect: NoSchedule}]}", "all.tolerations[0].efect: found a field that is not known"},
		{"tool: {resources: {claims: []}}", "tool.resources.claims: found a field that is not known"},
		{"gateway: {labels: {a: 1}}", "gateway.labels: found number, want a text"},
		{"gateway: {tolerations: {key: a}}", "gateway.tolerations: found object, want a list"},
		{"gateway: {affinity: near}", "gateway.affinity: found string, want keys and values"},
		{"gateway: gateway", "gateway: found string, want keys and values"},
		{
			"all: {labels: {app.kubernetes.io/component: x}}",
			"all.labels.app.kubernetes.io/component: found a label that the tool sets, want another key",
		},
		{"loadgen: {labels: {stress.odigos.io/run-id: x}}", "loadgen.labels.stress.odigos.io/run-id: found a label"},
		{"all: {labels: {a: b c}}", `all.labels.a: found "b c", want a valid label`},
		{"all: {labels: {a b: c}}", "all.labels.a b: found no key of a label"},
		{
			"loadgen: {annotations: {batch.kubernetes.io/job-completion-index: '1'}}",
			"found an annotation that the tool needs, want another key",
		},
		{"all: {annotations: {a b: c}}", "all.annotations.a b: found no key of an annotation"},
		{
			"all: {nodeSelector: {kubernetes.io/os: windows}}",
			"all.nodeSelector.kubernetes.io/os: found windows, want linux",
		},
		{
			"all: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {" +
				"nodeSelectorTerms: []}}}}",
			"nodeSelectorTerms: found none, want one or more",
		},
		{
			"all: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {" +
				"nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Is, values: [b]}]}]}}}}",
			"nodeSelectorTerms[0].matchExpressions[0].operator: Unsupported value: \"Is\"",
		},
		{"all: {tolerations: [{operator: Is, key: a}]}", "all.tolerations[0].operator: found Is, want Equal or Exists"},
		{"all: {tolerations: [{effect: Nope, key: a}]}", "all.tolerations[0].effect: found Nope, want NoSchedule"},
		{"all: {tolerations: [{effect: No, key: a}]}", "all.tolerations.effect: found bool, want a text: in quotes"},
		{
			"all: {tolerations: [{key: a, effect: NoExecute, tolerationSeconds: soon}]}",
			"all.tolerations.tolerationSeconds: found string, want a whole number",
		},
		{"all: {tolerations: [{value: a}]}", "all.tolerations[0]: found no key, want a key"},
		{"all: {tolerations: [{key: a, operator: Exists, value: b}]}", "all.tolerations[0].value: found b, want none"},
		{
			"all: {tolerations: [{key: a, effect: NoSchedule, tolerationSeconds: 3}]}",
			"all.tolerations[0].tolerationSeconds: found 3, want it with effect NoExecute alone",
		},
		{"all: {imagePullSecrets: [{name: A}]}", `all.imagePullSecrets[0].name: found "A", want the name of a Secret`},
		{"all: {imagePullSecrets: [{}]}", `all.imagePullSecrets[0].name: found ""`},
		{"all: {priorityClassName: A}", `all.priorityClassName: found "A", want the name of a PriorityClass`},
		{
			"gateway: {resources: {limits: {cpu: 1}}}",
			"gateway.resources: found some, want none: the gateway's limits are the question",
		},
		{"all: {resources: {limits: {cpu: 1}}}", "all.resources: found some, want those of backend, loadgen or tool"},
		{
			"backend: {resources: {limits: {cpu: two}}}",
			"backend.resources.limits.cpu: found two, want an amount such as 500m or 1Gi",
		},
		{"backend: {resources: {requests: {memory: -1Gi}}}", "backend.resources.requests.memory: found -1Gi"},
		{
			"backend: {resources: {limits: {cpu: 1}, requests: {cpu: 2}}}",
			"backend.resources.requests.cpu: found 2, want at most the limit of 1",
		},
	} {
		_, err := ParsePods("pods.yaml", []byte(c.text))
		contains(t, "ParsePods("+c.text+")", err, "pods.yaml: ", c.want)
	}
}

// All mistakes of a file are told at once.
func TestParsePodsTellsAll(t *testing.T) {
	_, err := ParsePods("pods.yaml", []byte("all: {priorityClassName: A}\ntool: {priorityClassName: B}\n"))
	contains(t, "ParsePods", err, "pods.yaml: all.priorityClassName", "pods.yaml: tool.priorityClassName")
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

// A record holds what was asked as it can be read back, and nothing where nothing was.
func TestPodsUnderstood(t *testing.T) {
	p := readPods(t)
	text, err := json.Marshal(p.Understood())
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParsePods(p.Name, text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, back); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	var held map[string]any
	if err := json.Unmarshal(text, &held); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.Understood(), held); diff != "" {
		t.Errorf("as a record reads it (-want +got):\n%s", diff)
	}
	if got := (Pods{Name: "pods.yaml"}).Understood(); got != nil {
		t.Errorf("nothing is understood as %v", got)
	}
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

// Which nodes take pods depends on whose they are, and where none does it is said why.
func TestNodesByRole(t *testing.T) {
	node := func(name, pool string, taints ...corev1.Taint) *corev1.Node {
		return &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
				corev1.LabelOSStable: "linux", "pool": pool,
			}},
			Spec: corev1.NodeSpec{Taints: taints},
			Status: corev1.NodeStatus{
				Allocatable: corev1.ResourceList{"cpu": resource.MustParse("1"), "memory": resource.MustParse("1Gi")},
				Conditions:  []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
			},
		}
	}
	load := corev1.Taint{Key: "pool", Value: "load", Effect: corev1.TaintEffectNoSchedule}
	soft := corev1.Taint{Key: "spot", Effect: corev1.TaintEffectPreferNoSchedule}
	system := corev1.Taint{Key: "CriticalAddonsOnly", Effect: corev1.TaintEffectNoExecute}
	closed := node("closed", "plain")
	closed.Spec.Unschedulable = true
	all := []*corev1.Node{
		node("load-1", "load", load), node("load-2", "load", load, soft), node("system", "system", system),
		node("plain", "plain", soft), closed,
	}
	const tolerates = "tolerations: [{key: pool, value: load, effect: NoSchedule}]"
	const arch = "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {" +
		"nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [load-2]}]}]}}}"
	for _, c := range []struct {
		pods  string
		nodes []*corev1.Node
		want  []string // nodes, and who they are not for
		none  string
	}{
		{"", all, []string{"plain"}, ""},
		{"all: {" + tolerates + "}", all, []string{"load-1", "load-2", "plain"}, ""},
		{
			"gateway: {" + tolerates + ", nodeSelector: {pool: load}}", all,
			[]string{"load-1 not backend loadgen", "load-2 not backend loadgen", "plain not gateway"}, "",
		},
		{
			"gateway: {" + tolerates + ", " + arch + "}", all,
			[]string{"load-2 not backend loadgen", "plain not gateway"}, "",
		},
		{"all: {tolerations: [{operator: Exists}]}", all, []string{"load-1", "load-2", "system", "plain", "closed"}, ""},
		{
			"gateway: {nodeSelector: {pool: load}}", all, []string{"plain not gateway"},
			"no node takes pods of gateway: of 5 nodes 3 are not labelled pool=load, 2 are tainted " +
				"pool=load:NoSchedule",
		},
		{
			"", all[:3], nil,
			"no node takes pods of backend, gateway, loadgen: of 3 nodes 2 are tainted pool=load:NoSchedule, " +
				"1 is tainted CriticalAddonsOnly:NoExecute",
		},
		{"", nil, nil, "no node takes pods of backend, gateway, loadgen: the cluster has none"},
	} {
		cluster := newTestCluster(t)
		for _, n := range c.nodes {
			if err := cluster.Tracker().Add(n); err != nil {
				t.Fatal(err)
			}
		}
		o := Options{RunID: "nodes", Image: "none", Log: slog.New(slog.DiscardHandler)}
		if c.pods != "" {
			o.Pods = parsePods(t, c.pods)
		}
		k := &Kube{o: o, access: cluster.access(), table: newTable()}
		nodes, err := k.Nodes(t.Context())
		var got []string
		for _, n := range nodes {
			text := n.Name
			for _, actor := range []string{"backend", "gateway", "loadgen"} {
				if !n.Takes(actor) {
					text += " " + actor
				}
			}
			got = append(got, strings.Replace(text, " ", " not ", 1))
		}
		slices.Sort(got)
		if want := slices.Sorted(slices.Values(c.want)); !slices.Equal(want, got) {
			t.Errorf("%q: nodes %q, want %q", c.pods, got, want)
		}
		switch {
		case c.none != "":
			contains(t, c.pods, err, c.none)
		case err != nil:
			t.Errorf("%s: %v", c.pods, err)
		}
	}
}

// An installation in place has pods of its own, which the file does not place.
func TestNodesInPlace(t *testing.T) {
	p := parsePods(t, "gateway: {nodeSelector: {pool: load}}")
	k := &Kube{o: Options{Pods: p, InPlace: &InPlace{}}}
	if got := k.newBarriers().settings[gatewayActor]; !got.IsZero() {
		t.Errorf("the gateway in place is placed by %+v", got)
	}
}

// Why an image cannot be pulled depends on whose it is.
func TestPullHint(t *testing.T) {
	for image, want := range map[string]string{
		OwnRepository + ":v1":                      "no registry has this image",
		OwnRepository + "-fork:v1":                 "imagePullSecrets",
		"registry.example.com/odigos-stress:v1":    "by --namespace",
		"docker.io/keyval/odigos-collector:v1.2.3": "by --pods (imagePullSecrets)",
	} {
		if got := pullHint(image); !strings.Contains(got, want) {
			t.Errorf("hint on %s: %s; want %q in it", image, got, want)
		}
	}
}

// What a gateway has of its placement that a copy has too is no difference.
func TestFoundBeside(t *testing.T) {
	asked := parsePods(t, `gateway:
  nodeSelector: {kubernetes.io/os: linux, pool: gateway, zone: a}
  tolerations: [{key: pool, value: gateway, effect: NoSchedule}, {operator: Exists}, {key: spot, operator: Exists}]
  affinity: {nodeAffinity: {}, podAffinity: {}}
  priorityClassName: high
  imagePullSecrets: [{name: one}, {name: two}]
`).Gateway
	f := Found{Placement: asked.placement(), PullSecrets: asked.secrets()}
	want := Placement{
		NodeSelector: map[string]string{"pool": "gateway", "zone": "a"},
		Tolerations:  []string{"pool=gateway:NoSchedule", "*", "spot"},
		Affinity:     map[string]string{"nodeAffinity": "{}", "podAffinity": "{}"}, PriorityClass: "high",
	}
	got := f.Beside(Pods{})
	if diff := cmp.Diff(want, got.Placement); diff != "" || len(got.PullSecrets) != 2 {
		t.Errorf("beside nothing, secrets %v (-want +got):\n%s", got.PullSecrets, diff)
	}
	got = f.Beside(parsePods(t, `
all: {tolerations: [{key: spot, operator: Exists}], priorityClassName: high}
gateway: {nodeSelector: {zone: a, pool: other}, affinity: {podAffinity: {}}, imagePullSecrets: [{name: two}]}
`))
	want = Placement{
		NodeSelector: map[string]string{"pool": "gateway"}, Tolerations: []string{"pool=gateway:NoSchedule", "*"},
		Affinity: map[string]string{"nodeAffinity": "{}"},
	}
	if diff := cmp.Diff(want, got.Placement); diff != "" {
		t.Errorf("beside a file (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"one"}, got.PullSecrets); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	if rest := f.Beside(Pods{Gateway: asked}); !rest.Placement.IsZero() || len(rest.PullSecrets) > 0 {
		t.Errorf("beside the same: %+v", rest)
	}
}

// The examples of the documentation can be used as they are.
func TestPodsOfDocs(t *testing.T) {
	examples := 0
	for _, page := range []string{"kubernetes.md", "managed-clusters.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		for n, block := range strings.Split(string(text), "```yaml\n")[1:] {
			block, _, _ = strings.Cut(block, "```")
			if !strings.HasPrefix(block, "# pods.yaml\n") {
				continue
			}
			examples++
			if _, err := ParsePods(page, []byte(block)); err != nil {
				t.Errorf("block %d of %s: %v", n+1, page, err)
			}
		}
	}
	if examples < 2 {
		t.Errorf("found %d examples, want one or more in each page", examples)
	}
}
