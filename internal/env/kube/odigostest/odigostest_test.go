package odigostest

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
)

var update = flag.Bool("update", false, "rewrite goldens")

// A fakeOdigos is the stand-in in front of a client that keeps objects and does no more.
type fakeOdigos struct {
	*Odigos
	t    *testing.T
	fake *dynamicfake.FakeDynamicClient
}

func newFake(t *testing.T) fakeOdigos {
	lists := map[schema.GroupVersionResource]string{
		ConfigMaps: "ConfigMapList", Deployments: "DeploymentList", services: "ServiceList",
		Autoscalers: "HorizontalPodAutoscalerList", serviceAccounts: "ServiceAccountList",
		Pods: "PodList", namespaces: "NamespaceList",
	}
	for _, k := range kinds {
		lists[odigos(k.plural)] = k.name + "List"
	}
	client := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), lists)
	f := fakeOdigos{Odigos: newOdigos(client, "tool:test", t.Logf), t: t, fake: client}
	for _, o := range chart() {
		f.must(f.put(t.Context(), resourceOf(o), o))
	}
	return f
}

func (f fakeOdigos) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// add adds an object and has it looked at.
func (f fakeOdigos) add(o *unstructured.Unstructured) {
	f.t.Helper()
	f.must(f.put(f.t.Context(), resourceOf(o), o))
	f.must(f.reconcile(f.t.Context()))
}

func (f fakeOdigos) get(of schema.GroupVersionResource, name string) *unstructured.Unstructured {
	f.t.Helper()
	o, err := f.in(of, Namespace).Get(f.t.Context(), name, metav1.GetOptions{})
	f.must(err)
	return o
}

// at is what stands at a path of an object; numbers are those of lists.
func at(o *unstructured.Unstructured, path ...any) any {
	var value any = o.Object
	for _, step := range path {
		switch step := step.(type) {
		case string:
			value = field(value, step)
		case int:
			list, _ := value.([]any)
			if step >= len(list) {
				return nil
			}
			value = list[step]
		}
	}
	return value
}

func (f fakeOdigos) rendered() string {
	text, _ := at(f.get(ConfigMaps, Gateway), "data", RenderedKey).(string)
	return text
}

// A Destination makes a gateway that takes spans, and a disabled one does not.
func TestDestination(t *testing.T) {
	f := newFake(t)
	f.must(f.reconcile(t.Context()))
	if strings.Contains(f.rendered(), "0.0.0.0:4317") {
		t.Errorf("it takes spans without a Destination:\n%s", f.rendered())
	}
	d := NewDestination("stress", "backend.run:4317")
	f.add(d)
	if got := conditionOf(f.get(Destinations, "stress"), "DestinationConfigured"); got != "True" {
		t.Errorf("DestinationConfigured is %q, want True", got)
	}
	if !strings.Contains(f.rendered(), "otlp_grpc/generic-stress:") {
		t.Errorf("found no exporter of the Destination in\n%s", f.rendered())
	}
	if got := at(f.get(CollectorsGroups, Gateway), "status", "receiverSignals", 0); got != "TRACES" {
		t.Errorf("the group receives %v, want TRACES", got)
	}
	d = f.get(Destinations, "stress")
	f.must(unstructured.SetNestedField(d.Object, true, "spec", "disabled"))
	f.add(d)
	if got := conditionOf(f.get(Destinations, "stress"), "DestinationConfigured"); got != "False" ||
		strings.Contains(f.rendered(), "generic-stress") {
		t.Errorf("disabled: DestinationConfigured %q\n%s", got, f.rendered())
	}
	f.add(New("Destination", "kafka", mapping{"type": "kafka", "signals": []any{"TRACES"}}))
	if got := conditionOf(f.get(Destinations, "kafka"), "DestinationConfigured"); got != "False" {
		t.Errorf("of a type that is not known: DestinationConfigured is %q, want False", got)
	}
}

// Sizes go from the configuration to the group, the Deployment and the HPA, and what
// somebody else writes there is put back.
func TestSizes(t *testing.T) {
	f := newFake(t)
	m := configMap(Configuration, ConfigurationKey,
		"collectorGateway: {minReplicas: 2, maxReplicas: 2, limitCPUm: 1000, requestCPUm: 1000,"+
			" requestMemoryMiB: 600, limitMemoryMiB: 600}")
	f.add(m)
	container := []any{"spec", "template", "spec", "containers", 0}
	for range 2 {
		for _, c := range []struct {
			of   schema.GroupVersionResource
			path []any
			want any
		}{
			{CollectorsGroups, []any{"spec", "resourcesSettings", "gomemlimitMiB"}, int64(440)},
			{CollectorsGroups, []any{"spec", "resourcesSettings", "cpuLimitMillicores"}, int64(1000)},
			{Deployments, slices.Concat(container, []any{"resources", "limits", "cpu"}), "1"},
			{Deployments, slices.Concat(container, []any{"resources", "limits", "memory"}), "600Mi"},
			{Deployments, slices.Concat(container, []any{"env", 2, "value"}), "440MiB"},
			{Deployments, []any{"spec", "replicas"}, int64(2)},
			{Autoscalers, []any{"spec", "maxReplicas"}, int64(2)},
		} {
			if diff := cmp.Diff(c.want, at(f.get(c.of, Gateway), c.path...)); diff != "" {
				t.Errorf("%s %v (-want +got):\n%s", c.of.Resource, c.path, diff)
			}
		}
		d := f.get(Deployments, Gateway)
		limits, _ := at(d, slices.Concat(container, []any{"resources", "limits"})...).(map[string]any)
		limits["memory"] = "1Gi"
		f.add(d)
	}
}

// What is asked by Processor, Action and Sampling is in the configuration, and told.
func TestProcessors(t *testing.T) {
	f := newFake(t)
	f.add(NewDestination("stress", "backend.run:4317"))
	f.add(New("Processor", "first", mapping{
		"type": "attributes", "signals": []any{"TRACES"}, "orderHint": int64(-10),
		"collectorRoles":  []any{"CLUSTER_GATEWAY"},
		"processorConfig": mapping{"actions": []any{mapping{"action": "delete", "key": "a"}}},
	}))
	f.add(New("Processor", "elsewhere", mapping{
		"type": "attributes", "signals": []any{"TRACES"}, "collectorRoles": []any{"NODE_COLLECTOR"},
	}))
	f.add(New("Action", "cluster", mapping{
		"signals": []any{"TRACES"}, "addClusterInfo": mapping{"clusterAttributes": []any{
			mapping{"attributeName": "k8s.cluster.name", "attributeStringValue": "test"},
		}},
	}))
	f.add(New("Sampling", "half", mapping{
		"costReductionRules": []any{mapping{"name": "half", "percentageAtMost": int64(50)}},
	}))
	for _, c := range []struct {
		of   schema.GroupVersionResource
		name string
		want string
	}{
		{Processors, "first", "True"},
		{Processors, "elsewhere", "False"},
		{Actions, "cluster", "True"},
		{Processors, "cluster", "True"},
	} {
		if got := conditionOf(f.get(c.of, c.name), "AddedToCollectorConfig"); got != c.want {
			t.Errorf("%s %s: AddedToCollectorConfig is %q, want %s", c.of.Resource, c.name, got, c.want)
		}
	}
	const golden = "testdata/rendered.golden.yaml"
	if *update {
		f.must(os.WriteFile(golden, []byte(f.rendered()), 0o644))
	}
	want, err := os.ReadFile(golden)
	f.must(err)
	if diff := cmp.Diff(string(want), f.rendered()); diff != "" {
		t.Errorf("rendered (-want +got):\n%s", diff)
	}
}

// Once all is as it should be nothing is written.
func TestComesToRest(t *testing.T) {
	f := newFake(t)
	f.add(NewDestination("stress", "backend.run:4317"))
	f.fake.ClearActions()
	f.must(f.reconcile(t.Context()))
	for _, a := range f.fake.Actions() {
		if !slices.Contains([]string{"get", "list"}, a.GetVerb()) {
			t.Errorf("it still does %s %s", a.GetVerb(), a.GetResource().Resource)
		}
	}
}

// The controller looks at what changes, and a stand-in that is told to does not.
func TestRun(t *testing.T) {
	f := newFake(t)
	looked := make(chan string, 100)
	f.Behave(Behaviour{Rendered: func(text string) string {
		looked <- text
		return text + "# by somebody else\n"
	}})
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.run(t.Context())
	}()
	f.must(f.put(t.Context(), Destinations, NewDestination("stress", "backend.run:4317")))
	for text := range looked {
		if strings.Contains(text, "generic-stress") {
			break
		}
	}
	f.Behave(Behaviour{Never: true})
	if got := f.rendered(); !strings.HasSuffix(got, "# by somebody else\n") {
		t.Errorf("what somebody else says is not in\n%s", got)
	}
	writes := func() (n int) {
		for _, a := range f.fake.Actions() {
			if _, ok := a.(clienttesting.UpdateAction); ok {
				n++
			}
		}
		return n
	}
	before := writes()
	f.must(f.reconcile(t.Context()))
	if after := writes(); after != before {
		t.Errorf("it wrote %d times though it is to do nothing", after-before)
	}
	t.Cleanup(func() { <-done })
}
