package kube

import (
	"context"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/odigos-io/odigos-stress/internal/env"
)

var _ env.Teller = (*Kube)(nil)

// A target is where a gateway's Deployment is.
type target struct {
	namespace, deployment string
	// autoscaled is whether a HorizontalPodAutoscaler may have to do with it.
	autoscaled bool
}

// gateway is the Deployment of the gateway: the run's own, as long as nobody says another.
func (k *Kube) gateway() target {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.elsewhere.deployment != "" {
		return k.elsewhere
	}
	return target{namespace: k.naming.namespace, deployment: gatewayActor}
}

// A said is one thing that the cluster tells, before it is known whether to tell it on.
type said struct {
	env.Happening
	// of is what it is of: what is said again of the same is told once in a while.
	of    string
	times int
}

// Tell implements env.Teller: what the cluster's events say of the run's objects, that a
// container was started again, what becomes of the nodes that actors are on, and what the
// autoscaler decides. Times are the cluster's.
func (k *Kube) Tell(ctx context.Context, tell func(env.Happening)) {
	ctx = quiet(ctx, k.o.Log)
	heard := make(chan said)
	say := func(s said) {
		select {
		case heard <- s:
		case <-ctx.Done():
		}
	}
	var group sync.WaitGroup
	defer group.Wait()
	for _, namespace := range k.heardNamespaces() {
		group.Go(func() { k.followEvents(ctx, namespace, say) })
	}
	group.Go(func() { k.followRestarts(ctx, say) })
	group.Go(func() { k.followNodes(ctx, say) })
	group.Go(func() { k.followScaling(ctx, say) })

	pending := newRepeats()
	tick := time.NewTicker(repeatEvery / 10)
	defer tick.Stop()
	for {
		select {
		case s := <-heard:
			if h, now := pending.add(s, time.Now()); now {
				tell(h)
			}
		case <-tick.C:
			for _, h := range pending.due(time.Now().Add(-repeatEvery)) {
				tell(h)
			}
		case <-ctx.Done():
			for _, h := range pending.due(time.Now()) {
				tell(h)
			}
			return
		}
	}
}

// heardNamespaces are those whose events are about the run.
func (k *Kube) heardNamespaces() []string {
	all := []string{k.naming.namespace}
	if other := k.gateway().namespace; other != all[0] {
		all = append(all, other)
	}
	return all
}

// mayFollow is whether a resource may be listed and watched. Where it may not, a note says
// what is missing.
func (k *Kube) mayFollow(ctx context.Context, namespace string, of right) bool {
	for _, verb := range []string{"list", "watch"} {
		of.verb = verb
		got, err := askOne(ctx, k.access, namespace, of)
		switch {
		case ctx.Err() != nil:
			return false
		case err != nil:
			k.note(fmt.Sprintf("%s: %s", err, of.without))
			return false
		case got.allowed:
		case of.cluster || namespace == k.naming.namespace:
			k.note(of.missing()) // as it was said before the run
			return false
		default:
			k.note("in namespace " + namespace + ": " + of.missing())
			return false
		}
	}
	return true
}

// A listing is one of the typed client's resources.
type listing[L runtime.Object] interface {
	List(ctx context.Context, o metav1.ListOptions) (L, error)
	Watch(ctx context.Context, o metav1.ListOptions) (watch.Interface, error)
}

// onlyNamed selects the object of that name alone.
func onlyNamed(name string) metav1.ListOptions {
	return metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, name).String(),
	}
}

// mirror keeps a store of ours as the API server tells of what is selected, until ctx ends. The
// library's reflector lists, watches, and begins anew when the API server has forgotten where it
// was. Kind is an object of the kind.
func mirror[L runtime.Object](ctx context.Context, client kubernetes.Interface, name string,
	from listing[L], selected metav1.ListOptions, kind any, store cache.ReflectorStore,
) {
	log := klog.FromContext(ctx)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector, o.FieldSelector = selected.LabelSelector, selected.FieldSelector
			return from.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector, o.FieldSelector = selected.LabelSelector, selected.FieldSelector
			return from.Watch(ctx, o)
		},
	}
	cache.NewReflectorWithOptions(cache.ToListWatcherWithWatchListSemantics(lw, client), kind, store,
		cache.ReflectorOptions{Name: name, ResyncPeriod: resync, Logger: &log}).RunWithContext(ctx)
}
