package kube

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

// completes makes pods that are applied as such end as e says.
func (c *testCluster) completes(e corev1.ContainerStateTerminated) {
	react := c.withUID(clienttesting.ObjectReaction(c.Tracker()))
	intercept(&c.Fake, "patch", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		o, err := onlyObject(react(action))
		if err != nil {
			return true, nil, err
		}
		p := o.(*corev1.Pod).DeepCopy()
		ready(p, 0)
		terminate(p, e)
		p.Status.Phase = corev1.PodSucceeded
		c.set(p)
		return true, o, nil
	})
}

func TestOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestCluster(t)
		c.completes(corev1.ContainerStateTerminated{ExitCode: 0, Reason: "Completed"})
		c.say("output-1", "otelcol version 1\n")
		k := c.open(Options{})
		defer shut(t, k)
		text, err := k.Output(context.Background(), "image:2", "/otelcol", "--version", "$(X)")
		if string(text) != "otelcol version 1\n" || err != nil {
			t.Errorf("Output = %q, %v", text, err)
		}
		if left := c.podsOf(componentOutput, k.Namespace()); len(left) != 0 {
			t.Errorf("left: %d pods", len(left))
		}
		_, err = k.Output(context.Background(), "image:2")
		contains(t, "Output of nothing", err, "none was named")
	})
}

func TestOutputOfAProgramThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestCluster(t)
		c.completes(corev1.ContainerStateTerminated{ExitCode: 3, Reason: "Error"})
		c.say("output-1", "no such flag\n")
		k := c.open(Options{})
		defer shut(t, k)
		_, err := k.Output(context.Background(), "", "/otelcol")
		contains(t, "Output", err, "run /otelcol in the cluster", "exited with code 3", "no such flag")
	})
}

func TestNodes(t *testing.T) {
	node := func(name string, change func(*corev1.Node)) *corev1.Node {
		n := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelOSStable: "linux"}},
			Status: corev1.NodeStatus{
				Allocatable: corev1.ResourceList{
					"cpu": resource.MustParse("1900m"), "memory": resource.MustParse("2Gi"),
				},
				NodeInfo:   corev1.NodeSystemInfo{OSImage: "Debian", Architecture: "amd64", KernelVersion: "6.1", KubeletVersion: "v1.35.4"},
				Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
			},
		}
		change(n)
		return n
	}
	synctest.Test(t, func(t *testing.T) {
		c := newTestCluster(
			t,
			node("node-0", func(*corev1.Node) {}),
			node("node-1", func(n *corev1.Node) { n.Spec.Unschedulable = true }), // and has pods
			node("node-2", func(n *corev1.Node) { n.Spec.Unschedulable = true }),
			node("node-3", func(n *corev1.Node) { n.Labels[corev1.LabelOSStable] = "windows" }),
			node("node-4", func(n *corev1.Node) { n.Spec.Taints = []corev1.Taint{{Effect: "NoSchedule"}} }),
			node("node-5", func(n *corev1.Node) { n.Status.Conditions[0].Status = corev1.ConditionUnknown }),
		)
		k := c.open(Options{})
		defer shut(t, k)
		start(t, k, backendForTest())
		got, err := k.Nodes(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		of := func(name string, actors ...string) Node {
			return Node{
				Name: name, OS: "Debian", Arch: "amd64", Kernel: "6.1", Kubelet: "v1.35.4",
				Cores: 1.9, MemoryBytes: 2 << 30, Actors: actors,
			}
		}
		closed := of("node-1", "backend")
		closed.Refuses = map[string]string{}
		for _, actor := range []string{"backend", "gateway", "loadgen"} {
			closed.Refuses[actor] = "tainted node.kubernetes.io/unschedulable:NoSchedule"
		}
		if diff := cmp.Diff([]Node{closed, of("node-0")}, got); diff != "" {
			t.Errorf("nodes (-want +got):\n%s", diff)
		}
	})
}
