package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
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
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// A testSite is an installation of Odigos that does nothing: objects in client-go's fakes.
type testSite struct {
	site
	t      *testing.T
	core   *fake.Clientset
	custom *dynamicfake.FakeDynamicClient
}

const siteConfiguration = `# ours
collectorGateway: # sizes
  minReplicas: 2
  maxReplicas: 8
  limitCPUm: 300 # thousandths
other: [1, 2]
`

// siteRendered is a configuration that sends traces to one backend.
func siteRendered(exporters ...string) string {
	return `receivers: {otlp: {protocols: {grpc: {}}}}
connectors: {forward/a: {}}
processors: {batch: {}}
exporters: {nop: {}}
service:
  pipelines:
    metrics: {receivers: [otlp], exporters: [otlp_grpc/ui]}
    traces/in: {receivers: [otlp], processors: [batch], exporters: [forward/a, nop]}
    traces/out: {receivers: [forward/a], exporters: [` + strings.Join(exporters, ", ") + "]}\n"
}

func odigosObject(kind, name string, spec map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "odigos.io/v1alpha1", "kind": kind,
		"metadata": map[string]any{"name": name, "namespace": odigosNamespace}, "spec": spec,
	}}
}

func newTestSite(t *testing.T, objects ...runtime.Object) *testSite {
	lists := map[schema.GroupVersionResource]string{}
	for resource, kind := range map[string]string{
		destinations: "Destination", processors: "Processor", actions: "Action", samplings: "Sampling",
		sources: "Source", instrumented: "InstrumentationConfig", groups: "CollectorsGroup",
	} {
		lists[odigosResource(resource)] = kind + "List"
	}
	configMap := func(name, key, text string) *corev1.ConfigMap {
		return &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: odigosNamespace},
			Data:       map[string]string{key: text},
		}
	}
	s := &testSite{
		t: t,
		core: fake.NewClientset(configMap(odigosConfiguration, odigosSettingsKey, siteConfiguration),
			configMap(odigosEffective, odigosSettingsKey, siteConfiguration),
			configMap(odigosGateway, odigosConfigKey, siteRendered("otlp_grpc/generic-theirs"))),
		custom: dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), lists, objects...),
	}
	s.site = site{access{client: s.core, custom: s.custom, where: "a test"}, odigosNamespace}
	return s
}

var theirs = odigosObject("Destination", "theirs", map[string]any{"type": "otlp"})

// state is all that the installation is, the journal aside.
func (s *testSite) state() map[string]any {
	s.t.Helper()
	out := map[string]any{}
	list, err := s.core.CoreV1().ConfigMaps("").List(s.t.Context(), metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range list.Items {
		if m.Name != journalName {
			out["ConfigMap "+m.Name] = m.Data
		}
	}
	for _, resource := range []string{destinations, processors, actions, samplings} {
		list, err := s.site.custom(resource).List(s.t.Context(), metav1.ListOptions{})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, o := range list.Items {
			out[o.GetKind()+" "+o.GetName()] = map[string]any{"spec": o.Object["spec"], "labels": o.GetLabels()}
		}
	}
	return out
}

// takeover is a run's hold on the installation.
func (s *testSite) takeover(o InPlace, patience time.Duration) *takeover {
	s.t.Helper()
	o.Found = Found{
		Namespace: odigosNamespace, Deployment: odigosGateway, Container: gatewayContainer,
		Config: Config{namespace: odigosNamespace, name: odigosGateway, key: odigosConfigKey},
	}
	options, err := Options{RunID: "run-1", Image: "tool:1", Patience: patience}.complete()
	if err != nil {
		s.t.Fatal(err)
	}
	k := &Kube{
		o: options, access: s.access, naming: newNaming(options), table: newTable(),
		life: s.t.Context(),
	}
	t, err := newTakeover(k, o)
	if err != nil {
		s.t.Fatal(err)
	}
	k.inPlace = t
	return t
}

// changesForTest are one of each kind.
func changesForTest(s *testSite, t *takeover) []change {
	want := settings{"limitCPUm": new(1000), "minReplicas": new(1), "goMemLimitMiB": new(440)}
	sizing, err := t.configuring(s.t.Context(), want)
	if err != nil {
		s.t.Fatal(err)
	}
	destination, err := t.destination()
	if err != nil {
		s.t.Fatal(err)
	}
	processor := odigosObject("Processor", "mine", map[string]any{"type": "batch"})
	t.label(processor)
	return []change{
		*sizing,
		{Disable: "theirs"},
		{Make: processors, Name: "mine", Run: t.k.naming.label, object: processor},
		destination,
	}
}

func (s *testSite) open(t *takeover) *journal {
	s.t.Helper()
	now := time.Now()
	j, err := openJournal(s.t.Context(), s.site, t.k.naming, now.Add(aliveFor), now.Add(time.Hour))
	if err != nil {
		s.t.Fatal(err)
	}
	t.journal, t.quiet = j, func() {}
	return j
}

// Wherever a run is cut off, what it wrote down brings the installation back as it was, and
// taking it back twice does nothing more.
func TestJournalOfARunThatIsCutOff(t *testing.T) {
	const steps = 8 // four changes, each written down and then made
	for cut := range steps + 1 {
		t.Run(fmt.Sprintf("after %d steps", cut), func(t *testing.T) {
			s := newTestSite(t, theirs.DeepCopy())
			before := s.state()
			run := s.takeover(InPlace{}, time.Minute)
			j, done := s.open(run), 0
			for _, c := range changesForTest(s, run) {
				if done == cut {
					break
				}
				if err := j.write(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				if done++; done == cut {
					break
				}
				if err := c.apply(t.Context(), s.site); err != nil {
					t.Fatal(err)
				}
				done++
			}
			if changed := cmp.Diff(before, s.state()) != ""; changed != (cut >= 2) {
				t.Fatalf("the installation is changed: %v", changed)
			}
			m, err := s.site.journal(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.replay(t.Context(), m); err != nil { // one that is cut off as well
				t.Fatal(err)
			}
			r, err := s.restoreJournal(t.Context(), j.uid, "the test")
			if err != nil || len(r.Left) > 0 || len(r.Done) > 0 {
				t.Errorf("a second restoration: %+v, %v; want nothing done", r, err)
			}
			if diff := cmp.Diff(before, s.state()); diff != "" {
				t.Errorf("the installation (-before +after):\n%s", diff)
			}
			if _, err := s.site.journal(t.Context()); !apierrors.IsNotFound(err) {
				t.Errorf("the journal is still there: %v", err)
			}
		})
	}
}

// What somebody else changes while a run has the installation stays as they left it, and is told;
// all else comes back. Fields are told apart: an edit of one does not keep the others.
func TestJournalAmongEditsOfOthers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		s := newTestSite(t, theirs.DeepCopy())
		run := s.takeover(InPlace{}, time.Minute)
		changes := changesForTest(s, run)
		j := s.open(run)
		want, told := s.state(), map[string]bool{}
		for _, c := range changes {
			if err := errors.Join(j.write(t.Context(), c), c.apply(t.Context(), s.site)); err != nil {
				t.Fatal(err)
			}
			for r.IntN(2) == 0 {
				s.edit(r, c, want, told)
			}
		}
		got, err := s.restoreJournal(t.Context(), j.uid, "the test")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, s.state()); diff != "" {
			t.Fatalf("the installation (-want +got), told %+v:\n%s", got, diff)
		}
		all := strings.Join(got.Left, "\n")
		for what := range told {
			if !strings.Contains(all, what) {
				t.Errorf("%q is not told:\n%s", what, all)
			}
		}
		if len(told) != len(got.Left) {
			t.Errorf("told: %s\nwant %v", all, told)
		}
	}
}

// edit does what somebody might do to what a change is about, and says what should remain.
func (s *testSite) edit(r *rand.Rand, c change, want map[string]any, told map[string]bool) {
	s.t.Helper()
	ctx := s.t.Context()
	switch {
	case c.Configure != "":
		name := []string{"limitCPUm", "goMemLimitMiB", "maxReplicas"}[r.IntN(3)]
		value := []*int{new(500 + r.IntN(9)), c.After[name], c.Before[name]}[r.IntN(3)]
		if name == "maxReplicas" {
			value = new(10 + r.IntN(9))
		}
		s.set(name, value)
		text, stays := want["ConfigMap "+c.Configure].(map[string]string)[c.Key], value
		delete(told, name)
		switch {
		case name == "maxReplicas":
		case same(value, c.After[name]):
			stays = c.Before[name]
		case !same(value, c.Before[name]):
			told[name] = true
		}
		text, err := settings{name: stays}.edited(text, false)
		if err != nil {
			s.t.Fatal(err)
		}
		want["ConfigMap "+c.Configure] = map[string]string{c.Key: text}
	case c.Disable != "":
		delete(told, c.Disable)
		spec := map[string]any{"type": "otlp"}
		switch r.IntN(3) {
		case 0: // as the run has it
			s.put(destinations, odigosObject("Destination", c.Disable, map[string]any{"type": "otlp", "disabled": true}))
		case 1: // enabled again by somebody
			spec["disabled"] = false
			s.put(destinations, odigosObject("Destination", c.Disable, spec))
			told[c.Disable] = true
		case 2:
			s.put(destinations, odigosObject("Destination", c.Disable, spec))
		}
		want["Destination "+c.Disable] = map[string]any{"spec": spec, "labels": map[string]string(nil)}
	case c.Make == processors:
		delete(told, "Processor mine")
		delete(want, "Processor mine")
		err := s.site.custom(processors).Delete(ctx, c.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			s.t.Fatal(err)
		}
		if r.IntN(2) == 0 { // and another of that name is made
			spec := map[string]any{"type": "filter"}
			s.put(processors, odigosObject("Processor", "mine", spec))
			want["Processor mine"] = map[string]any{"spec": spec, "labels": map[string]string(nil)}
			told["Processor mine"] = true
		}
	}
}

// set has somebody change a setting.
func (s *testSite) set(name string, to *int) {
	s.t.Helper()
	err := s.setText(s.t.Context(), odigosConfiguration, odigosSettingsKey, func(text string) (string, error) {
		return settings{name: to}.edited(text, false)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *testSite) put(resource string, o *unstructured.Unstructured) {
	s.t.Helper()
	_, err := s.site.custom(resource).Update(s.t.Context(), o, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		_, err = s.site.custom(resource).Create(s.t.Context(), o, metav1.CreateOptions{})
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// A run whose journal is taken away between the entry and the change undoes the change itself.
func TestChangeAfterTheJournalIsLost(t *testing.T) {
	s := newTestSite(t, theirs.DeepCopy())
	before := s.state()
	run := s.takeover(InPlace{}, time.Minute)
	changes := changesForTest(s, run)
	j := s.open(run)
	s.core.PrependReactor("update", "configmaps", func(a clienttesting.Action) (bool, runtime.Object, error) {
		m := a.(clienttesting.UpdateAction).GetObject().(*corev1.ConfigMap)
		if m.Name == journalName { // it is written, and then restored by somebody
			_ = s.core.Tracker().Delete(a.GetResource(), m.Namespace, m.Name)
			return true, m, nil
		}
		return false, nil, nil
	})
	for _, c := range changes {
		j.lost = nil
		s.open2(j)
		err := run.make(t.Context(), c)
		contains(t, c.String(), err, "the journal of this run is gone")
	}
	if diff := cmp.Diff(before, s.state()); diff != "" {
		t.Errorf("the installation (-before +after):\n%s", diff)
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
				for _, c := range changes {
					if err := errors.Join(j.write(t.Context(), c), c.apply(t.Context(), s.site)); err != nil {
						t.Fatal(err)
					}
				}
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
		m, err := s.site.journal(t.Context())
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
		changes := changesForTest(s, run)
		j := s.open(run)
		for _, c := range changes {
			if err := errors.Join(j.write(t.Context(), c), c.apply(t.Context(), s.site)); err != nil {
				t.Fatal(err)
			}
		}
		failures := 3
		s.custom.PrependReactor("update", destinations, func(clienttesting.Action) (bool, runtime.Object, error) {
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
	})
}

// Cleanup takes back what dead runs have changed, and leaves those that live.
func TestRestoreInstallations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSite(t, theirs.DeepCopy())
		before := s.state()
		run := s.takeover(InPlace{}, time.Minute)
		changes := changesForTest(s, run)
		j := s.open(run)
		for _, c := range changes {
			if err := errors.Join(j.write(t.Context(), c), c.apply(t.Context(), s.site)); err != nil {
				t.Fatal(err)
			}
		}
		during := s.state()
		if got, err := restoreInstallations(t.Context(), s.access, false); err != nil || len(got) != 0 {
			t.Errorf("of a run that lives: %+v, %v; want nothing", got, err)
		}
		time.Sleep(aliveFor + time.Second) // the test's own time
		shown, err := restoreInstallations(t.Context(), s.access, true)
		if err != nil || len(shown) != 1 || len(shown[0].Changes) != len(changes) || shown[0].Whole {
			t.Errorf("for show: %+v, %v", shown, err)
		}
		if diff := cmp.Diff(during, s.state()); diff != "" {
			t.Errorf("for show the installation was changed:\n%s", diff)
		}
		got, err := restoreInstallations(t.Context(), s.access, false)
		if err != nil || len(got) != 1 || !got[0].Whole || got[0].RunID != "run-1" || len(got[0].Done) == 0 {
			t.Errorf("restoreInstallations = %+v, %v", got, err)
		}
		if diff := cmp.Diff(before, s.state()); diff != "" {
			t.Errorf("the installation (-before +after):\n%s", diff)
		}
	})
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

// What is written down is read back.
func TestChangesAreReadBack(t *testing.T) {
	s := newTestSite(t, theirs.DeepCopy())
	run := s.takeover(InPlace{}, time.Minute)
	changes := changesForTest(s, run)
	j := s.open(run)
	for _, c := range changes {
		if err := j.write(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	m, err := s.site.journal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := readChanges(m)
	if err != nil {
		t.Fatal(err)
	}
	text := func(all []change) string {
		out, err := json.MarshalIndent(all, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	if diff := cmp.Diff(text(changes), text(got)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	m.Data["0002"] = "{"
	_, err = readChanges(m)
	contains(t, "readChanges", err, "read ConfigMap odigos-system/odigos-stress-journal, key 0002")
	keys := slices.Sorted(maps.Keys(m.Data))
	if diff := cmp.Diff([]string{"0001", "0002", "0003", "0004"}, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}
