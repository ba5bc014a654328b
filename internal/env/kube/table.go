package kube

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// A table is what the cluster says of a run's pods and endpoints, as last heard. Pods that
// are gone stay in it: how they ended is asked for later.
type table struct {
	mu       sync.Mutex
	changed  chan struct{} // closed at the next change
	pods     map[types.UID]*corev1.Pod
	gone     map[types.UID]time.Time // when it was seen that a pod was gone
	wasReady map[types.UID]bool      // at some time
	// ends are how containers ended, by their ids: a pod's status holds the last alone.
	ends map[string]corev1.ContainerStateTerminated
	// asked is when a pod's end was asked for first: who removes it in the end asks anew.
	asked  map[types.UID]time.Time
	slices map[string]*discoveryv1.EndpointSlice
}

func newTable() *table {
	return &table{
		changed: make(chan struct{}),
		pods:    map[types.UID]*corev1.Pod{}, gone: map[types.UID]time.Time{},
		wasReady: map[types.UID]bool{},
		ends:     map[string]corev1.ContainerStateTerminated{},
		asked:    map[types.UID]time.Time{},
		slices:   map[string]*discoveryv1.EndpointSlice{},
	}
}

// resync is how often all is listed anew, in case that a change was missed.
const resync = 10 * time.Minute

// A scope is what a table hears of: pods and endpoints of one namespace.
type scope struct {
	namespace    string
	pods, slices string // selectors
	// as is the actor for whose they are taken; empty where their labels say it.
	as string
}

// serviceNameLabel is borne by endpoints.
const serviceNameLabel = discoveryv1.LabelServiceName

// taken is a pod as the table knows it.
func (s scope) taken(p *corev1.Pod) *corev1.Pod {
	if s.as != "" {
		p = p.DeepCopy()
		p.Labels[labelComponent] = s.as
	}
	return p
}

func (s scope) takenSlice(e *discoveryv1.EndpointSlice) *discoveryv1.EndpointSlice {
	if s.as != "" {
		e = e.DeepCopy()
		e.Labels[serviceNameLabel] = s.as
	}
	return e
}

// follow watches until ctx ends.
func (t *table) follow(ctx context.Context, client kubernetes.Interface, of scope) {
	pods, ends := client.CoreV1().Pods(of.namespace), client.DiscoveryV1().EndpointSlices(of.namespace)
	var group sync.WaitGroup
	group.Go(func() {
		mirror(ctx, client, "pods", pods, metav1.ListOptions{LabelSelector: of.pods},
			&corev1.Pod{}, podStore{t, of})
	})
	group.Go(func() {
		mirror(ctx, client, "endpoints", ends, metav1.ListOptions{LabelSelector: of.slices},
			&discoveryv1.EndpointSlice{}, sliceStore{t, of})
	})
	group.Wait()
}

// tell wakes who waits for a change; the lock is held.
func (t *table) tell() {
	close(t.changed)
	t.changed = make(chan struct{})
}

func (t *table) setPod(p *corev1.Pod) {
	t.pods[p.UID] = p
	delete(t.gone, p.UID)
	t.wasReady[p.UID] = t.wasReady[p.UID] || isReady(p)
	if _, known := t.asked[p.UID]; !known && p.DeletionTimestamp != nil {
		t.asked[p.UID] = askedAt(p)
	}
	for _, s := range p.Status.ContainerStatuses {
		for _, state := range []corev1.ContainerState{s.LastTerminationState, s.State} {
			if e := state.Terminated; e != nil && e.ContainerID != "" {
				t.ends[e.ContainerID] = *e
			}
		}
	}
}

func (t *table) dropPod(p *corev1.Pod) {
	t.setPod(p)
	t.gone[p.UID] = time.Now()
}

// podsOf are an actor's pods that are there, oldest first, and a channel that is closed at
// the next change.
func (t *table) podsOf(actor string) ([]*corev1.Pod, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []*corev1.Pod
	for uid, p := range t.pods {
		if _, gone := t.gone[uid]; !gone && p.Labels[labelComponent] == actor {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b *corev1.Pod) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return found, t.changed
}

// living are all pods that are there, and a channel that is closed at the next change.
func (t *table) living() (all []*corev1.Pod, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for uid, p := range t.pods {
		if _, gone := t.gone[uid]; !gone {
			all = append(all, p)
		}
	}
	return all, t.changed
}

// served are the names of the pods that an actor's Service answers with.
func (t *table) served(actor string) map[string]bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	names := map[string]bool{}
	for _, s := range t.slices {
		if s.Labels[discoveryv1.LabelServiceName] != actor {
			continue
		}
		for _, e := range s.Endpoints {
			ready := e.Conditions.Ready == nil || *e.Conditions.Ready
			if ready && e.TargetRef != nil && e.TargetRef.Kind == string(kindPod) {
				names[e.TargetRef.Name] = true
			}
		}
	}
	return names
}

// dead are the containers, by id, and the pods, by uid, of an actor that have ended.
func (t *table) dead(actor string) map[string]bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	dead := map[string]bool{}
	for id := range t.ends {
		dead[id] = true
	}
	for uid, p := range t.pods {
		if p.Labels[labelComponent] == actor && over(p) {
			dead[string(uid)] = true
		}
	}
	return dead
}

// actorOf is whose pod one is; false where it is not known.
func (t *table) actorOf(uid types.UID) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, known := t.pods[uid]
	if !known {
		return "", false
	}
	return p.Labels[labelComponent], true
}

// neverReady is whether a pod is known, and was not ready yet.
func (t *table) neverReady(uid types.UID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, known := t.pods[uid]
	return known && !t.wasReady[uid]
}

// over is whether nothing in a pod will ever run again.
func over(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodFailed || p.Status.Phase == corev1.PodSucceeded
}

// A podStore is a table as the reflector of the pods fills it.
type podStore struct {
	*table
	of scope
}

// Add implements cache.ReflectorStore.
func (s podStore) Add(o any) error { return s.put(o) }

// Update implements cache.ReflectorStore.
func (s podStore) Update(o any) error { return s.put(o) }

func (s podStore) put(o any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setPod(s.of.taken(o.(*corev1.Pod)))
	s.tell()
	return nil
}

// Delete implements cache.ReflectorStore.
func (s podStore) Delete(o any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropPod(s.of.taken(o.(*corev1.Pod)))
	s.tell()
	return nil
}

// Replace implements cache.ReflectorStore. What is not listed any more is gone.
func (s podStore) Replace(all []any, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	there := map[types.UID]bool{}
	for _, o := range all {
		p := s.of.taken(o.(*corev1.Pod))
		there[p.UID] = true
		s.setPod(p)
	}
	for uid, p := range s.pods {
		if _, gone := s.gone[uid]; !gone && !there[uid] && p.Namespace == s.of.namespace {
			s.gone[uid] = time.Now()
		}
	}
	s.tell()
	return nil
}

// Resync implements cache.ReflectorStore.
func (s podStore) Resync() error { return nil }

// A sliceStore is a table as the reflector of the endpoints fills it.
type sliceStore struct {
	*table
	of scope
}

// Add implements cache.ReflectorStore.
func (s sliceStore) Add(o any) error { return s.put(o) }

// Update implements cache.ReflectorStore.
func (s sliceStore) Update(o any) error { return s.put(o) }

func (s sliceStore) put(o any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	slice := s.of.takenSlice(o.(*discoveryv1.EndpointSlice))
	s.slices[sliceKey(slice)] = slice
	s.tell()
	return nil
}

// Delete implements cache.ReflectorStore.
func (s sliceStore) Delete(o any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.slices, sliceKey(o.(*discoveryv1.EndpointSlice)))
	s.tell()
	return nil
}

func sliceKey(e *discoveryv1.EndpointSlice) string { return e.Namespace + "/" + e.Name }

// Replace implements cache.ReflectorStore.
func (s sliceStore) Replace(all []any, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.slices, func(_ string, e *discoveryv1.EndpointSlice) bool {
		return e.Namespace == s.of.namespace
	})
	for _, o := range all {
		slice := s.of.takenSlice(o.(*discoveryv1.EndpointSlice))
		s.slices[sliceKey(slice)] = slice
	}
	s.tell()
	return nil
}

// Resync implements cache.ReflectorStore.
func (s sliceStore) Resync() error { return nil }
