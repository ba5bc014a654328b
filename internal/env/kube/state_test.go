package kube

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/odigos-io/odigos-stress/internal/env"
)

var ended = metav1.NewTime(time.Date(2026, 11, 26, 4, 0, 7, 0, time.UTC))

// aPod is one of the gateway that is ready.
func aPod(name string) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: "ns", UID: types.UID("uid-" + name),
			Labels: map[string]string{labelComponent: "gateway"},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "gateway", Image: "image:1"}}},
	}
	ready(p, 0)
	return p
}

func TestState(t *testing.T) {
	no := false
	for _, c := range []struct {
		name   string
		become func(s podStore, p *corev1.Pod)
		want   env.State
	}{
		{"runs", func(podStore, *corev1.Pod) {}, env.State{Running: true}},
		{
			"not ready any more, and runs",
			func(s podStore, p *corev1.Pod) {
				condition(p, corev1.PodReady, corev1.ConditionFalse, "", "")
				_ = s.Update(p)
			},
			env.State{Running: true},
		},
		{
			"exited",
			func(s podStore, p *corev1.Pod) {
				terminate(p, corev1.ContainerStateTerminated{ExitCode: 2, Reason: "Error", FinishedAt: ended})
				_ = s.Update(p)
			},
			env.State{ExitCode: 2, Ended: ended.Time, OOMKilled: &no},
		},
		{
			"killed for want of memory, and started again before it was seen",
			func(s podStore, p *corev1.Pod) {
				terminate(p, corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled", FinishedAt: ended})
				restart(p)
				_ = s.Update(p)
			},
			env.State{ExitCode: -1, Signal: "SIGKILL", Ended: ended.Time, OOMKilled: new(true)},
		},
		{
			"killed, waits for kubelet",
			func(s podStore, p *corev1.Pod) {
				terminate(p, corev1.ContainerStateTerminated{ExitCode: 139, Reason: "Error", FinishedAt: ended})
				st := status(p)
				st.LastTerminationState, st.State = st.State, corev1.ContainerState{
					Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"},
				}
				_ = s.Update(p)
			},
			env.State{ExitCode: -1, Signal: "SIGSEGV", Ended: ended.Time, OOMKilled: &no},
		},
		{
			"ended twice, of which the first is asked for",
			func(s podStore, p *corev1.Pod) {
				terminate(p, corev1.ContainerStateTerminated{ExitCode: 3, FinishedAt: ended})
				_ = s.Update(p.DeepCopy())
				restart(p)
				terminate(p, corev1.ContainerStateTerminated{ExitCode: 4})
				restart(p)
				_ = s.Update(p)
			},
			env.State{ExitCode: 3, Ended: ended.Time, OOMKilled: &no},
		},
		{
			"ended twice unseen",
			func(s podStore, p *corev1.Pod) {
				terminate(p, corev1.ContainerStateTerminated{ExitCode: 3})
				restart(p)
				terminate(p, corev1.ContainerStateTerminated{ExitCode: 4})
				restart(p)
				status(p).State.Running.StartedAt = ended
				_ = s.Update(p)
			},
			env.State{
				ExitCode: -1, Ended: ended.Time,
				Reason: "it was started again more than once since it was last seen",
			},
		},
		{
			"killed, and nobody says why",
			func(s podStore, p *corev1.Pod) {
				terminate(p, corev1.ContainerStateTerminated{ExitCode: 137, Reason: "Error", FinishedAt: ended})
				_ = s.Update(p)
			},
			env.State{ExitCode: -1, Signal: "SIGKILL", Ended: ended.Time},
		},
		{
			"evicted",
			func(s podStore, p *corev1.Pod) {
				terminate(p, corev1.ContainerStateTerminated{ExitCode: 137, Reason: "Error", FinishedAt: ended})
				p.Status.Phase, p.Status.Reason = corev1.PodFailed, "Evicted"
				p.Status.Message = "The node was low on resource: memory."
				condition(p, corev1.DisruptionTarget, corev1.ConditionTrue, "TerminationByKubelet", "…")
				_ = s.Update(p)
			},
			env.State{
				ExitCode: -1, Signal: "SIGKILL", Ended: ended.Time, OOMKilled: &no,
				Reason: "evicted by kubelet: The node was low on resource: memory.",
			},
		},
		{
			"evicted, and its container is not told of",
			func(s podStore, p *corev1.Pod) {
				p.Status = corev1.PodStatus{
					Phase: corev1.PodFailed, Reason: "Evicted", Message: "low on disk",
					Conditions: []corev1.PodCondition{{LastTransitionTime: ended}},
				}
				_ = s.Update(p)
			},
			env.State{ExitCode: -1, Ended: ended.Time, Reason: "evicted by kubelet: low on disk"},
		},
		{
			"preempted",
			func(s podStore, p *corev1.Pod) {
				condition(p, corev1.DisruptionTarget, corev1.ConditionTrue, "PreemptionByScheduler", "for a better one")
				terminate(p, corev1.ContainerStateTerminated{ExitCode: 0, FinishedAt: ended})
				_ = s.Update(p)
			},
			env.State{Ended: ended.Time, OOMKilled: &no, Reason: "preempted: for a better one"},
		},
		{
			"lost with its node",
			func(s podStore, p *corev1.Pod) {
				condition(p, corev1.DisruptionTarget, corev1.ConditionTrue, "DeletionByPodGC", "node is gone")
				terminate(p, corev1.ContainerStateTerminated{
					ExitCode: 137, Reason: "ContainerStatusUnknown", FinishedAt: ended,
				})
				_ = s.Update(p)
			},
			env.State{ExitCode: -1, Ended: ended.Time, Reason: "its node is gone: node is gone"},
		},
		{
			"could not be run",
			func(s podStore, p *corev1.Pod) {
				terminate(p, corev1.ContainerStateTerminated{
					ExitCode: 128, Reason: "StartError", Message: "no such file", FinishedAt: ended,
				})
				_ = s.Update(p)
			},
			env.State{
				ExitCode: 128, Ended: ended.Time, OOMKilled: &no,
				Reason: "it could not be run: no such file",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, p := podStore{table: newTable(), of: scope{namespace: "ns"}}, aPod("gateway-1")
			_ = store.Add(p.DeepCopy())
			life, ok := incarnationOf(p, "gateway")
			if !ok {
				t.Fatal("a pod that is ready has no incarnation")
			}
			c.become(store, p)
			if diff := cmp.Diff(c.want, store.state(life)); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

// What was seen of a pod stays known when the pod is gone.
func TestStateOfGonePod(t *testing.T) {
	store, p := podStore{table: newTable(), of: scope{namespace: "ns"}}, aPod("gateway-1")
	_ = store.Replace([]any{p.DeepCopy()}, "1")
	life, _ := incarnationOf(p, "gateway")
	other := aPod("gateway-2")
	other.UID = "other"
	_ = store.Replace([]any{other}, "2") // the deletion itself was missed
	got := store.state(life)
	if got.Running || got.Reason != "its pod was deleted" || got.Ended.IsZero() || got.OOMKilled != nil {
		t.Errorf("state of a deleted pod: %+v", got)
	}
	terminate(other, corev1.ContainerStateTerminated{ExitCode: 1, FinishedAt: ended})
	life = incarnation{
		uid: other.UID, pod: other.Name, container: "gateway", id: status(other).ContainerID,
	}
	_ = store.Delete(other)
	if got := store.state(life); got.ExitCode != 1 || got.Reason != "" {
		t.Errorf("state of a pod that ended and was deleted: %+v", got)
	}
	if pods, _ := store.podsOf("gateway"); len(pods) != 0 {
		t.Errorf("pods that are gone are listed: %v", pods)
	}
}

func TestEndSaysWhatThePlaceDid(t *testing.T) {
	s := env.State{ExitCode: -1, Signal: "SIGKILL", Reason: "evicted by kubelet: low on memory"}
	if got, want := s.End(), "ended by its place: evicted by kubelet: low on memory"; got != want {
		t.Errorf("End() = %q, want %q", got, want)
	}
}
