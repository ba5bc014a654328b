package kube

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
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
)

// A testSite is an installation of Odigos that does nothing: objects in client-go's fakes.
type testSite struct {
	site
	t      *testing.T
	core   *fake.Clientset
	odigos *dynamicfake.FakeDynamicClient
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
		odigos: dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), lists, objects...),
	}
	s.site = site{access{client: s.core, custom: s.odigos, where: "a test"}, odigosNamespace}
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
		list, err := s.custom(resource).List(s.t.Context(), metav1.ListOptions{})
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
	t.journal, t.quiet = j, func() {} // nobody beats
	return j
}

// changed is the journal of a run that has made one change of each kind.
func (s *testSite) changed(t *takeover) *journal {
	s.t.Helper()
	changes := changesForTest(s, t)
	j := s.open(t)
	s.make(j, changes)
	return j
}

// make writes changes down and makes them.
func (s *testSite) make(j *journal, changes []change) {
	s.t.Helper()
	for _, c := range changes {
		if err := errors.Join(j.write(s.t.Context(), c), c.apply(s.t.Context(), s.site)); err != nil {
			s.t.Fatal(err)
		}
	}
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
			m, err := s.journal(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.replay(t.Context(), m); err != nil { // one that is cut off as well
				t.Fatal(err)
			}
			r, err := s.restoreJournal(t.Context(), j.uid, "the test", nil)
			if err != nil || len(r.Left) > 0 || len(r.Done) > 0 {
				t.Errorf("a second restoration: %+v, %v; want nothing done", r, err)
			}
			if diff := cmp.Diff(before, s.state()); diff != "" {
				t.Errorf("the installation (-before +after):\n%s", diff)
			}
			if _, err := s.journal(t.Context()); !apierrors.IsNotFound(err) {
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
			s.make(j, []change{c})
			for r.IntN(2) == 0 {
				s.edit(r, c, want, told)
			}
		}
		got, err := s.restoreJournal(t.Context(), j.uid, "the test", nil)
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
		err := s.custom(processors).Delete(ctx, c.Name, metav1.DeleteOptions{})
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
	_, err := s.custom(resource).Update(s.t.Context(), o, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		_, err = s.custom(resource).Create(s.t.Context(), o, metav1.CreateOptions{})
	}
	if err != nil {
		s.t.Fatal(err)
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
	m, err := s.journal(t.Context())
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
