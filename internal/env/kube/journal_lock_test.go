package kube

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

// A run whose journal is taken away between the entry and the change undoes the change itself.
func TestChangeAfterTheJournalIsLost(t *testing.T) {
	s := newTestSite(t, theirs.DeepCopy())
	before := s.state()
	run := s.takeover(InPlace{}, time.Minute)
	changes := changesForTest(s, run)
	j := s.open(run)
	var made []string // by the change, and by what takes it back
	note := func(a clienttesting.Action) (bool, runtime.Object, error) {
		made = append(made, a.GetVerb()+" "+a.GetResource().Resource)
		return false, nil, nil
	}
	for _, verb := range []string{"create", "update", "delete"} {
		intercept(&s.odigos.Fake, verb, "*", note)
	}
	intercept(&s.core.Fake, "update", "configmaps", func(a clienttesting.Action) (bool, runtime.Object, error) {
		m := a.(clienttesting.UpdateAction).GetObject().(*corev1.ConfigMap)
		if m.Name == journalName { // it is written, and then restored by somebody
			_ = s.core.Tracker().Delete(a.GetResource(), m.Namespace, m.Name)
			return true, m, nil
		}
		return note(a)
	})
	for n, want := range [][]string{
		{"update configmaps", "update configmaps", "update configmaps"}, // the last disowns it
		{"update destinations", "update destinations"},
		{"create processors", "delete processors"},
		{"create destinations", "delete destinations"},
	} {
		j.lost, made = nil, nil
		s.open2(j)
		err := run.make(t.Context(), changes[n])
		contains(t, changes[n].String(), err, "the journal of this run is gone")
		if diff := cmp.Diff(want, made); diff != "" {
			t.Errorf("%s: requests (-want +got):\n%s", changes[n], diff)
		}
		if diff := cmp.Diff(before, s.state()); diff != "" {
			t.Errorf("%s: the installation (-before +after):\n%s", changes[n], diff)
		}
	}
	contains(t, "giveBack", run.giveBack(t.Context()), "give the installation back", "its watchdog")
}

// open2 makes the journal again as it was.
func (s *testSite) open2(j *journal) {
	_ = s.core.Tracker().Add(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: journalName, Namespace: odigosNamespace, UID: j.uid,
		Annotations: map[string]string{noteRun: j.run},
	}})
}

func TestJournalIsALock(t *testing.T) {
	s := newTestSite(t)
	run := s.takeover(InPlace{}, time.Minute)
	if err := s.unoccupied(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.open(run)
	_, err := openJournal(t.Context(), s.site, run.k.naming, time.Now(), time.Now())
	for _, err := range []error{err, s.unoccupied(t.Context()), run.refuse(t.Context())} {
		contains(t, "a second run", err, "use the installation in namespace odigos-system: run run-1 of ",
			"alive until", "odigos-stress cleanup --environment kubernetes")
	}
}

// Once somebody takes the changes back, or the journal is another's, a run can write none down.
func TestJournalOfAnother(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*corev1.ConfigMap)
		want   string
	}{
		{"claimed", func(m *corev1.ConfigMap) {
			m.Annotations[noteClaimed] = "cleanup"
		}, "taken back by cleanup"},
		{"another's", func(m *corev1.ConfigMap) {
			m.UID, m.Annotations[noteRun] = "another", "run-2"
		}, "the journal is another's now, of run run-2"},
	} {
		s := newTestSite(t, theirs.DeepCopy())
		run := s.takeover(InPlace{}, time.Minute)
		changes := changesForTest(s, run)
		j := s.open(run)
		m, err := s.journal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.change(m)
		if err := s.core.Tracker().Update(configMaps, m, odigosNamespace); err != nil {
			t.Fatal(err)
		}
		before := s.state()
		contains(t, c.name+": a change", run.make(t.Context(), changes[0]), c.want)
		contains(t, c.name+": a beat", j.beat(t.Context()), c.want)
		if diff := cmp.Diff(before, s.state()); diff != "" || j.gone() == nil {
			t.Errorf("%s: lost %v, the installation (-before +after):\n%s", c.name, j.gone(), diff)
		}
	}
}

var configMaps = corev1.SchemeGroupVersion.WithResource("configmaps")

// Where the load may still run, an installation is left to its watchdog: others would get it.
func TestGiveBackWaitsForTheLoad(t *testing.T) {
	s := newTestSite(t)
	run := s.takeover(InPlace{}, time.Minute)
	j := s.open(run)
	run.leave()
	contains(t, "giveBack", run.giveBack(t.Context()), "the load was not stopped", "its watchdog does it")
	if err := j.held(t.Context()); err != nil || run.isOver() {
		t.Errorf("the journal: %v, over %v; want it there for the watchdog", err, run.isOver())
	}
	run.toOther = false
	if err := run.giveBack(t.Context()); err != nil || !run.isOver() {
		t.Errorf("once it is stopped: %v, over %v; want it given back", err, run.isOver())
	}
}

// A journal that was taken away while its changes are taken back stops that, whenever it was: what
// is there may be a later run's, which looks just like this one's.
func TestReplayOfAJournalThatIsGone(t *testing.T) {
	for _, c := range []struct {
		name  string
		after int // how many changes were taken back
	}{{"before the first", 0}, {"after the first", 1}, {"after the second", 2}} {
		t.Run(c.name, func(t *testing.T) {
			s := newTestSite(t, theirs.DeepCopy())
			run := s.takeover(InPlace{}, time.Minute)
			j := s.changed(run)
			m, err := s.journal(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := s.state()
			for _, gone := range []string{"Destination odigos-stress", "Processor mine"}[:c.after] {
				delete(want, gone)
			}
			left := c.after
			goes := func(clienttesting.Action) (bool, runtime.Object, error) {
				if left--; left == 0 {
					if err := s.core.Tracker().Delete(configMaps, odigosNamespace, journalName); err != nil {
						t.Error(err)
					}
				}
				return false, nil, nil
			}
			intercept(&s.odigos.Fake, "delete", "*", goes)
			if c.after == 0 {
				if err := s.removeJournal(t.Context(), j.uid); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.replay(t.Context(), m); !isGone(err) {
				t.Errorf("replay: %v; want that the journal is gone", err)
			}
			if diff := cmp.Diff(want, s.state()); diff != "" {
				t.Errorf("the installation (-want +got):\n%s", diff)
			}
		})
	}
}

// No pod is deleted of an installation that was given back.
func TestPodsOfAnInstallationThatWasGivenBack(t *testing.T) {
	s := newTestSite(t)
	s.ready()
	pod := odigosPod()
	pod.Name, pod.CreationTimestamp = "old", metav1.NewTime(time.Now().Add(-time.Hour))
	if err := s.core.Tracker().Add(pod); err != nil {
		t.Fatal(err)
	}
	run := s.takeover(InPlace{}, time.Minute)
	j := s.open(run)
	d, err := run.deployment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run.deployed = d
	if err := s.removeJournal(t.Context(), j.uid); err != nil {
		t.Fatal(err)
	}
	contains(t, "renewPods", run.renewPods(t.Context(), wanted{}), "start pod odigos-system/old anew",
		"the journal of this run is gone")
	if _, err := s.core.CoreV1().Pods(odigosNamespace).Get(t.Context(), "old", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
}
