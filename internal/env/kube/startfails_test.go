package kube

import (
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
)

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
