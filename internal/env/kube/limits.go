package kube

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A bound is one limit of an actor's container: what was asked, and what it has.
type bound struct {
	name       string // as a sentence says it
	asked, has *resource.Quantity
}

// limitNames are the limits that actors have, as sentences say them.
var limitNames = []struct {
	resource corev1.ResourceName
	name     string
	rounded  int64 // a difference below is that of rounding
}{{corev1.ResourceCPU, "CPU", 1}, {corev1.ResourceMemory, "memory", largestPage}}

// largestPage are the bytes of a page of memory at most, on arm64: kernels count limits in pages.
const largestPage = 64 << 10

// altered are the limits of an actor's container that are not those that were asked for: a
// LimitRange, an admission policy or an autoscaler may have set others.
func altered(a env.Actor, p *corev1.Pod) (all []bound) {
	asked, has := resources(a.Limits), admitted(p, a.Name)
	for _, l := range limitNames {
		b := bound{name: l.name}
		if q, ok := asked[l.resource]; ok {
			b.asked = &q
		}
		if q, ok := has[l.resource]; ok {
			b.has = &q
		}
		off := amountOf(l.resource, b.asked) - amountOf(l.resource, b.has)
		if (b.asked == nil) != (b.has == nil) || max(off, -off) >= l.rounded {
			all = append(all, b)
		}
	}
	return all
}

// admitted are the limits of a pod's container: those that kubelet enforces where it says so,
// else those of its specification.
func admitted(p *corev1.Pod, container string) corev1.ResourceList {
	if s := statusOfContainer(p, container); s != nil && s.Resources != nil {
		return s.Resources.Limits
	}
	for _, c := range p.Spec.Containers {
		if c.Name == container {
			return c.Resources.Limits
		}
	}
	return nil
}

// amountOf is a quantity in thousandths of a core, or bytes; none is 0.
func amountOf(name corev1.ResourceName, q *resource.Quantity) int64 {
	switch {
	case q == nil:
		return 0
	case name == corev1.ResourceCPU:
		return q.MilliValue()
	}
	return q.Value()
}

// String says what a container has, and what was asked for.
func (b bound) String() string {
	text := func(q *resource.Quantity) string {
		if q == nil {
			return "none"
		}
		return q.String()
	}
	if b.has == nil {
		return fmt.Sprintf("no %s limit where %s was asked for", b.name, text(b.asked))
	}
	return fmt.Sprintf("a %s limit of %s where %s was asked for", b.name, text(b.has), text(b.asked))
}

// readBack looks whether the pods of an actor have the limits that were asked for. Those of a
// gateway are what a trial is about: others make a start fail. Those of an end become a note, and
// those of a gateway that goes on, for its trial is under way.
func (k *Kube) readBack(a env.Actor, lives []incarnation, adopting bool) error {
	var errs []error
	for _, life := range lives {
		p := k.table.pod(life)
		if p == nil {
			continue
		}
		if a.Name != gatewayActor || adopting {
			k.noteLimits(a, p)
			continue
		}
		if wrong := altered(a, p); len(wrong) > 0 {
			errs = append(errs, fmt.Errorf("read the limits of pod %s back: found %s (a LimitRange, an "+
				"admission policy or an autoscaler of the cluster sets them); want limits that the "+
				"cluster leaves as they are, or namespace %s exempt from what changes them", p.Name,
				listed(wrong), p.Namespace))
		}
	}
	return errors.Join(errs...)
}

// noteLimits notes that a pod has other limits than were asked for.
func (k *Kube) noteLimits(a env.Actor, p *corev1.Pod) {
	if wrong := altered(a, p); len(wrong) > 0 {
		k.note(fmt.Sprintf("The cluster changed the limits of pod %s of the %s: it has %s.", p.Name,
			a.Name, listed(wrong)))
	}
}

func listed(all []bound) string {
	texts := make([]string, 0, len(all))
	for _, b := range all {
		texts = append(texts, b.String())
	}
	return strings.Join(texts, " and ")
}

// pod is the one of a life as last heard; nil where it was not.
func (t *table) pod(i incarnation) *corev1.Pod {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pods[i.uid]
}
