package kube

import (
	"errors"
	"log/slog"
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
				if err != nil || len(got) != 0 {
					t.Errorf("restoreInstallations = %+v, %v; want nothing", got, err)
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

func TestMayRestore(t *testing.T) {
	now := time.Date(2026, 11, 20, 3, 4, 5, 0, time.UTC)
	past, later := stamp(now.Add(-time.Second)), stamp(now.Add(time.Minute))
	for _, c := range []struct {
		alive, deadline string
		want            bool
	}{
		{later, later, false},
		{past, later, true},
		{later, past, true},
		{"soon", later, false}, // what cannot be read never ends
	} {
		m := &corev1.ConfigMap{}
		m.Annotations = map[string]string{noteAlive: c.alive, noteDeadline: c.deadline}
		if got := mayRestore(m, now); got != c.want {
			t.Errorf("mayRestore(alive until %s, deadline %s) = %v, want %v", c.alive, c.deadline, got,
				c.want)
		}
	}
}
