package kube

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// pair starts two gateways.
func pair(t *testing.T, c *testCluster, o Options) (*Kube, env.Actor, env.Instance) {
	t.Helper()
	k := c.open(o)
	start(t, k, backendForTest())
	two := gatewayForTest()
	two.Replicas = 2
	return k, two, start(t, k, two)
}

// seats are the members of an instance, by name: the pod, and whether it runs.
func seats(i env.Instance) (all []string) {
	for _, m := range env.Members(i) {
		text := m.Name() + " in " + m.(*Instance).Pod()
		if !m.State().Running {
			text += ", ended"
		}
		all = append(all, text)
	}
	return all
}

// A pod that was put in the place of one that is gone is a member of its own, behind the
// others, which keep their names; so it is after a start of them all.
func TestReplacedMemberKeepsTheOthersNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestCluster(t)
		k, two, i := pair(t, c, Options{})
		defer shut(t, k)
		pods := c.podsOf("gateway", k.Namespace())
		evicted := pods[0]
		evicted.Status.Phase, evicted.Status.Reason = corev1.PodFailed, "Evicted"
		terminate(evicted, corev1.ContainerStateTerminated{ExitCode: 137})
		c.set(evicted)
		synctest.Wait()
		if s := i.State(); s.Running || s.Reason != "evicted by kubelet" || !s.Taken() {
			t.Errorf("state of two of which one was evicted: %+v", s)
		}
		next := pods[1].DeepCopy()
		next.Name, next.UID = "gateway-9", "uid-9"
		ready(next, 0)
		condition(next, corev1.PodReady, corev1.ConditionFalse, "ContainersNotReady", "")
		c.set(next)
		synctest.Wait()
		want := []string{"gateway/0 in " + evicted.Name + ", ended", "gateway/1 in " + pods[1].Name}
		if diff := cmp.Diff(want, seats(i)); diff != "" {
			t.Errorf("members while the next is not ready (-want +got):\n%s", diff)
		}
		ready(next, 0)
		c.set(next)
		synctest.Wait()
		want = append(want, "gateway/2 in gateway-9")
		if diff := cmp.Diff(want, seats(i)); diff != "" {
			t.Errorf("members once it is ready (-want +got):\n%s", diff)
		}
		again := start(t, k, two)
		if diff := cmp.Diff(want, seats(again)); diff != "" {
			t.Errorf("members after a start (-want +got):\n%s", diff)
		}
		if !again.State().Running {
			t.Errorf("state after a start: %+v, want that it runs", again.State())
		}
	})
}

// Of several of which one died, a start gives the dead one's next life under its name, and
// the other as it was: its output is not copied twice.
func TestStartAdoptsOneOfSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := newTestCluster(t)
		c.say("gateway", "said\n")
		k, two, i := pair(t, c, Options{LogPath: func(a string) string {
			return filepath.Join(dir, strings.ReplaceAll(a, "/", "-"))
		}})
		defer shut(t, k)
		p := c.podsOf("gateway", k.Namespace())[1]
		terminate(p, corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"})
		c.set(p)
		synctest.Wait()
		restart(p)
		c.set(p)
		next := start(t, k, two)
		want := seats(i)
		want[1] = strings.TrimSuffix(want[1], ", ended")
		if diff := cmp.Diff(want, seats(next)); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
		if old := env.Members(i)[1].State(); old.Running || !*old.OOMKilled {
			t.Errorf("state of the life before: %+v, want that it was killed", old)
		}
		time.Sleep(time.Second)
		for name, want := range map[string]string{"gateway-0": "said\n", "gateway-1": "said\nsaid\n"} {
			if whole, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(whole) != want {
				t.Errorf("log of %s: %q, %v; want %q", name, whole, err, want)
			}
		}
	})
}

// Stop ends those that run, though one of them died by itself before.
func TestStopOfSeveralOfWhichOneDied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestCluster(t)
		k, _, i := pair(t, c, Options{})
		defer shut(t, k)
		p := c.podsOf("gateway", k.Namespace())[0]
		terminate(p, corev1.ContainerStateTerminated{ExitCode: 2, Reason: "Error"})
		c.set(p)
		synctest.Wait()
		if _, err := i.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		for n, m := range env.Members(i) {
			if s := m.State(); s.Running || s.ExitCode != 2-2*n {
				t.Errorf("member %d: %+v", n, s)
			}
		}
		if left := c.podsOf("gateway", k.Namespace()); len(left) > 0 {
			t.Errorf("%d pods are left after Stop", len(left))
		}
	})
}

// A pod that somebody deletes who is not the tool, as an autoscaler does, was taken away,
// however well its container ends; one that dies and is deleted then has died.
func TestDeletedPodIsTakenAway(t *testing.T) {
	for name, c := range map[string]struct {
		after   time.Duration // from the end to the request
		end     corev1.ContainerStateTerminated
		deleted bool
	}{
		"asked, and ended":        {-time.Second, corev1.ContainerStateTerminated{Reason: "Completed"}, true},
		"ended, and deleted":      {5 * time.Second, corev1.ContainerStateTerminated{ExitCode: 2, Reason: "Error"}, false},
		"asked, and OOM-killed":   {-time.Second, corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}, false},
		"asked, and cut off":      {-9 * time.Second, corev1.ContainerStateTerminated{ExitCode: 137, Reason: "Error"}, true},
		"OOM-killed, and deleted": {5 * time.Second, corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			cluster := newTestCluster(t)
			k, _, i := pair(t, cluster, Options{})
			defer shut(t, k)
			p := cluster.podsOf("gateway", k.Namespace())[0]
			ended := time.Now()
			c.end.FinishedAt = metav1.NewTime(ended)
			terminate(p, c.end)
			const grace = 30
			p.DeletionGracePeriodSeconds = new(int64(grace))
			p.DeletionTimestamp = new(metav1.NewTime(ended.Add(c.after + grace*time.Second)))
			cluster.set(p)
			synctest.Wait()
			one := env.Members(i)[0]
			if s := one.State(); s.Running || s.Deleted() != c.deleted {
				t.Errorf("%s: %+v is taken away: %v, want %v", name, s, s.Deleted(), c.deleted)
			}
			p = p.DeepCopy() // as kubelet removes it, once all has ended
			p.DeletionGracePeriodSeconds = new(int64(0))
			p.DeletionTimestamp = new(metav1.NewTime(ended.Add(2 * time.Second)))
			cluster.set(p)
			synctest.Wait()
			if s := one.State(); s.Deleted() != c.deleted {
				t.Errorf("%s, and removed: %+v is taken away: %v, want %v", name, s, s.Deleted(), c.deleted)
			}
		})
	}
}
