package kube

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// NodesOf are the nodes of a cluster that can take the pods of a run, with none in it: see Nodes.
func NodesOf(ctx context.Context, o Options) ([]Node, error) {
	k, err := visit(o)
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
// changes nothing. Quotas, limit ranges and the pod security standard are held against pods and
// not against what makes them, so that one of each actor's is shown by itself; whether quotas
// have room for all of them together is reckoned here. The notes say what was left out, in
// sentences. Into a namespace that is not there yet the server takes nothing even for show: of
// such a run it is asked for the rights and the namespace alone.
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
	if err := k.o.Pods.CheckNamespace(k.own, k.o.InPlace != nil); err != nil {
		return nil, err
	}
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
	err = k.showActors(ctx, actors, show)
	return k.Notes(), err
}

func (k *Kube) showActors(ctx context.Context, actors []env.Actor, show metav1.ApplyOptions) error {
	d := k.drawing()
	d.owner = nil // there is none to refer to
	var pods []shownPod
	for _, a := range actors {
		if k.inPlace != nil && a.Name == gatewayActor {
			d.directory.ports[a.Name] = a.Ports // it is there
			continue
		}
		if err := check(a); err != nil {
			return fmt.Errorf("ask about %s: %w", a.Name, err)
		}
		s, err := d.draw(a)
		var p shownPod
		if err == nil {
			p, err = k.show(ctx, s, show)
		}
		if err != nil {
			return fmt.Errorf("ask about %s: %w", a.Name, err)
		}
		pods = append(pods, p)
		d.directory.ports[a.Name] = a.Ports
	}
	return k.roomFor(ctx, pods)
}

// show applies an actor's objects as these options say, and shows a pod of theirs.
func (k *Kube) show(ctx context.Context, s set, o metav1.ApplyOptions) (p shownPod, err error) {
	ns := k.naming.namespace
	if s.files != nil {
		if err := k.mayTake(ctx, kindConfigMap, *s.files.Name); err != nil {
			return p, err
		}
		if _, err := k.access.client.CoreV1().ConfigMaps(ns).Apply(ctx, s.files, o); err != nil {
			return p, err
		}
	}
	if err := k.mayTake(ctx, kindService, *s.service.Name); err != nil {
		return p, err
	}
	if _, err := k.access.client.CoreV1().Services(ns).Apply(ctx, s.service, o); err != nil {
		return p, err
	}
	if s.job != nil {
		if err := k.mayTake(ctx, kindJob, *s.job.Name); err != nil {
			return p, err
		}
		if _, err := k.access.client.BatchV1().Jobs(ns).Apply(ctx, s.job, o); err != nil {
			return p, err
		}
		p.times = int64(*s.job.Spec.Parallelism)
		p.pod, err = k.showPod(ctx, *s.job.Name, s.job.Spec.Template, o.DryRun)
		return p, err
	}
	if err := k.mayTake(ctx, kindDeployment, *s.deployment.Name); err != nil {
		return p, err
	}
	if _, err := k.access.client.AppsV1().Deployments(ns).Apply(ctx, s.deployment, o); err != nil {
		return p, err
	}
	p.times = int64(*s.deployment.Spec.Replicas)
	p.pod, err = k.showPod(ctx, *s.deployment.Name, s.deployment.Spec.Template, o.DryRun)
	return p, err
}

// showPod shows a pod of a template, as its controller would make it, and returns it as the
// server would take it.
func (k *Kube) showPod(
	ctx context.Context, name string, t *coreac.PodTemplateSpecApplyConfiguration, dryRun []string,
) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	text, err := json.Marshal(t)
	if err == nil {
		err = json.Unmarshal(text, pod)
	}
	if err != nil {
		return nil, fmt.Errorf("draw its pod: %w", err)
	}
	pod.GenerateName = name + "-"
	options := metav1.CreateOptions{FieldManager: manager, DryRun: dryRun}
	taken, err := k.access.client.CoreV1().Pods(k.naming.namespace).Create(ctx, pod, options)
	if err != nil {
		return nil, fmt.Errorf("make its pod in namespace %s: %w", k.naming.namespace, told(err))
	}
	return taken, nil
}
