package kube

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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
			[]string{"load-1 not backend loadgen", "load-2 not backend loadgen", "plain not gateway"},
			"",
		},
		{
			"gateway: {" + tolerates + ", " + arch + "}", all,
			[]string{"load-2 not backend loadgen", "plain not gateway"},
			"",
		},
		{"all: {tolerations: [{operator: Exists}]}", all, []string{"load-1", "load-2", "system", "plain", "closed"}, ""},
		{
			"gateway: {nodeSelector: {pool: load}}", all,
			[]string{"plain not gateway"},
			"no node takes pods of gateway: of 5 nodes 3 are not labelled pool=load, 2 are tainted " +
				"pool=load:NoSchedule",
		},
		{
			"", all[:3], nil,
			"no node takes pods of backend, gateway, loadgen: of 3 nodes 2 are tainted pool=load:NoSchedule, " +
				"1 is tainted CriticalAddonsOnly:NoExecute",
		},
		{"", all[:1], nil, "of 1 node 1 is tainted pool=load:NoSchedule"},
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

// An installation in place has pods of its own, which are placed as it says, and not by the file.
func TestNodesInPlace(t *testing.T) {
	p := parsePods(t, "gateway: {nodeSelector: {pool: load}}")
	pool := map[string]string{"pool": "theirs"}
	found := Found{asked: PodSettings{NodeSelector: pool}}
	k := &Kube{o: Options{Pods: p, InPlace: &InPlace{Found: found}}}
	if got := k.newBarriers().settings[gatewayActor]; !maps.Equal(got.NodeSelector, pool) {
		t.Errorf("the gateway in place is placed by %+v, want %v", got, pool)
	}
}

// Why an image cannot be pulled depends on whose it is.
func TestPullHint(t *testing.T) {
	for _, c := range []struct{ actor, image, want string }{
		{backendActor, OwnRepository + ":v1", "no registry has this image"},
		{watchdogName, OwnRepository + ":v1", "no registry has this image"},
		{backendActor, OwnRepository + "-fork:v1", "imagePullSecrets"},
		{loadActor, "registry.example.com/odigos-stress:v1", "by --namespace"},
		{gatewayActor, "docker.io/keyval/odigos-collector:v1.2.3", "by --pods (imagePullSecrets)"},
		{watchdogName, "registry.example.com/odigos-stress:v1", "imagePullSecrets of tool"},
	} {
		if got := pullHint(c.actor, c.image); !strings.Contains(got, c.want) {
			t.Errorf("hint on %s of %s: %s; want %q in it", c.image, c.actor, got, c.want)
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
