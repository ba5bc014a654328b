package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"
)

// While a run tells that it lives its watchdog does nothing; two minutes after the last word it takes
// all back, and so it does at the deadline, whoever lives.
func TestWatchdog(t *testing.T) {
	for _, c := range []struct {
		name     string
		beats    time.Duration // how long the run lives
		deadline time.Duration
		after    time.Duration // when all is back
	}{
		{"killed after five minutes", 5 * time.Minute, time.Hour, 7 * time.Minute},
		{"killed at once", 0, time.Hour, 2 * time.Minute},
		{"alive for too long", 2 * time.Hour, time.Hour, time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newTestSite(t, theirs.DeepCopy())
				before := s.state()
				run := s.takeover(InPlace{}, time.Minute)
				changes := changesForTest(s, run)
				began := time.Now()
				j, err := openJournal(t.Context(), s.site, run.k.naming, began.Add(aliveFor),
					began.Add(c.deadline))
				if err != nil {
					t.Fatal(err)
				}
				s.make(j, changes)
				beating, stop := context.WithTimeout(t.Context(), c.beats)
				defer stop()
				go j.keepAlive(beating, func(string) {})
				if err := watchJournal(t.Context(), s.site, "run-1", slog.New(slog.DiscardHandler)); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took < c.after-renewEvery || took > c.after+3*watchEvery {
					t.Errorf("it was taken back after %s, want %s", took, c.after)
				}
				if diff := cmp.Diff(before, s.state()); diff != "" {
					t.Errorf("the installation (-before +after):\n%s", diff)
				}
				events, err := s.core.CoreV1().Events(odigosNamespace).List(t.Context(), metav1.ListOptions{})
				if err != nil || len(events.Items) != 1 ||
					!strings.Contains(events.Items[0].Message, "ConfigMap odigos-configuration was set back") {
					t.Errorf("events %+v, %v; want one that tells it", events, err)
				}
				stop()
				synctest.Wait()
			})
		})
	}
}

// A watchdog signs the journal, and goes when it is gone or another's.
func TestWatchdogGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSite(t)
		run := s.takeover(InPlace{}, time.Minute)
		s.open(run)
		watched := make(chan error)
		go func() { watched <- watchJournal(t.Context(), s.site, "run-1", slog.New(slog.DiscardHandler)) }()
		time.Sleep(time.Second) // the test's own time
		m, err := s.journal(t.Context())
		if err != nil || m.Annotations[noteWatched] == "" {
			t.Fatalf("journal %+v, %v; want it signed", m, err)
		}
		if err := s.removeJournal(t.Context(), m.UID); err != nil {
			t.Fatal(err)
		}
		if err := <-watched; err != nil {
			t.Error(err)
		}
		s.open(run)
		if err := watchJournal(t.Context(), s.site, "run-2", slog.New(slog.DiscardHandler)); err != nil {
			t.Error(err)
		}
	})
}

// A restoration that fails leaves the journal, and is done again.
func TestWatchdogTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSite(t, theirs.DeepCopy())
		before := s.state()
		run := s.takeover(InPlace{}, time.Minute)
		s.changed(run)
		failures := 3
		intercept(&s.odigos.Fake, "update", destinations, func(clienttesting.Action) (bool, runtime.Object, error) {
			if failures--; failures >= 0 {
				return true, nil, apierrors.NewInternalError(errors.New("etcd is away"))
			}
			return false, nil, nil
		})
		if err := watchJournal(t.Context(), s.site, "run-1", slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, s.state()); diff != "" || failures >= 0 {
			t.Errorf("after %d failures less the installation (-before +after):\n%s", failures, diff)
		}
		want := []string{"NotRestored: etcd is away", "Restored: Destination theirs was enabled again"}
		if diff := cmp.Diff(want, s.events(want)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// events are those that there are, each as the first of the wanted that it is as: its reason, and
// part of what it says.
func (s *testSite) events(want []string) (all []string) {
	s.t.Helper()
	list, err := s.core.CoreV1().Events(odigosNamespace).List(s.t.Context(), metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range list.Items {
		text := e.Reason + ": " + e.Message
		for _, w := range want {
			if reason, part, _ := strings.Cut(w, ": "); e.Reason == reason && strings.Contains(e.Message, part) {
				text = w
			}
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

// Cleanup takes back what dead runs have changed, and leaves those that live.
func TestRestoreInstallations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSite(t, theirs.DeepCopy())
		before := s.state()
		run := s.takeover(InPlace{}, time.Minute)
		j := s.changed(run)
		during := s.state()
		if got, _, err := restoreInstallations(t.Context(), s.access, "", false); err != nil || !left(got) {
			t.Errorf("of a run that lives: %+v, %v; want it left alone", got, err)
		}
		time.Sleep(aliveFor + time.Second) // the test's own time
		shown, _, err := restoreInstallations(t.Context(), s.access, "", true)
		if err != nil || len(shown) != 1 || len(shown[0].Changes) != len(j.written) || shown[0].Whole {
			t.Errorf("for show: %+v, %v", shown, err)
		}
		if diff := cmp.Diff(during, s.state()); diff != "" {
			t.Errorf("for show the installation was changed:\n%s", diff)
		}
		got, _, err := restoreInstallations(t.Context(), s.access, "", false)
		if err != nil || len(got) != 1 || !got[0].Whole || got[0].RunID != "run-1" || len(got[0].Done) == 0 {
			t.Errorf("restoreInstallations = %+v, %v", got, err)
		}
		if diff := cmp.Diff(before, s.state()); diff != "" {
			t.Errorf("the installation (-before +after):\n%s", diff)
		}
	})
}

// Who may not look at all namespaces is told which were looked at; one that nobody may look at is no
// namespace without a journal, unless another was named.
func TestRestoreInstallationsWithFewRights(t *testing.T) {
	for _, c := range []struct {
		name, asked, named string
		closed             []string // namespaces
		looked             []string
		want               string // in the error
	}{
		{"both", "stress", "", nil, []string{"odigos-system", "stress"}, ""},
		{"one and the same", "odigos-system", "odigos-system", nil, []string{"odigos-system"}, ""},
		{
			"Odigos' own is closed", "stress", "",
			[]string{"odigos-system"},
			[]string{"stress"},
			"look for ConfigMap odigos-system/odigos-stress-journal",
		},
		{
			"Odigos' own is closed, and another was named", "odigos", "odigos",
			[]string{"odigos-system"},
			[]string{"odigos"},
			"",
		},
		{
			"the one that was named is closed", "odigos", "odigos",
			[]string{"odigos"},
			[]string{"odigos-system"},
			"-n with the namespace of the installation",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newTestSite(t)
			s.access.asked = c.asked
			closed := func(verb string) {
				intercept(&s.core.Fake, verb, "configmaps",
					func(a clienttesting.Action) (bool, runtime.Object, error) {
						if verb == "get" && !slices.Contains(c.closed, a.GetNamespace()) {
							return false, nil, nil
						}
						return true, nil, apierrors.NewForbidden(corev1.Resource("configmaps"), "", errors.New("no"))
					})
			}
			closed("list")
			closed("get")
			_, looked, err := restoreInstallations(t.Context(), s.access, c.named, false)
			if diff := cmp.Diff(c.looked, looked); diff != "" {
				t.Errorf("looked at (-want +got):\n%s", diff)
			}
			if c.want != "" {
				contains(t, "restoreInstallations", err, c.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// The rights that a watchdog gets are for what its run changes, by name, and of those that the run
// asks for itself.
func TestWatchdogRules(t *testing.T) {
	s := newTestSite(t, theirs.DeepCopy())
	run := s.takeover(InPlace{}, time.Minute)
	rules := watchdogRules(changesForTest(s, run))
	var got []string
	for _, r := range rules {
		got = append(got, fmt.Sprintf("%s %s/%s %s", strings.Join(r.Verbs, ","), r.APIGroups[0], r.Resources[0],
			strings.Join(r.ResourceNames, ",")))
	}
	want := []string{
		"create /events ",
		"get,update /configmaps odigos-configuration",
		"get /configmaps odigos-gateway",
		"get,update,delete /configmaps odigos-stress-journal",
		"get,delete odigos.io/destinations odigos-stress",
		"get,update odigos.io/destinations theirs",
		"get,delete odigos.io/processors mine",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	run.o.Objects = []Object{{content: odigosObject("Processor", "mine", nil)}}
	asked := map[right]bool{}
	for _, r := range run.needed() {
		asked[right{verb: r.verb, group: r.group, resource: r.resource, sub: r.sub}] = true
	}
	for _, rule := range rules {
		for _, verb := range rule.Verbs {
			if r := (right{verb: verb, group: rule.APIGroups[0], resource: rule.Resources[0]}); !asked[r] {
				t.Errorf("the watchdog may %s, which the run does not ask for", r)
			}
		}
	}
}

// The rights that docs/in-place.md names are those that a run asks for.
func TestDocumentedRightsInPlace(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "in-place.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ = bytes.Cut(text, []byte("```yaml\n"))
	text, _, _ = bytes.Cut(text, []byte("```"))
	var role rbacv1.Role
	if err := yaml.Unmarshal(text, &role); err != nil {
		t.Fatal(err)
	}
	verbs := func(rules []rbacv1.PolicyRule) map[string]bool {
		all := map[string]bool{}
		for _, r := range rules {
			for _, resource := range r.Resources {
				for _, verb := range r.Verbs {
					all[verb+" "+r.APIGroups[0]+"/"+resource] = true
				}
			}
		}
		return all
	}
	run := newTestSite(t).takeover(InPlace{Objects: []Object{
		{content: odigosObject("Processor", "a", nil)},
		{content: odigosObject("Action", "a", nil)},
		{content: odigosObject("Sampling", "a", nil)},
	}}, time.Minute)
	var inNamespace []right
	for _, r := range run.needed() {
		if !r.cluster {
			inNamespace = append(inNamespace, r)
		}
	}
	if diff := cmp.Diff(verbs(rules(inNamespace)), verbs(role.Rules)); diff != "" {
		t.Errorf("docs/in-place.md (-asked +documented):\n%s", diff)
	}
}
