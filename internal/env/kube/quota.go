package kube

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	resourcehelper "k8s.io/component-helpers/resource"
)

// A shownPod is one as the server would take it, with what it sets itself, and how many there
// are to be of it.
type shownPod struct {
	pod   *corev1.Pod
	times int64
}

// roomFor refuses pods that a quota of the namespace lets in one by one and not together: the
// server reckons each that is shown by itself. Quotas of some pods alone (scopes) are left to
// the run, and so is what others start until then.
func (k *Kube) roomFor(ctx context.Context, pods []shownPod) error {
	ns := k.naming.namespace
	list, err := k.access.client.CoreV1().ResourceQuotas(ns).List(ctx, metav1.ListOptions{})
	if apierrors.IsForbidden(err) {
		k.note(fmt.Sprintf("Whether quotas of namespace %s take all pods together is not known: no "+
			"right to list resourcequotas.", ns))
		return nil
	}
	if err != nil {
		return fmt.Errorf("list quotas of namespace %s: %w", ns, err)
	}
	asked := askedFor(pods)
	var errs []error
	for _, q := range list.Items {
		if len(q.Spec.Scopes) > 0 || q.Spec.ScopeSelector != nil {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(q.Spec.Hard)) {
			more, ok := asked[name]
			hard, used := q.Spec.Hard[name], q.Status.Used[name]
			sum := used.DeepCopy()
			sum.Add(more)
			if ok && sum.Cmp(hard) > 0 {
				errs = append(errs, fmt.Errorf("quota %s of namespace %s: %s: found %s used and %s "+
					"asked for by all pods together, want at most %s", q.Name, ns, name, used.String(),
					more.String(), hard.String()))
			}
		}
	}
	return errors.Join(errs...)
}

// askedFor is what quotas reckon of these pods, by their names for it:
// https://kubernetes.io/docs/concepts/policy/resource-quotas/.
func askedFor(pods []shownPod) corev1.ResourceList {
	all := corev1.ResourceList{}
	add := func(times int64, q resource.Quantity, names ...corev1.ResourceName) {
		q.Mul(times)
		for _, name := range names {
			sum := all[name]
			sum.Add(q)
			all[name] = sum
		}
	}
	for _, p := range pods {
		add(p.times, *resource.NewQuantity(1, resource.DecimalSI), corev1.ResourcePods, "count/pods")
		requests := resourcehelper.PodRequests(p.pod, resourcehelper.PodResourcesOptions{})
		add(p.times, *requests.Cpu(), corev1.ResourceCPU, corev1.ResourceRequestsCPU)
		add(p.times, *requests.Memory(), corev1.ResourceMemory, corev1.ResourceRequestsMemory)
		limits := resourcehelper.PodLimits(p.pod, resourcehelper.PodResourcesOptions{})
		add(p.times, *limits.Cpu(), corev1.ResourceLimitsCPU)
		add(p.times, *limits.Memory(), corev1.ResourceLimitsMemory)
	}
	return all
}
