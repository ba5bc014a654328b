package kube

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A wanted is what an installation has to show before its gateway is the one that was asked for.
type wanted struct {
	settings settings // of Odigos' configuration
	// Of the container as it runs; 0: as it is.
	limits     Amount
	goMemLimit int64
	replicas   int32 // 0: as many as the HPA wants
	made       []change
}

func (t *takeover) wants(a env.Actor, changes []change) wanted {
	w := wanted{
		limits:     Amount{CPUCores: a.Limits.CPUCores, MemoryBytes: a.Limits.MemoryBytes},
		goMemLimit: a.GoRuntime().MemLimit, settings: settings{},
	}
	if !t.o.Autoscale {
		w.replicas = int32(replicas(a))
	}
	for _, c := range changes {
		maps.Copy(w.settings, c.After)
		if c.Make != "" {
			w.made = append(w.made, c)
		}
	}
	return w
}

// A step is one thing that is waited for: it says what for, and empty once it is there. What
// cannot be asked now is asked again; an error is for good.
type step struct {
	name string
	look func(ctx context.Context) (waits string, err error)
}

// lookAgain is how often an installation is looked at that is waited for.
const lookAgain = 500 * time.Millisecond

// settle waits until the installation shows all that is wanted, each step with the patience of
// the run.
func (t *takeover) settle(ctx context.Context, w wanted) error {
	steps := []step{
		{"Odigos' scheduler takes the settings over", t.effective(w)},
		{"Odigos' scheduler sizes the gateway", t.grouped(w)},
		{"Odigos' autoscaler changes the Deployment, and its pods are started", t.rolledOut(w)},
	}
	for _, c := range w.made {
		name := fmt.Sprintf("Odigos takes %s %s over", singular[c.Make], c.Name)
		steps = append(steps, step{name, t.taken(c)})
	}
	steps = append(steps, step{
		"the gateway's configuration has it all, and nothing else", t.isRendered(w),
	})
	for _, s := range steps {
		if err := t.await(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (t *takeover) await(ctx context.Context, s step) error {
	late := fmt.Errorf("not within %s", t.k.o.Patience)
	ctx, cancel := context.WithTimeoutCause(ctx, t.k.o.Patience, late)
	defer cancel()
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	told := ""
	for {
		waits, err := s.look(ctx)
		switch {
		case err != nil && ctx.Err() == nil && !temporary(err):
			return fmt.Errorf("wait until %s: %w", s.name, err)
		case err != nil:
			waits = err.Error()
		case waits == "":
			return nil
		}
		if gone := t.opened().gone(); gone != nil {
			return fmt.Errorf("wait until %s: %w", s.name, gone)
		}
		if waits != told {
			told = waits
			t.k.o.Log.Info("waits until "+s.name, "found", waits)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w: %s", s.name, context.Cause(ctx), told)
		}
	}
}

// temporary is whether an error may pass: the API server has no word for it, or says so.
func temporary(err error) bool {
	var hopeless hopelessPod
	if errors.As(err, &hopeless) {
		return false
	}
	return apierrors.ReasonForError(err) == metav1.StatusReasonUnknown || apierrors.IsTimeout(err) ||
		apierrors.IsServerTimeout(err) || apierrors.IsTooManyRequests(err) ||
		apierrors.IsServiceUnavailable(err) || apierrors.IsInternalError(err)
}

// effective looks whether what Odigos goes by has the settings.
func (t *takeover) effective(w wanted) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		text, err := t.site.renderedText(ctx, odigosEffective, odigosSettingsKey)
		if apierrors.IsNotFound(err) {
			return "there is no ConfigMap " + odigosEffective, nil
		}
		if err != nil {
			return "", err
		}
		is, err := settingsOf(text, w.settings.names())
		if err != nil {
			return err.Error(), nil
		}
		return w.settings.lacking(is, "ConfigMap "+odigosEffective), nil
	}
}

// lacking says what is not as wanted; empty where all is.
func (s settings) lacking(is settings, where string) string {
	var all []string
	for _, name := range s.names() {
		if !same(is[name], s[name]) {
			all = append(all, fmt.Sprintf("%s has %s %s, want %s", where, name, number(is[name]),
				number(s[name])))
		}
	}
	return strings.Join(all, "; ")
}

// inGroup is what a CollectorsGroup calls the settings.
var inGroup = map[string]string{
	"limitCPUm": "cpuLimitMillicores", "requestCPUm": "cpuRequestMillicores",
	"limitMemoryMiB": "memoryLimitMiB", "requestMemoryMiB": "memoryRequestMiB",
	"goMemLimitMiB": "gomemlimitMiB", "minReplicas": "minReplicas", "maxReplicas": "maxReplicas",
}

// grouped looks whether the gateway's CollectorsGroup has the settings.
func (t *takeover) grouped(w wanted) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		group, err := t.site.custom(groups).Get(ctx, odigosGateway, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return "there is no CollectorsGroup " + odigosGateway, nil
		}
		if err != nil {
			return "", err
		}
		has, _, err := unstructured.NestedMap(group.Object, "spec", "resourcesSettings")
		if err != nil {
			return "", err
		}
		is := settings{}
		for name := range w.settings {
			if is[name], err = wholeNumber(has[inGroup[name]]); err != nil {
				return "", fmt.Errorf("CollectorsGroup %s: %s: %w", odigosGateway, inGroup[name], err)
			}
		}
		return w.settings.lacking(is, "CollectorsGroup "+odigosGateway), nil
	}
}

// rolledOut looks whether the Deployment asks for what is wanted, and its pods are there.
func (t *takeover) rolledOut(w wanted) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		d, err := t.deployment(ctx)
		if err != nil {
			return "", err
		}
		c, err := collectorOf(d.Spec.Template.Spec, gatewayContainer)
		if err != nil {
			return "", err
		}
		if lacks := w.differs(c, "its template"); lacks != "" {
			return lacks, nil
		}
		if n := replicasOf(d).Wanted; w.replicas > 0 && n != int(w.replicas) {
			return fmt.Sprintf("it is wanted %d times, want %d", n, w.replicas), nil
		}
		if waits := rollout(d); waits != "" {
			return waits, nil
		}
		t.mu.Lock()
		t.deployed = d
		t.mu.Unlock()
		return "", nil
	}
}

// differs says in what a container is not the one that is wanted; empty where it is.
func (w wanted) differs(c corev1.Container, where string) string {
	is, mem := amount(c.Resources.Limits), memLimitOf(c.Env)
	var all []string
	differ := func(what string, is, want any) {
		all = append(all, fmt.Sprintf("%s has %s %v, want %v", where, what, is, want))
	}
	if l := w.limits.CPUCores; l > 0 && l != is.CPUCores {
		differ("a CPU limit of", is.CPUCores, l)
	}
	if l := w.limits.MemoryBytes; l > 0 && l != is.MemoryBytes {
		differ("a memory limit of bytes", is.MemoryBytes, l)
	}
	if w.goMemLimit > 0 && w.goMemLimit != mem {
		differ("a GOMEMLIMIT of bytes", mem, w.goMemLimit)
	}
	return strings.Join(all, "; ")
}

// memLimitOf is GOMEMLIMIT in bytes; 0 where it is not set, or not written out.
func memLimitOf(vars []corev1.EnvVar) int64 {
	for _, v := range slices.Backward(vars) {
		if v.Name == "GOMEMLIMIT" {
			return env.Actor{Env: map[string]string{v.Name: v.Value}}.GoRuntime().MemLimit
		}
	}
	return 0
}

// rollout is what a Deployment's pods are waited for; empty where all are there and ready.
func rollout(d *appsv1.Deployment) string {
	n, s := int32(replicasOf(d).Wanted), d.Status
	switch {
	case s.ObservedGeneration < d.Generation:
		return "its controller has not seen the change yet"
	case replicaFailure(d) != "":
		return "the cluster makes no pod: " + replicaFailure(d)
	case s.UpdatedReplicas < n || s.Replicas > n:
		return fmt.Sprintf("%d of %d pods are new, %d there", s.UpdatedReplicas, n, s.Replicas)
	case s.ReadyReplicas < n:
		return fmt.Sprintf("%d of %d pods are ready", s.ReadyReplicas, n)
	}
	return ""
}

// conditions are those by which Odigos says that it has taken an object over.
var conditions = map[string][]string{
	destinations: {"DestinationConfigured", "TransformedToOtelcolConfig"},
	processors:   {"AddedToCollectorConfig"},
	actions:      {"AddedToCollectorConfig", "TransformedToProcessor"},
}

// taken looks whether Odigos says of an object that it is in the configuration. Of a Sampling it
// says nothing: its processor is looked for.
func (t *takeover) taken(c change) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		names, ok := conditions[c.Make]
		if !ok {
			return "", nil
		}
		o, err := t.site.custom(c.Make).Get(ctx, c.Name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		list, _, err := unstructured.NestedSlice(o.Object, "status", "conditions")
		if err != nil {
			return "", err
		}
		waits := "its status has none of the conditions " + strings.Join(names, ", ")
		for _, item := range list {
			condition, _ := item.(map[string]any)
			if name, _ := condition["type"].(string); !slices.Contains(names, name) {
				continue
			}
			if condition["status"] == string(metav1.ConditionTrue) {
				return "", nil
			}
			waits = fmt.Sprintf("its condition %v is %v: %v: %v", condition["type"], condition["status"],
				condition["reason"], condition["message"])
		}
		return waits, nil
	}
}

// isRendered looks whether the configuration sends traces to the run's backend, and nowhere
// else.
func (t *takeover) isRendered(w wanted) func(context.Context) (string, error) {
	from := t.o.Found.Config
	return func(ctx context.Context) (string, error) {
		text, err := t.site.renderedText(ctx, from.name, from.key)
		if err != nil {
			return "", err
		}
		says, processors := strays(text)
		if says != "" {
			return says, nil
		}
		sampling := slices.ContainsFunc(w.made, func(c change) bool { return c.Make == samplings })
		named := func(id string) bool { return strings.Contains(id, tailSampling) }
		if sampling && !slices.ContainsFunc(processors, named) {
			return "its pipelines have no processor " + tailSampling, nil
		}
		t.mu.Lock()
		t.text = text
		t.mu.Unlock()
		return "", nil
	}
}

// tailSampling is the processor that every Sampling is carried out by.
const tailSampling = "odigostailsampling"

// silent are exporters that send to nobody.
var silent = []string{"nop", "debug"}

// traceWays are the exporters that the traces pipelines of a configuration send to, without those
// that send nowhere, and their processors; each once, sorted.
func traceWays(text string) (exporters, processors []string, err error) {
	doc, err := readMapping(text)
	if err != nil {
		return nil, nil, err
	}
	connectors, _ := doc["connectors"].(map[string]any)
	service, _ := doc["service"].(map[string]any)
	pipelines, _ := service["pipelines"].(map[string]any)
	for id, p := range pipelines {
		if kind, _, _ := strings.Cut(id, "/"); kind != "traces" {
			continue
		}
		pipeline, _ := p.(map[string]any)
		for _, e := range texts(pipeline["exporters"]) {
			kind, _, _ := strings.Cut(e, "/")
			if _, connects := connectors[e]; !connects && !slices.Contains(silent, kind) {
				exporters = append(exporters, e)
			}
		}
		processors = append(processors, texts(pipeline["processors"])...)
	}
	slices.Sort(exporters)
	slices.Sort(processors)
	return slices.Compact(exporters), slices.Compact(processors), nil
}

func texts(list any) []string {
	items, _ := list.([]any)
	var all []string
	for _, i := range items {
		if s, ok := i.(string); ok {
			all = append(all, strings.TrimSpace(s))
		}
	}
	return all
}
