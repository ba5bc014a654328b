package kube

import (
	"encoding/json"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// A Placement is what decides on the nodes that pods go to, in words.
type Placement struct {
	NodeSelector map[string]string `json:"node_selector,omitempty"`
	// Tolerations are as taints are written: key=value:effect. Without a key it is every taint.
	Tolerations []string `json:"tolerations,omitempty"`
	// Affinity is by its kinds: nodeAffinity, podAffinity, podAntiAffinity.
	Affinity      map[string]string `json:"affinity,omitempty"`
	PriorityClass string            `json:"priority_class,omitempty"`
}

// IsZero is whether it decides on nothing.
func (p Placement) IsZero() bool {
	return len(p.NodeSelector) == 0 && len(p.Tolerations) == 0 && len(p.Affinity) == 0 &&
		p.PriorityClass == ""
}

func (s PodSettings) placement() Placement {
	p := Placement{NodeSelector: maps.Clone(s.NodeSelector), PriorityClass: s.PriorityClassName}
	for _, t := range s.Tolerations {
		p.Tolerations = append(p.Tolerations, tolerationText(t))
	}
	text, _ := json.Marshal(s.Affinity) // never fails
	var kinds map[string]json.RawMessage
	_ = json.Unmarshal(text, &kinds)
	for kind, terms := range kinds {
		if p.Affinity == nil {
			p.Affinity = map[string]string{}
		}
		p.Affinity[kind] = string(terms)
	}
	return p
}

// tolerationText is a toleration as the taint that it is for.
func tolerationText(t corev1.Toleration) string {
	text := t.Key
	switch {
	case text == "":
		text = "*"
	case t.Operator == corev1.TolerationOpLt || t.Operator == corev1.TolerationOpGt:
		text += " " + string(t.Operator) + " " + t.Value
	case t.Operator != corev1.TolerationOpExists:
		text += "=" + t.Value
	}
	if t.Effect != "" {
		text += ":" + string(t.Effect)
	}
	return text
}

func (s PodSettings) secrets() (names []string) {
	for _, secret := range s.ImagePullSecrets {
		names = append(names, secret.Name)
	}
	return names
}

// Beside is a gateway without that of its placement, and those of its pull secrets, which a copy
// has too: what is left is what differs.
func (f Found) Beside(p Pods) Found {
	s := p.of(gatewayActor)
	has, left := s.placement(), f.Placement
	left.NodeSelector, left.Affinity = maps.Clone(left.NodeSelector), maps.Clone(left.Affinity)
	maps.DeleteFunc(left.NodeSelector, func(key, value string) bool {
		return has.NodeSelector[key] == value || key == corev1.LabelOSStable && value == linux
	})
	left.Tolerations = without(left.Tolerations, has.Tolerations)
	maps.DeleteFunc(left.Affinity, func(kind, terms string) bool {
		return has.Affinity[kind] == terms
	})
	if left.PriorityClass == has.PriorityClass {
		left.PriorityClass = ""
	}
	f.Placement, f.PullSecrets = left, without(f.PullSecrets, s.secrets())
	return f
}

// without is a new list.
func without(all, known []string) []string {
	isKnown := func(s string) bool { return slices.Contains(known, s) }
	return slices.DeleteFunc(slices.Clone(all), isKnown)
}
