package kube

import (
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

// What keeps a watchdog from running may pass; what lasts ends the start before its patience, with
// what the cluster says.
func TestWatchdogThatCannotRun(t *testing.T) {
	pull := corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such tag"}
	for _, c := range []struct {
		name  string
		lasts time.Duration
		pod   bool // there is one, whose image cannot be pulled; else a quota refuses it
		want  string
	}{
		{"an image, for a moment", tryFor - 2*time.Second, true, ""},
		{"an image", time.Hour, true, "its image cannot be pulled"},
		{"a quota, for a moment", tryFor - 2*time.Second, false, ""},
		{"a quota", time.Hour, false, "the cluster makes no pod of Job odigos-system/odigos-stress-watchdog: " +
			"FailedCreate: exceeded quota"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newTestSite(t)
				run := s.takeover(InPlace{}, time.Minute)
				s.open(run)
				began := time.Now()
				intercept(&s.core.Fake, "list", "*",
					func(a clienttesting.Action) (bool, runtime.Object, error) {
						fails, of := time.Since(began) < c.lasts, a.GetResource().Resource
						pods, events := &corev1.PodList{}, &corev1.EventList{}
						if c.pod {
							p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{
								Name: "w-1", Labels: run.k.naming.labels(componentWatchdog), // or it is left out
							}}
							status := corev1.ContainerStatus{Name: watchdogName, Image: "tool:1"}
							if fails {
								status.State.Waiting = &pull
							}
							p.Status.ContainerStatuses = []corev1.ContainerStatus{status}
							pods.Items = []corev1.Pod{p}
						} else if fails {
							events.Items = []corev1.Event{{Reason: "FailedCreate", Message: "exceeded quota"}}
						}
						if of == "events" {
							return true, events, nil
						}
						return true, pods, nil
					})
				if c.want == "" { // it signs a little later
					go func() {
						time.Sleep(tryFor + 5*time.Second) // the test's own time
						w := watchdog{site: s.site, runID: "run-1", log: discard}
						if _, err := w.look(t.Context()); err != nil {
							t.Error(err)
						}
					}()
				}
				err := run.watch(t.Context(), nil)
				took := time.Since(began)
				if c.want == "" && err != nil {
					t.Errorf("watch: %v", err)
				}
				if c.want != "" {
					contains(t, "watch", err, "wait until its watchdog watches", c.want)
					if took < tryFor || took > tryFor+time.Second {
						t.Errorf("it took %s, want %s", took, tryFor)
					}
				}
			})
		})
	}
}

// What a watchdog of a run before has left goes a moment after its journal, and is waited for.
func TestWatchdogAfterAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSite(t)
		run := s.takeover(InPlace{}, time.Minute)
		s.open(run)
		accounts := corev1.SchemeGroupVersion.WithResource("serviceaccounts")
		old := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
			Name: watchdogName, Namespace: odigosNamespace, UID: "before",
		}}
		if err := s.core.Tracker().Create(accounts, old, odigosNamespace); err != nil {
			t.Fatal(err)
		}
		const goes = 10 * time.Second
		go func() {
			time.Sleep(goes) // the test's own time
			_ = s.core.Tracker().Delete(accounts, odigosNamespace, watchdogName)
		}()
		began := time.Now()
		err := run.watch(t.Context(), nil)
		contains(t, "watch", err, "wait until its watchdog watches", "there is no pod of Job")
		if took := time.Since(began); took < goes+time.Minute {
			t.Errorf("it took %s, want %s and the wait for the pod", took, goes)
		}
		made, err := s.core.CoreV1().ServiceAccounts(odigosNamespace).Get(t.Context(), watchdogName,
			metav1.GetOptions{})
		if err != nil || made.UID == old.UID {
			t.Errorf("the account is %v, %v; want one of this run", made, err)
		}
	})
}

// A watchdog that cannot read the clock could never act, and so does not sign.
func TestWatchdogWithoutAClock(t *testing.T) {
	s := newTestSite(t)
	run := s.takeover(InPlace{}, time.Minute)
	s.open(run)
	blind := s.site
	blind.access.base = &url.URL{Scheme: "http", Host: "cluster", Path: "/"}
	blind.access.http = &http.Client{Transport: refusing{}}
	w := watchdog{site: blind, runID: "run-1", log: slog.New(slog.DiscardHandler)}
	_, err := w.look(t.Context())
	contains(t, "look", err, "read the API server's clock")
	m, err := s.journal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if by := m.Annotations[noteWatched]; by != "" || w.signed {
		t.Errorf("the journal is signed by %q, want nobody", by)
	}
}

// A refusing API server answers nobody.
type refusing struct{}

// RoundTrip implements http.RoundTripper.
func (refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusForbidden, Status: "403 Forbidden", Request: req,
		Body: io.NopCloser(strings.NewReader("")),
	}, nil
}
