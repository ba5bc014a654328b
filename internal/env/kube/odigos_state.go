package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Pod is one of a gateway's.
type Pod struct {
	Name     string `json:"name"`
	Node     string `json:"node,omitempty"`
	Ready    bool   `json:"ready"`
	Restarts int    `json:"restarts"`
	// LastEnd is how the container ended last; nil: it has not.
	LastEnd *End `json:"last_end,omitempty"`
}

// An End is how a container ended.
type End struct {
	Reason string    `json:"reason"` // OOMKilled, Error, Completed …
	Code   int       `json:"exit_code"`
	At     time.Time `json:"at"`
}

// OOMKilled is the reason of a container that the kernel killed at its memory limit.
const OOMKilled = "OOMKilled"

// An Autoscaler is the HorizontalPodAutoscaler of a gateway. Without a name there is none.
type Autoscaler struct {
	Name    string `json:"name"`
	Min     int    `json:"min,omitempty"`
	Max     int    `json:"max,omitempty"`
	Current int    `json:"current,omitempty"`
	Desired int    `json:"desired,omitempty"`
	// Targets are what it keeps, such as "cpu 750m average".
	Targets []string `json:"targets,omitempty"`
}

// pods are the gateway's, and what they run goes into f.
func (r *reading) pods(ctx context.Context, d *appsv1.Deployment, f *Found) []Pod {
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil || selector.Empty() {
		r.lacks("Pods are not known", fmt.Errorf("found no usable selector in Deployment %s", d.Name))
		return nil
	}
	list, err := r.client.CoreV1().Pods(d.Namespace).List(ctx,
		metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		r.lacks("Restarts and OOM kills are not known", rightsError("list", "pods", d.Namespace, err))
		return nil
	}
	var all []Pod
	for _, p := range list.Items {
		all = append(all, podOf(p, f))
	}
	slices.SortFunc(all, func(a, b Pod) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func podOf(p corev1.Pod, f *Found) Pod {
	out := Pod{Name: p.Name, Node: p.Spec.NodeName}
	for _, s := range p.Status.ContainerStatuses {
		if s.Name != f.Container {
			continue
		}
		out.Ready, out.Restarts = s.Ready, int(s.RestartCount)
		if s.Image != "" && s.ImageID != "" && f.ImageID == "" {
			f.ImageID = s.ImageID
		}
		end := s.LastTerminationState.Terminated
		if s.State.Terminated != nil {
			end = s.State.Terminated
		}
		if end != nil {
			out.LastEnd = &End{
				Reason: end.Reason, Code: int(end.ExitCode), At: end.FinishedAt.UTC(),
			}
		}
	}
	return out
}

// autoscaler is the one that scales the Deployment; nil: not known.
func (r *reading) autoscaler(ctx context.Context, d *appsv1.Deployment) *Autoscaler {
	list, err := r.client.AutoscalingV2().HorizontalPodAutoscalers(d.Namespace).
		List(ctx, metav1.ListOptions{})
	if err != nil {
		r.lacks("Whether it is scaled by an HPA is not known",
			rightsError("list", "horizontalpodautoscalers.autoscaling", d.Namespace, err))
		return nil
	}
	for _, h := range list.Items {
		target := h.Spec.ScaleTargetRef
		if target.Kind != "Deployment" || target.Name != d.Name {
			continue
		}
		a := &Autoscaler{
			Name: h.Name, Min: 1, Max: int(h.Spec.MaxReplicas),
			Current: int(h.Status.CurrentReplicas), Desired: int(h.Status.DesiredReplicas),
		}
		if h.Spec.MinReplicas != nil {
			a.Min = int(*h.Spec.MinReplicas)
		}
		for _, m := range h.Spec.Metrics {
			a.Targets = append(a.Targets, targetOf(m))
		}
		return a
	}
	return &Autoscaler{}
}

// targetOf says in words what a metric is to be kept at.
func targetOf(m autoscalingv2.MetricSpec) string {
	switch {
	case m.Resource != nil:
		return string(m.Resource.Name) + " " + aim(m.Resource.Target)
	case m.ContainerResource != nil:
		return fmt.Sprintf("%s of container %s %s", m.ContainerResource.Name,
			m.ContainerResource.Container, aim(m.ContainerResource.Target))
	case m.Object != nil:
		return fmt.Sprintf("%s of %s %s %s", m.Object.Metric.Name,
			m.Object.DescribedObject.Kind, m.Object.DescribedObject.Name, aim(m.Object.Target))
	case m.Pods != nil:
		return m.Pods.Metric.Name + " " + aim(m.Pods.Target)
	case m.External != nil:
		return m.External.Metric.Name + " " + aim(m.External.Target)
	}
	return "a metric of type " + string(m.Type)
}

func aim(t autoscalingv2.MetricTarget) string {
	switch {
	case t.AverageUtilization != nil:
		return fmt.Sprintf("%d%% of requests", *t.AverageUtilization)
	case t.AverageValue != nil:
		return t.AverageValue.String() + " average"
	case t.Value != nil:
		return t.Value.String()
	}
	return "without a target"
}
