package kube

import (
	"context"
	"errors"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A usageSource tells what an incarnation used when somebody measured that last.
type usageSource interface {
	of(ctx context.Context, namespace string, life incarnation) (env.Usage, error)
}

// Usages are the sources that a run has, the finest first. One that refuses is left for the
// next: rights may be granted by name, and taken away by an admission.
type usages struct {
	note  func(string)
	close func() // lets go of connections; nil: there are none of its own

	mu      sync.Mutex
	sources []namedSource
}

type namedSource struct {
	name string
	usageSource
}

func (s namedSource) told() string {
	return "processor time and memory of pods are by " + named(s.name)
}

// named is a source in a sentence.
func named(source string) string {
	if source == fromPrometheus {
		return source
	}
	return "the " + source
}

// The sources as a record and notes name them; kubelet is what a record does not name.
const (
	fromKubelet    = "kubelet"
	fromPrometheus = "Prometheus"
	fromMetricsAPI = "metrics API"
)

// errNoUsage is that nobody can be asked.
var errNoUsage = errors.New("not known: there is no right to ask kubelets, no Prometheus was " +
	"named, and the cluster serves no metrics API")

func (u *usages) of(ctx context.Context, namespace string, life incarnation) (env.Usage, error) {
	for {
		source, ok := u.first()
		if !ok {
			return env.Usage{}, errNoUsage
		}
		usage, err := source.of(ctx, namespace, life)
		if err == nil && source.name != fromKubelet {
			usage.Source = source.name
		}
		if !apierrors.IsForbidden(err) || !u.leave(source.name, err) {
			return usage, err
		}
	}
}

func (u *usages) first() (namedSource, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.sources) == 0 {
		return namedSource{}, false
	}
	return u.sources[0], true
}

// leave goes on to the next source; false where there is none. Others may have left it
// already.
func (u *usages) leave(name string, why error) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.sources[0].name != name {
		return true
	}
	if len(u.sources) == 1 {
		return false
	}
	u.sources = u.sources[1:]
	u.note(fmt.Sprintf("%s: %s refuses: %s", u.sources[0].told(), named(name), why))
	return true
}

// chooseUsage finds the sources that there are: kubelets where the rights allow, a Prometheus
// that was named, and the metrics API where the cluster serves it.
func (k *Kube) chooseUsage(ctx context.Context) error {
	k.usage.note = k.note
	may, err := askOne(ctx, k.access, "", right{
		verb: "get", resource: "nodes", sub: "proxy", cluster: true,
	})
	if err != nil {
		return err
	}
	add := func(name string, s usageSource) {
		k.usage.sources = append(k.usage.sources, namedSource{name, s})
	}
	if may.allowed {
		add(fromKubelet, k.figures)
	}
	if k.o.Prometheus.URL != "" {
		p, err := newPromUsage(k.life, &k.background, k.o.Prometheus)
		if err != nil {
			return err
		}
		k.usage.close = p.close
		if !may.allowed {
			if err := p.answers(ctx); err != nil {
				return fmt.Errorf("ask Prometheus %s: %w; want one that answers", p.where, err)
			}
		}
		add(fromPrometheus, p)
	}
	if m := newMetricsAPI(k.life, &k.background, k.access.read); m.served(ctx) {
		add(fromMetricsAPI, m)
	}
	if len(k.usage.sources) > 0 && !may.allowed {
		k.note(k.usage.sources[0].told())
	}
	return nil
}
