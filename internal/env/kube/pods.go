package kube

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// Pods are what a user asks of the pods of a run: where they go, and what they bear beside what
// the run itself wants of them. The zero value asks for nothing.
type Pods struct {
	// Name is where they were read.
	Name string `json:"-"`
	// All is of every pod; the others are of a role's pods, and go over it.
	All     PodSettings `json:"all,omitzero"`
	Gateway PodSettings `json:"gateway,omitzero"`
	Backend PodSettings `json:"backend,omitzero"`
	Loadgen PodSettings `json:"loadgen,omitzero"`
	// Tool is of the short pods: of the one that asks a collector for its components, and of
	// the watchdog over an installation in place.
	Tool PodSettings `json:"tool,omitzero"`
}

// PodSettings are fields of a pod, as Kubernetes spells them.
type PodSettings struct {
	Labels            map[string]string             `json:"labels,omitempty"`
	Annotations       map[string]string             `json:"annotations,omitempty"`
	NodeSelector      map[string]string             `json:"nodeSelector,omitempty"`
	Tolerations       []corev1.Toleration           `json:"tolerations,omitempty"`
	Affinity          *corev1.Affinity              `json:"affinity,omitempty"`
	ImagePullSecrets  []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`
	PriorityClassName string                        `json:"priorityClassName,omitempty"`
	// Resources are the only container's. Those of the gateway are the scenario's to say.
	Resources *Resources `json:"resources,omitempty"`
}

// IsZero is whether nothing is asked.
func (s PodSettings) IsZero() bool { return reflect.ValueOf(s).IsZero() }

// Resources are what a container may use, and what is kept for it.
type Resources struct {
	Limits   corev1.ResourceList `json:"limits,omitempty"`
	Requests corev1.ResourceList `json:"requests,omitempty"`
}

// The roles of pods. Those of actors are called as they are.
const (
	allRoles     = "all"
	backendActor = "backend"
	toolRole     = "tool"
)

// role is what is asked of one role's pods alone.
func (p Pods) role(name string) PodSettings {
	switch name {
	case allRoles:
		return p.All
	case gatewayActor:
		return p.Gateway
	case backendActor:
		return p.Backend
	case loadActor:
		return p.Loadgen
	case toolRole:
		return p.Tool
	}
	return PodSettings{}
}

// of is all that is asked of a role's pods.
func (p Pods) of(role string) PodSettings { return p.role(role).over(p.All) }

// over lays settings over those of all pods: maps key by key, lists after theirs, single values
// in their place. Each kind of affinity is one value: the terms of a node selector are
// alternatives, so that those of two lists would let in what either refuses.
func (s PodSettings) over(all PodSettings) PodSettings {
	s.Labels = overlaid(all.Labels, s.Labels)
	s.Annotations = overlaid(all.Annotations, s.Annotations)
	s.NodeSelector = overlaid(all.NodeSelector, s.NodeSelector)
	s.Tolerations = slices.Concat(all.Tolerations, s.Tolerations)
	secrets := slices.Clone(all.ImagePullSecrets)
	for _, secret := range s.ImagePullSecrets { // the API server takes each once
		if !slices.Contains(secrets, secret) {
			secrets = append(secrets, secret)
		}
	}
	s.ImagePullSecrets = secrets
	s.PriorityClassName = cmp.Or(s.PriorityClassName, all.PriorityClassName)
	if all.Affinity != nil {
		both := *all.Affinity
		if own := s.Affinity; own != nil {
			both.NodeAffinity = cmp.Or(own.NodeAffinity, both.NodeAffinity)
			both.PodAffinity = cmp.Or(own.PodAffinity, both.PodAffinity)
			both.PodAntiAffinity = cmp.Or(own.PodAntiAffinity, both.PodAntiAffinity)
		}
		s.Affinity = &both
	}
	return s
}

// overlaid is a new map; nil where both are empty.
func overlaid(below, above map[string]string) map[string]string {
	if len(below) == 0 && len(above) == 0 {
		return nil
	}
	all := make(map[string]string, len(below)+len(above))
	maps.Copy(all, below)
	maps.Copy(all, above)
	return all
}

// Understood are the settings as they were understood, for a record: nil where nothing is asked.
func (p Pods) Understood() map[string]any {
	text, _ := json.Marshal(p) // never fails
	var all map[string]any
	_ = json.Unmarshal(text, &all) // nor does this
	if len(all) == 0 {
		return nil
	}
	return all
}

// Limited is an actor with the limits that its pods are given here, so that it is judged by them.
// Where the scenario limits it too, which of both is meant is not known: an error.
func (p Pods) Limited(a env.Actor) (env.Actor, error) {
	r := p.role(a.Name).Resources
	if r == nil || a.Name == gatewayActor {
		return a, nil
	}
	limits := env.Limits(amount(r.Limits))
	if a.Limits != (env.Limits{}) && a.Limits != limits {
		return a, fmt.Errorf("%s: %s.resources: found them beside the scenario's own limits (%s), want "+
			"one of both", p.Name, a.Name, limitField(a.Name))
	}
	a.Limits = limits
	return a, nil
}

// limitField is where a scenario limits an end.
func limitField(actor string) string {
	if actor == loadActor {
		return "load.cpu_limit"
	}
	return actor + ".cpu_limit"
}

// Requests are what a pod of an actor asks its node for.
func (p Pods) Requests(a env.Actor) env.Limits {
	r := p.role(a.Name).Resources
	if r == nil {
		return a.Limits
	}
	return env.Limits(amount(r.requests()))
}

// requests are those that are given, and for the rest the limits, as everywhere in a run.
func (r Resources) requests() corev1.ResourceList {
	all := corev1.ResourceList{}
	maps.Copy(all, r.Limits)
	maps.Copy(all, r.Requests)
	return all
}

func (r Resources) applied() *coreac.ResourceRequirementsApplyConfiguration {
	applied := coreac.ResourceRequirements()
	if len(r.Limits) > 0 {
		applied.WithLimits(maps.Clone(r.Limits))
	}
	if requests := r.requests(); len(requests) > 0 {
		applied.WithRequests(requests)
	}
	return applied
}

// toolResources are those of a short pod: what it is known to need, unless others are asked for.
func (p Pods) toolResources(known Resources) *coreac.ResourceRequirementsApplyConfiguration {
	if r := p.Tool.Resources; r != nil {
		known = *r
	}
	return known.applied()
}

// written are resources that are written out: CPU and memory, requested and at most.
func written(cpu, memory, mostCPU, mostMemory string) Resources {
	list := func(cpu, memory string) corev1.ResourceList {
		return corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory),
		}
	}
	return Resources{Requests: list(cpu, memory), Limits: list(mostCPU, mostMemory)}
}

// template is a pod of a role, with what is asked of such pods laid over what the run wants of
// it. The run's labels, and the annotations that it needs, cannot be asked otherwise (check).
func (d drawing) template(
	role, component string, annotations map[string]string, spec *coreac.PodSpecApplyConfiguration,
) *coreac.PodTemplateSpecApplyConfiguration {
	s := d.pods.of(role)
	t := coreac.PodTemplateSpec().
		WithLabels(overlaid(s.Labels, d.naming.labels(component))).
		WithAnnotations(overlaid(annotations, s.Annotations))
	if s.Affinity != nil && s.Affinity.PodAntiAffinity != nil {
		spec.Affinity = nil // it is replaced
	}
	s.Labels, s.Annotations, s.Resources = nil, nil, nil
	// What is left are fields of a pod's specification: maps are laid over its maps, key by key.
	text, _ := json.Marshal(s)
	_ = json.Unmarshal(text, spec) // neither fails: both are of one schema
	return t.WithSpec(spec)
}
