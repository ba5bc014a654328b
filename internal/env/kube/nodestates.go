package kube

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// followNodes says what becomes of the nodes that actors are on, until ctx ends. Each is
// watched alone: a cluster may have thousands.
func (k *Kube) followNodes(ctx context.Context, say func(said)) {
	if !k.mayFollow(ctx, "", right{resource: "nodes", cluster: true, without: withoutNodes}) {
		return
	}
	var group sync.WaitGroup
	defer group.Wait()
	followed := map[string]bool{}
	for {
		_, changed := k.table.living()
		for node := range k.table.actorsByNode() {
			if !followed[node] {
				followed[node] = true
				group.Go(func() { k.followNode(ctx, node, say) })
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (k *Kube) followNode(ctx context.Context, name string, say func(said)) {
	nodes := k.access.client.CoreV1().Nodes()
	mirror(ctx, k.access.client, "node", nodes, onlyNamed(name), &corev1.Node{},
		&nodeStore{name: name, say: say})
}

// A nodeStore says how the state of one node changes. Only its reflector calls it.
type nodeStore struct {
	name   string
	say    func(said)
	before *corev1.Node
}

// Add implements cache.ReflectorStore.
func (s *nodeStore) Add(o any) error {
	n := o.(*corev1.Node)
	if n.Name != s.name {
		return nil
	}
	for _, h := range nodeChanges(s.before, n) {
		s.say(said{Happening: h, of: h.Text, times: 1})
	}
	s.before = n
	return nil
}

// Update implements cache.ReflectorStore.
func (s *nodeStore) Update(o any) error { return s.Add(o) }

// Delete implements cache.ReflectorStore.
func (s *nodeStore) Delete(o any) error {
	if o.(*corev1.Node).Name == s.name {
		s.say(said{Happening: env.Happening{At: time.Now(), Text: "node " + s.name + " is gone"}})
		s.before = nil
	}
	return nil
}

// Replace implements cache.ReflectorStore.
func (s *nodeStore) Replace(all []any, _ string) error {
	for _, o := range all {
		_ = s.Add(o) // never fails
	}
	return nil
}

// Resync implements cache.ReflectorStore.
func (s *nodeStore) Resync() error { return nil }

// nodeChanges are what differs in the state of a node. Of one that is seen for the first
// time it is what is not as it should be.
func nodeChanges(before, now *corev1.Node) (all []env.Happening) {
	for _, c := range now.Status.Conditions {
		good := corev1.ConditionFalse
		if c.Type == corev1.NodeReady {
			good = corev1.ConditionTrue
		}
		was := good
		if before != nil {
			i := slices.IndexFunc(before.Status.Conditions, func(b corev1.NodeCondition) bool {
				return b.Type == c.Type
			})
			if i >= 0 {
				was = before.Status.Conditions[i].Status
			}
		}
		if c.Status != was {
			all = append(all, env.Happening{
				At:   c.LastTransitionTime.Time,
				Text: fmt.Sprintf("node %s: %s is %s: %s: %s", now.Name, c.Type, c.Status, c.Reason, c.Message),
			})
		}
	}
	closed := before != nil && before.Spec.Unschedulable
	if now.Spec.Unschedulable != closed {
		text := "takes new pods again"
		if now.Spec.Unschedulable {
			text = "takes no new pods: it is cordoned"
		}
		all = append(all, env.Happening{At: time.Now(), Text: "node " + now.Name + ": " + text})
	}
	return all
}
