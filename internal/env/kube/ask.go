package kube

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// NodesOf are those of a cluster that can take pods, with no run in it.
func NodesOf(ctx context.Context, c Cluster) ([]Node, error) {
	k, err := visit(Options{Cluster: c, RunID: "nodes", Image: "none"})
	if err != nil {
		return nil, err
	}
	defer k.access.close()
	return k.Nodes(ctx)
}

// visit is a hold on a cluster that makes nothing there.
func visit(o Options) (*Kube, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	a, err := connect(o.Cluster)
	if err != nil {
		return nil, err
	}
	return &Kube{o: o, access: a, naming: newNaming(o), table: newTable(), listen: anyIPv4}, nil
}

// DryRun asks the server whether it would take what a run applies for these actors, and
// changes nothing. The notes say what was left out, in sentences. Into a namespace that is
// not there yet the server takes nothing even for show: of such a run it is asked for the
// rights and the namespace alone.
func DryRun(ctx context.Context, o Options, actors []env.Actor) (notes []string, err error) {
	k, err := visit(o)
	if err != nil {
		return nil, err
	}
	defer k.access.close()
	return k.dryRun(quiet(ctx, k.o.Log), actors)
}

func (k *Kube) dryRun(ctx context.Context, actors []env.Actor) ([]string, error) {
	if _, err := k.access.now(ctx); err != nil {
		return nil, fmt.Errorf("reach the cluster of %s: %w", k.access.where, err)
	}
	exists, err := k.namespaceExists(ctx)
	if err != nil {
		return nil, err
	}
	k.own = !exists
	if k.o.InPlace != nil {
		if k.inPlace, err = newTakeover(k, *k.o.InPlace); err != nil {
			return nil, err
		}
	}
	if err := k.askRights(ctx); err != nil {
		return nil, err
	}
	if err := k.inPlace.refuse(ctx); err != nil {
		return nil, err
	}
	show := applying
	show.DryRun = []string{metav1.DryRunAll}
	if !exists {
		_, err := k.access.client.CoreV1().Namespaces().Apply(ctx, namespaceObject(k.naming), show)
		if err != nil {
			return nil, fmt.Errorf("make namespace %s: %w", k.naming.namespace, err)
		}
		k.note("The objects in the namespace were not asked about, for it is not there: want one that " +
			"is, by --namespace.")
		return k.Notes(), nil
	}
	d := k.drawing()
	d.owner = nil // there is none to refer to
	for _, a := range actors {
		if k.inPlace != nil && a.Name == gatewayActor {
			d.directory.ports[a.Name] = a.Ports // it is there
			continue
		}
		if err := check(a); err != nil {
			return nil, fmt.Errorf("ask about %s: %w", a.Name, err)
		}
		s, err := d.draw(a)
		if err == nil {
			err = k.show(ctx, s, show)
		}
		if err != nil {
			return nil, fmt.Errorf("ask about %s: %w", a.Name, err)
		}
		d.directory.ports[a.Name] = a.Ports
	}
	return k.Notes(), nil
}

// show applies an actor's objects as these options say.
func (k *Kube) show(ctx context.Context, s set, o metav1.ApplyOptions) error {
	ns := k.naming.namespace
	if s.files != nil {
		if err := k.mayTake(ctx, kindConfigMap, *s.files.Name); err != nil {
			return err
		}
		if _, err := k.access.client.CoreV1().ConfigMaps(ns).Apply(ctx, s.files, o); err != nil {
			return err
		}
	}
	if err := k.mayTake(ctx, kindService, *s.service.Name); err != nil {
		return err
	}
	if _, err := k.access.client.CoreV1().Services(ns).Apply(ctx, s.service, o); err != nil {
		return err
	}
	if s.job != nil {
		if err := k.mayTake(ctx, kindJob, *s.job.Name); err != nil {
			return err
		}
		_, err := k.access.client.BatchV1().Jobs(ns).Apply(ctx, s.job, o)
		return err
	}
	if err := k.mayTake(ctx, kindDeployment, *s.deployment.Name); err != nil {
		return err
	}
	_, err := k.access.client.AppsV1().Deployments(ns).Apply(ctx, s.deployment, o)
	return err
}
