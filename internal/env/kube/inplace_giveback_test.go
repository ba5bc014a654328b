package kube

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A givenTest is an installation that a run has changed while its load runs.
type givenTest struct {
	*testSite
	cluster *testCluster
	k       *Kube
	load    env.Instance
	journal *journal
}

func newGivenTest(t *testing.T, o Options) *givenTest {
	t.Helper()
	g := &givenTest{testSite: newTestSite(t, theirs.DeepCopy()), cluster: newTestCluster(t)}
	g.k = g.cluster.open(o)
	load := loadgenForTest(1)
	load.Args = []string{"loadgen"} // it need not reach anything
	g.load = start(t, g.k, load)
	held := g.takeover(InPlace{}, time.Minute)
	held.k, g.k.inPlace = g.k, held
	changes := changesForTest(g.testSite, held)
	now := time.Now()
	j, err := openJournal(t.Context(), g.site, held.k.naming, now.Add(aliveFor), now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	held.beat(j)
	g.make(j, changes)
	g.journal = j
	return g
}

// In a journal that is gone the changes were taken back: from then on the load would come to
// others.
func TestLoadEndsWithItsJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGivenTest(t, Options{})
		if !g.load.State().Running {
			t.Fatal("the load does not run")
		}
		if err := g.removeJournal(t.Context(), g.journal.uid); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * renewEvery) // the test's own time
		synctest.Wait()
		if s := g.load.State(); s.Running || !s.Stopped {
			t.Errorf("the load: %+v; want it stopped", s)
		}
		contains(t, "Close", g.k.Close(), "give the installation back", "the journal of this run is gone")
	})
}

// Whatever is kept, others come back only once the load has been stopped.
func TestCloseStopsTheLoadFirst(t *testing.T) {
	for _, keep := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			g := newGivenTest(t, Options{Keep: keep})
			var order []string
			intercept(&g.cluster.Fake, "delete", "jobs",
				func(a clienttesting.Action) (bool, runtime.Object, error) {
					if a.(clienttesting.DeleteAction).GetName() == loadActor {
						order = append(order, "load")
					}
					return false, nil, nil
				})
			intercept(&g.odigos.Fake, "delete", destinations,
				func(clienttesting.Action) (bool, runtime.Object, error) {
					order = append(order, "destination")
					return false, nil, nil
				})
			shut(t, g.k)
			if diff := cmp.Diff([]string{"load", "destination"}, order); diff != "" {
				t.Errorf("kept %v: order (-want +got):\n%s", keep, diff)
			}
		})
	}
}

// Where the load cannot be stopped the installation is left to its watchdog.
func TestCloseWithALoadThatGoesOn(t *testing.T) {
	for _, keep := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			g := newGivenTest(t, Options{Keep: keep})
			during := g.state()
			intercept(&g.cluster.Fake, "delete", "jobs",
				func(clienttesting.Action) (bool, runtime.Object, error) {
					return true, nil, errors.New("etcd is away")
				})
			contains(t, "Close", g.k.Close(), "the load was not stopped", "its watchdog does it")
			if diff := cmp.Diff(during, g.state()); diff != "" {
				t.Errorf("kept %v: the installation (-during +after):\n%s", keep, diff)
			}
			if _, err := g.testSite.journal(t.Context()); err != nil {
				t.Errorf("the journal: %v; want it there for the watchdog", err)
			}
		})
	}
}

// A restoration that takes longer than a beat is the run's own, and no loss of its journal.
func TestGiveBackSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSite(t, theirs.DeepCopy())
		before := s.state()
		run := s.takeover(InPlace{}, time.Minute)
		changes := changesForTest(s, run)
		now := time.Now()
		j, err := openJournal(t.Context(), s.site, run.k.naming, now.Add(aliveFor), now.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		run.beat(j)
		s.make(j, changes)
		s.write(odigosGateway, odigosConfigKey, siteRendered(stressExporter)) // and never without
		if err := run.giveBack(t.Context()); err != nil || !run.isOver() {
			t.Errorf("giveBack: %v, over %v; want it given back", err, run.isOver())
		}
		if took := time.Since(now); took < renewEvery {
			t.Errorf("it took %s: no beat came in between", took)
		}
		s.write(odigosGateway, odigosConfigKey, siteRendered("otlp_grpc/generic-theirs"))
		if diff := cmp.Diff(before, s.state()); diff != "" {
			t.Errorf("the installation (-before +after):\n%s", diff)
		}
	})
}

// A second start that fails gives nothing back: the load may go on.
func TestStartAgainInPlaceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGivenTest(t, Options{Patience: time.Second})
		during := g.state()
		_, err := g.k.startInPlace(t.Context(), gatewayForTest())
		contains(t, "startInPlace", err, "it was not ready within 1s")
		if diff := cmp.Diff(during, g.state()); diff != "" {
			t.Errorf("the installation (-during +after):\n%s", diff)
		}
		shut(t, g.k)
	})
}

// The deadline counts from the end of the start, however long that was.
func TestDeadlineIsPutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSite(t)
		run := s.takeover(InPlace{}, time.Minute)
		s.open(run)
		time.Sleep(time.Hour) // the test's own time
		if err := run.putOff(t.Context()); err != nil {
			t.Fatal(err)
		}
		m, err := s.journal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := stamp(time.Now().Add(run.k.o.Lifetime + deadlineSpare))
		if got := m.Annotations[noteDeadline]; got != want {
			t.Errorf("deadline %s, want %s", got, want)
		}
	})
}

// A journal whose making was not answered is taken away.
func TestJournalThatWasNotAnswered(t *testing.T) {
	s := newTestSite(t)
	run := s.takeover(InPlace{}, time.Minute)
	intercept(&s.core.Fake, "create", "configmaps",
		func(a clienttesting.Action) (bool, runtime.Object, error) {
			m := a.(clienttesting.CreateAction).GetObject().(*corev1.ConfigMap)
			if err := s.core.Tracker().Create(a.GetResource(), m, m.Namespace); err != nil {
				t.Error(err)
			}
			return true, nil, errors.New("the connection was lost")
		})
	_, err := openJournal(t.Context(), s.site, run.k.naming, time.Now(), time.Now())
	contains(t, "openJournal", err, "make ConfigMap", "the connection was lost")
	if err := s.unoccupied(t.Context()); err != nil {
		t.Error(err)
	}
}

// A journal whose making was done twice, since the first answer was lost, is the run's own.
func TestJournalThatWasAskedForTwice(t *testing.T) {
	s := newTestSite(t)
	run := s.takeover(InPlace{}, time.Minute)
	first := true
	intercept(&s.core.Fake, "create", "configmaps",
		func(a clienttesting.Action) (bool, runtime.Object, error) {
			if !first {
				return false, nil, nil
			}
			first = false
			m := a.(clienttesting.CreateAction).GetObject().(*corev1.ConfigMap)
			return false, nil, s.core.Tracker().Create(a.GetResource(), m, m.Namespace)
		})
	j, err := openJournal(t.Context(), s.site, run.k.naming, time.Now(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := j.held(t.Context()); err != nil {
		t.Error(err)
	}
}

// An installation whose only gateway died is given back by its Stop, and not by Close alone, which
// comes after the record. Its end stays a death.
func TestStopOfADeadGatewayGivesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGivenTest(t, Options{})
		before := newTestSite(t, theirs.DeepCopy()).state()
		p := odigosPod()
		g.cluster.set(p)
		g.k.background.Go(func() {
			g.k.table.follow(g.k.life, g.cluster, scope{
				namespace: odigosNamespace, pods: odigosRole, slices: serviceNameLabel + "=" + odigosGateway,
				as: gatewayActor,
			})
		})
		synctest.Wait()
		life, ok := incarnationOf(p, gatewayContainer)
		if !ok {
			t.Fatal("the gateway does not run")
		}
		c := g.k.board(env.Actor{Name: gatewayActor}, []incarnation{life}, false)
		terminate(p, corev1.ContainerStateTerminated{ExitCode: 137, Reason: oomKilled})
		g.cluster.set(p)
		synctest.Wait()
		if s := c.State(); s.Running {
			t.Fatalf("the gateway: %+v; want it dead", s)
		}
		s, err := c.Stop(t.Context())
		if err != nil || s.Stopped || s.OOMKilled == nil || !*s.OOMKilled {
			t.Errorf("Stop = %+v, %v; want that it died", s, err)
		}
		if said := strings.Join(c.members[0].GivenBack(), " "); !strings.Contains(said, "was set back") {
			t.Errorf("given back: %q; want what was done", said)
		}
		if diff := cmp.Diff(before, g.state()); diff != "" {
			t.Errorf("the installation (-before +after):\n%s", diff)
		}
		shut(t, g.k)
	})
}

// odigosPod is a pod of the installation's gateway that runs.
func odigosPod() *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: odigosGateway + "-1", Namespace: odigosNamespace, UID: "uid-odigos",
			Labels: map[string]string{"odigos.io/collector-role": "CLUSTER_GATEWAY"},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: gatewayContainer}}},
	}
	ready(p, 0)
	return p
}
