package kube

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
)

// A Node is a machine of the cluster that pods of the run are on, or could be.
type Node struct {
	Name, OS, Arch, Kernel, Kubelet string
	// InstanceType is what its cloud calls its kind; empty where none says.
	InstanceType string
	Cores        float64 // allocatable
	MemoryBytes  int64   // allocatable
	// Actors are those of the run's that are on it.
	Actors []string
	// Refuses are the actors whose pods it does not take, and why; nil: it takes all.
	Refuses map[string]string
}

// Takes is whether the scheduler may put an actor's pods on it.
func (n Node) Takes(actor string) bool { return n.Refuses[actor] == "" }

// A NoNodeError is of actors whose pods no node takes.
type NoNodeError struct {
	// Why is by actor, such as "of 3 nodes 2 are tainted pool=load:NoSchedule, 1 is cordoned".
	Why map[string]string
}

// Error implements error.
func (e *NoNodeError) Error() string {
	of := map[string][]string{} // actors, by reason
	for _, actor := range slices.Sorted(maps.Keys(e.Why)) {
		of[e.Why[actor]] = append(of[e.Why[actor]], actor)
	}
	var all []string
	for _, why := range slices.Sorted(maps.Keys(of)) {
		all = append(all, fmt.Sprintf("no node takes pods of %s: %s", strings.Join(of[why], ", "), why))
	}
	return strings.Join(all, "; ")
}

// nodesAtOnce are as many as are held at a time: a cluster may have thousands, of 20 KB each.
const nodesAtOnce = 250

// Nodes are those that can take pods of one or more of the run's actors; those that do first. With
// them comes a NoNodeError where some actor's pods none can take as the nodes are.
func (k *Kube) Nodes(ctx context.Context) ([]Node, error) {
	ctx, cancel := context.WithTimeout(quiet(ctx, k.o.Log), callTime)
	defer cancel()
	on, seen := k.table.actorsByNode(), k.newBarriers()
	var first, rest []Node
	page := metav1.ListOptions{Limit: nodesAtOnce}
	for {
		list, err := k.access.client.CoreV1().Nodes().List(ctx, page)
		if err != nil {
			return nil, fmt.Errorf("list nodes: %w", err)
		}
		for _, n := range list.Items {
			node := nodeOf(n, on[n.Name])
			node.Refuses = seen.look(n, node.Actors)
			switch {
			case len(node.Actors) > 0:
				first = append(first, node)
			case len(node.Refuses) < len(seen.settings):
				rest = append(rest, node)
			}
		}
		if page.Continue = list.Continue; page.Continue == "" {
			return append(first, rest...), seen.err()
		}
	}
}

func nodeOf(n corev1.Node, actors []string) Node {
	info, can := n.Status.NodeInfo, n.Status.Allocatable
	return Node{
		Name: n.Name, OS: info.OSImage, Arch: info.Architecture, Kernel: info.KernelVersion,
		Kubelet: info.KubeletVersion, Cores: float64(can.Cpu().MilliValue()) / 1000,
		MemoryBytes: can.Memory().Value(), Actors: actors,
		InstanceType: n.Labels[corev1.LabelInstanceTypeStable],
	}
}

// barriers are what keeps pods from nodes, counted over the nodes of a cluster.
type barriers struct {
	settings map[string]PodSettings    // by actor
	counts   map[string]map[string]int // by actor and reason
	takers   map[string]int
	nodes    int
}

// newBarriers is of the actors of a run. An installation's own pods are not placed by it.
func (k *Kube) newBarriers() *barriers {
	b := &barriers{
		settings: map[string]PodSettings{}, counts: map[string]map[string]int{}, takers: map[string]int{},
	}
	for _, actor := range []string{gatewayActor, backendActor, loadActor} {
		b.counts[actor] = map[string]int{}
		if b.settings[actor] = k.o.Pods.of(actor); k.o.InPlace != nil && actor == gatewayActor {
			b.settings[actor] = k.o.InPlace.Found.asked
		}
	}
	return b
}

// look says which actors' pods a node does not take, and why.
func (b *barriers) look(n corev1.Node, on []string) map[string]string {
	var refuses map[string]string
	b.nodes++
	for actor, s := range b.settings {
		why := s.barrier(n)
		if why == "" || slices.Contains(on, actor) {
			b.takers[actor]++
		} else {
			b.counts[actor][why]++
		}
		if why != "" {
			if refuses == nil {
				refuses = map[string]string{}
			}
			refuses[actor] = why
		}
	}
	return refuses
}

// mostBarriers are told of those that nodes have.
const mostBarriers = 4

func (b *barriers) err() error {
	why := map[string]string{}
	for actor, counts := range b.counts {
		if b.takers[actor] > 0 {
			continue
		}
		if b.nodes == 0 {
			why[actor] = "the cluster has none"
			continue
		}
		reasons := slices.SortedFunc(maps.Keys(counts), func(x, y string) int {
			return cmp.Or(counts[y]-counts[x], cmp.Compare(x, y))
		})
		var parts []string
		for _, reason := range reasons[:min(len(reasons), mostBarriers)] {
			verb := "are"
			if counts[reason] == 1 {
				verb = "is"
			}
			parts = append(parts, fmt.Sprintf("%d %s %s", counts[reason], verb, reason))
		}
		if len(reasons) > mostBarriers {
			parts = append(parts, "and so on")
		}
		nodes := "nodes"
		if b.nodes == 1 {
			nodes = "node"
		}
		why[actor] = fmt.Sprintf("of %d %s %s", b.nodes, nodes, strings.Join(parts, ", "))
	}
	if len(why) == 0 {
		return nil
	}
	return &NoNodeError{Why: why}
}

// barrier is why the scheduler may not put a pod with these settings on a node as it is; empty
// where it may. How much is free there, and which pods are, is not looked at.
func (s PodSettings) barrier(n corev1.Node) string {
	if !isReadyNode(n) {
		return "not ready"
	}
	wanted := overlaid(map[string]string{corev1.LabelOSStable: linux}, s.NodeSelector)
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		if value, ok := n.Labels[key]; !ok || value != wanted[key] {
			return fmt.Sprintf("not labelled %s=%s", key, wanted[key])
		}
	}
	affinity := nodeaffinity.GetRequiredNodeAffinity(&corev1.Pod{Spec: corev1.PodSpec{
		Affinity: s.Affinity,
	}})
	if ok, err := affinity.Match(&n); !ok || err != nil {
		return "outside of the node affinity that is required"
	}
	if taints := s.untolerated(n); len(taints) > 0 {
		return "tainted " + strings.Join(taints, ", ")
	}
	return ""
}

func isReadyNode(n corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// untolerated are the taints of a node that keep pods away. One that is cordoned has one, which the
// cluster sets a moment later.
func (s PodSettings) untolerated(n corev1.Node) (all []string) {
	taints := n.Spec.Taints
	cordon := corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
	isCordon := func(t corev1.Taint) bool { return t.MatchTaint(&cordon) }
	if n.Spec.Unschedulable && !slices.ContainsFunc(taints, isCordon) {
		taints = append(slices.Clone(taints), cordon)
	}
	for _, t := range taints {
		if t.Effect != corev1.TaintEffectNoSchedule && t.Effect != corev1.TaintEffectNoExecute {
			continue
		}
		tolerates := func(x corev1.Toleration) bool { return x.ToleratesTaint(klog.Logger{}, &t, true) }
		if !slices.ContainsFunc(s.Tolerations, tolerates) {
			all = append(all, t.ToString())
		}
	}
	return all
}

// actorsByNode are the actors with pods on each node, sorted.
func (t *table) actorsByNode() map[string][]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	on := map[string][]string{}
	for uid, p := range t.pods {
		if _, gone := t.gone[uid]; gone || p.Spec.NodeName == "" {
			continue
		}
		on[p.Spec.NodeName] = append(on[p.Spec.NodeName], p.Labels[labelComponent])
	}
	for node := range on {
		slices.Sort(on[node])
		on[node] = slices.Compact(on[node])
	}
	return on
}
