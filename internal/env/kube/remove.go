package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
)

// removeNamespace deletes a namespace with all that is in it, and waits until it is gone.
func removeNamespace(ctx context.Context, a access, name string, uid types.UID) error {
	namespaces := a.client.CoreV1().Namespaces()
	options := metav1.DeleteOptions{}
	if uid != "" {
		options.Preconditions = metav1.NewUIDPreconditions(string(uid))
	}
	err := namespaces.Delete(ctx, name, options)
	// A conflict: it is another's of the same name, or on its way out. The wait tells which.
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("remove namespace %s: %w", name, err)
	}
	last := ""
	err = wait.PollUntilContextCancel(ctx, askAgain, true, func(ctx context.Context) (bool, error) {
		found, err := namespaces.Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err) || err == nil && found.UID != uid && uid != "":
			return true, nil
		case err != nil && apierrors.IsForbidden(err):
			return false, err
		case err == nil:
			last = remains(found.Status.Conditions)
		}
		return false, nil // what cannot be asked now is asked again
	})
	if err != nil {
		return fmt.Errorf("wait until namespace %s is gone: %w%s", name, err, last)
	}
	return nil
}

// remains says what holds a namespace up that is on its way out.
func remains(conditions []corev1.NamespaceCondition) string {
	for _, c := range conditions {
		if c.Status == corev1.ConditionTrue && c.Message != "" {
			return "; " + c.Message
		}
	}
	return ""
}

// removeAll deletes objects in the run's namespace, the last first, and waits until what
// holds pods is gone.
func (k *Kube) removeAll(ctx context.Context, made []object) error {
	var errs []error
	for _, o := range slices.Backward(made) {
		if err := k.remove(ctx, o, nil); err != nil {
			errs = append(errs, err)
			continue
		}
		if o.kind == kindDeployment || o.kind == kindJob || o.kind == kindPod {
			errs = append(errs, k.awaitGone(ctx, o))
		}
	}
	return errors.Join(errs...)
}
