package kube

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func event(namespace, name, reason, message string, at time.Time) *corev1.Event {
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Reason:     reason, Message: message, LastTimestamp: metav1.NewTime(at),
	}
}

// What is waited for in vain is told with the last that the cluster says of it.
func TestLastWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ns = "odigos-stress-run-1"
		c := newTestCluster(
			t,
			event(ns, "a", "FailedMount", "no such ConfigMap", time.Now().Add(time.Second)),
			event(ns, "b", "Scheduled", "older", time.Now()),
		)
		c.kubelet = func(p *corev1.Pod) {
			status(p).State.Waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
		}
		k := c.open(Options{Patience: time.Minute})
		defer shut(t, k)
		_, err := k.Start(context.Background(), backendForTest())
		contains(t, "Start", err, "not ready within 1m0s: pod backend-1: its container does not run yet",
			"the cluster's last warning: FailedMount: no such ConfigMap")
	})
}

// A Job's controller tells of what it is refused in events alone.
func TestRefusalOfAJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ns = "odigos-stress-run-1"
		said := event(ns, "a", "FailedCreate", "pods is forbidden: exceeded quota: small", time.Now())
		c := newTestCluster(t, said)
		k := c.open(Options{})
		defer shut(t, k)
		start(t, k, backendForTest())
		start(t, k, gatewayForTest())
		c.refuses = said.Message
		_, err := k.Start(context.Background(), loadgenForTest(1))
		contains(t, "Start", err, "the cluster makes no pod of it: FailedCreate: pods is forbidden")
		c.mu.Lock()
		c.refuses = ""
		c.mu.Unlock()
		if !start(t, k, loadgenForTest(1)).State().Running {
			t.Error("a load generator does not run that was started a second time")
		}
	})
}

// A namespace that was made a moment ago has no service account yet: that passes.
func TestPassingRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ns = "odigos-stress-run-1"
		c := newTestCluster(t, event(ns, "a", "FailedCreate",
			`pods "loadgen-" is forbidden: error looking up service account ns/default`, time.Now()))
		k := c.open(Options{})
		defer shut(t, k)
		if err := k.refusal(context.Background(), loadgenForTest(1), 1); err != nil {
			t.Errorf("refused with all its pods there: %v", err)
		}
		job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "loadgen", Namespace: ns}}
		if _, err := c.BatchV1().Jobs(ns).Create(context.Background(), job, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := k.refusal(context.Background(), loadgenForTest(1), 0); err != nil {
			t.Errorf("refused for want of a service account: %v", err)
		}
		job.Status.Conditions = []batchv1.JobCondition{{
			Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Reason: "DeadlineExceeded", Message: "too long",
		}}
		if _, err := c.BatchV1().Jobs(ns).UpdateStatus(context.Background(), job, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		contains(t, "refusal", k.refusal(context.Background(), loadgenForTest(1), 0), "DeadlineExceeded: too long")
	})
}
