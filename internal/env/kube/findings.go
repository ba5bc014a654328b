package kube

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// Findings are what a run would find in a cluster beside its rights: who measures what pods use,
// what a namespace that is there imposes, as far as that may be read, and whether an
// installation could be taken in place now.
func Findings(ctx context.Context, o Options) ([]env.Capability, error) {
	k, err := visit(o)
	if err != nil {
		return nil, err
	}
	defer k.access.close()
	return k.findings(quiet(ctx, k.o.Log)), nil
}

func (k *Kube) findings(ctx context.Context) []env.Capability {
	all := []env.Capability{k.measurer(ctx)}
	if k.o.InPlace != nil {
		all = append(all, k.installation(ctx))
	}
	if k.o.Namespace == "" {
		return all
	}
	return append(all, k.imposed(ctx)...)
}

// installation says whether a run would take one in place as it is now, by refusing what a run
// refuses.
func (k *Kube) installation(ctx context.Context) env.Capability {
	c := env.Capability{Name: "installation"}
	t, err := newTakeover(k, *k.o.InPlace)
	if err == nil {
		err = t.refuse(ctx)
	}
	if err != nil {
		c.Found = err.Error()
		return c
	}
	c.OK, c.Found = true, t.o.Found.Workload()+" can be taken in place now"
	return c
}

// measurer says who will measure CPU and memory of pods, by asking as a run does.
func (k *Kube) measurer(ctx context.Context) env.Capability {
	c := env.Capability{Name: "usage", Optional: true}
	life, end := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer end()
	asked := &Kube{o: k.o, access: k.access, naming: k.naming, life: life}
	asked.figures = newFigures(life, &background, k.access.proxyNode)
	err := asked.chooseUsage(ctx)
	if asked.usage.close != nil {
		defer asked.usage.close()
	}
	sources := asked.usage.sources
	switch {
	case err != nil:
		c.Optional = false // a run ends with it
		c.Found, c.Remedy = err.Error(), "name a Prometheus that answers, or grant get nodes/proxy"
	case len(sources) == 0:
		c.Found = errNoUsage.Error()
		c.Remedy = "grant get nodes/proxy, name a Prometheus that scrapes kubelets (--prometheus), or " +
			"have a metrics-server; without them memory is not known, and a search has no answer"
	default:
		c.OK, c.Found = true, "CPU and memory of pods are by "+named(sources[0].name)
		if sources[0].name != fromKubelet {
			c.Found += ", for kubelets may not be asked"
		}
	}
	return c
}

// imposed are the quotas, limit ranges and the pod security level of a namespace that is there.
// What may not be read is left out.
func (k *Kube) imposed(ctx context.Context) (all []env.Capability) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	ns, core := k.naming.namespace, k.access.client.CoreV1()
	found := func(kind, name, text string) {
		if text == "" {
			text = "none"
		}
		all = append(all, env.Capability{
			Name: kind + " " + name, OK: true, Optional: true, Found: text,
		})
	}
	if n, err := core.Namespaces().Get(ctx, ns, metav1.GetOptions{}); err == nil {
		if level := n.Labels["pod-security.kubernetes.io/enforce"]; level != "" {
			found("pod security of namespace", ns, level+" is enforced; a run's pods keep to restricted")
		}
	}
	if list, err := core.ResourceQuotas(ns).List(ctx, metav1.ListOptions{}); err == nil {
		for _, q := range list.Items {
			found("quota", q.Name, quotaText(q))
		}
	}
	if list, err := core.LimitRanges(ns).List(ctx, metav1.ListOptions{}); err == nil {
		for _, r := range list.Items {
			found("limit range", r.Name, rangeText(r))
		}
	}
	return all
}

// quotaText is what of a quota is used.
func quotaText(q corev1.ResourceQuota) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(q.Spec.Hard)) {
		hard, used := q.Spec.Hard[name], q.Status.Used[name]
		parts = append(parts, fmt.Sprintf("%s %s of %s", name, used.String(), hard.String()))
	}
	return "used: " + strings.Join(parts, ", ")
}

// rangeText is what a limit range gives to containers and pods, and lets them have.
func rangeText(r corev1.LimitRange) string {
	var parts []string
	for _, l := range r.Spec.Limits {
		if l.Type != corev1.LimitTypeContainer && l.Type != corev1.LimitTypePod {
			continue
		}
		for _, of := range []struct {
			word string
			list corev1.ResourceList
		}{{"limit by default", l.Default}, {"at least", l.Min}, {"at most", l.Max}} {
			for _, name := range slices.Sorted(maps.Keys(of.list)) {
				q := of.list[name]
				parts = append(parts, fmt.Sprintf("%s %s %s %s", strings.ToLower(string(l.Type)), name,
					of.word, q.String()))
			}
		}
	}
	return strings.Join(parts, ", ")
}
