package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"
)

// A kind is a kind of objects that a run makes.
type kind string

const (
	kindConfigMap  kind = "ConfigMap"
	kindService    kind = "Service"
	kindDeployment kind = "Deployment"
	kindJob        kind = "Job"
	kindPod        kind = "Pod"
)

// An object is one that the run has made: the uid tells it from another of its name.
type object struct {
	kind kind
	name string
	uid  types.UID
}

// applying is how everything is applied: the fields are the tool's, whoever had them.
var applying = metav1.ApplyOptions{FieldManager: manager, Force: true}

// apply makes or changes an actor's objects, its Service aside. In somebody else's
// namespace an object that is there and is not the run's is left alone, and an error.
func (k *Kube) apply(ctx context.Context, s set) error {
	if s.files != nil {
		if err := k.applyFiles(ctx, s.files); err != nil {
			return err
		}
	}
	if s.job != nil {
		return k.applyJob(ctx, s)
	}
	return k.applyDeployment(ctx, s)
}

func (k *Kube) applyFiles(ctx context.Context, c *coreac.ConfigMapApplyConfiguration) error {
	return k.make(ctx, kindConfigMap, *c.Name, func() (metav1.Object, error) {
		return k.access.client.CoreV1().ConfigMaps(k.naming.namespace).Apply(ctx, c, applying)
	})
}

func (k *Kube) applyService(ctx context.Context, c *coreac.ServiceApplyConfiguration) error {
	return k.make(ctx, kindService, *c.Name, func() (metav1.Object, error) {
		made, err := k.access.client.CoreV1().Services(k.naming.namespace).Apply(ctx, c, applying)
		if err == nil {
			k.learnFamily(made)
		}
		return made, err
	})
}

// learnFamily takes from a Service what the cluster's pods can listen on.
func (k *Kube) learnFamily(s *corev1.Service) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f := s.Spec.IPFamilies; len(f) > 0 && !slices.Contains(f, corev1.IPv4Protocol) {
		k.listen = anyIPv6
	}
}

func (k *Kube) applyDeployment(ctx context.Context, s set) error {
	return k.make(ctx, kindDeployment, *s.deployment.Name, func() (metav1.Object, error) {
		return k.access.client.AppsV1().Deployments(k.naming.namespace).
			Apply(ctx, s.deployment, applying)
	})
}

func (k *Kube) applyJob(ctx context.Context, s set) error {
	return k.make(ctx, kindJob, *s.job.Name, func() (metav1.Object, error) {
		return k.access.client.BatchV1().Jobs(k.naming.namespace).Apply(ctx, s.job, applying)
	})
}

// make applies one object and remembers it.
func (k *Kube) make(ctx context.Context, of kind, name string,
	apply func() (metav1.Object, error),
) error {
	if err := k.mayTake(ctx, of, name); err != nil {
		return err
	}
	made, err := apply()
	if err != nil {
		return fmt.Errorf("make %s %s in namespace %s: %w", of, name, k.naming.namespace, err)
	}
	o := object{of, name, made.GetUID()}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.made = slices.DeleteFunc(k.made, func(x object) bool { return x.kind == of && x.name == name })
	k.made = append(k.made, o)
	return nil
}

// mayTake refuses the name of an object that is not the run's.
func (k *Kube) mayTake(ctx context.Context, of kind, name string) error {
	if k.own {
		return nil
	}
	found, err := k.lookUp(ctx, of, name)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("look for %s %s: %w", of, name, err)
	case found.GetLabels()[labelRun] != k.naming.label:
		return fmt.Errorf("make %s %s: namespace %s has one that is not this run's; "+
			"want another namespace, or none, for one of the run's own", of, name, k.naming.namespace)
	}
	return nil
}

func (k *Kube) lookUp(ctx context.Context, of kind, name string) (metav1.Object, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	ns, options := k.naming.namespace, metav1.GetOptions{}
	switch of {
	case kindConfigMap:
		return k.access.client.CoreV1().ConfigMaps(ns).Get(ctx, name, options)
	case kindService:
		return k.access.client.CoreV1().Services(ns).Get(ctx, name, options)
	case kindDeployment:
		return k.access.client.AppsV1().Deployments(ns).Get(ctx, name, options)
	case kindJob:
		return k.access.client.BatchV1().Jobs(ns).Get(ctx, name, options)
	}
	return k.access.client.CoreV1().Pods(ns).Get(ctx, name, options)
}

// remove deletes an object of the run's with what belongs to it; one that is gone, or is
// another of the same name, is none of ours any more.
func (k *Kube) remove(ctx context.Context, o object, grace *int64) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	how := metav1.DeletePropagationForeground
	options := metav1.DeleteOptions{PropagationPolicy: &how, GracePeriodSeconds: grace}
	if o.uid != "" {
		options.Preconditions = metav1.NewUIDPreconditions(string(o.uid))
	}
	ns := k.naming.namespace
	var err error
	switch o.kind {
	case kindConfigMap:
		err = k.access.client.CoreV1().ConfigMaps(ns).Delete(ctx, o.name, options)
	case kindService:
		err = k.access.client.CoreV1().Services(ns).Delete(ctx, o.name, options)
	case kindDeployment:
		err = k.access.client.AppsV1().Deployments(ns).Delete(ctx, o.name, options)
	case kindJob:
		err = k.access.client.BatchV1().Jobs(ns).Delete(ctx, o.name, options)
	case kindPod:
		err = k.access.client.CoreV1().Pods(ns).Delete(ctx, o.name, options)
	}
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("remove %s %s from namespace %s: %w", o.kind, o.name, ns, err)
	}
	return nil
}

// askAgain is how often something is looked up that is not watched.
const askAgain = 250 * time.Millisecond

// awaitGone waits until an object that was removed is not there any more.
func (k *Kube) awaitGone(ctx context.Context, o object) error {
	err := wait.PollUntilContextCancel(ctx, askAgain, true, func(ctx context.Context) (bool, error) {
		found, err := k.lookUp(ctx, o.kind, o.name)
		if apierrors.IsNotFound(err) || err == nil && o.uid != "" && found.GetUID() != o.uid {
			return true, nil
		}
		if err != nil && apierrors.IsForbidden(err) {
			return false, err
		}
		return false, nil // what cannot be asked now is asked again
	})
	if err != nil {
		return fmt.Errorf("wait until %s %s is gone: %w", o.kind, o.name,
			errors.Join(err, context.Cause(ctx)))
	}
	return nil
}

// object is the latest that the run has made of a kind and name.
func (k *Kube) object(of kind, name string) (object, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, o := range k.made {
		if o.kind == of && o.name == name {
			return o, true
		}
	}
	return object{}, false
}

// forget strikes an object off that is gone.
func (k *Kube) forget(o object) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.made = slices.DeleteFunc(k.made, func(x object) bool { return x == o })
}
