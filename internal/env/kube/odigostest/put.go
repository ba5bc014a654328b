package odigostest

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// in is a resource in the stand-in's namespace, or in none.
func (o *Odigos) in(of schema.GroupVersionResource, namespace string) dynamic.ResourceInterface {
	if namespace == "" {
		return o.Client.Resource(of)
	}
	return o.Client.Resource(of).Namespace(namespace)
}

// put makes an object, or puts back in it what is wanted and is not so. What others have
// added stays, such as the API server's defaults.
func (o *Odigos) put(
	ctx context.Context, of schema.GroupVersionResource, wanted *unstructured.Unstructured,
) error {
	in := o.in(of, wanted.GetNamespace())
	there, err := in.Get(ctx, wanted.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = in.Create(ctx, wanted, metav1.CreateOptions{})
		return named("create", wanted, err)
	}
	if err != nil {
		return named("get", wanted, err)
	}
	merged, _ := over(there.Object, wanted.Object).(map[string]any)
	if reflect.DeepEqual(merged, there.Object) {
		return nil
	}
	_, err = in.Update(ctx, &unstructured.Unstructured{Object: merged}, metav1.UpdateOptions{})
	return named("update", wanted, err)
}

// over lays what is wanted over what is there. Lists of one length are gone through item by
// item, others replaced.
func over(there, wanted any) any {
	switch wanted := wanted.(type) {
	case map[string]any:
		was, ok := there.(map[string]any)
		if !ok {
			return wanted
		}
		out := make(map[string]any, len(was))
		for key, value := range was {
			out[key] = value
		}
		for key, value := range wanted {
			out[key] = over(was[key], value)
		}
		return out
	case []any:
		was, ok := there.([]any)
		if !ok || len(was) != len(wanted) {
			return wanted
		}
		out := make([]any, len(wanted))
		for i := range wanted {
			out[i] = over(was[i], wanted[i])
		}
		return out
	}
	return wanted
}

func named(verb string, o *unstructured.Unstructured, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s %s: %w", verb, o.GetKind(), o.GetName(), err)
}

// A condition is what the status of an object says of one thing.
type condition struct{ name, status, reason, message string }

// tell writes a condition into an object's status, and what else belongs there.
func (o *Odigos) tell(
	ctx context.Context, of schema.GroupVersionResource, object *unstructured.Unstructured,
	c condition, more map[string]any,
) error {
	out := object.DeepCopy()
	all, _, _ := unstructured.NestedSlice(out.Object, "status", "conditions")
	said := map[string]any{
		"type": c.name, "status": c.status, "reason": c.reason, "message": c.message,
		"observedGeneration": object.GetGeneration(),
		"lastTransitionTime": o.now().UTC().Format("2006-01-02T15:04:05Z"),
	}
	i := slices.IndexFunc(all, func(o any) bool { return field(o, "type") == c.name })
	if i >= 0 && field(all[i], "status") == c.status {
		said["lastTransitionTime"] = field(all[i], "lastTransitionTime")
	}
	if i < 0 {
		i, all = len(all), append(all, nil)
	}
	all[i] = said
	if err := unstructured.SetNestedSlice(out.Object, all, "status", "conditions"); err != nil {
		return named("tell of", object, err)
	}
	for key, value := range more {
		if err := unstructured.SetNestedField(out.Object, value, "status", key); err != nil {
			return named("tell of", object, err)
		}
	}
	if reflect.DeepEqual(out.Object, object.Object) {
		return nil
	}
	_, err := o.in(of, object.GetNamespace()).UpdateStatus(ctx, out, metav1.UpdateOptions{})
	return named("tell of", object, err)
}

func field(of any, key string) any {
	m, _ := of.(map[string]any)
	return m[key]
}

// conditionOf is the status of a condition; empty where there is none.
func conditionOf(o *unstructured.Unstructured, name string) string {
	all, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range all {
		if field(c, "type") == name {
			status, _ := field(c, "status").(string)
			return status
		}
	}
	return ""
}
