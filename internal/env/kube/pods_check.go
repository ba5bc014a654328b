package kube

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
)

// A complaint is a value that cannot be asked for.
type complaint struct{ path, found, want string }

// Error implements error.
func (c complaint) Error() string {
	return fmt.Sprintf("%s: found %s, want %s", c.path, c.found, c.want)
}

// check says what cannot be asked for, whatever the cluster.
func (p Pods) check() (all []error) {
	for _, role := range roleKeys {
		s := p.role(role)
		for _, c := range slices.Concat(
			s.checkKeys(), s.checkSelector(), s.checkTolerations(), s.checkNames(), s.checkResources(role),
		) {
			c.path = role + "." + c.path
			all = append(all, c)
		}
	}
	return all
}

// ownPrefixes are those of keys that the tool, or a Job's controller, goes by.
var ownPrefixes = []string{"stress.odigos.io/", batchv1.JobCompletionIndexAnnotation}

func isOwn(key string) bool {
	has := func(prefix string) bool { return strings.HasPrefix(key, prefix) }
	return slices.ContainsFunc(ownPrefixes, has)
}

// checkKeys is about labels and annotations.
func (s PodSettings) checkKeys() (all []complaint) {
	ours := naming{}.labels("")
	for _, key := range slices.Sorted(maps.Keys(s.Labels)) {
		path := "labels." + key
		if _, taken := ours[key]; taken || isOwn(key) {
			all = append(all, complaint{path, "a label that the tool sets", "another key"})
		}
		all = append(all, checkLabel(path, key, s.Labels[key])...)
	}
	for _, key := range slices.Sorted(maps.Keys(s.Annotations)) {
		path := "annotations." + key
		if isOwn(key) {
			all = append(all, complaint{path, "an annotation that the tool needs", "another key"})
		}
		if bad := content.IsLabelKey(strings.ToLower(key)); len(bad) > 0 {
			all = append(all, complaint{path, "no key of an annotation", bad[0]})
		}
	}
	return all
}

func checkLabel(path, key, value string) (all []complaint) {
	if bad := content.IsLabelKey(key); len(bad) > 0 {
		all = append(all, complaint{path, "no key of a label", bad[0]})
	}
	if bad := content.IsLabelValue(value); len(bad) > 0 {
		all = append(all, complaint{path, fmt.Sprintf("%q", value), bad[0]})
	}
	return all
}

// checkSelector is about the nodes that are asked for by their labels.
func (s PodSettings) checkSelector() (all []complaint) {
	for _, key := range slices.Sorted(maps.Keys(s.NodeSelector)) {
		path, value := "nodeSelector."+key, s.NodeSelector[key]
		if key == corev1.LabelOSStable && value != linux {
			all = append(all, complaint{path, value, linux + ": the image is for no other"})
		}
		all = append(all, checkLabel(path, key, value)...)
	}
	if required := s.requiredNodes(); required != nil {
		path := "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
		if len(required.NodeSelectorTerms) == 0 {
			all = append(all, complaint{path + ".nodeSelectorTerms", "none", "one or more"})
		}
		_, err := nodeaffinity.NewNodeSelector(required, field.WithPath(field.NewPath(path)))
		if err != nil {
			all = append(all, complaint{path, err.Error(), "what Kubernetes takes there"})
		}
	}
	return all
}

// requiredNodes are the nodes that the affinity insists on; nil: it does not.
func (s PodSettings) requiredNodes() *corev1.NodeSelector {
	if s.Affinity == nil || s.Affinity.NodeAffinity == nil {
		return nil
	}
	return s.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
}

// linux is the only system that a run's pods are for.
const linux = "linux"

func (s PodSettings) checkTolerations() (all []complaint) {
	operators := []corev1.TolerationOperator{
		"", corev1.TolerationOpEqual, corev1.TolerationOpExists, corev1.TolerationOpLt,
		corev1.TolerationOpGt,
	}
	effects := []corev1.TaintEffect{
		"", corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute,
	}
	for n, t := range s.Tolerations {
		path := fmt.Sprintf("tolerations[%d]", n)
		bad := func(field, found, want string) {
			all = append(all, complaint{path + field, found, want})
		}
		if !slices.Contains(operators, t.Operator) {
			bad(".operator", string(t.Operator), "Equal or Exists")
		}
		if !slices.Contains(effects, t.Effect) {
			bad(".effect", string(t.Effect), "NoSchedule, PreferNoSchedule or NoExecute")
		}
		if t.Key == "" && t.Operator != corev1.TolerationOpExists {
			bad("", "no key", "a key, or operator Exists for all")
		}
		if t.Operator == corev1.TolerationOpExists && t.Value != "" {
			bad(".value", t.Value, "none with operator Exists")
		}
		if t.TolerationSeconds != nil && t.Effect != corev1.TaintEffectNoExecute {
			bad(".tolerationSeconds", fmt.Sprint(*t.TolerationSeconds), "it with effect NoExecute alone")
		}
	}
	return all
}

// checkNames is about names of other objects.
func (s PodSettings) checkNames() (all []complaint) {
	for n, secret := range s.ImagePullSecrets {
		if bad := content.IsDNS1123Subdomain(secret.Name); len(bad) > 0 {
			path := fmt.Sprintf("imagePullSecrets[%d].name", n)
			all = append(all, complaint{path, fmt.Sprintf("%q", secret.Name), "the name of a Secret"})
		}
	}
	if name := s.PriorityClassName; name != "" && len(content.IsDNS1123Subdomain(name)) > 0 {
		all = append(all, complaint{
			"priorityClassName", fmt.Sprintf("%q", name), "the name of a PriorityClass",
		})
	}
	return all
}

func (s PodSettings) checkResources(role string) (all []complaint) {
	switch r := s.Resources; {
	case r == nil:
	case role == gatewayActor:
		return []complaint{{
			"resources", "some", "none: the gateway's limits are the question, which the scenario asks " +
				"(gateway.cpu_limit, gateway.memory_limit)",
		}}
	case role == allRoles:
		return []complaint{{"resources", "some", "those of backend, loadgen or tool, each by itself"}}
	default:
		for name, asked := range r.Requests {
			if most, limited := r.Limits[name]; limited && asked.Cmp(most) > 0 {
				all = append(all, complaint{
					"resources.requests." + string(name), asked.String(),
					fmt.Sprintf("at most the limit of %s", most.String()),
				})
			}
		}
		slices.SortFunc(all, func(a, b complaint) int { return strings.Compare(a.path, b.path) })
	}
	return all
}

// CheckNamespace refuses Secrets in a namespace that the run makes: nobody can have put any there.
// The watchdog of an installation in place lives in that installation's namespace, and its gateway
// is not the run's to start.
func (p Pods) CheckNamespace(own, inPlace bool) error {
	if !own {
		return nil
	}
	for _, role := range roleKeys {
		s := p.role(role)
		if len(s.ImagePullSecrets) == 0 || inPlace && (role == toolRole || role == gatewayActor) {
			continue
		}
		return fmt.Errorf("%s: %s.imagePullSecrets: found %s with a namespace that the run makes, "+
			"which has no Secrets; want a namespace that is there and has it, by --namespace", p.Name,
			role, s.ImagePullSecrets[0].Name)
	}
	return nil
}
