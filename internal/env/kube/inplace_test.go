package kube

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// deploy adds the gateway's Deployment, rolled out, of 300m and 300Mi.
func (s *testSite) deploy(change func(*appsv1.Deployment)) {
	s.t.Helper()
	labels := map[string]string{"odigos.io/collector-role": "CLUSTER_GATEWAY"}
	limits := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("300m"), corev1.ResourceMemory: resource.MustParse("300Mi"),
	}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: odigosGateway, Namespace: odigosNamespace},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(1)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: gatewayContainer, Resources: corev1.ResourceRequirements{Limits: limits},
					Env: []corev1.EnvVar{{Name: "GOMEMLIMIT", Value: "200MiB"}},
				}}},
			},
		},
		Status: appsv1.DeploymentStatus{Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1},
	}
	if change != nil {
		change(d)
	}
	if err := s.core.Tracker().Add(d); err != nil {
		s.t.Fatal(err)
	}
}

// sized is a gateway that asks for other limits than the installation has.
func sized() env.Actor {
	return env.Actor{
		Name: gatewayActor, Limits: env.Limits{CPUCores: 1, MemoryBytes: 600 << 20},
		Env: map[string]string{"GOMEMLIMIT": "440MiB"},
	}
}

func TestChanges(t *testing.T) {
	named := func(all []change) []string {
		var out []string
		for _, c := range all {
			out = append(out, c.String())
		}
		return out
	}
	as := env.Actor{
		Name: gatewayActor, Limits: env.Limits{CPUCores: 0.3, MemoryBytes: 300 << 20},
		Env: map[string]string{"GOMEMLIMIT": "200MiB"},
	}
	for _, c := range []struct {
		name string
		o    InPlace
		a    env.Actor
		want []string
	}{
		{
			"as it is, pinned",
			InPlace{},
			as,
			[]string{
				"set collectorGateway in ConfigMap odigos-configuration: maxReplicas 1 (was 8), minReplicas 1 (was 2)",
				"make Destination odigos-stress",
			},
		},
		{"as it is, with its HPA", InPlace{Autoscale: true}, as, []string{"make Destination odigos-stress"}},
		{
			"larger",
			InPlace{Autoscale: true},
			sized(),
			[]string{
				"set collectorGateway in ConfigMap odigos-configuration: goMemLimitMiB 440 (was not set), " +
					"limitCPUm 1000 (was 300), limitMemoryMiB 600 (was not set), requestCPUm 1000 (was not set), " +
					"requestMemoryMiB 600 (was not set)",
				"make Destination odigos-stress",
			},
		},
		{
			"used by others, with an object",
			InPlace{Autoscale: true, AllowLive: true, Objects: []Object{{content: odigosObject("Sampling", "all", nil)}}},
			as,
			[]string{"disable Destination theirs (of all signals)", "make Sampling all", "make Destination odigos-stress"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newTestSite(t)
			if c.o.AllowLive {
				s.put(destinations, theirs.DeepCopy())
				s.put(destinations, odigosObject("Destination", "off", map[string]any{"disabled": true}))
			}
			s.deploy(nil)
			before := s.state()
			got, err := s.takeover(c.o, time.Minute).changes(t.Context(), c.a)
			if diff := cmp.Diff(c.want, named(got)); diff != "" || err != nil {
				t.Errorf("changes: %v (-want +got):\n%s", err, diff)
			}
			if diff := cmp.Diff(before, s.state()); diff != "" {
				t.Errorf("it was changed:\n%s", diff)
			}
		})
	}
}

func TestInPlaceRefuses(t *testing.T) {
	source := odigosObject("Source", "shop", map[string]any{})
	for _, c := range []struct {
		name   string
		there  *unstructured.Unstructured
		o      InPlace
		a      env.Actor
		change func(s *testSite)
		want   []string
	}{
		{
			name: "Destinations of others", there: theirs,
			want: []string{"Destinations that are enabled: theirs (of all signals)", "--allow-live"},
		},
		{
			name: "Sources", there: source,
			want: []string{"Source odigos-system/shop", "--allow-live"},
		},
		{
			name: "workloads that are instrumented", there: odigosObject("InstrumentationConfig", "shop", nil),
			want: []string{"InstrumentationConfig odigos-system/shop", "--allow-live"},
		},
		{
			name: "a Destination of the run's name", o: InPlace{AllowLive: true},
			there: odigosObject("Destination", destinationName, nil), want: []string{"not this run's"},
		},
		{
			name:  "an object of that name",
			o:     InPlace{Objects: []Object{{odigosObject("Processor", "mine", nil), "a.yaml, document 1"}}},
			there: odigosObject("Processor", "mine", nil),
			want:  []string{"a.yaml, document 1: found a Processor mine in namespace odigos-system already"},
		},
		{
			name: "an object of another namespace",
			o: InPlace{Objects: []Object{{&unstructured.Unstructured{Object: map[string]any{
				"kind": "Processor", "metadata": map[string]any{"name": "mine", "namespace": "elsewhere"},
			}}, "a.yaml, document 1"}}},
			want: []string{"found namespace elsewhere, want none, or odigos-system"},
		},
		{
			name: "a memory limit of odd bytes", a: env.Actor{Limits: env.Limits{MemoryBytes: 1<<30 + 1}},
			want: []string{"found a memory limit of 1073741825 bytes, want whole MiB"},
		},
		{
			name:   "a configuration that cannot be edited",
			change: func(s *testSite) { s.write(odigosConfiguration, odigosSettingsKey, "{a: 1}") },
			want:   []string{"ConfigMap odigos-system/odigos-configuration, key config.yaml", "in braces"},
		},
		{
			name:   "no right to see who sends",
			change: func(s *testSite) { s.deny("list", sources) },
			want:   []string{"list", "sources.odigos.io"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newTestSite(t)
			s.deploy(nil)
			if c.there != nil {
				s.put(strings.ToLower(c.there.GetKind())+"s", c.there.DeepCopy())
			}
			if c.change != nil {
				c.change(s)
			}
			before := s.state()
			_, err := s.takeover(c.o, time.Minute).changes(t.Context(), c.a)
			contains(t, "changes", err, c.want...)
			if diff := cmp.Diff(before, s.state()); diff != "" {
				t.Errorf("it was changed:\n%s", diff)
			}
		})
	}
}

func (s *testSite) write(name, key, text string) {
	s.t.Helper()
	_, err := s.core.CoreV1().ConfigMaps(odigosNamespace).Update(s.t.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: odigosNamespace},
		Data:       map[string]string{key: text},
	}, metav1.UpdateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *testSite) deny(verb, resource string) {
	intercept(&s.odigos.Fake, verb, resource, func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(odigosResource(resource).GroupResource(), "", errors.New("no"))
	})
}

func TestNewTakeoverRefuses(t *testing.T) {
	found := Found{
		Namespace: "odigos-system", Deployment: "d", Container: gatewayContainer,
		Config: Config{From: "file x", namespace: "odigos-system", name: "n"},
	}
	for _, c := range []struct {
		change func(*Found, *Kube)
		want   string
	}{
		{func(f *Found, _ *Kube) { f.Container = "otc" }, `found container "otc", want "gateway"`},
		{func(f *Found, _ *Kube) { f.Config.namespace = "other" }, "found its configuration in file x"},
		{func(_ *Found, k *Kube) { k.naming.namespace = "odigos-system" }, "--namespace odigos-system, want another"},
	} {
		f, k := found, &Kube{}
		c.change(&f, k)
		_, err := newTakeover(k, InPlace{Found: f})
		contains(t, "newTakeover", err, "use odigos-system/d in place", c.want)
	}
}

// A change is not made where somebody changed the same a moment before, and a field that the
// cluster does not know is not taken for one that it has.
func TestApplyFails(t *testing.T) {
	s := newTestSite(t, theirs.DeepCopy())
	run := s.takeover(InPlace{}, time.Minute)
	changes := changesForTest(s, run)
	s.set("limitCPUm", new(700))
	contains(t, "sizing", changes[0].apply(t.Context(), s.site), "somebody changed it just now")
	s.put(processors, odigosObject("Processor", "mine", nil))
	contains(t, "an object", changes[2].apply(t.Context(), s.site), "there is one of that name")
	s.put(destinations, odigosObject("Destination", "theirs", map[string]any{"disabled": false}))
	contains(t, "disabling", changes[1].apply(t.Context(), s.site), "spec.disabled is false")
	s.put(destinations, theirs.DeepCopy())
	intercept(&s.odigos.Fake, "update", destinations, func(a clienttesting.Action) (bool, runtime.Object, error) {
		return true, theirs.DeepCopy(), nil // pruned
	})
	contains(t, "disabling", changes[1].apply(t.Context(), s.site), "did not take spec.disabled true")
}

// Others come back only once nothing of the run can come to them: its Destination is removed first,
// and its exporter waited for to go.
func TestOthersComeBackLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSite(t, theirs.DeepCopy())
		run := s.takeover(InPlace{}, time.Minute)
		j := s.changed(run)
		s.write(odigosGateway, odigosConfigKey, siteRendered(stressExporter))
		var order []string
		intercept(&s.odigos.Fake, "delete", destinations, func(clienttesting.Action) (bool, runtime.Object, error) {
			order = append(order, "removed")
			go func() {
				time.Sleep(20 * time.Second) // the test's own time
				order = append(order, "rendered")
				s.write(odigosGateway, odigosConfigKey, siteRendered("nop"))
			}()
			return false, nil, nil
		})
		intercept(&s.odigos.Fake, "update", destinations, func(clienttesting.Action) (bool, runtime.Object, error) {
			order = append(order, "enabled")
			return false, nil, nil
		})
		if r, err := s.restoreJournal(t.Context(), j.uid, "the test", nil); err != nil || len(r.Left) > 0 {
			t.Errorf("restoreJournal = %+v, %v", r, err)
		}
		if diff := cmp.Diff([]string{"removed", "rendered", "enabled"}, order); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	})
}

// An Odigos that does not take the exporter out does not keep the rest from coming back.
func TestOdigosThatNeverRenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSite(t, theirs.DeepCopy())
		before := s.state()
		run := s.takeover(InPlace{}, time.Minute)
		j := s.changed(run)
		s.write(odigosGateway, odigosConfigKey, siteRendered(stressExporter))
		began := time.Now()
		r, err := s.restoreJournal(t.Context(), j.uid, "the test", nil)
		if err != nil || len(r.Left) != 1 || !strings.Contains(r.Left[0], "1m0s after its Destination was removed") {
			t.Errorf("restoreJournal = %+v, %v", r, err)
		}
		if took := time.Since(began); took < renderTime || took > renderTime+time.Second {
			t.Errorf("it took %s, want %s", took, renderTime)
		}
		s.write(odigosGateway, odigosConfigKey, siteRendered("otlp_grpc/generic-theirs"))
		if diff := cmp.Diff(before, s.state()); diff != "" {
			t.Errorf("the installation (-before +after):\n%s", diff)
		}
	})
}

func TestReadObjects(t *testing.T) {
	const head = "apiVersion: odigos.io/v1alpha1\n"
	good := head + "kind: Processor\nmetadata: {name: a}\nspec: {type: batch}\n"
	got, err := ReadObjects("x.yaml", []byte("# mine\n---\n"+good+"---\n"+
		strings.Replace(good, "Processor", "Sampling", 1)))
	if err != nil || len(got) != 2 || got[0].Processor() != "batch" || got[1].Processor() != "" ||
		got[1].Kind() != "Sampling" || got[1].Name() != "a" {
		t.Errorf("ReadObjects = %+v, %v", got, err)
	}
	for _, c := range []struct{ text, want string }{
		{"", "x.yaml: found no object, want a Processor"},
		{"a: [", "x.yaml, document 1: read YAML"},
		{"apiVersion: v1\nkind: Secret\n", "x.yaml, document 1: found Secret of v1, want Processor"},
		{head + "kind: Destination\nmetadata: {name: a}\nspec: {}\n", "found Destination of odigos.io/v1alpha1"},
		{good + "---\nkind: Processor\n", "document 2: found Processor of none"},
		{head + "kind: Action\nspec: {}\n", "without metadata.name"},
		{head + "kind: Action\nmetadata: {name: a}\n", "found Action a without spec"},
		{strings.Replace(good, "{name: a}", "{name: a, uid: b}", 1), "found metadata.uid"},
		{strings.Replace(good, "{name: a}", "{name: a, ownerReferences: []}", 1), "found metadata.ownerReferences"},
		{good + "---\n" + good, "document 2: found Processor a a second time"},
	} {
		_, err := ReadObjects("x.yaml", []byte(c.text))
		contains(t, fmt.Sprintf("ReadObjects(%q)", c.text), err, c.want)
	}
}

// A start that fails gives back what it took, and says so; nothing is left but what was there.
func TestStartInPlaceThatFails(t *testing.T) {
	for _, c := range []struct {
		name     string
		watched  bool
		deadline time.Duration // of the start
		want     []string
	}{
		{"Odigos does nothing", true, time.Hour, []string{"wait until Odigos' scheduler takes the settings over"}},
		{"its watchdog never watches", false, time.Hour, []string{"its watchdog watches", "there is no pod of Job"}},
		{"interrupted", true, 10 * time.Second, []string{"deadline"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newTestSite(t, theirs.DeepCopy())
				s.deploy(nil)
				before := s.state()
				run := s.takeover(InPlace{AllowLive: true}, time.Minute)
				if c.watched {
					intercept(&s.core.Fake, "create", "jobs", func(clienttesting.Action) (bool, runtime.Object, error) {
						go func() {
							_ = watchJournal(t.Context(), s.site, "run-1", slog.New(slog.DiscardHandler))
						}()
						return false, nil, nil
					})
				}
				ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
				defer cancel()
				k := run.k
				life, end := context.WithCancel(t.Context())
				k.life = life
				_, err := k.startInPlace(ctx, sized())
				contains(t, "startInPlace", err, c.want...)
				if diff := cmp.Diff(before, s.state()); diff != "" {
					t.Errorf("the installation (-before +after):\n%s", diff)
				}
				if err := s.unoccupied(t.Context()); err != nil {
					t.Errorf("the journal is left: %v", err)
				}
				end()
				k.background.Wait()
				time.Sleep(2 * watchEvery) // the test's own time: the watchdog goes
			})
		})
	}
}
