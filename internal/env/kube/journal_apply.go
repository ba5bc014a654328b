package kube

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/retry"
)

// An errRefused is that a change was certainly not made. Of any other error it may have been:
// the answer may be lost.
type errRefused struct{ why error }

// Error implements error.
func (e errRefused) Error() string { return e.why.Error() }

// Unwrap lets it be looked into.
func (e errRefused) Unwrap() error { return e.why }

// apply makes the change. What stands there otherwise than when it was written down is an
// error, and is left.
func (c change) apply(ctx context.Context, s site) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var err error
	switch {
	case c.Make != "":
		err = c.create(ctx, s)
	case c.Disable != "":
		err = s.setDisabled(ctx, c.Disable, c.Was, new(true))
	default:
		tried := false
		err = s.setText(ctx, c.Configure, c.Key, func(text string) (string, error) {
			if text != c.BeforeText {
				const changed = "somebody changed it just now: want it left alone during the start"
				return "", errChanged{changed, tried}
			}
			tried = true
			return c.AfterText, nil
		})
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s in namespace %s: %w", c, s.namespace, told(err))
	if refused(err) {
		return errRefused{err}
	}
	return err
}

// refused is whether an error says that nothing was changed: somebody else did before, or the API
// server would not.
func refused(err error) bool {
	var changed errChanged
	if errors.As(err, &changed) {
		return !changed.tried
	}
	return apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsNotFound(err) ||
		apierrors.IsBadRequest(err) || apierrors.IsUnauthorized(err) ||
		apierrors.IsMethodNotSupported(err) || apierrors.IsRequestEntityTooLargeError(err)
}

// create makes an object. One that is there and bears this run's mark was made by a request whose
// answer was lost.
func (c change) create(ctx context.Context, s site) error {
	_, err := s.custom(c.Make).Create(ctx, c.object, metav1.CreateOptions{FieldManager: manager})
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	found, err := s.custom(c.Make).Get(ctx, c.Name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("look at the one that is there: %w", err)
	}
	if found.GetLabels()[labelRun] == c.Run {
		return nil
	}
	return errChanged{is: "there is one of that name, which is not this run's: want it renamed, or " +
		"removed"}
}

// errChanged is that something is not as the run left it.
type errChanged struct {
	is string
	// tried is set where the run had sent a change of its own before it looked.
	tried bool
}

// Error implements error.
func (e errChanged) Error() string { return e.is }

// setDisabled sets spec.disabled, where it is still as it was. Nil takes it away.
func (s site) setDisabled(ctx context.Context, name string, was, to *bool) error {
	tried := false
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		d, err := s.custom(destinations).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		is, err := disabled(d)
		if err != nil {
			return err
		}
		if !same(is, was) {
			return errChanged{"spec.disabled is " + truth(is), tried}
		}
		if to == nil {
			unstructured.RemoveNestedField(d.Object, "spec", "disabled")
		} else if err := unstructured.SetNestedField(d.Object, *to, "spec", "disabled"); err != nil {
			return err
		}
		tried = true
		d, err = s.custom(destinations).Update(ctx, d, metav1.UpdateOptions{FieldManager: manager})
		if err != nil {
			return err
		}
		// A schema that does not know the field has the API server drop it without a word.
		if is, err := disabled(d); err != nil || !same(is, to) {
			return fmt.Errorf("the cluster did not take spec.disabled %s: this version of Odigos may not "+
				"know it; want one that does", truth(to))
		}
		return nil
	})
}
