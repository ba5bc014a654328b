package kube

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
)

// disowned takes this tool out of an object's field managers, and says whether it was there. A
// change takes fields from those who applied them on the server (Helm, kubectl), and setting them
// back makes them the tool's once more: their next apply would conflict with it. Fields that
// nobody owns are theirs again with that apply.
func disowned(o metav1.Object) bool {
	is := o.GetManagedFields()
	left := slices.DeleteFunc(slices.Clone(is), func(f metav1.ManagedFieldsEntry) bool {
		return f.Manager == manager
	})
	if len(left) == len(is) {
		return false
	}
	if len(left) == 0 {
		left = []metav1.ManagedFieldsEntry{{}} // none would be no change
	}
	o.SetManagedFields(left)
	return true
}

// releaseDestination disowns a Destination of others that was set back.
func (s site) releaseDestination(ctx context.Context, name string) error {
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		d, err := s.custom(destinations).Get(ctx, name, metav1.GetOptions{})
		if err != nil || !disowned(d) {
			return err
		}
		_, err = s.custom(destinations).Update(ctx, d, metav1.UpdateOptions{FieldManager: manager})
		return err
	})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// releaseConfigMap disowns a ConfigMap of others that was set back.
func (s site) releaseConfigMap(ctx context.Context, name string) error {
	all := s.access.client.CoreV1().ConfigMaps(s.namespace)
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		m, err := all.Get(ctx, name, metav1.GetOptions{})
		if err != nil || !disowned(m) {
			return err
		}
		_, err = all.Update(ctx, m, metav1.UpdateOptions{FieldManager: manager})
		return err
	})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
