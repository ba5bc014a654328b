package kube

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/odigos-io/odigos-stress/internal/env"
)

func limitList(cpu, memory string) corev1.ResourceList {
	list := corev1.ResourceList{}
	if cpu != "" {
		list[corev1.ResourceCPU] = resource.MustParse(cpu)
	}
	if memory != "" {
		list[corev1.ResourceMemory] = resource.MustParse(memory)
	}
	return list
}

// limited is a kubelet before which something gives each pod other limits, in its
// specification, or after it was admitted.
func limited(spec, status corev1.ResourceList) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		limit(p, spec, status)
		ready(p, 0)
	}
}

func limit(p *corev1.Pod, spec, enforced corev1.ResourceList) {
	if spec != nil {
		p.Spec.Containers[0].Resources.Limits = spec
	}
	if enforced != nil {
		status(p).Resources = &corev1.ResourceRequirements{Limits: enforced}
	}
}

// A gateway with limits that nobody asked for is none that was asked about.
func TestGatewayStartsWithTheLimitsThatWereAskedForAlone(t *testing.T) {
	asked := env.Limits{CPUCores: 1.25, MemoryBytes: 600 << 20}
	for name, c := range map[string]struct {
		asked        env.Limits
		spec, status corev1.ResourceList
		want         []string // in the error; none: it starts
	}{
		"as asked":                    {asked: asked},
		"the same in other units":     {asked: asked, spec: limitList("1250m", "629145600")},
		"the same, as kubelet has it": {asked: asked, status: limitList("1.25", "600Mi")},
		"in whole pages":              {asked: asked, status: limitList("1.25", "629141504")},
		"rounded as it was asked":     {asked: env.Limits{CPUCores: 0.3333}, spec: limitList("333m", "")},
		"none asked, and none":        {},
		"less CPU": {
			asked: asked, spec: limitList("1", "600Mi"),
			want: []string{"read the limits of pod gateway-2 back", "CPU limit of 1 where 1250m was asked"},
		},
		"more memory in the status alone": {
			asked: asked, status: limitList("1250m", "1Gi"),
			want: []string{"memory limit of 1Gi where 600Mi was asked", "exempt"},
		},
		"both": {
			asked: asked, spec: limitList("500m", "512Mi"),
			want: []string{"CPU limit of 500m where 1250m was asked for and a memory limit of 512Mi"},
		},
		"one that nobody asked for": {
			asked: env.Limits{CPUCores: 1.25}, spec: limitList("1250m", "1Gi"),
			want: []string{"memory limit of 1Gi where none was asked for"},
		},
		"one that was taken away": {
			asked: asked, spec: limitList("", "600Mi"),
			want: []string{"no CPU limit where 1250m was asked for"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster := newTestCluster(t)
				k := cluster.open(Options{})
				defer shut(t, k)
				start(t, k, backendForTest())
				cluster.kubelet = limited(c.spec, c.status)
				a := gatewayForTest()
				a.Limits = c.asked
				_, err := k.Start(context.Background(), a)
				if c.want == nil {
					if err != nil {
						t.Error(err)
					}
					return
				}
				contains(t, "Start", err, append(c.want, "start gateway", "want limits that the cluster")...)
				synctest.Wait()
				if left := cluster.podsOf("gateway", k.Namespace()); len(left) > 0 {
					t.Errorf("%d pods are left of a start that failed", len(left))
				}
			})
		})
	}
}

// changes are the notes that tell of changed limits.
func changes(k *Kube) (all []string) {
	for _, n := range k.Notes() {
		if strings.Contains(n, "changed the limits") {
			all = append(all, n)
		}
	}
	return all
}

// An end with other limits does its part, or is found out by what it shows: that they are
// others is a note.
func TestOtherLimitsOfAnEndAreANote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newTestCluster(t)
		k := cluster.open(Options{})
		defer shut(t, k)
		cluster.kubelet = limited(limitList("500m", "1Gi"), nil)
		start(t, k, backendForTest())
		want := []string{"The cluster changed the limits of pod backend-1 of the backend: it has a CPU " +
			"limit of 500m where none was asked for and a memory limit of 1Gi where none was asked for."}
		if diff := cmp.Diff(want, changes(k)); diff != "" {
			t.Errorf("notes (-want +got):\n%s", diff)
		}
	})
}

// A pod that comes in the midst of a trial is noted, and a container that kubelet starts again
// in its pod is as it was.
func TestOtherLimitsOfALaterGatewayAreANote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestCluster(t)
		k, two, _ := pair(t, c, Options{})
		defer shut(t, k)
		died := c.podsOf("gateway", k.Namespace())[0]
		terminate(died, corev1.ContainerStateTerminated{ExitCode: 2, Reason: "Error"})
		c.set(died)
		synctest.Wait()
		restart(died)
		c.set(died)
		i := start(t, k, two)
		if got := changes(k); got != nil {
			t.Errorf("notes of a restart: %q", got)
		}
		next := died.DeepCopy()
		next.Name, next.UID = "gateway-9", "uid-9"
		ready(next, 0)
		limit(next, limitList("1", "600Mi"), nil)
		c.set(next)
		synctest.Wait()
		env.Members(i)
		want := []string{"The cluster changed the limits of pod gateway-9 of the gateway: it has a CPU " +
			"limit of 1 where 1250m was asked for."}
		if diff := cmp.Diff(want, changes(k)); diff != "" {
			t.Errorf("notes (-want +got):\n%s", diff)
		}
	})
}
