package kube

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// changes are those that a run makes, in their order. What stands in their way is refused, and
// nothing is changed here.
func (t *takeover) changes(ctx context.Context, a env.Actor) ([]change, error) {
	if err := t.site.unoccupied(ctx); err != nil {
		return nil, err
	}
	others, err := t.others(ctx)
	if err != nil {
		return nil, err
	}
	if err := t.live(ctx); err != nil {
		return nil, err
	}
	var all []change
	sizing, err := t.sizing(ctx, a)
	if err != nil {
		return nil, err
	}
	if sizing != nil {
		all = append(all, *sizing)
	}
	if err := t.noteReconcilers(ctx, others, sizing != nil); err != nil {
		return nil, err
	}
	for _, d := range others {
		was, err := disabled(&d)
		if err != nil {
			return nil, err
		}
		all = append(all, change{Disable: d.GetName(), Was: was, Signals: signalsOf(&d)})
	}
	for _, o := range t.o.Objects {
		c, err := t.object(ctx, o)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	destination, err := t.destination()
	if err != nil {
		return nil, err
	}
	return append(all, destination), nil
}

// Signals of which something of the load may be: spans, and what connectors count of them.
const (
	signalTraces  = "TRACES"
	signalMetrics = "METRICS"
)

// signalsOf are those that a Destination is sent; nil where it does not say.
func signalsOf(d *unstructured.Unstructured) []string {
	list, _, _ := unstructured.NestedSlice(d.Object, "spec", "signals")
	return texts(list)
}

// getsTheLoad is whether a Destination of these signals could be sent anything of the load.
func getsTheLoad(signals []string) bool {
	return len(signals) == 0 || slices.Contains(signals, signalTraces) ||
		slices.Contains(signals, signalMetrics)
}

// signalsText says of which signals a Destination is.
func signalsText(signals []string) string {
	if len(signals) == 0 {
		return "of all signals"
	}
	return "of " + strings.Join(signals, ", ")
}

// others are the Destinations beside the run's own that are enabled and could be sent anything of
// the load. Those for logs alone are left.
func (t *takeover) others(ctx context.Context) ([]unstructured.Unstructured, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	list, err := t.site.custom(destinations).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, rightsError("list", "destinations.odigos.io", t.site.namespace, err)
	}
	var enabled []unstructured.Unstructured
	var names []string
	for _, d := range list.Items {
		if d.GetName() == destinationName {
			return nil, fmt.Errorf("use the installation in namespace %s: found a Destination %s that is "+
				"not this run's; want it removed", t.site.namespace, destinationName)
		}
		is, err := disabled(&d)
		if err != nil {
			return nil, err
		}
		signals := signalsOf(&d)
		if is != nil && *is || !getsTheLoad(signals) {
			continue
		}
		enabled = append(enabled, d)
		names = append(names, fmt.Sprintf("%s (%s)", d.GetName(), signalsText(signals)))
	}
	if len(enabled) > 0 && !t.o.AllowLive {
		return nil, fmt.Errorf("use the installation in namespace %s: found Destinations that are "+
			"enabled: %s; the load, or metrics of it, would be sent to them too. Want none, or "+
			"--allow-live, which disables them for the time of the run: what comes meanwhile does not "+
			"reach them, of no signal", t.site.namespace, strings.Join(names, ", "))
	}
	return enabled, nil
}

// mostNamed is how many of many are named.
const mostNamed = 5

// live fails where workloads send to the installation, or it cannot be known.
func (t *takeover) live(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var found []string
	for _, of := range []struct{ resource, kind string }{
		{sources, "Source"},
		{instrumented, "InstrumentationConfig"},
	} {
		all := t.k.access.custom.Resource(odigosResource(of.resource))
		list, err := all.List(ctx, metav1.ListOptions{})
		if apierrors.IsNotFound(err) {
			continue // this version has none
		}
		if err != nil && t.o.AllowLive {
			t.k.note(fmt.Sprintf("Which workloads send to the installation is not known: %v.",
				rightsError("list", of.resource+".odigos.io", "", err)))
			continue
		}
		if err != nil {
			return rightsError("list", of.resource+".odigos.io", "", err)
		}
		for _, s := range list.Items {
			off, _, _ := unstructured.NestedBool(s.Object, "spec", "disableInstrumentation")
			if !off {
				found = append(found, of.kind+" "+s.GetNamespace()+"/"+s.GetName())
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	named := strings.Join(found[:min(len(found), mostNamed)], ", ")
	if more := len(found) - mostNamed; more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	if t.o.AllowLive {
		t.k.note(fmt.Sprintf("Workloads send to the installation meanwhile, traces to the run's backend "+
			"alone: %s.", named))
		return nil
	}
	return fmt.Errorf("use the installation in namespace %s: found workloads that send to it: %s. "+
		"Want none, or --allow-live: the traces that they send meanwhile go to the run's backend alone, "+
		"and are lost", t.site.namespace, named)
}

const mebi = 1 << 20

// sizing is the change of Odigos' configuration that the actor asks for; nil where the gateway
// is that way already.
func (t *takeover) sizing(ctx context.Context, a env.Actor) (*change, error) {
	d, err := t.deployment(ctx)
	if err != nil {
		return nil, err
	}
	c, err := collectorOf(d.Spec.Template.Spec, gatewayContainer)
	if err != nil {
		return nil, err
	}
	is := amount(c.Resources.Limits)
	want := settings{}
	if l := a.Limits.CPUCores; l > 0 && l != is.CPUCores {
		milli := int(math.Round(l * 1000))
		want["limitCPUm"], want["requestCPUm"] = &milli, &milli
	}
	if l := a.Limits.MemoryBytes; l > 0 && l != is.MemoryBytes {
		if l%mebi != 0 {
			return nil, fmt.Errorf("size the gateway: found a memory limit of %d bytes, want whole MiB, as "+
				"Odigos has it", l)
		}
		want["limitMemoryMiB"], want["requestMemoryMiB"] = new(int(l/mebi)), new(int(l/mebi))
	}
	if l := a.GoRuntime().MemLimit; l > 0 && l != memLimitOf(c.Env) {
		if l%mebi != 0 {
			return nil, fmt.Errorf("size the gateway: found a GOMEMLIMIT of %d bytes, want whole MiB, as "+
				"Odigos has it", l)
		}
		want["goMemLimitMiB"] = new(int(l / mebi))
	}
	if !t.o.Autoscale {
		n := replicas(a)
		if was, is := t.o.Found.Replicas.Wanted, replicasOf(d).Wanted; n == was && is != was {
			t.k.note(fmt.Sprintf("The installation has %d pods now, and is pinned at %d, which it had when "+
				"the run was planned.", is, was))
		}
		want["minReplicas"], want["maxReplicas"] = &n, &n
	}
	return t.configuring(ctx, want)
}

// configuring is the change that has the configuration say what is wanted; nil where it does.
func (t *takeover) configuring(ctx context.Context, want settings) (*change, error) {
	text, err := t.site.renderedText(ctx, odigosConfiguration, odigosSettingsKey)
	if err != nil {
		return nil, fmt.Errorf("read ConfigMap %s/%s: %w", t.site.namespace, odigosConfiguration, err)
	}
	where := fmt.Sprintf("ConfigMap %s/%s, key %s", t.site.namespace, odigosConfiguration,
		odigosSettingsKey)
	before, err := settingsOf(text, want.names())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	for _, name := range want.names() {
		if same(before[name], want[name]) {
			delete(before, name)
			delete(want, name)
		}
	}
	if len(want) == 0 {
		return nil, nil
	}
	after, err := want.edited(text, false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	return &change{
		Configure: odigosConfiguration, Key: odigosSettingsKey, Before: before, After: want,
		BeforeText: text, AfterText: after,
	}, nil
}

// object is the change that makes one of the objects that are asked for.
func (t *takeover) object(ctx context.Context, o Object) (change, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	resource, name := o.resource(), o.content.GetName()
	if ns := o.content.GetNamespace(); ns != "" && ns != t.site.namespace {
		return change{}, fmt.Errorf("%s: found namespace %s, want none, or %s, which the installation "+
			"is in", o.where, ns, t.site.namespace)
	}
	_, err := t.site.custom(resource).Get(ctx, name, metav1.GetOptions{})
	if err == nil {
		return change{}, fmt.Errorf("%s: found a %s %s in namespace %s already, want another name",
			o.where, singular[resource], name, t.site.namespace)
	}
	if !apierrors.IsNotFound(err) {
		return change{}, rightsError("get", resource+".odigos.io", t.site.namespace, err)
	}
	made := o.content.DeepCopy()
	made.SetNamespace(t.site.namespace)
	t.label(made)
	return change{Make: resource, Name: name, Run: t.k.naming.label, object: made}, nil
}

// label marks an object as the run's.
func (t *takeover) label(o *unstructured.Unstructured) {
	labels := o.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[labelManagedBy], labels[labelRun] = manager, t.k.naming.label
	o.SetLabels(labels)
}

// destination is the change that points the gateway at the run's backend, which is started
// before.
func (t *takeover) destination() (change, error) {
	const backend = "backend"
	k := t.k
	port, ok := portNumbers([]string{"otlp_grpc"})["otlp_grpc"]
	if !ok {
		return change{}, errors.New("point the gateway at the backend: its port is not known")
	}
	compression := t.o.Compression
	if compression == "" {
		compression = "none"
	}
	made := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": odigosGroup + "/v1alpha1", "kind": "Destination",
		"metadata": map[string]any{"name": destinationName, "namespace": t.site.namespace},
		"spec": map[string]any{
			"type": "otlp", "destinationName": destinationName, "signals": []any{signalTraces},
			"data": map[string]any{
				"OTLP_GRPC_ENDPOINT":    join(backend+"."+k.naming.namespace+".svc", port),
				"OTLP_GRPC_COMPRESSION": compression,
			},
		},
	}}
	t.label(made)
	return change{
		Make: destinations, Name: destinationName, Run: k.naming.label, object: made,
		Rendered: t.o.Found.Config.name, RenderedKey: t.o.Found.Config.key,
	}, nil
}

// names are those of settings, sorted.
func (s settings) names() []string {
	all := make([]string, 0, len(s))
	for name := range s {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
