package kube

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// status is that of a pod's only container.
func status(p *corev1.Pod) *corev1.ContainerStatus {
	if len(p.Status.ContainerStatuses) == 0 {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{
			Name: p.Spec.Containers[0].Name, Image: p.Spec.Containers[0].Image,
		}}
	}
	return &p.Status.ContainerStatuses[0]
}

func condition(p *corev1.Pod, of corev1.PodConditionType, is corev1.ConditionStatus, reason, message string) {
	for i := range p.Status.Conditions {
		if c := &p.Status.Conditions[i]; c.Type == of {
			c.Status, c.Reason, c.Message = is, reason, message
			return
		}
	}
	p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{
		Type: of, Status: is, Reason: reason, Message: message,
	})
}

// ready makes a pod's container run for the nth time, and be ready.
func ready(p *corev1.Pod, n int32) {
	p.Status.Phase = corev1.PodRunning
	s := status(p)
	s.RestartCount = n
	s.ContainerID = fmt.Sprintf("containerd://%s-%d", p.Name, n)
	s.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}
	condition(p, corev1.PodScheduled, corev1.ConditionTrue, "", "")
	condition(p, corev1.PodReady, corev1.ConditionTrue, "", "")
}

// terminate ends it.
func terminate(p *corev1.Pod, e corev1.ContainerStateTerminated) {
	s := status(p)
	e.ContainerID = s.ContainerID
	if e.FinishedAt.IsZero() {
		e.FinishedAt = metav1.Now()
	}
	s.State = corev1.ContainerState{Terminated: &e}
	condition(p, corev1.PodReady, corev1.ConditionFalse, "ContainersNotReady", "")
}

// restart is what kubelet does with a container that has ended.
func restart(p *corev1.Pod) {
	s := status(p)
	s.LastTerminationState = s.State
	ready(p, s.RestartCount+1)
}
