package kube

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
}

// nodesAtOnce are as many as are held at a time: a cluster may have thousands, of 20 KB each.
const nodesAtOnce = 250

// Nodes are those that can take the run's pods; those that do first.
func (k *Kube) Nodes(ctx context.Context) ([]Node, error) {
	ctx, cancel := context.WithTimeout(quiet(ctx, k.o.Log), callTime)
	defer cancel()
	on := k.table.actorsByNode()
	var first, rest []Node
	page := metav1.ListOptions{Limit: nodesAtOnce}
	for {
		list, err := k.access.client.CoreV1().Nodes().List(ctx, page)
		if err != nil {
			return nil, fmt.Errorf("list nodes: %w", err)
		}
		for _, n := range list.Items {
			actors := on[n.Name]
			node := nodeOf(n, actors)
			switch {
			case len(actors) > 0:
				first = append(first, node)
			case takesPods(n):
				rest = append(rest, node)
			}
		}
		if page.Continue = list.Continue; page.Continue == "" {
			return append(first, rest...), nil
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

// takesPods is whether the scheduler may put a pod on a node that tolerates nothing.
func takesPods(n corev1.Node) bool {
	if n.Spec.Unschedulable || n.Labels[corev1.LabelOSStable] != "linux" {
		return false
	}
	for _, t := range n.Spec.Taints {
		if t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute {
			return false
		}
	}
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
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
