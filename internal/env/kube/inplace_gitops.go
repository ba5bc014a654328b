package kube

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// reconcilers are the controllers that keep objects as a repository has them, by the domain of the
// labels and annotations that they mark them with.
var reconcilers = []struct{ domain, name, suspend string }{
	{"argocd.argoproj.io", "Argo CD", "switch off its Application's automatic sync"},
	{"kustomize.toolkit.fluxcd.io", "Flux", "suspend its Kustomization"},
	{"helm.toolkit.fluxcd.io", "Flux", "suspend its HelmRelease"},
}

// isMarked is whether an object bears a label or an annotation of a domain.
func isMarked(o metav1.Object, domain string) bool {
	of := func(all map[string]string) bool {
		return slices.ContainsFunc(slices.Collect(maps.Keys(all)), func(key string) bool {
			return strings.HasPrefix(key, domain+"/")
		})
	}
	return of(o.GetLabels()) || of(o.GetAnnotations())
}

// noteReconcilers notes who may set back what a run is to change. Whether one does is its own to
// know: the run ends where it sees others get the load.
func (t *takeover) noteReconcilers(
	ctx context.Context, others []unstructured.Unstructured, sized bool,
) error {
	changed := map[string]metav1.Object{}
	for n := range others {
		changed["Destination "+others[n].GetName()] = &others[n]
	}
	if sized {
		ctx, cancel := context.WithTimeout(ctx, callTime)
		defer cancel()
		m, err := t.k.access.client.CoreV1().ConfigMaps(t.site.namespace).Get(ctx, odigosConfiguration,
			metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("look at ConfigMap %s/%s: %w", t.site.namespace, odigosConfiguration, err)
		}
		changed["ConfigMap "+odigosConfiguration] = m
	}
	for _, r := range reconcilers {
		var marked []string
		for _, what := range slices.Sorted(maps.Keys(changed)) {
			if isMarked(changed[what], r.domain) {
				marked = append(marked, what)
			}
		}
		if len(marked) > 0 {
			t.k.note(fmt.Sprintf("%s may set back meanwhile what the run changes in %s, as their labels or "+
				"annotations of %s say: %s first. A Destination that is enabled meanwhile ends the trial.",
				r.name, strings.Join(marked, ", "), r.domain, r.suspend))
		}
	}
	return nil
}
