package kube

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

func start(t *testing.T, k *Kube, a env.Actor) env.Instance {
	t.Helper()
	i, err := k.Start(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func shut(t *testing.T, k *Kube) {
	t.Helper()
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}

func TestARunInANamespaceOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestCluster(t)
		k := c.open(Options{})
		backend := start(t, k, backendForTest())
		gateway := start(t, k, gatewayForTest())
		load := start(t, k, loadgenForTest(2))
		if got, want := gateway.Addr("metrics"), "gateway-2.odigos-stress-run-1.pod:8888"; got != want {
			t.Errorf("Addr(metrics) = %s, want %s", got, want)
		}
		if got := gateway.Addr("zpages"); got != "" {
			t.Errorf("Addr of a port that it does not have = %s", got)
		}
		members := env.Members(load)
		names := []string{load.Name()}
		for _, m := range members {
			names = append(names, m.Name(), m.(*Instance).Pod())
		}
		// The fake's controller gives the first pod the last index.
		want := []string{"loadgen", "loadgen/0", "loadgen-4", "loadgen/1", "loadgen-3"}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
		if _, err := members[0].Stop(context.Background()); err == nil {
			t.Error("one of several could be stopped alone")
		}
		for _, i := range []env.Instance{load, gateway, backend} {
			s, err := i.Stop(context.Background())
			if err != nil || s.Running || !s.Stopped || s.ExitCode != 0 {
				t.Errorf("Stop of %s = %+v, %v; want stopped with 0", i.Name(), s, err)
			}
			again, err := i.Stop(context.Background())
			if diff := cmp.Diff(s, again); diff != "" || err != nil {
				t.Errorf("second Stop of %s differs, %v:\n%s", i.Name(), err, diff)
			}
		}
		shut(t, k)
		if left := c.list(corev1.SchemeGroupVersion.WithResource("namespaces"), "Namespace", ""); left != nil {
			t.Errorf("left behind: %v", left)
		}
		if _, err := k.Start(context.Background(), gatewayForTest()); !errors.Is(err, errClosed) {
			t.Errorf("Start after Close: %v", err)
		}
	})
}

func TestARunInAnothersNamespace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "theirs", Namespace: "shop"}}
		c := newTestCluster(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}, theirs)
		before := c.names("shop")
		k := c.open(Options{Namespace: "shop"})
		start(t, k, backendForTest())
		start(t, k, gatewayForTest())
		start(t, k, loadgenForTest(1))
		d, err := c.AppsV1().Deployments("shop").Get(context.Background(), "gateway", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if o := d.OwnerReferences; len(o) != 1 || o[0].Kind != "Job" || o[0].Name != ownerName {
			t.Errorf("owners of the gateway: %v", o)
		}
		_, err = c.try(Options{RunID: "run-2", Namespace: "shop"})
		contains(t, "a second run in a namespace", err, "use namespace shop: run run-1 of ", "has it",
			"odigos-stress cleanup")
		shut(t, k)
		if diff := cmp.Diff(before, c.names("shop")); diff != "" {
			t.Errorf("namespace before and after (-before +after):\n%s", diff)
		}
	})
}

func TestAnothersObjectIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "gateway", Namespace: "shop"}}
		c := newTestCluster(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}, theirs)
		before := c.names("shop")
		k := c.open(Options{Namespace: "shop"})
		_, err := k.Start(context.Background(), backendForTest())
		if err != nil {
			t.Fatal(err)
		}
		_, err = k.Start(context.Background(), gatewayForTest())
		contains(t, "Start", err, "start gateway", "make Service gateway", "not this run's")
		shut(t, k)
		if diff := cmp.Diff(before, c.names("shop")); diff != "" {
			t.Errorf("namespace before and after (-before +after):\n%s", diff)
		}
	})
}

// When kubelet starts a container again, the instance has ended, and the next Start gives
// the new one of the same pod.
func TestRestartAdopts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := newTestCluster(t)
		k := c.open(Options{LogPath: func(a string) string { return filepath.Join(dir, a) }})
		defer shut(t, k)
		start(t, k, backendForTest())
		c.say("gateway", "first\n")
		i := start(t, k, gatewayForTest())
		if _, err := k.Start(context.Background(), gatewayForTest()); err == nil {
			t.Error("an actor that runs was started again")
		}
		synctest.Wait()

		p := c.podsOf("gateway", k.Namespace())[0]
		terminate(p, corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"})
		c.set(p)
		synctest.Wait()
		if s := i.State(); s.Running || s.Stopped || s.OOMKilled == nil || !*s.OOMKilled {
			t.Errorf("state of a gateway killed for want of memory: %+v", s)
		}
		if s, err := i.Stop(context.Background()); err != nil || s.Stopped {
			t.Errorf("Stop of it = %+v, %v; want it not to have been asked for", s, err)
		}
		done := make(chan env.Instance)
		go func() { done <- start(t, k, gatewayForTest()) }()
		time.Sleep(20 * time.Second) // kubelet's back-off, in the test's own time
		c.say("gateway/previous", "first\n")
		c.mu.Lock()
		c.logs["gateway"] = "second\n"
		c.mu.Unlock()
		restart(p)
		c.set(p)
		next := <-done
		if !next.State().Running || i.State().Running || next.Addr("health") != i.Addr("health") {
			t.Errorf("states of the new and the old: %+v, %+v", next.State(), i.State())
		}
		if n := len(c.podsOf("gateway", k.Namespace())); n != 1 {
			t.Errorf("there are %d pods; want the same one", n)
		}
		time.Sleep(time.Second)
		for of, want := range map[env.Instance]string{i: "first\n", next: "second\n"} {
			if got := read(t, of); got != want {
				t.Errorf("logs: %q, want %q", got, want)
			}
		}
		whole, err := os.ReadFile(filepath.Join(dir, "gateway"))
		if err != nil || string(whole) != "first\nsecond\n" {
			t.Errorf("log file: %q, %v", whole, err)
		}
	})
}

func read(t *testing.T, i env.Instance) string {
	t.Helper()
	logs, err := i.Logs()
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	text, err := io.ReadAll(logs)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

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
			want: []string{
				"its image cannot be pulled", "cluster.local/odigos-stress:1", "no such host",
				"imagePullSecrets",
			},
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

func TestInterruptedStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestCluster(t)
		c.kubelet = func(*corev1.Pod) {}
		k := c.open(Options{})
		failed := make(chan error)
		go func() {
			_, err := k.Start(context.Background(), backendForTest())
			failed <- err
		}()
		time.Sleep(time.Second)
		closed := make(chan error)
		go func() { closed <- k.Close() }()
		contains(t, "Start while Close", <-failed, errClosed.Error())
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}

// An actor that is killed when time is up has one second left.
func TestStopInAHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestCluster(t)
		c.stubborn("backend")
		k := c.open(Options{})
		defer shut(t, k)
		i := start(t, k, backendForTest())
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		began := time.Now()
		s, err := i.Stop(ctx)
		if err != nil || !s.Stopped || s.Signal != "SIGKILL" {
			t.Errorf("Stop = %+v, %v; want stopped by SIGKILL", s, err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %s; want 3s", took)
		}
	})
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		a    env.Actor
		want string
	}{
		{env.Actor{Name: "Gateway"}, `name "Gateway"`},
		{env.Actor{Name: "self"}, `name "self"`},
		{env.Actor{Name: strings.Repeat("a", 33)}, "at most 32"},
		{env.Actor{Name: "a", Ready: env.Probe{Port: "x"}, Ports: []string{"y"}}, `probe port "x" is none of its ports: y`},
		{env.Actor{Name: "a", Files: map[string]string{"b/c": ""}}, `file "b/c"`},
		{env.Actor{Name: "a", Files: map[string]string{"b": strings.Repeat("x", 1<<20)}}, "want at most 1048576"},
		{env.Actor{Name: "a", Replicas: -1}, "negative"},
	} {
		contains(t, "check", check(c.a), c.want)
	}
	if err := check(gatewayForTest()); err != nil {
		t.Error(err)
	}
}

func TestResources(t *testing.T) {
	got := resources(env.Limits{CPUCores: 1.25, MemoryBytes: 600 << 20})
	want := corev1.ResourceList{"cpu": resource.MustParse("1250m"), "memory": resource.MustParse("600Mi")}
	for name, q := range want {
		if found := got[name]; found.Cmp(q) != 0 || found.String() != q.String() {
			t.Errorf("%s: %s, want %s", name, found.String(), q.String())
		}
	}
	if got := resources(env.Limits{}); len(got) != 0 {
		t.Errorf("no limits give %v", got)
	}
}
