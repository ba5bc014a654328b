package kube

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A listener hears what a place tells.
type listener struct {
	mu  sync.Mutex
	all []string
	end func()
}

// listen has a run told of until end is called, which waits for the rest.
func listen(t *testing.T, k *Kube) *listener {
	l := &listener{}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.Tell(ctx, func(h env.Happening) {
			l.mu.Lock()
			l.all = append(l.all, h.Actor+": "+h.Text)
			l.mu.Unlock()
		})
	}()
	l.end = func() { cancel(); <-done }
	t.Cleanup(l.end)
	synctest.Wait() // it has begun to listen
	return l
}

// heard is what came since it was called last.
func (l *listener) heard() (all []string) {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	all, l.all = l.all, nil
	return all
}

// happen writes an event about an object as the cluster does.
func (c *testCluster) happen(namespace, kind, name, reason string, count int32) {
	c.t.Helper()
	e := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: fmt.Sprintf("%s.%s", name, reason),
			UID: types.UID(namespace + kind + name + reason),
		},
		InvolvedObject: corev1.ObjectReference{Kind: kind, Name: name, Namespace: namespace},
		Reason:         reason, Message: "it  says\nso", Count: count,
		LastTimestamp: metav1.Now(),
	}
	if kind == "Pod" {
		e.InvolvedObject.UID = types.UID("uid-" + name)
	}
	of := corev1.SchemeGroupVersion.WithResource("events")
	err := c.Tracker().Update(of, e, namespace)
	if err != nil {
		err = c.Tracker().Create(of, e, namespace)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// Events of the run's objects are told with the actor that they are about, but for those
// that every start and every end has.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestCluster(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}})
		c.happen("shop", "Pod", "gateway-bcdfg-bcdfg", "BackOff", 1)
		time.Sleep(time.Minute)
		k := c.open(Options{Namespace: "shop"})
		defer shut(t, k)
		l := listen(t, k)
		start(t, k, backendForTest())
		two := gatewayForTest()
		two.Replicas = 2
		c.kubelet = func(p *corev1.Pod) {
			c.happen("shop", "Deployment", "gateway", "ScalingReplicaSet", 1)
			c.happen("shop", "Pod", p.Name, "Unhealthy", 1)
			ready(p, 0)
		}
		gateway := start(t, k, two)
		start(t, k, loadgenForTest(1))
		if diff := cmp.Diff([]string(nil), l.heard()); diff != "" {
			t.Errorf("told of what was before, or of a start (-want +got):\n%s", diff)
		}
		pod := env.Members(gateway)[1].(*Instance).Pod()
		for _, e := range []struct{ namespace, kind, name, reason, want string }{
			{"shop", "Pod", pod, "Pulled", ""},
			{"shop", "Pod", pod, "NodeNotReady", "gateway/1"},
			{"shop", "Pod", "gateway-bcdfg-bcdfg", "FailedScheduling", "gateway"},
			{"shop", "Pod", "gateway-eaters-bcdfg", "FailedScheduling", ""},
			{"shop", "Pod", "loadgen-12-bcdfg", "FailedScheduling", "loadgen"},
			{"shop", "ReplicaSet", "backend-bcdfg", "FailedCreate", "backend"},
			{"shop", "ReplicaSet", "backend-canary", "FailedCreate", ""},
			{"shop", "Deployment", "backend-canary", "ScalingReplicaSet", ""},
			{"shop", "Job", "loadgen", "DeadlineExceeded", "loadgen"},
			{"shop", "Job", "odigos-stress-run", "DeadlineExceeded", "-"},
			{"shop", "Service", "gateway", "Odd", ""},
			{"other", "Deployment", "gateway", "ScalingReplicaSet", ""},
		} {
			c.happen(e.namespace, e.kind, e.name, e.reason, 1)
			var want []string
			if e.want != "" {
				want = []string{fmt.Sprintf("%s: %s: it says so (%s %s)", strings.Trim(e.want, "-"),
					e.reason, e.kind, e.name)}
			}
			if diff := cmp.Diff(want, l.heard()); diff != "" {
				t.Errorf("%+v: told (-want +got):\n%s", e, diff)
			}
		}
		// One that comes later has a start of its own.
		third := c.podsOf("gateway", "shop")[0]
		third.Name, third.UID = "gateway-9", "uid-gateway-9"
		condition(third, corev1.PodReady, corev1.ConditionFalse, "ContainersNotReady", "")
		c.set(third)
		synctest.Wait()
		c.happen("shop", "Pod", third.Name, "Unhealthy", 1)
		if diff := cmp.Diff([]string(nil), l.heard()); diff != "" {
			t.Errorf("told of a start (-want +got):\n%s", diff)
		}
		// What was left out at the start is told now, and again only after a while.
		c.happen("shop", "Pod", pod, "Unhealthy", 2)
		for n := range 5 {
			synctest.Wait()
			c.happen("shop", "Pod", pod, "Unhealthy", int32(3+n))
		}
		text := "gateway/1: Unhealthy: it says so (Pod " + pod + ")"
		if diff := cmp.Diff([]string{text}, l.heard()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		time.Sleep(2 * repeatEvery)
		if diff := cmp.Diff([]string{text + " (5 times)"}, l.heard()); diff != "" {
			t.Errorf("told after a while (-want +got):\n%s", diff)
		}
		if _, err := gateway.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		c.happen("shop", "Pod", pod, "Killing", 1)
		c.happen("shop", "Pod", pod, "FailedKillPod", 1)
		want := []string{"gateway/1: FailedKillPod: it says so (Pod " + pod + ")"}
		if diff := cmp.Diff(want, l.heard()); diff != "" {
			t.Errorf("told of an end that was asked for (-want +got):\n%s", diff)
		}
		l.end()
	})
}

// What is held back is told when the listening ends.
func TestEventsUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestCluster(t)
		k := c.open(Options{})
		defer shut(t, k)
		start(t, k, backendForTest())
		start(t, k, gatewayForTest())
		l := listen(t, k)
		for n := range 3 {
			c.happen(k.Namespace(), "Pod", "gateway-2", "BackOff", int32(1+n))
			synctest.Wait()
		}
		l.end()
		want := []string{
			"gateway: BackOff: it says so (Pod gateway-2)",
			"gateway: BackOff: it says so (Pod gateway-2) (2 times)",
		}
		if diff := cmp.Diff(want, l.heard()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

func TestEventsWithoutTheRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestCluster(t)
		c.denied["watch events"] = true
		k := c.open(Options{})
		defer shut(t, k)
		l := listen(t, k)
		start(t, k, backendForTest())
		start(t, k, gatewayForTest())
		c.happen(k.Namespace(), "Pod", "gateway-2", "BackOff", 1)
		// What the pods themselves tell needs no more rights.
		p := c.podsOf("gateway", k.Namespace())[0]
		terminate(p, corev1.ContainerStateTerminated{
			ExitCode: 137, Reason: "OOMKilled",
			FinishedAt: metav1.NewTime(time.Date(2026, 11, 26, 8, 0, 7, 0, time.UTC)),
		})
		c.set(p)
		synctest.Wait()
		restart(p)
		c.set(p)
		want := []string{"gateway: kubelet started the container again, restart 1: the one before ended " +
			"at 08:00:07, OOMKilled, exit code 137 (Pod gateway-2)"}
		if diff := cmp.Diff(want, l.heard()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		l.end()
		if diff := cmp.Diff([]string{"no right to watch events: " + withoutEvents}, k.Notes()); diff != "" {
			t.Errorf("notes (-want +got):\n%s", diff)
		}
	})
}

func TestNodesAndScale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}}
		other := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-2"}}
		for _, n := range []*corev1.Node{node, other} {
			n.Status.Conditions = []corev1.NodeCondition{
				{Type: corev1.NodeReady, Status: corev1.ConditionTrue},
				{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse},
			}
		}
		c := newTestCluster(t, node, other)
		k := c.open(Options{})
		defer shut(t, k)
		k.elsewhere = target{k.Namespace(), gatewayActor, true}
		l := listen(t, k)
		start(t, k, backendForTest())
		gateway := start(t, k, gatewayForTest())
		synctest.Wait()
		scaled := gateway.(env.Scaled)
		if s, known := scaled.Scale(); !known || s != (env.Scale{Wanted: 1}) {
			t.Errorf("scale %+v, %v; want 1 wanted, none told to be ready", s, known)
		}
		ctx := context.Background()
		scaler := &autoscalingv2.HorizontalPodAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Name: "hpa", Namespace: k.Namespace()},
			Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
				ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "gateway"},
				MaxReplicas:    5,
			},
			Status: autoscalingv2.HorizontalPodAutoscalerStatus{
				Conditions: []autoscalingv2.HorizontalPodAutoscalerCondition{
					{Type: autoscalingv2.AbleToScale, Status: corev1.ConditionTrue, Reason: "ReadyForNewScale"},
				},
			},
		}
		scalers := c.AutoscalingV2().HorizontalPodAutoscalers(k.Namespace())
		if _, err := scalers.Create(ctx, scaler, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s, _ := scaled.Scale(); s != (env.Scale{Wanted: 1, Least: 1, Most: 5}) {
			t.Errorf("scale %+v, want from 1 to 5", s)
		}
		c.happen(k.Namespace(), "HorizontalPodAutoscaler", "hpa", "SuccessfulRescale", 1)
		synctest.Wait()
		scaler.Status.Conditions = append(scaler.Status.Conditions,
			autoscalingv2.HorizontalPodAutoscalerCondition{
				Type: autoscalingv2.ScalingLimited, Status: corev1.ConditionTrue, Reason: "TooManyReplicas",
				Message: "more than 5",
			})
		if _, err := scalers.Update(ctx, scaler, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for _, n := range []*corev1.Node{other, node} {
			n = n.DeepCopy()
			n.Status.Conditions[1].Status = corev1.ConditionTrue
			n.Status.Conditions[1].Reason, n.Status.Conditions[1].Message = "Short", "little is left"
			n.Spec.Unschedulable = true
			if _, err := c.CoreV1().Nodes().Update(ctx, n, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{
			"gateway: SuccessfulRescale: it says so (HorizontalPodAutoscaler hpa)",
			"gateway: ScalingLimited is True: TooManyReplicas: more than 5 (HorizontalPodAutoscaler hpa)",
			": node node-1: MemoryPressure is True: Short: little is left",
			": node node-1: takes no new pods: it is cordoned",
		}
		if diff := cmp.Diff(want, l.heard()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		l.end()
	})
}
