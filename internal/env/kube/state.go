package kube

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// An incarnation is one life of an actor's container in one pod: kubelet gives a container
// that it starts again another id.
type incarnation struct {
	uid       types.UID
	namespace string
	pod, node string
	container string
	id        string
	began     time.Time // to the second, by the node's clock
}

// incarnationOf is the life that a pod's container leads now.
func incarnationOf(p *corev1.Pod, container string) (incarnation, bool) {
	s := statusOfContainer(p, container)
	if s == nil || s.State.Running == nil || s.ContainerID == "" {
		return incarnation{}, false
	}
	return incarnation{
		uid: p.UID, namespace: p.Namespace, pod: p.Name, node: p.Spec.NodeName, container: container,
		id: s.ContainerID, began: s.State.Running.StartedAt.Time,
	}, true
}

func statusOfContainer(p *corev1.Pod, name string) *corev1.ContainerStatus {
	for i := range p.Status.ContainerStatuses {
		if s := &p.Status.ContainerStatuses[i]; s.Name == name {
			return s
		}
	}
	return nil
}

// state is whether i goes on, and how it ended if not.
func (t *table) state(i incarnation) env.State {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, known := t.pods[i.uid]
	if !known {
		return env.State{Running: true} // nothing was heard since it was seen to run
	}
	why := reasonOf(p)
	if end, ended := t.ends[i.id]; ended {
		if asked, ok := t.asked[i.uid]; why == "" && ok &&
			!asked.After(end.FinishedAt.Add(startSlack)) { // of two clocks, to the second
			why = env.ReasonDeleted
		}
		return endOf(end, why)
	}
	if at, gone := t.gone[i.uid]; gone {
		if why == "" {
			why = env.ReasonDeleted
		}
		return env.State{ExitCode: -1, Ended: at, Reason: why}
	}
	if over(p) {
		return env.State{ExitCode: -1, Ended: transition(p), Reason: why}
	}
	if s := statusOfContainer(p, i.container); s != nil && replaces(s, i) {
		return env.State{
			ExitCode: -1, Ended: startOf(s),
			Reason: "it was started again more than once since it was last seen",
		}
	}
	return env.State{Running: true}
}

// askedAt is when a pod's end was asked for, to the second.
func askedAt(p *corev1.Pod) time.Time {
	grace := time.Duration(0)
	if s := p.DeletionGracePeriodSeconds; s != nil {
		grace = time.Duration(*s) * time.Second
	}
	return p.DeletionTimestamp.Add(-grace)
}

// replaces is whether a container is another than i was.
func replaces(s *corev1.ContainerStatus, i incarnation) bool {
	return s.ContainerID != "" && s.ContainerID != i.id
}

// startOf is when the container runs that took another's place: that ended before.
func startOf(s *corev1.ContainerStatus) time.Time {
	if s.State.Running != nil {
		return s.State.Running.StartedAt.Time
	}
	return time.Time{}
}

// transition is when a pod's state changed last.
func transition(p *corev1.Pod) (last time.Time) {
	for _, c := range p.Status.Conditions {
		if c.LastTransitionTime.After(last) {
			last = c.LastTransitionTime.Time
		}
	}
	return last
}

const (
	// oomKilled is what kubelet writes where the kernel killed for want of memory.
	oomKilled = "OOMKilled"
	// statusUnknown is what kubelet writes where it lost a container: the exit code that
	// stands beside it is made up.
	statusUnknown = "ContainerStatusUnknown"
)

// endOf is how a container ended. What the pod says of its own end goes with it.
func endOf(e corev1.ContainerStateTerminated, why string) env.State {
	s := env.State{ExitCode: int(e.ExitCode), Ended: e.FinishedAt.Time, Reason: why}
	if e.Reason == statusUnknown {
		s.ExitCode = -1
		if s.Reason == "" {
			s.Reason = "kubelet lost it: " + e.Message
		}
		return s
	}
	number := e.Signal
	if number == 0 && e.ExitCode > 128 { // as shells and runc tell of signals
		number = e.ExitCode - 128
	}
	if name, ok := signals[number]; ok {
		s.ExitCode, s.Signal = -1, name
	}
	s.OOMKilled = new(e.Reason == oomKilled)
	switch e.Reason {
	case "ContainerCannotRun", "StartError", "RunContainerError":
		if s.Reason == "" {
			s.Reason = "it could not be run: " + e.Message
		}
	}
	return s
}

// signals are Linux's, on which pods run, whatever the tool runs on.
var signals = map[int32]string{
	1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS",
	8: "SIGFPE", 9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE",
	14: "SIGALRM", 15: "SIGTERM", 24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS",
}

// reasonOf is why the cluster ended a pod; empty where it did not.
func reasonOf(p *corev1.Pod) string {
	said := func(what, message string) string {
		return strings.TrimRight(strings.TrimSpace(what+": "+message), ": ")
	}
	for _, c := range p.Status.Conditions {
		if c.Type != corev1.DisruptionTarget || c.Status != corev1.ConditionTrue {
			continue
		}
		what, known := map[string]string{
			corev1.PodReasonPreemptionByScheduler: "preempted",
			"EvictionByEvictionAPI":               "evicted by request",
			"DeletionByTaintManager":              "its node was lost or drained",
			"DeletionByPodGC":                     "its node is gone",
			corev1.PodReasonTerminationByKubelet:  "evicted by kubelet",
		}[c.Reason]
		if !known {
			what = c.Reason
		}
		message := c.Message
		if p.Status.Message != "" {
			message = p.Status.Message
		}
		return said(what, message)
	}
	switch r := p.Status.Reason; r {
	case "":
		return ""
	case "Evicted":
		return said("evicted by kubelet", p.Status.Message)
	case "Preempting":
		return said("preempted by kubelet", p.Status.Message)
	case "NodeLost":
		return said("its node was lost", p.Status.Message)
	default:
		return said(r, p.Status.Message)
	}
}
