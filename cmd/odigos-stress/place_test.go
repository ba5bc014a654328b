package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/env/kube"
	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

const gib = 1 << 30

// What no node is large enough for is said, by the largest.
func TestUnschedulable(t *testing.T) {
	nodes := []kube.Node{
		{Name: "wide", Cores: 7.9, MemoryBytes: 4 * gib}, {Name: "tall", Cores: 1.9, MemoryBytes: 32 * gib},
	}
	for _, c := range []struct {
		limits env.Limits
		nodes  []kube.Node
		want   string
	}{
		{env.Limits{}, nodes, ""},
		{env.Limits{CPUCores: 7.9, MemoryBytes: 4 * gib}, nodes, ""},
		{env.Limits{CPUCores: 1, MemoryBytes: 32 * gib}, nodes, ""},
		{
			env.Limits{CPUCores: 8},
			nodes,
			"The gateway cannot be scheduled: it asks for 8 cores, and the largest of 2 nodes, wide, can give " +
				"7.9 cores and 4Gi.",
		},
		{
			env.Limits{CPUCores: 2, MemoryBytes: 8 * gib},
			nodes,
			"The gateway cannot be scheduled: it asks for 2 cores and 8Gi, and the largest of 2 nodes, wide, " +
				"can give 7.9 cores and 4Gi.",
		},
		{
			env.Limits{MemoryBytes: 8 * gib},
			nodes[:1],
			"The gateway cannot be scheduled: it asks for 8Gi, and the largest of 1 node, wide, can give 7.9 " +
				"cores and 4Gi.",
		},
	} {
		got := strings.Join(unschedulable(env.Actor{Name: "gateway", Limits: c.limits}, c.nodes), "\n")
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.limits, got, c.want)
		}
	}
}

// A host that is not known is said to be so, and nothing is made up of it.
func TestHostNotKnown(t *testing.T) {
	p := plan.Plan{Gateway: env.Actor{Name: "gateway", Limits: env.Limits{CPUCores: 64}}}
	for _, c := range []struct {
		nodes []kube.Node
		err   error
		want  string
	}{
		{nil, errors.New("it is forbidden"), "not known (it is forbidden)"},
		{nil, nil, "no node that takes pods"},
	} {
		h := hostOf(c.nodes, c.err)
		notes := h.notes(p)
		if len(notes) != 1 || !strings.Contains(notes[0], c.want) {
			t.Errorf("notes %q, want one with %q", notes, c.want)
		}
		if h.machine != (record.Machine{}) || h.machines() != nil {
			t.Errorf("machine %+v, machines %+v; want none", h.machine, h.machines())
		}
	}
	if notes := (host{}).notes(p); notes != nil {
		t.Errorf("%q of a host that nobody looked at", notes)
	}
}

// What an actor's pods are refused by is said by node, and a role without any by its taints.
func TestUnschedulableByRole(t *testing.T) {
	p := plan.Plan{
		Gateway: env.Actor{Name: "gateway", Limits: env.Limits{CPUCores: 4}},
		Backend: env.Actor{Name: "backend"}, Loadgen: env.Actor{Name: "loadgen"},
	}
	nodes := []kube.Node{
		{Name: "large", Cores: 8, MemoryBytes: 8 * gib, Refuses: map[string]string{"gateway": "tainted"}},
		{Name: "small", Cores: 2, MemoryBytes: 4 * gib, Refuses: map[string]string{"loadgen": "tainted"}},
	}
	none := &kube.NoNodeError{Why: map[string]string{"loadgen": "of 2 nodes 2 are tainted pool=a:NoSchedule"}}
	h := hostOf(nodes, none)
	want := []string{
		"The gateway cannot be scheduled: it asks for 4 cores, and the largest of 1 node, small, can give 2 " +
			"cores and 4Gi.",
		"The loadgen cannot be scheduled as the nodes are, none takes its pods: of 2 nodes 2 are tainted " +
			"pool=a:NoSchedule.",
	}
	if diff := cmp.Diff(want, h.notes(p)); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if h.machine.Name != "small" || h.unknown != nil {
		t.Errorf("the gateway's machine is %q (%v), want small", h.machine.Name, h.unknown)
	}
	h = hostOf(nil, &kube.NoNodeError{Why: map[string]string{"gateway": "the cluster has none"}})
	if got := h.notes(p); len(got) != 1 || h.machine.Name != "" {
		t.Errorf("without a node: machine %q, notes %q", h.machine.Name, got)
	}
}

// Limits that the file on pods gives an end are the actor's, so that it is judged by them; a node has
// to have room for what is requested.
func TestPodsLimitEnds(t *testing.T) {
	pods, err := kube.ParsePods("pods.yaml", []byte(
		"backend: {resources: {limits: {cpu: 6, memory: 1Gi}, requests: {cpu: 2}}}",
	))
	if err != nil {
		t.Fatal(err)
	}
	h := hostOf([]kube.Node{{Name: "a", Cores: 4, MemoryBytes: 8 * gib}}, nil)
	h.pods = pods
	p := plan.Plan{Backend: env.Actor{Name: "backend"}, Loadgen: env.Actor{Name: "loadgen"}}
	if err := h.limitEnds(&p); err != nil {
		t.Fatal(err)
	}
	if want := (env.Limits{CPUCores: 6, MemoryBytes: gib}); p.Backend.Limits != want {
		t.Errorf("limits of the backend: %+v, want %+v", p.Backend.Limits, want)
	}
	if notes := h.notes(p); notes != nil {
		t.Errorf("notes %q, want none: 2 cores are asked for", notes)
	}
	p.Backend.Limits.CPUCores = 1
	if err := h.limitEnds(&p); err == nil {
		t.Error("limits of both the scenario and the file are taken")
	}
}

// Who waits longer for nodes has a load that may live longer.
func TestLifetime(t *testing.T) {
	for patience, want := range map[time.Duration]time.Duration{
		0: 25 * time.Minute, time.Second: 25 * time.Minute, 2 * time.Minute: 25 * time.Minute,
		12 * time.Minute: 45 * time.Minute,
	} {
		o := placeOptions{patience: patience}
		if got := o.lifetime(10 * time.Minute); got != want {
			t.Errorf("with a patience of %s a load of 10 min lives %s, want %s", patience, got, want)
		}
	}
}

// The header of a run in a cluster says where it was, and nothing of this machine.
func TestClusterDescribesItself(t *testing.T) {
	nodes := []kube.Node{
		{Name: "a", OS: "Debian", Arch: "arm64", Kernel: "6.1", Kubelet: "v1.35.4", Cores: 1.93, MemoryBytes: 7 * gib},
		{Name: "b", Cores: 4, MemoryBytes: 8 * gib},
	}
	var h record.Header
	clusterPlace{
		Kube: &kube.Kube{}, image: "example.com/tool:v1", host: hostOf(nodes, nil),
		pods: kube.Pods{Tool: kube.PodSettings{PriorityClassName: "low"}},
	}.describe(&h)
	a := record.Machine{
		Name: "a", OS: "Debian", Arch: "arm64", Kernel: "6.1", Kubelet: "v1.35.4", Cores: 2,
		MemoryBytes: 7 * gib,
	}
	want := record.Header{
		Environment: "kubernetes", Image: "example.com/tool:v1", Machine: a,
		Pods:  map[string]any{"tool": map[string]any{"priorityClassName": "low"}},
		Nodes: []record.Machine{a, {Name: "b", Cores: 4, MemoryBytes: 8 * gib}},
		Notes: []string{"What the ends can do on the cluster's nodes was not measured."},
	}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

// A search goes on with the collector of its trials: by its bytes where they are known, by
// its image where not.
func TestSameCollector(t *testing.T) {
	was := func(image, version, sum string) record.Collector {
		return record.Collector{Image: image, Name: "otelcol", Version: version, SHA256: sum}
	}
	for _, c := range []struct {
		was, is record.Collector
		same    bool
	}{
		{was("", "1", "aa"), was("", "1", "aa"), true},
		{was("", "1", "aa"), was("", "1", "bb"), false},
		{was("example.com/o:1", "1", ""), was("example.com/o:1", "1", ""), true},
		{was("example.com/o:1", "1", ""), was("example.com/o:2", "1", ""), false},
		{was("example.com/o:1", "1", ""), was("example.com/o:1", "2", ""), false},
	} {
		is := gateway.Collector{
			Image: c.is.Image, Name: c.is.Name, Version: c.is.Version, SHA256: c.is.SHA256,
		}
		if err := sameCollector(c.was, is); (err == nil) != c.same {
			t.Errorf("sameCollector(%+v, %+v) = %v, want same %v", c.was, is, err, c.same)
		}
	}
}

// Which image and which program in it a scenario names, here and in a cluster.
func TestImageOfScenario(t *testing.T) {
	const image = "example.com/otelcol:1"
	for _, c := range []struct {
		environment string
		gateway     scenario.Gateway
		image, path string
		err         string
	}{
		{onMachine, scenario.Gateway{}, "", "", ""},
		{onMachine, scenario.Gateway{Binary: "otelcol"}, "", "", ""},
		{onMachine, scenario.Gateway{Image: image, Binary: "/otelcol"}, image, "/otelcol", ""},
		{onCluster, scenario.Gateway{}, "", "", ""},
		{onCluster, scenario.Gateway{Image: image}, image, "", ""},
		{onCluster, scenario.Gateway{Image: image, Binary: "/otelcol"}, image, "/otelcol", ""},
		{onCluster, scenario.Gateway{Binary: "otelcol"}, "", "", "want gateway.image"},
	} {
		q := question{place: placeOptions{environment: c.environment}}
		image, path, err := q.imageOf(c.gateway)
		if image != c.image || path != c.path || (err == nil) != (c.err == "") ||
			err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s, %+v: %q, %q, %v; want %q, %q, %q", c.environment, c.gateway, image, path, err,
				c.image, c.path, c.err)
		}
	}
}

// A search goes on where a node is of the kind that its trials ran on, whatever its name.
func TestSameNodes(t *testing.T) {
	node := func(name, kernel string, cores float64) kube.Node {
		return kube.Node{Name: name, Arch: "amd64", Kernel: kernel, Cores: cores, MemoryBytes: 8 * gib}
	}
	was := []record.Machine{machineOf(node("old", "6.1", 3.9))}
	for name, c := range map[string]struct {
		was       []record.Machine
		nodes     []kube.Node
		err       error
		note, bad string
	}{
		"another name":       {was: was, nodes: []kube.Node{node("new", "6.1", 3.9)}},
		"no trial before":    {nodes: []kube.Node{node("new", "6.12", 2)}},
		"too small for it":   {was: was, nodes: []kube.Node{node("a", "6.1", 3.9), node("b", "6.1", 0.9)}},
		"of which a name is": {was: []record.Machine{{Name: "old"}}, nodes: []kube.Node{node("a", "6.1", 2)}},
		"not to be listed":   {was: was, err: errors.New("it is forbidden"), note: "not known: it is forbidden"},
		"one of another kind": {
			was: was, nodes: []kube.Node{node("a", "6.1", 3.9), node("b", "6.1", 7.9)},
			note: "not of the kind that the trials before ran on: b, amd64, kernel 6.1, 8 cores and 8Gi",
		},
		"all of another kind": {
			was: was, nodes: []kube.Node{node("a", "6.12", 3.9)},
			bad: "found other nodes (a, amd64, kernel 6.12, 4 cores and 8Gi): want one like that of its " +
				"trials (old, amd64, kernel 6.1, 4 cores and 8Gi)",
		},
	} {
		note, err := hostOf(c.nodes, c.err).sameNodes(c.was, env.Limits{CPUCores: 1})
		if (note != "") != (c.note != "") || !strings.Contains(note, c.note) {
			t.Errorf("%s: note %q, want %q", name, note, c.note)
		}
		if (err != nil) != (c.bad != "") || err != nil && !strings.Contains(err.Error(), c.bad) {
			t.Errorf("%s: %v, want %q", name, err, c.bad)
		}
	}
}
