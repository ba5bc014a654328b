package kube

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

func TestARunTellsThatItLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestCluster(t)
		var down atomic.Bool
		intercept(&c.Fake, "patch", "jobs", func(clienttesting.Action) (bool, runtime.Object, error) {
			return down.Load(), nil, errors.New("no route to host")
		})
		k := c.open(Options{})
		began := time.Now()
		until := func(want time.Duration) {
			t.Helper()
			job := c.owner(k)
			at, err := time.Parse(time.RFC3339, job.Annotations[noteAlive])
			if got := at.Sub(began); err != nil || got != want {
				t.Errorf("alive until %s after the start, %v; want %s", got, err, want)
			}
			if got := *job.Spec.ActiveDeadlineSeconds; got != int64(want.Seconds()) {
				t.Errorf("a deadline of %d s; want %s", got, want)
			}
		}
		until(aliveFor)
		job := c.owner(k)
		if *job.Spec.Parallelism != 0 || *job.Spec.TTLSecondsAfterFinished != 0 {
			t.Errorf("the owner has pods, or stays: %+v", job.Spec)
		}
		time.Sleep(5*time.Minute + time.Second)
		until(5*time.Minute + aliveFor)
		down.Store(true)
		time.Sleep(renewEvery)
		if notes := strings.Join(k.Notes(), "\n"); !strings.Contains(notes, "alive: no route to host") {
			t.Errorf("notes: %s", notes)
		}
		shut(t, k)
	})
}

func (c *testCluster) owner(k *Kube) *batchv1.Job {
	c.t.Helper()
	job, err := c.BatchV1().Jobs(k.Namespace()).Get(context.Background(), ownerName, metav1.GetOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	return job
}

func TestCleanup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shop := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", UID: "shop"}}
		theirs := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "theirs", Namespace: "shop"}}
		c := newTestCluster(t, shop, theirs)
		kept := c.open(Options{RunID: "kept", Keep: true})
		guest := c.open(Options{RunID: "guest", Namespace: "shop", Keep: true})
		living := c.open(Options{RunID: "living"})
		start(t, kept, backendForTest())
		half := namespaceObject(newNaming(Options{RunID: "half"}))
		if _, err := c.CoreV1().Namespaces().Apply(context.Background(), half, applying); err != nil {
			t.Fatal(err)
		}
		setCreated(t, c, *half.Name, time.Now())
		var lives []string
		list := func(dryRun bool) map[string]Leftover {
			t.Helper()
			lives = nil
			found, err := cleanup(context.Background(), c.access(), dryRun)
			if err != nil {
				t.Fatal(err)
			}
			all := map[string]Leftover{}
			for _, l := range found {
				if l.Alive.IsZero() {
					all[l.RunID] = l
					continue
				}
				if left := time.Until(l.Alive); l.Removed || left <= 0 || left > aliveFor {
					t.Errorf("one that is alive for %s: %+v", left, l)
				}
				lives = append(lives, l.RunID)
			}
			return all
		}
		if found := list(false); len(found) != 0 {
			t.Errorf("found while all are alive: %v", found)
		}
		slices.Sort(lives)
		if diff := cmp.Diff([]string{"guest", "kept", "living"}, lives); diff != "" {
			t.Errorf("told of as alive (-want +got):\n%s", diff)
		}
		shut(t, kept)
		if d := c.owner(kept).Spec.ActiveDeadlineSeconds; d != nil {
			t.Errorf("what is kept has a deadline of %d s", *d)
		}
		shut(t, guest)
		if found := list(true); len(found) != 2 {
			t.Errorf("found once two were kept: %v", found)
		}
		time.Sleep(2 * aliveFor)
		want := []string{"guest", "half", "kept"}
		dry := list(true)
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(dry))); diff != "" {
			t.Errorf("found by a dry run (-want +got):\n%s", diff)
		}
		if l := dry["guest"]; l.Own || l.Removed || l.Namespace != "shop" {
			t.Errorf("what is told of a guest: %+v", l)
		}
		for id, l := range list(false) {
			if !l.Removed || l.Own != (id != "guest") {
				t.Errorf("%s: %+v", id, l)
			}
		}
		if found := list(true); len(found) != 0 {
			t.Errorf("found after all was removed: %v", found)
		}
		left := c.names(metav1.NamespaceAll)
		wantLeft := []string{
			"ConfigMap theirs", "Job odigos-stress-run", "Namespace odigos-stress-living", "Namespace shop",
		}
		if diff := cmp.Diff(wantLeft, left); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
		shut(t, living)
	})
}

func setCreated(t *testing.T, c *testCluster, namespace string, at time.Time) {
	t.Helper()
	ns, err := c.CoreV1().Namespaces().Get(context.Background(), namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ns.CreationTimestamp = metav1.NewTime(at)
	if _, err := c.CoreV1().Namespaces().Update(context.Background(), ns, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestAlive(t *testing.T) {
	now := time.Date(2026, 11, 26, 4, 0, 0, 0, time.UTC)
	for until, want := range map[string]bool{
		"2026-11-26T04:00:01Z": true, "2026-11-26T04:00:00Z": false, "2026-11-26T03:00:00Z": false,
		"": true, "tomorrow": true,
	} {
		if got := alive(until, now); got != want {
			t.Errorf("alive(%q) = %t, want %t", until, got, want)
		}
	}
}

func TestNamespaceThatCannotBeUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		going := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: "going", DeletionTimestamp: new(metav1.Now()), Finalizers: []string{"x/y"},
		}}
		others := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: "others", Annotations: map[string]string{noteRun: "run-0"},
		}}
		c := newTestCluster(t, going, others)
		_, err := c.try(Options{Namespace: "going"})
		contains(t, "New", err, "use namespace going: it is being deleted")
		_, err = c.try(Options{Namespace: "others"})
		contains(t, "New", err, "it was made for run run-0", "odigos-stress cleanup")
	})
}

// A namespace that was made though the answer was lost is taken away, kept or not; one that
// somebody else made meanwhile is not.
func TestNamespaceWhoseMakingFailed(t *testing.T) {
	for _, c := range []struct {
		name string
		made string // the run that it is of; empty: none
		keep bool
		left []string
	}{
		{"the answer was lost", "run-1", false, nil},
		{"the answer was lost, and it was to be kept", "run-1", true, nil},
		{"another's", "run-2", false, []string{"Namespace odigos-stress-run-1"}},
		{"it was not made", "", false, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			cluster := newTestCluster(t)
			intercept(&cluster.Fake, "patch", "namespaces",
				func(action clienttesting.Action) (bool, runtime.Object, error) {
					if c.made != "" {
						ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
							Name: action.(clienttesting.PatchAction).GetName(), UID: "uid-ns",
							Annotations: map[string]string{noteRun: c.made},
						}}
						if err := cluster.Tracker().Add(ns); err != nil {
							t.Error(err)
						}
					}
					return true, nil, errors.New("connection reset")
				})
			_, err := cluster.try(Options{RunID: "run-1", Keep: c.keep})
			contains(t, c.name, err, "make namespace odigos-stress-run-1: connection reset")
			if diff := cmp.Diff(c.left, cluster.names(metav1.NamespaceAll)); diff != "" {
				t.Errorf("%s: left (-want +got):\n%s", c.name, diff)
			}
		})
	}
}
