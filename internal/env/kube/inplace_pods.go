package kube

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// renewPods starts the pods anew that run since before the configuration was rendered, one after
// the other: with counters at zero and queues that are empty, and the configuration as it is now,
// whenever a collector that runs would have read it.
func (t *takeover) renewPods(ctx context.Context, w wanted) error {
	now, err := t.k.access.now(ctx)
	if err != nil {
		return fmt.Errorf("read the API server's clock: %w", err)
	}
	for {
		stale, err := t.stalePod(ctx, now)
		if err != nil {
			return err
		}
		if stale == nil {
			break
		}
		if err := t.opened().held(ctx); err != nil { // of one that was given back no pod is this run's
			return fmt.Errorf("start pod %s/%s anew: %w", stale.Namespace, stale.Name, err)
		}
		t.k.o.Log.Info("starts a pod of the installation anew", "pod", stale.Name)
		if err := t.removePod(ctx, stale); err != nil {
			return err
		}
		gone := step{"pod " + stale.Name + " is replaced by one that is ready", t.replaced(stale)}
		if err := t.await(ctx, gone); err != nil {
			return err
		}
	}
	return t.verify(ctx, w)
}

// pods are those of the Deployment that are not on their way out.
func (t *takeover) pods(ctx context.Context) ([]corev1.Pod, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	t.mu.Lock()
	selector, err := metav1.LabelSelectorAsSelector(t.deployed.Spec.Selector)
	t.mu.Unlock()
	if err != nil {
		return nil, err
	}
	list, err := t.k.access.client.CoreV1().Pods(t.site.namespace).List(ctx,
		metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return nil, fmt.Errorf("list pods of Deployment %s: %w", t.o.Found.Workload(), err)
	}
	var all []corev1.Pod
	for _, p := range list.Items {
		if p.DeletionTimestamp == nil && !over(&p) {
			all = append(all, p)
		}
	}
	return all, nil
}

// stalePod is one that was made before a time, by the API server's clock, which is good to a
// second; nil where there is none.
func (t *takeover) stalePod(ctx context.Context, before time.Time) (*corev1.Pod, error) {
	pods, err := t.pods(ctx)
	if err != nil {
		return nil, err
	}
	for n := range pods {
		if !pods[n].CreationTimestamp.After(before) {
			return &pods[n], nil
		}
	}
	return nil, nil
}

func (t *takeover) removePod(ctx context.Context, p *corev1.Pod) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := t.k.access.client.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{
		Preconditions: metav1.NewUIDPreconditions(string(p.UID)),
	})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("start pod %s/%s anew: %w", p.Namespace, p.Name, err)
	}
	return nil
}

// replaced looks whether a pod is gone, and as many as are wanted are ready. A pod on its way out
// may still answer the Service, so that it is waited for.
func (t *takeover) replaced(p *corev1.Pod) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		found, err := t.k.access.client.CoreV1().Pods(p.Namespace).Get(ctx, p.Name, metav1.GetOptions{})
		if err == nil && found.UID == p.UID {
			return "it is still there", nil
		}
		if err != nil && !apierrors.IsNotFound(err) {
			return "", err
		}
		d, err := t.deployment(ctx)
		if err != nil {
			return "", err
		}
		pods, err := t.pods(ctx)
		if err != nil {
			return "", err
		}
		ready := 0
		for n := range pods {
			if isReady(&pods[n]) {
				ready++
			}
		}
		if want := replicasOf(d).Wanted; ready < want {
			return fmt.Sprintf("%d of %d pods are ready", ready, want), nil
		}
		return "", nil
	}
}

// verify holds the pods as they run against what was asked for.
func (t *takeover) verify(ctx context.Context, w wanted) error {
	pods, err := t.pods(ctx)
	if err != nil {
		return err
	}
	for _, p := range pods {
		c, err := collectorOf(p.Spec, gatewayContainer)
		if err != nil {
			return fmt.Errorf("look at pod %s/%s: %w", p.Namespace, p.Name, err)
		}
		if differs := w.differs(c, "pod "+p.Name); differs != "" {
			return fmt.Errorf("size the gateway: %s: something in the cluster changes it; want limits that "+
				"it leaves, or those that the installation has", differs)
		}
	}
	if len(pods) == 0 {
		return fmt.Errorf("find the pods of Deployment %s: found none", t.o.Found.Workload())
	}
	return nil
}
