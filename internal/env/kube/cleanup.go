package kube

import (
	"context"
	"errors"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// A Leftover is a run in the cluster that nobody owns any more, or that is alive as far as is
// known.
type Leftover struct {
	RunID     string    `json:"run"`
	Namespace string    `json:"namespace"`
	Began     time.Time `json:"began,omitzero"`
	// Own is set where the namespace is the run's, and goes with it.
	Own     bool `json:"own_namespace"`
	Removed bool `json:"removed"`
	// Alive is until when it is known to live, as its tool has told: it is left alone. Zero of
	// one that is dead.
	Alive time.Time `json:"alive_until,omitzero"`

	uid          types.UID // of the owner; empty where there is none
	namespaceUID types.UID
}

// Cleanup takes away what dead runs left in the cluster; dryRun only tells. Dead is a run
// whose tool has not told for some time that it lives, and one that was kept: both by the
// API server's clock. Those that are alive are told of, too. Of a dead run the cluster itself
// leaves a namespace alone, if the run had one of its own.
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
		if dryRun || !found[n].Alive.IsZero() {
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

// leftovers are the runs in all namespaces that may be looked at.
func leftovers(ctx context.Context, a access, now time.Time) ([]Leftover, error) {
	ofTool := labelManagedBy + "=" + manager + "," + labelComponent + "=" + componentRun
	options := metav1.ListOptions{LabelSelector: ofTool}
	namespaces, err := a.client.CoreV1().Namespaces().List(ctx, options)
	denied := apierrors.IsForbidden(err)
	if err != nil && !denied {
		return nil, fmt.Errorf("list namespaces: %w", err)
	}
	owners, err := a.client.BatchV1().Jobs(metav1.NamespaceAll).List(ctx, options)
	if apierrors.IsForbidden(err) {
		owners, err = ownersIn(ctx, a, namespaces, options)
	}
	if err != nil {
		return nil, fmt.Errorf("list Jobs: %w", err)
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
		if o.Name != ownerName {
			continue
		}
		l := Leftover{
			RunID: o.Annotations[noteRun], Namespace: o.Namespace, Began: o.CreationTimestamp.UTC(),
			uid: o.UID,
		}
		if until := o.Annotations[noteAlive]; alive(until, now) {
			l.Alive = aliveUntil(until)
		}
		if ns != nil {
			l.Own, l.namespaceUID = true, ns.UID
		}
		found = append(found, l)
	}
	// The owner is gone by its deadline, or the tool died before it made it.
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
) (*batchv1.JobList, error) {
	all := &batchv1.JobList{}
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
		list, err := a.client.BatchV1().Jobs(name).List(ctx, options)
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

// aliveUntil is when a lease ends; one that cannot be read ends so late that nobody waits.
func aliveUntil(until string) time.Time {
	at, err := time.Parse(time.RFC3339, until)
	if err != nil {
		return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return at.UTC()
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
	o := object{kindJob, ownerName, l.uid}
	if err := k.remove(ctx, o, nil); err != nil {
		return err
	}
	return k.awaitGone(ctx, o)
}
