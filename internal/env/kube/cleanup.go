package kube

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// A Leftover is a run in the cluster that nobody owns any more.
type Leftover struct {
	RunID     string    `json:"run"`
	Namespace string    `json:"namespace"`
	Began     time.Time `json:"began,omitzero"`
	// Own is set where the namespace is the run's, and goes with it.
	Own     bool `json:"own_namespace"`
	Removed bool `json:"removed"`

	uid          types.UID // of the owner; empty where there is none
	namespaceUID types.UID
}

// Cleanup takes away what dead runs left in the cluster; dryRun only tells. Dead is a run
// whose tool has not told for a minute that it lives, and one that was kept: both by the
// API server's clock.
func Cleanup(ctx context.Context, c Cluster, dryRun bool) ([]Leftover, error) {
	a, err := connect(c)
	if err != nil {
		return nil, err
	}
	defer a.close()
	return cleanup(ctx, a, dryRun)
}

func cleanup(ctx context.Context, a access, dryRun bool) ([]Leftover, error) {
	now, err := a.now(ctx)
	if err != nil {
		return nil, fmt.Errorf("reach the cluster of %s: %w", a.where, err)
	}
	found, err := leftovers(ctx, a, now)
	errs := []error{err}
	for n := range found {
		if dryRun {
			continue
		}
		if err := found[n].remove(ctx, a); err != nil {
			errs = append(errs, err)
			continue
		}
		found[n].Removed = true
	}
	if err := errors.Join(errs...); err != nil {
		return found, fmt.Errorf("clean up: %w", err)
	}
	return found, nil
}

// leftovers are the dead runs in all namespaces that may be looked at.
func leftovers(ctx context.Context, a access, now time.Time) ([]Leftover, error) {
	ofTool := labelManagedBy + "=" + manager + "," + labelComponent + "=" + componentRun
	options := metav1.ListOptions{LabelSelector: ofTool}
	namespaces, err := a.client.CoreV1().Namespaces().List(ctx, options)
	denied := apierrors.IsForbidden(err)
	if err != nil && !denied {
		return nil, fmt.Errorf("list namespaces: %w", err)
	}
	owners, err := a.client.CoreV1().ConfigMaps(metav1.NamespaceAll).List(ctx, options)
	if apierrors.IsForbidden(err) {
		owners, err = ownersIn(ctx, a, namespaces, options)
	}
	if err != nil {
		return nil, fmt.Errorf("list ConfigMaps: %w", err)
	}
	own := map[string]*corev1.Namespace{}
	if !denied {
		for n := range namespaces.Items {
			own[namespaces.Items[n].Name] = &namespaces.Items[n]
		}
	}
	var found []Leftover
	for _, o := range owners.Items {
		ns := own[o.Namespace]
		delete(own, o.Namespace)
		if o.Name != ownerName || alive(o.Annotations[noteAlive], now) {
			continue
		}
		l := Leftover{RunID: o.Annotations[noteRun], Namespace: o.Namespace, uid: o.UID}
		l.Began, _ = time.Parse(time.RFC3339, o.Annotations[noteBegan]) // zero where it is not known
		if ns != nil {
			l.Own, l.namespaceUID = true, ns.UID
		}
		found = append(found, l)
	}
	// A tool that died between the namespace and its owner.
	for name, ns := range own {
		if began := ns.CreationTimestamp.Time; ns.DeletionTimestamp == nil && now.Sub(began) > aliveFor {
			found = append(found, Leftover{
				RunID: ns.Annotations[noteRun], Namespace: name, Began: began, Own: true,
				namespaceUID: ns.UID,
			})
		}
	}
	return found, nil
}

// ownersIn looks where somebody without a right to the whole cluster may: in the tool's
// namespaces, and in that of the context.
func ownersIn(ctx context.Context, a access, namespaces *corev1.NamespaceList,
	options metav1.ListOptions,
) (*corev1.ConfigMapList, error) {
	all := &corev1.ConfigMapList{}
	names := map[string]bool{}
	if a.asked != "" {
		names[a.asked] = true
	}
	if namespaces != nil {
		for _, ns := range namespaces.Items {
			names[ns.Name] = true
		}
	}
	for name := range names {
		list, err := a.client.CoreV1().ConfigMaps(name).List(ctx, options)
		if err != nil {
			return nil, fmt.Errorf("in namespace %s: %w", name, err)
		}
		all.Items = append(all.Items, list.Items...)
	}
	return all, nil
}

// alive is whether a lease still holds. One that cannot be read never ends by itself.
func alive(until string, now time.Time) bool {
	at, err := time.Parse(time.RFC3339, until)
	return err != nil || now.Before(at)
}

// remove takes a dead run away: with its namespace, or by its owner, which the cluster's
// garbage collector follows.
func (l Leftover) remove(ctx context.Context, a access) error {
	ctx, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	if l.Own {
		return removeNamespace(ctx, a, l.Namespace, l.namespaceUID)
	}
	k := &Kube{access: a, naming: naming{namespace: l.Namespace}}
	o := object{kindConfigMap, ownerName, l.uid}
	if err := k.remove(ctx, o, nil); err != nil {
		return err
	}
	return k.awaitGone(ctx, o)
}
