package kube

import (
	"context"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

var (
	_ env.Scaled = (*Instance)(nil)
	_ env.Scaled = (*crew)(nil)
)

// Scales are what a gateway's Deployment and its autoscaler say of how many pods there are
// of it, as last heard.
type scales struct {
	begin sync.Once

	mu         sync.Mutex
	changed    chan struct{} // closed at the next change
	of         target
	deployment *appsv1.Deployment                                // nil: not known
	scalers    map[string]*autoscalingv2.HorizontalPodAutoscaler // whose target it is
}

func newScales() *scales {
	return &scales{
		changed: make(chan struct{}),
		scalers: map[string]*autoscalingv2.HorizontalPodAutoscaler{},
	}
}

// followScale watches for as long as the run lives.
func (k *Kube) followScale() {
	k.scales.begin.Do(func() {
		of := k.gateway()
		k.scales.mu.Lock()
		k.scales.of = of
		k.scales.mu.Unlock()
		k.background.Go(func() { k.followDeployment(k.life, of) })
		if of.autoscaled {
			k.background.Go(func() { k.followScalers(k.life, of) })
		}
	})
}

func (k *Kube) followDeployment(ctx context.Context, of target) {
	if !k.mayFollow(ctx, of.namespace, right{
		group: appsv1.GroupName, resource: "deployments", without: withoutScale,
	}) {
		return
	}
	deployments := k.access.client.AppsV1().Deployments(of.namespace)
	mirror(ctx, k.access.client, "deployment", deployments, onlyNamed(of.deployment),
		&appsv1.Deployment{}, deploymentStore{k.scales})
}

func (k *Kube) followScalers(ctx context.Context, of target) {
	if !k.mayFollow(ctx, of.namespace, right{
		group: autoscalingv2.GroupName, resource: "horizontalpodautoscalers", without: withoutScaler,
	}) {
		return
	}
	scalers := k.access.client.AutoscalingV2().HorizontalPodAutoscalers(of.namespace)
	mirror(ctx, k.access.client, "autoscaler", scalers, metav1.ListOptions{},
		&autoscalingv2.HorizontalPodAutoscaler{}, scalerStore{k.scales})
}

// Scale implements env.Scaled. It is that of all members.
func (i *Instance) Scale() (env.Scale, bool) { return i.crew.Scale() }

// Scale implements env.Scaled.
func (c *crew) Scale() (env.Scale, bool) {
	if c.actor.Name != gatewayActor {
		return env.Scale{}, false
	}
	return c.kube.scales.scale()
}

func (s *scales) scale() (env.Scale, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deployment == nil {
		return env.Scale{}, false
	}
	out := env.Scale{Wanted: 1, Ready: int(s.deployment.Status.ReadyReplicas)}
	if n := s.deployment.Spec.Replicas; n != nil {
		out.Wanted = int(*n)
	}
	for _, h := range s.scalers { // one at most: two would fight
		out.Least, out.Most = 1, int(h.Spec.MaxReplicas)
		if n := h.Spec.MinReplicas; n != nil {
			out.Least = int(*n)
		}
	}
	return out, true
}

// isAutoscaler is whether one of a name scales the Deployment.
func (s *scales) isAutoscaler(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scalers[name] != nil
}

// change changes what is known, and wakes who waits for that.
func (s *scales) change(how func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	how()
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

// A deploymentStore is where the reflector of the Deployment puts it.
type deploymentStore struct{ *scales }

// Add implements cache.ReflectorStore.
func (s deploymentStore) Add(o any) error { return s.Replace([]any{o}, "") }

// Update implements cache.ReflectorStore.
func (s deploymentStore) Update(o any) error { return s.Replace([]any{o}, "") }

// Delete implements cache.ReflectorStore.
func (s deploymentStore) Delete(o any) error {
	if o.(*appsv1.Deployment).Name != s.of.deployment {
		return nil
	}
	return s.change(func() { s.deployment = nil })
}

// Replace implements cache.ReflectorStore.
func (s deploymentStore) Replace(all []any, _ string) error {
	for _, o := range all {
		if d := o.(*appsv1.Deployment); d.Name == s.of.deployment {
			return s.change(func() { s.deployment = d })
		}
	}
	return nil
}

// Resync implements cache.ReflectorStore.
func (s deploymentStore) Resync() error { return nil }

// A scalerStore is where the reflector of autoscalers puts those of the Deployment.
type scalerStore struct{ *scales }

// Add implements cache.ReflectorStore.
func (s scalerStore) Add(o any) error {
	h := o.(*autoscalingv2.HorizontalPodAutoscaler)
	return s.change(func() {
		if t := h.Spec.ScaleTargetRef; t.Kind == string(kindDeployment) && t.Name == s.of.deployment {
			s.scalers[h.Name] = h
		} else {
			delete(s.scalers, h.Name)
		}
	})
}

// Update implements cache.ReflectorStore.
func (s scalerStore) Update(o any) error { return s.Add(o) }

// Delete implements cache.ReflectorStore.
func (s scalerStore) Delete(o any) error {
	return s.change(func() { delete(s.scalers, o.(*autoscalingv2.HorizontalPodAutoscaler).Name) })
}

// Replace implements cache.ReflectorStore.
func (s scalerStore) Replace(all []any, _ string) error {
	_ = s.change(func() { clear(s.scalers) }) // never fails
	for _, o := range all {
		_ = s.Add(o) // the same
	}
	return nil
}

// Resync implements cache.ReflectorStore.
func (s scalerStore) Resync() error { return nil }
