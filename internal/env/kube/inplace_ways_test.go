package kube

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// guarded has where the load goes watched from now on, as after a start.
func (g *givenTest) guarded() {
	g.write(odigosGateway, odigosConfigKey, siteRendered(stressExporter))
	g.k.inPlace.lent = true
	g.k.inPlace.guard(g.k.inPlace.watchWays)
}

// A Destination that somebody enables while the load runs gets it: the load ends at once, the trial
// is none, and no other load is started.
func TestLoadEndsOnceOthersGetIt(t *testing.T) {
	const also = "otlp_grpc/generic-theirs"
	for _, c := range []struct {
		name   string
		change func(g *givenTest)
		want   string
	}{
		{"another exporter", func(g *givenTest) {
			g.write(odigosGateway, odigosConfigKey, siteRendered(stressExporter, also))
		}, "its traces go to " + stressExporter + ", " + also},
		{"the run's is gone", func(g *givenTest) {
			g.write(odigosGateway, odigosConfigKey, siteRendered("nop"))
		}, "its traces go to none"},
		{"nothing is rendered any more", func(g *givenTest) {
			err := g.core.Tracker().Delete(configMaps, odigosNamespace, odigosGateway)
			if err != nil {
				g.t.Fatal(err)
			}
		}, "there is no ConfigMap " + odigosGateway},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGivenTest(t, Options{})
				g.guarded()
				time.Sleep(time.Minute) // the test's own time
				if s := g.load.State(); !s.Running {
					t.Fatalf("the load of an installation that is the run's alone: %+v", s)
				}
				c.change(g)
				time.Sleep(waysEvery + time.Second)
				synctest.Wait()
				if s := g.load.State(); s.Running || !s.Stopped || !strings.Contains(s.Reason, c.want) {
					t.Errorf("the load: %+v; want it stopped, since %s", s, c.want)
				}
				if notes := strings.Join(g.k.Notes(), "\n"); !strings.Contains(notes, c.want) {
					t.Errorf("notes have no %q: %s", c.want, notes)
				}
				_, err := g.k.Start(t.Context(), loadgenForTest(1))
				contains(t, "Start", err, "start loadgen", c.want)
				g.write2(odigosGateway, odigosConfigKey, siteRendered("nop"))
				contains(t, "Close", g.k.Close(), "give the installation back", c.want)
				if err := g.unoccupied(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// write2 is write of a ConfigMap that may be gone, and from within a call to the fake.
func (s *testSite) write2(name, key, text string) {
	s.t.Helper()
	m := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: odigosNamespace},
		Data:       map[string]string{key: text},
	}
	_ = s.core.Tracker().Delete(configMaps, odigosNamespace, name)
	if err := s.core.Tracker().Add(m); err != nil {
		s.t.Fatal(err)
	}
}

// What was changed since the last look is seen before the installation is given back, and that is
// done all the same.
func TestGiveBackLooksOnceMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSite(t, theirs.DeepCopy())
		before := s.state()
		run := s.takeover(InPlace{}, time.Minute)
		s.changed(run)
		run.lent = true
		s.write(odigosGateway, odigosConfigKey, siteRendered(stressExporter, "otlp_grpc/generic-theirs"))
		intercept(&s.odigos.Fake, "delete", destinations,
			func(clienttesting.Action) (bool, runtime.Object, error) {
				s.write(odigosGateway, odigosConfigKey, siteRendered("otlp_grpc/generic-theirs"))
				return false, nil, nil
			})
		contains(t, "giveBack", run.giveBack(t.Context()), "the load was not the run's alone",
			"otlp_grpc/generic-theirs")
		if diff := cmp.Diff(before, s.state()); diff != "" || !run.isOver() {
			t.Errorf("over %v, the installation (-before +after):\n%s", run.isOver(), diff)
		}
	})
}

// A second try finds the run's Destination gone, which the first has removed: nobody else did.
func TestGiveBackTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSite(t, theirs.DeepCopy())
		before := s.state()
		run := s.takeover(InPlace{}, time.Minute)
		s.changed(run)
		run.lent = true
		s.write(odigosGateway, odigosConfigKey, siteRendered(stressExporter))
		failures := 1
		intercept(&s.odigos.Fake, "update", destinations,
			func(clienttesting.Action) (bool, runtime.Object, error) {
				s.write(odigosGateway, odigosConfigKey, siteRendered("otlp_grpc/generic-theirs"))
				failures--
				return failures >= 0, nil, apierrors.NewInternalError(errors.New("etcd is away"))
			})
		intercept(&s.odigos.Fake, "delete", destinations,
			func(clienttesting.Action) (bool, runtime.Object, error) {
				s.write(odigosGateway, odigosConfigKey, siteRendered("nop"))
				return false, nil, nil
			})
		contains(t, "giveBack", run.giveBack(t.Context()), "etcd is away")
		if err := run.giveBack(t.Context()); err != nil {
			t.Errorf("giveBack once more: %v", err)
		}
		if diff := cmp.Diff(before, s.state()); diff != "" || !run.isOver() {
			t.Errorf("over %v, the installation (-before +after):\n%s", run.isOver(), diff)
		}
	})
}

// A run that cannot see where its load goes ends it before its watchdog gives the installation back.
func TestLoadEndsWhereItIsBlind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGivenTest(t, Options{})
		g.guarded()
		began := time.Now()
		blind := true
		intercept(&g.core.Fake, "get", "configmaps",
			func(a clienttesting.Action) (bool, runtime.Object, error) {
				is := a.(clienttesting.GetAction).GetName() == odigosGateway
				return blind && is, nil, errors.New("the connection was lost")
			})
		time.Sleep(tellFor - waysEvery) // the test's own time
		if s := g.load.State(); !s.Running {
			t.Errorf("after %s the load: %+v", time.Since(began), s)
		}
		time.Sleep(3 * waysEvery)
		synctest.Wait()
		if s := g.load.State(); s.Running || !strings.Contains(s.Reason, "not known where its load goes") {
			t.Errorf("after %s the load: %+v; want it stopped", time.Since(began), s)
		}
		blind = false
		g.write(odigosGateway, odigosConfigKey, siteRendered("nop"))
		contains(t, "Close", g.k.Close(), "it was not known where its load goes")
	})
}

// Where others got in while the pods were started anew the start fails, and all is taken back.
func TestTakeLooksOnceMore(t *testing.T) {
	for _, strays := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newTestSite(t)
			s.ready()
			run := s.takeover(InPlace{Autoscale: true}, time.Minute)
			life, end := context.WithCancel(t.Context())
			run.k.life = life
			intercept(&s.core.Fake, "list", "pods",
				func(a clienttesting.Action) (bool, runtime.Object, error) {
					of := a.(clienttesting.ListAction).GetListRestrictions().Labels.String()
					if strays && strings.Contains(of, "collector-role") {
						s.write2(odigosGateway, odigosConfigKey, siteRendered(stressExporter, "otlp_grpc/a"))
					}
					return false, nil, nil
				})
			err := run.take(t.Context(), env.Actor{Name: gatewayActor})
			if !strays && (err != nil || run.unfit() != nil) {
				t.Errorf("take: %v, unfit %v", err, run.unfit())
			}
			if strays {
				contains(t, "take", err, "the load was not the run's alone", "otlp_grpc/a")
			}
			s.write(odigosGateway, odigosConfigKey, siteRendered("nop"))
			_ = run.giveBack(t.Context()) // where the load may have come it tells of the nop
			end()
			run.k.background.Wait()
			time.Sleep(2 * watchEvery) // the test's own time: the watchdog goes
		})
	}
}

// ready makes the installation one that takes a run over at once, as it is.
func (s *testSite) ready() {
	s.t.Helper()
	s.deploy(nil)
	s.put(groups, odigosObject("CollectorsGroup", odigosGateway, map[string]any{}))
	s.write(odigosGateway, odigosConfigKey, siteRendered(stressExporter))
	d, err := s.core.AppsV1().Deployments(odigosNamespace).Get(s.t.Context(), odigosGateway,
		metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: d.Spec.Template.ObjectMeta, Spec: d.Spec.Template.Spec}
	pod.Name, pod.Namespace = odigosGateway+"-1", odigosNamespace
	pod.CreationTimestamp = metav1.NewTime(time.Now().Add(time.Hour)) // after all changes
	if err := s.core.Tracker().Add(pod); err != nil {
		s.t.Fatal(err)
	}
	intercept(&s.odigos.Fake, "create", destinations,
		func(a clienttesting.Action) (bool, runtime.Object, error) {
			o := a.(clienttesting.CreateAction).GetObject().(*unstructured.Unstructured)
			o.Object["status"] = conditionsOf("DestinationConfigured", "True")
			return false, nil, nil
		})
	intercept(&s.core.Fake, "create", "jobs",
		func(clienttesting.Action) (bool, runtime.Object, error) {
			go func() {
				_ = watchJournal(s.t.Context(), s.site, "run-1", slog.New(slog.DiscardHandler))
			}()
			return false, nil, nil
		})
}

// What a controller may set back is told before it is changed, and by whom.
func TestReconcilersAreTold(t *testing.T) {
	marked := func(o *metav1.ObjectMeta, label, annotation string) {
		if label != "" {
			o.Labels = map[string]string{label: "odigos"}
		}
		if annotation != "" {
			o.Annotations = map[string]string{annotation: "odigos"}
		}
	}
	for _, c := range []struct {
		name, label, annotation string
		want                    string
	}{
		{"nobody", "app.kubernetes.io/managed-by", "meta.helm.sh/release-name", ""},
		{"Argo CD", "", "argocd.argoproj.io/tracking-id", "Argo CD may set back"},
		{"Argo CD, by a label", "argocd.argoproj.io/instance", "", "Argo CD may set back"},
		{"Flux", "kustomize.toolkit.fluxcd.io/name", "", "Flux may set back"},
		{"Flux, of a chart", "helm.toolkit.fluxcd.io/name", "", "suspend its HelmRelease first"},
	} {
		t.Run(c.name, func(t *testing.T) {
			other := theirs.DeepCopy()
			var meta metav1.ObjectMeta
			marked(&meta, c.label, c.annotation)
			other.SetLabels(meta.Labels)
			other.SetAnnotations(meta.Annotations)
			s := newTestSite(t, other)
			s.deploy(nil)
			m, err := s.core.CoreV1().ConfigMaps(odigosNamespace).Get(t.Context(), odigosConfiguration,
				metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			marked(&m.ObjectMeta, c.label, c.annotation)
			if err := s.core.Tracker().Update(configMaps, m, odigosNamespace); err != nil {
				t.Fatal(err)
			}
			run := s.takeover(InPlace{AllowLive: true}, time.Minute)
			if _, err := run.changes(t.Context(), sized()); err != nil {
				t.Fatal(err)
			}
			notes := strings.Join(run.k.Notes(), "\n")
			of := "ConfigMap odigos-configuration, Destination theirs"
			if c.want == "" && notes != "" || !strings.Contains(notes, c.want) ||
				c.want != "" && !strings.Contains(notes, of) {
				t.Errorf("notes %q; want %q, of %s", notes, c.want, of)
			}
		})
	}
}

// Destinations that nothing of the load could come to are left alone, and of the others it is said
// what they are without.
func TestOthersThatTheLoadCouldComeTo(t *testing.T) {
	for _, c := range []struct {
		signals []any
		want    string // empty: it is left
	}{
		{nil, "disable Destination theirs (of all signals)"},
		{[]any{}, "disable Destination theirs (of all signals)"},
		{[]any{"LOGS"}, ""},
		{[]any{"METRICS"}, "disable Destination theirs (of METRICS)"},
		{[]any{"TRACES", "LOGS"}, "disable Destination theirs (of TRACES, LOGS)"},
	} {
		other := theirs.DeepCopy()
		if c.signals != nil {
			other.Object["spec"].(map[string]any)["signals"] = c.signals
		}
		s := newTestSite(t, other)
		s.deploy(nil)
		all, err := s.takeover(InPlace{AllowLive: true, Autoscale: true}, time.Minute).
			changes(t.Context(), env.Actor{})
		if err != nil || c.want == "" && len(all) != 1 || c.want != "" && all[0].String() != c.want {
			t.Errorf("of %v: %v, %v; want %q", c.signals, all, err, c.want)
		}
		_, err = s.takeover(InPlace{Autoscale: true}, time.Minute).changes(t.Context(), env.Actor{})
		if refused := err != nil; refused != (c.want != "") {
			t.Errorf("of %v, without --allow-live: %v", c.signals, err)
		}
	}
}
