package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// deployment is the one that is wanted.
func (r *reading) deployment(ctx context.Context, w Wanted) (*appsv1.Deployment, error) {
	if w.Deployment == "" {
		return r.odigosDeployment(ctx, w.Namespace)
	}
	namespace, name, ok := strings.Cut(w.Deployment, "/")
	if !ok {
		namespace, name = w.Namespace, w.Deployment
	}
	if namespace == "" || name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("found deployment %q, want NAMESPACE/NAME", w.Deployment)
	}
	if w.Namespace != "" && w.Namespace != namespace {
		return nil, fmt.Errorf("found namespace %s and deployment %s/%s, want one namespace",
			w.Namespace, namespace, name)
	}
	return r.getDeployment(ctx, namespace, name)
}

func (r *reading) getDeployment(
	ctx context.Context, namespace, name string,
) (*appsv1.Deployment, error) {
	d, err := r.client.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, rightsError("get", "deployments.apps", namespace, err)
	}
	return d, nil
}

// odigosDeployment is the owner of the pods that bear the label of Odigos' gateway, and
// where there are none the Deployment of that name: it may have 0 replicas.
func (r *reading) odigosDeployment(
	ctx context.Context, namespace string,
) (*appsv1.Deployment, error) {
	where, pods, err := r.gatewayPods(ctx, namespace)
	if err != nil {
		return nil, err
	}
	var owners []string
	for _, p := range pods {
		owner, err := ownerOf(p)
		if err != nil {
			return nil, err
		}
		if name := p.Namespace + "/" + owner; !slices.Contains(owners, name) {
			owners = append(owners, name)
		}
	}
	slices.Sort(owners)
	switch len(owners) {
	case 1:
		namespace, name, _ := strings.Cut(owners[0], "/")
		return r.getDeployment(ctx, namespace, name)
	case 0:
		if namespace == "" {
			namespace = odigosNamespace
		}
		d, err := r.getDeployment(ctx, namespace, odigosGateway)
		if apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("%w: no pod labelled %s %s, and no Deployment %s/%s: want Odigos,"+
				" or the namespace that it is in, or --deployment NAMESPACE/NAME of another collector",
				errNoGateway, odigosRole, where, namespace, odigosGateway)
		}
		return d, err
	default:
		return nil, fmt.Errorf("found %d gateways %s: %s; want one: name it with --deployment"+
			" NAMESPACE/NAME", len(owners), where, strings.Join(owners, ", "))
	}
}

// gatewayPods are those of Odigos' gateway; where says in words where they were looked for.
func (r *reading) gatewayPods(
	ctx context.Context, namespace string,
) (where string, pods []corev1.Pod, err error) {
	list := func(namespace string) (*corev1.PodList, error) {
		l, err := r.client.CoreV1().Pods(namespace).List(ctx,
			metav1.ListOptions{LabelSelector: odigosRole})
		if err != nil {
			return nil, rightsError("list", "pods", namespace, err)
		}
		return l, nil
	}
	l, err := list(namespace)
	if namespace == "" && apierrors.IsForbidden(err) {
		// Rights in Odigos' namespace alone are rights enough.
		everywhere := err
		namespace = odigosNamespace
		if l, err = list(namespace); err != nil {
			return "", nil, errors.Join(err, everywhere)
		}
	}
	if err != nil {
		return "", nil, err
	}
	return inNamespace(namespace), l.Items, nil
}

// ownerOf is the Deployment that a pod belongs to. Its ReplicaSet is called after it and
// the hash of the template, so that none needs to be read.
func ownerOf(p corev1.Pod) (string, error) {
	hash := p.Labels[appsv1.DefaultDeploymentUniqueLabelKey]
	for _, o := range p.OwnerReferences {
		name, ok := strings.CutSuffix(o.Name, "-"+hash)
		if o.Kind == "ReplicaSet" && ok && hash != "" && name != "" {
			return name, nil
		}
	}
	owner := "nobody"
	if len(p.OwnerReferences) > 0 {
		owner = p.OwnerReferences[0].Kind + " " + p.OwnerReferences[0].Name
	}
	return "", fmt.Errorf("pod %s/%s belongs to %s, want a Deployment", p.Namespace, p.Name, owner)
}

// collectorOf is the container of a pod that is the collector.
func collectorOf(pod corev1.PodSpec, named string) (corev1.Container, error) {
	wanted := named
	if wanted == "" {
		wanted = gatewayContainer
	}
	var names []string
	for _, c := range pod.Containers {
		if c.Name == wanted {
			return c, nil
		}
		names = append(names, c.Name)
	}
	switch {
	case named != "":
		return corev1.Container{}, fmt.Errorf("found no container %s: it has %s",
			named, strings.Join(names, ", "))
	case len(pod.Containers) == 1:
		return pod.Containers[0], nil
	}
	return corev1.Container{}, fmt.Errorf("found containers %s, want to know which is the collector:"+
		" name it with --container", strings.Join(names, ", "))
}

// inNamespace says where a list was asked for.
func inNamespace(namespace string) string {
	if namespace == "" {
		return "in all namespaces"
	}
	return "in namespace " + namespace
}

// rightsError names the right that is missing, where that is what an error is about.
func rightsError(verb, resource, namespace string, err error) error {
	if !apierrors.IsForbidden(err) {
		return fmt.Errorf("%s %s %s: %w", verb, resource, inNamespace(namespace), err)
	}
	return fmt.Errorf("%s %s %s: found no right to, want verb %s on resource %s: %w",
		verb, resource, inNamespace(namespace), verb, resource, err)
}
