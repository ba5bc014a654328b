package kube

import (
	"context"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Variable is one of a container's environment.
type Variable struct {
	Name string       `json:"name"`
	Kind VariableKind `json:"kind"`
	// From is what the kind refers to: NAME/KEY of a ConfigMap or Secret, a field, a resource.
	From string `json:"from,omitempty"`
	// Value is what it stands for, where Known.
	Value string `json:"value,omitempty"`
	Known bool   `json:"known"`
}

// A VariableKind is where a variable gets its value.
type VariableKind string

// The kinds of variables. Secrets are not read; a field is another one in each pod.
const (
	VariableValue     VariableKind = "value"
	VariableConfigMap VariableKind = "configmap"
	VariableSecret    VariableKind = "secret"
	VariableField     VariableKind = "field"
	VariableResource  VariableKind = "resource"
)

// variables are those of a container, each once, as the kubelet would set them: later ones
// go before earlier ones of the same name.
func (r *reading) variables(
	ctx context.Context, d *appsv1.Deployment, c corev1.Container,
) []Variable {
	var all []Variable
	put := func(v Variable) {
		if i := slices.IndexFunc(all, func(o Variable) bool { return o.Name == v.Name }); i >= 0 {
			all = slices.Delete(all, i, i+1)
		}
		all = append(all, v)
	}
	for _, source := range c.EnvFrom {
		for _, v := range r.wholeSource(ctx, d.Namespace, source) {
			put(v)
		}
	}
	for _, e := range c.Env {
		if e.ValueFrom == nil {
			put(Variable{
				Name: e.Name, Kind: VariableValue, Value: expandVariables(e.Value, all), Known: true,
			})
			continue
		}
		v := r.referred(ctx, d.Namespace, c, *e.ValueFrom)
		v.Name = e.Name
		put(v)
	}
	return all
}

// wholeSource are all variables of one ConfigMap; those of a Secret are one, whose name
// says that there are more.
func (r *reading) wholeSource(
	ctx context.Context, namespace string, s corev1.EnvFromSource,
) []Variable {
	switch {
	case s.SecretRef != nil:
		return []Variable{{Name: s.Prefix + "*", Kind: VariableSecret, From: s.SecretRef.Name}}
	case s.ConfigMapRef == nil:
		return nil
	}
	name := s.ConfigMapRef.Name
	m, err := r.client.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		r.lacks("Variables of ConfigMap "+name+" are not known",
			rightsError("get", "configmaps", namespace, err))
		return []Variable{{Name: s.Prefix + "*", Kind: VariableConfigMap, From: name}}
	}
	var all []Variable
	for _, key := range slices.Sorted(maps.Keys(m.Data)) {
		all = append(all, Variable{
			Name: s.Prefix + key, Kind: VariableConfigMap, From: name + "/" + key,
			Value: m.Data[key], Known: true,
		})
	}
	return all
}

// referred is a variable whose value stands elsewhere.
func (r *reading) referred(
	ctx context.Context, namespace string, c corev1.Container, s corev1.EnvVarSource,
) Variable {
	switch {
	case s.ConfigMapKeyRef != nil:
		ref := s.ConfigMapKeyRef
		v := Variable{Kind: VariableConfigMap, From: ref.Name + "/" + ref.Key}
		found, err := r.configMap(ctx, namespace, ref.Name, ref.Key)
		if err != nil {
			r.lacks("A variable from ConfigMap "+v.From+" is not known", err)
			return v
		}
		v.Value, v.Known = found.Text, true
		return v
	case s.SecretKeyRef != nil:
		return Variable{Kind: VariableSecret, From: s.SecretKeyRef.Name + "/" + s.SecretKeyRef.Key}
	case s.ResourceFieldRef != nil:
		v := Variable{Kind: VariableResource, From: s.ResourceFieldRef.Resource}
		v.Value, v.Known = ownResource(c, *s.ResourceFieldRef)
		return v
	case s.FieldRef != nil:
		return Variable{Kind: VariableField, From: s.FieldRef.FieldPath}
	}
	return Variable{Kind: VariableField, From: "a source of another kind"}
}

// ownResource is a container's own limit or request in units of the divisor, rounded up, as
// the kubelet writes it. Without a limit it writes what the node has, which is not known.
func ownResource(c corev1.Container, ref corev1.ResourceFieldSelector) (string, bool) {
	list := map[string]corev1.ResourceList{
		"limits": c.Resources.Limits, "requests": c.Resources.Requests,
	}
	section, name, _ := strings.Cut(ref.Resource, ".")
	q, ok := list[section][corev1.ResourceName(name)]
	if !ok {
		return "", false
	}
	if ref.Divisor.IsZero() {
		return strconv.FormatInt(q.Value(), 10), true
	}
	of, by := float64(q.Value()), float64(ref.Divisor.Value())
	if name == string(corev1.ResourceCPU) {
		of, by = float64(q.MilliValue()), float64(ref.Divisor.MilliValue())
	}
	return strconv.FormatInt(int64(math.Ceil(of/by)), 10), true
}

// expandVariables replaces $(NAME) by variables that are known, as the kubelet does; $$ before a
// parenthesis is a dollar sign.
func expandVariables(text string, env []Variable) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "$")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, closed := strings.Cut(strings.TrimPrefix(rest, "("), ")")
		i := slices.IndexFunc(env, func(v Variable) bool { return v.Known && v.Name == name })
		switch {
		case strings.HasPrefix(rest, "$"):
			b.WriteString("$")
			text = rest[1:]
		case closed && i >= 0 && strings.HasPrefix(rest, "("):
			b.WriteString(env[i].Value)
			text = after
		default:
			b.WriteString("$")
			text = rest
		}
	}
}

// keysIn are the keys of a map, for an error.
func keysIn(of map[string]string) string {
	if len(of) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(of)), ", ")
}
