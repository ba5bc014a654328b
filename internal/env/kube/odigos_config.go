package kube

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// programOfContainer is the path of a container's program; empty is its image's entry point.
func programOfContainer(c corev1.Container) string {
	if len(c.Command) == 0 {
		return ""
	}
	return c.Command[0]
}

// configArgs parts a container's arguments into the places of its configuration and the
// others.
func configArgs(c corev1.Container, env []Variable) (uris, others []string) {
	args := c.Args
	if len(c.Command) > 1 {
		args = slices.Concat(c.Command[1:], c.Args)
	}
	for i := 0; i < len(args); i++ {
		arg := expandVariables(args[i], env)
		flag, value, joined := strings.Cut(arg, "=")
		switch {
		case flag != "--config" && flag != "-config":
			others = append(others, arg)
		case joined:
			uris = append(uris, value)
		case i+1 < len(args):
			i++
			uris = append(uris, expandVariables(args[i], env))
		}
	}
	return uris, others
}

// config reads the configuration from the one place that the arguments name.
func (r *reading) config(
	ctx context.Context, d *appsv1.Deployment, c corev1.Container, uris []string,
) (Config, error) {
	switch len(uris) {
	case 0:
		return Config{}, fmt.Errorf("container %s: found no --config among its arguments %q, want one",
			c.Name, slices.Concat(c.Command, c.Args))
	case 1:
	default:
		return Config{}, fmt.Errorf("container %s: found %d configurations, %s, want one: the collector"+
			" merges them; write the merged one into a file and name it in a scenario (gateway.config)",
			c.Name, len(uris), strings.Join(uris, ", "))
	}
	scheme, rest, ok := strings.Cut(uris[0], ":")
	switch {
	case ok && scheme == "k8scm":
		return r.namedConfig(ctx, d, rest)
	case ok && scheme == "file":
		return r.mountedConfig(ctx, d, c, rest)
	case strings.HasPrefix(uris[0], "/"):
		return r.mountedConfig(ctx, d, c, uris[0])
	}
	return Config{}, fmt.Errorf("container %s: found --config=%s, want k8scm:NAMESPACE/NAME/KEY or"+
		" the path of a file in a mounted ConfigMap", c.Name, uris[0])
}

// namedConfig is the ConfigMap that Odigos' own provider reads, NAMESPACE/NAME/KEY.
func (r *reading) namedConfig(
	ctx context.Context, d *appsv1.Deployment, ref string,
) (Config, error) {
	parts := strings.Split(ref, "/")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return Config{}, fmt.Errorf("found --config=k8scm:%s, want k8scm:NAMESPACE/NAME/KEY, such as"+
			" k8scm:%s/%s/%s", ref, d.Namespace, odigosGateway, odigosConfigKey)
	}
	return r.configMap(ctx, parts[0], parts[1], parts[2])
}

// configMap reads one key.
func (r *reading) configMap(ctx context.Context, namespace, name, key string) (Config, error) {
	m, err := r.client.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return Config{}, rightsError("get", "configmaps", namespace, err)
	}
	from := fmt.Sprintf("ConfigMap %s/%s, key %s", namespace, name, key)
	text, ok := m.Data[key]
	if !ok {
		return Config{}, fmt.Errorf("%s: found no such key: it has %s", from, keysIn(m.Data))
	}
	return Config{Text: text, From: from, namespace: namespace, name: name, key: key}, nil
}

// mountedConfig finds the volume in which a file lies.
func (r *reading) mountedConfig(
	ctx context.Context, d *appsv1.Deployment, c corev1.Container, file string,
) (Config, error) {
	mount, inside, ok := mountOf(c, path.Clean(file))
	if !ok {
		return Config{}, fmt.Errorf("container %s: found --config=%s, which is in no mounted volume: it"+
			" is a part of the image; want a file in a mounted ConfigMap", c.Name, file)
	}
	for _, v := range d.Spec.Template.Spec.Volumes {
		if v.Name != mount.Name {
			continue
		}
		name, key, err := keyOf(v, inside)
		if err != nil {
			return Config{}, fmt.Errorf("container %s: --config=%s: volume %s: %w",
				c.Name, file, v.Name, err)
		}
		found, err := r.configMap(ctx, d.Namespace, name, key)
		found.From += ", mounted at " + file
		return found, err
	}
	return Config{}, fmt.Errorf("container %s: --config=%s: found no volume %s",
		c.Name, file, mount.Name)
}

// mountOf is the innermost mount that holds a file, and the file's path within its volume.
func mountOf(c corev1.Container, file string) (mount corev1.VolumeMount, inside string, ok bool) {
	longest := -1
	for _, m := range c.VolumeMounts {
		at := path.Clean(m.MountPath)
		rest, below := strings.CutPrefix(file, strings.TrimSuffix(at, "/")+"/")
		if file == at {
			rest, below = "", true
		}
		if below && len(at) > longest {
			longest, mount, inside, ok = len(at), m, path.Join(m.SubPath, rest), true
		}
	}
	return mount, inside, ok
}

// keyOf is the ConfigMap, and the key in it, that stands at a path of a volume.
func keyOf(v corev1.Volume, inside string) (name, key string, err error) {
	switch {
	case v.ConfigMap != nil:
		if key, ok := itemAt(v.ConfigMap.Items, inside); ok {
			return v.ConfigMap.Name, key, nil
		}
		return "", "", fmt.Errorf("found ConfigMap %s without the file %s", v.ConfigMap.Name, inside)
	case v.Projected != nil:
		for _, s := range v.Projected.Sources {
			if s.ConfigMap == nil {
				continue
			}
			// Without items a source has all its keys, and it may not be the one.
			if key, ok := itemAt(s.ConfigMap.Items, inside); ok &&
				(len(s.ConfigMap.Items) > 0 || len(v.Projected.Sources) == 1) {
				return s.ConfigMap.Name, key, nil
			}
		}
		return "", "", fmt.Errorf("found a projected volume without the file %s from a ConfigMap", inside)
	case v.Secret != nil:
		return "", "", fmt.Errorf("found Secret %s, which is not read; want a ConfigMap",
			v.Secret.SecretName)
	}
	return "", "", errors.New("found a volume that is no ConfigMap, want one")
}

func itemAt(items []corev1.KeyToPath, inside string) (key string, ok bool) {
	for _, i := range items {
		if path.Clean(i.Path) == inside {
			return i.Key, true
		}
	}
	return inside, len(items) == 0 && inside != ""
}
