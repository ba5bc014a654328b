package kube

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

func TestStartThatFails(t *testing.T) {
	waiting := func(reason, message string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			status(p).State.Waiting = &corev1.ContainerStateWaiting{Reason: reason, Message: message}
		}
	}
	for _, c := range []struct {
		name    string
		kubelet func(*corev1.Pod)
		refuses string
		want    []string
		after   time.Duration
	}{
		{
			name: "its image cannot be pulled", kubelet: waiting("ImagePullBackOff", "no such host"),
			want:  []string{"its image cannot be pulled", "cluster.local/odigos-stress:1", "no such host"},
			after: tryFor,
		},
		{
			name: "it cannot be scheduled",
			kubelet: func(p *corev1.Pod) {
				condition(p, corev1.PodScheduled, corev1.ConditionFalse, "Unschedulable",
					"0/1 nodes are available: 1 Insufficient cpu.")
			},
			want:  []string{"within 2m0s", "cannot be scheduled: 0/1 nodes are available: 1 Insufficient cpu."},
			after: 2 * time.Minute,
		},
		{
			name: "it exits",
			kubelet: func(p *corev1.Pod) {
				ready(p, 0)
				terminate(p, corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error"})
			},
			want: []string{"it ended before it was ready", "exited with code 1", "cannot listen"},
		},
		{
			name: "it is killed for want of memory, and kubelet waits",
			kubelet: func(p *corev1.Pod) {
				ready(p, 0)
				terminate(p, corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"})
				s := status(p)
				s.LastTerminationState, s.State = s.State, corev1.ContainerState{
					Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"},
				}
			},
			want: []string{"it ended before it was ready", "killed for want of memory", "said before"},
		},
		{
			name: "it is never ready",
			kubelet: func(p *corev1.Pod) {
				ready(p, 0)
				condition(p, corev1.PodReady, corev1.ConditionFalse, "ContainersNotReady", "")
			},
			want: []string{"within 30s", "it is not ready"}, after: 30 * time.Second,
		},
		{
			name: "a quota forbids it", refuses: "pods is forbidden: exceeded quota: small",
			want: []string{"the cluster makes no pod of it", "exceeded quota: small"}, after: 4 * time.Second,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster := newTestCluster(t)
				k := cluster.open(Options{})
				defer shut(t, k)
				start(t, k, backendForTest())
				cluster.kubelet, cluster.refuses = c.kubelet, c.refuses
				cluster.say("gateway", "cannot listen\n")
				cluster.say("gateway/previous", "said before\n")
				if c.refuses != "" {
					go cluster.refuse(k.Namespace(), c.refuses)
				}
				began := time.Now()
				_, err := k.Start(context.Background(), gatewayForTest())
				contains(t, "Start", err, append(c.want, "start gateway")...)
				var failed *env.StartError
				if !errors.As(err, &failed) || failed.Actor != "gateway" || failed.State.Running {
					t.Errorf("Start gave %#v; want a StartError", err)
				}
				if took := time.Since(began); took < c.after || took > c.after+3*time.Second {
					t.Errorf("it took %s; want %s", took, c.after)
				}
				if n := len(cluster.podsOf("gateway", k.Namespace())); n != 0 {
					t.Errorf("%d pods of a start that failed are left", n)
				}
			})
		})
	}
}

// What kubelet fails at and then does is no failure.
func TestStartThatFailsAtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newTestCluster(t)
		k := cluster.open(Options{})
		defer shut(t, k)
		start(t, k, backendForTest())
		cluster.kubelet = func(p *corev1.Pod) {
			status(p).State.Waiting = &corev1.ContainerStateWaiting{
				Reason: "CreateContainerError", Message: "context deadline exceeded",
			}
		}
		go func() {
			time.Sleep(tryFor - time.Second)
			p := cluster.podsOf("gateway", k.Namespace())[0].DeepCopy()
			ready(p, 0)
			cluster.set(p)
		}()
		if i := start(t, k, gatewayForTest()); !i.State().Running {
			t.Errorf("it is %+v", i.State())
		}
	})
}

// refuse writes what a Deployment's controller writes that may make no pods.
func (c *testCluster) refuse(namespace, why string) {
	for {
		d, err := c.AppsV1().Deployments(namespace).Get(context.Background(), "gateway", metav1.GetOptions{})
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		d.Status.Conditions = append(d.Status.Conditions, replicaFailureCondition(why))
		if _, err := c.AppsV1().Deployments(namespace).UpdateStatus(context.Background(), d,
			metav1.UpdateOptions{}); err != nil {
			c.t.Error(err)
		}
		return
	}
}
