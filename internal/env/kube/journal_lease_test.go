package kube

import (
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

var discard = slog.New(slog.DiscardHandler)

// conflict is what an update of something that was changed meanwhile is answered with.
func conflict(name string) error {
	return apierrors.NewConflict(corev1.Resource("configmaps"), name, errors.New("it was changed"))
}

// A run that cannot tell that it lives ends its load before its watchdog takes the changes back;
// one that can again in time goes on.
func TestLoadEndsBeforeTheWatchdogActs(t *testing.T) {
	for _, c := range []struct {
		name  string
		away  time.Duration // how long no beat is answered
		hangs bool          // as if the answers were lost; else the connections are refused
		ends  bool
	}{
		{"for a minute", time.Minute, false, false},
		{"for an hour", time.Hour, false, true},
		{"for an hour, without answers", time.Hour, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGivenTest(t, Options{})
				time.Sleep(10*time.Minute + time.Second) // the test's own time
				began := time.Now()
				var away atomic.Bool
				away.Store(true)
				intercept(&g.core.Fake, "update", "configmaps",
					func(a clienttesting.Action) (bool, runtime.Object, error) {
						m := a.(clienttesting.UpdateAction).GetObject().(*corev1.ConfigMap)
						if m.Name != journalName || !away.Load() {
							return false, nil, nil
						}
						if c.hangs {
							time.Sleep(renewEvery) // as long as a beat may take
						}
						return true, nil, errors.New("the connection was lost")
					})
				m, err := g.testSite.journal(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				acts := aliveUntil(m.Annotations[noteAlive])
				for g.load.State().Running && time.Now().Before(acts) {
					time.Sleep(time.Second)
					away.Store(time.Since(began) < c.away)
				}
				left := time.Until(acts)
				if c.ends && (left < 5*time.Second || left > 31*time.Second) {
					t.Errorf("the load ended %s before the watchdog acts, want some seconds, and 30 s at most",
						left)
				}
				if running := g.load.State().Running; running == c.ends {
					t.Errorf("the load runs: %v", running)
				}
				away.Store(false)
				err = g.k.Close()
				if c.ends {
					contains(t, "Close", err, "the cluster was not told that this run is alive")
				} else if err != nil {
					t.Error(err)
				}
				if err := g.unoccupied(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A run that was thought dead and tells in that moment that it lives keeps its changes.
func TestClaimOfARunThatWasSlow(t *testing.T) {
	for _, who := range []string{"its watchdog", "cleanup"} {
		synctest.Test(t, func(t *testing.T) {
			s := newTestSite(t, theirs.DeepCopy())
			run := s.takeover(InPlace{}, time.Minute)
			j := s.changed(run)
			during := s.state()
			time.Sleep(aliveFor + time.Second) // the test's own time
			beats := 1
			intercept(&s.core.Fake, "update", "configmaps",
				func(a clienttesting.Action) (bool, runtime.Object, error) {
					m := a.(clienttesting.UpdateAction).GetObject().(*corev1.ConfigMap)
					if beats--; m.Name != journalName || beats != 0 || m.Annotations[noteClaimed] == "" {
						return false, nil, nil
					}
					s.beats()
					return true, nil, conflict(journalName)
				})
			switch who {
			case "cleanup":
				got, _, err := restoreInstallations(t.Context(), s.access, "", false)
				if err != nil || len(got) > 0 && !left(got) {
					t.Errorf("restoreInstallations = %+v, %v; want it left alone", got, err)
				}
			default:
				w := watchdog{site: s.site, runID: "run-1", log: discard, signed: true}
				if over, err := w.look(t.Context()); over || err != nil {
					t.Errorf("look = %v, %v; want that it goes on", over, err)
				}
			}
			if diff := cmp.Diff(during, s.state()); diff != "" || beats > 0 {
				t.Errorf("%s: the installation (-during +after):\n%s", who, diff)
			}
			if err := j.held(t.Context()); err != nil {
				t.Errorf("%s: %v", who, err)
			}
		})
	}
}

// beats has the run tell that it lives, from within a call to the fake.
func (s *testSite) beats() {
	found, err := s.core.Tracker().Get(configMaps, odigosNamespace, journalName)
	if err != nil {
		s.t.Fatal(err)
	}
	m := found.(*corev1.ConfigMap).DeepCopy()
	m.Annotations[noteAlive] = stamp(time.Now().Add(aliveFor))
	if err := s.core.Tracker().Update(configMaps, m, odigosNamespace); err != nil {
		s.t.Fatal(err)
	}
}

// Of two who take changes back one does; the other finds them taken, which is no failure. One that
// died over it is followed by another.
func TestOneTakesTheChangesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSite(t, theirs.DeepCopy())
		run := s.takeover(InPlace{}, time.Minute)
		j := s.changed(run)
		during := s.state()
		time.Sleep(aliveFor + time.Second) // the test's own time
		if _, err := s.claim(t.Context(), j.uid, "a cleanup that dies", nil); err != nil {
			t.Fatal(err)
		}
		contains(t, "a run", s.unoccupied(t.Context()), "is taken back by a cleanup that dies")
		w := watchdog{site: s.site, runID: "run-1", log: discard, signed: true}
		if over, err := w.look(t.Context()); over || err != nil {
			t.Errorf("look = %v, %v; want that it waits", over, err)
		}
		got, _, err := restoreInstallations(t.Context(), s.access, "", false)
		if diff := cmp.Diff(during, s.state()); diff != "" || !left(got) || err != nil {
			t.Errorf("cleanup = %+v, %v, the installation (-during +after):\n%s", got, err, diff)
		}
		time.Sleep(claimedFor)
		got, _, err = restoreInstallations(t.Context(), s.access, "", false)
		if err != nil || len(got) != 1 || !got[0].Whole {
			t.Errorf("cleanup after the claim = %+v, %v; want all taken back", got, err)
		}
	})
}

// Changes that another has taken back while one was at it are taken back: nothing failed.
func TestCleanupThatAnotherWasFasterThan(t *testing.T) {
	for _, who := range []string{"cleanup", "its watchdog"} {
		synctest.Test(t, func(t *testing.T) {
			s := newTestSite(t, theirs.DeepCopy())
			run := s.takeover(InPlace{}, time.Minute)
			j := s.changed(run)
			time.Sleep(aliveFor + time.Second) // the test's own time
			intercept(&s.odigos.Fake, "delete", destinations,
				func(clienttesting.Action) (bool, runtime.Object, error) {
					return false, nil, s.removeJournal(t.Context(), j.uid)
				})
			if who == "cleanup" {
				got, _, err := restoreInstallations(t.Context(), s.access, "", false)
				if err != nil || len(got) != 1 || !got[0].Whole ||
					!slices.Contains(got[0].Done, "Another took the rest back meanwhile.") {
					t.Errorf("restoreInstallations = %+v, %v; want it told", got, err)
				}
				return
			}
			w := watchdog{site: s.site, runID: "run-1", log: discard, signed: true}
			if over, err := w.look(t.Context()); !over || err != nil || len(w.told) > 0 {
				t.Errorf("look = %v, %v, told %q; want that all is done", over, err, w.told)
			}
		})
	}
}

// left is whether the only installation that was found was left alone.
func left(all []Restored) bool { return len(all) == 1 && !all[0].Alive.IsZero() && !all[0].Whole }

// Who could not take all back lets others try at once.
func TestFailedRestorationLetsOthersTry(t *testing.T) {
	for _, who := range []string{"one", "its watchdog"} {
		synctest.Test(t, func(t *testing.T) {
			s := newTestSite(t, theirs.DeepCopy())
			before := s.state()
			j := s.changed(s.takeover(InPlace{}, time.Minute))
			time.Sleep(aliveFor + time.Second) // the test's own time
			s.refuseOnce("update", destinations, errAnswerLost)
			var err error
			if who == "one" {
				_, err = s.restoreJournal(t.Context(), j.uid, who, nil)
			} else {
				w := watchdog{site: s.site, runID: "run-1", log: discard, signed: true}
				_, err = w.look(t.Context())
			}
			contains(t, who, err, "the connection was lost")
			got, _, err := restoreInstallations(t.Context(), s.access, "", false)
			if err != nil || len(got) != 1 || !got[0].Whole {
				t.Errorf("after %s: restoreInstallations = %+v, %v; want all taken back", who, got, err)
			}
			if diff := cmp.Diff(before, s.state()); diff != "" {
				t.Errorf("after %s: the installation (-before +after):\n%s", who, diff)
			}
		})
	}
}

func TestMayRestore(t *testing.T) {
	now := time.Date(2026, 11, 20, 3, 4, 5, 0, time.UTC)
	past, later := stamp(now.Add(-time.Second)), stamp(now.Add(time.Minute))
	for _, c := range []struct {
		alive, deadline, claimed string
		want                     bool
	}{
		{later, later, "", false},
		{past, later, "", true},
		{later, past, "", true},
		{"soon", later, "", false}, // what cannot be read never ends
		{later, past, "another", false},
		{past, later, "another", true},
		{later, later, "I", true},
	} {
		m := &corev1.ConfigMap{}
		m.Annotations = map[string]string{
			noteAlive: c.alive, noteDeadline: c.deadline, noteClaimed: c.claimed,
		}
		if got := mayRestore(m, "I", now); got != c.want {
			t.Errorf("mayRestore(alive until %s, deadline %s, claimed by %q) = %v, want %v", c.alive,
				c.deadline, c.claimed, got, c.want)
		}
	}
}
