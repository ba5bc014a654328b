package odigostest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// run looks at every change until ctx ends.
func (o *Odigos) run(ctx context.Context) {
	changed := make(chan struct{}, 1)
	note := func() {
		select {
		case changed <- struct{}{}:
		default: // one is noted already
		}
	}
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(o.Client, 0, Namespace, nil)
	defer factory.Shutdown()
	for _, of := range watched {
		// The error is of an informer that has been stopped.
		_, _ = factory.ForResource(of).Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { note() },
			UpdateFunc: func(_, _ any) { note() },
			DeleteFunc: func(any) { note() },
		})
	}
	factory.Start(ctx.Done())
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		if !o.wait(ctx) {
			return
		}
		if err := o.reconcile(ctx); err != nil && ctx.Err() == nil {
			// What somebody else wrote meanwhile is noted too.
			o.log("stand-in for Odigos: %v", err)
			note()
		}
	}
}

// wait is how late the stand-in is.
func (o *Odigos) wait(ctx context.Context) bool {
	o.mu.Lock()
	late := o.behaviour.Late
	o.mu.Unlock()
	if late == 0 {
		return true
	}
	timer := time.NewTimer(late)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// reconcile does with what is in the cluster what Odigos would.
func (o *Odigos) reconcile(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.behaviour.Never {
		return nil
	}
	c, err := o.effective(ctx)
	if err != nil {
		return err
	}
	s := c.CollectorGateway.settled()
	r := rendering{
		wait:  c.Sampling.TailSampling.TraceAggregationWaitDuration,
		graph: !s.ServiceGraphDisabled,
	}
	secrets, err := o.destinations(ctx, &r)
	err = errors.Join(err, o.actions(ctx), o.processors(ctx, &r), o.samplings(ctx, &r))
	if err != nil {
		return err
	}
	text, err := r.text()
	if err != nil {
		return err
	}
	if o.behaviour.Rendered != nil {
		text = o.behaviour.Rendered(text)
	}
	if err := o.put(ctx, ConfigMaps, configMap(Gateway, RenderedKey, text)); err != nil {
		return err
	}
	return o.gateway(ctx, s, hashOf(text), secrets, len(r.destinations) > 0)
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// effective reads the configuration and writes the effective one, which has what is given
// and the sizes that are to be.
func (o *Odigos) effective(ctx context.Context) (configuration, error) {
	m, err := o.in(ConfigMaps, Namespace).Get(ctx, Configuration, metav1.GetOptions{})
	if err != nil {
		return configuration{}, fmt.Errorf("get ConfigMap %s: %w", Configuration, err)
	}
	text, _, _ := unstructured.NestedString(m.Object, "data", ConfigurationKey)
	c, err := readConfiguration(text)
	if err != nil {
		return c, err
	}
	var whole mapping
	if err := yaml.Unmarshal([]byte(text), &whole); err != nil {
		return c, fmt.Errorf("read odigos-configuration: %w", err)
	}
	out, err := yaml.Marshal(whole)
	if err != nil {
		return c, fmt.Errorf("write effective-config: %w", err)
	}
	return c, o.put(ctx, ConfigMaps, configMap(Effective, ConfigurationKey, string(out)))
}

func (o *Odigos) list(
	ctx context.Context, of schema.GroupVersionResource,
) ([]unstructured.Unstructured, error) {
	l, err := o.in(of, Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", of.Resource, err)
	}
	slices.SortFunc(l.Items, func(a, b unstructured.Unstructured) int {
		return strings.Compare(a.GetName(), b.GetName())
	})
	return l.Items, nil
}

// destinations adds those that are enabled, and returns the Secrets that they name.
func (o *Odigos) destinations(ctx context.Context, r *rendering) (secrets []string, err error) {
	all, err := o.list(ctx, Destinations)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, object := range all {
		said := condition{"DestinationConfigured", "True", "TransformedToOtelcolConfig", ""}
		d, err := destinationOf(object)
		switch {
		case disabled(object):
			said.status, said.reason = "False", "Disabled"
		case err != nil:
			said.status, said.reason = "False", "ErrConfigDestination"
			said.message = err.Error()
		case takesTraces(object):
			r.destinations = append(r.destinations, d)
			if name := spec(object, "secretRef", "name"); name != "" {
				secrets = append(secrets, name)
			}
		}
		errs = append(errs, o.tell(ctx, Destinations, &object, said, nil))
	}
	return secrets, errors.Join(errs...)
}

// added is the condition of what is in the gateway's configuration, or why it is not.
func added(in bool, err error) condition {
	c := condition{"AddedToCollectorConfig", "True", "AddedToCollectorConfig", ""}
	switch {
	case err != nil:
		c.status, c.reason, c.message = "False", "NotUnderstood", err.Error()
	case !in:
		c.status, c.reason = "False", "Disabled"
	}
	return c
}

// actions become Processors, each of which belongs to its Action and goes with it.
func (o *Odigos) actions(ctx context.Context) error {
	all, err := o.list(ctx, Actions)
	if err != nil {
		return err
	}
	var errs []error
	for _, action := range all {
		if action.GetDeletionTimestamp() != nil {
			continue
		}
		p, err := processorFor(action)
		errs = append(errs, o.tell(ctx, Actions, &action, added(!disabled(action), err), nil))
		if err != nil {
			continue
		}
		p.SetOwnerReferences([]metav1.OwnerReference{{
			APIVersion: action.GetAPIVersion(), Kind: action.GetKind(), Name: action.GetName(),
			UID: action.GetUID(),
		}})
		errs = append(errs, o.put(ctx, Processors, p))
	}
	return errors.Join(errs...)
}

func (o *Odigos) processors(ctx context.Context, r *rendering) error {
	all, err := o.list(ctx, Processors)
	if err != nil {
		return err
	}
	var errs []error
	for _, object := range all {
		p, ours, err := processorOf(object)
		if ours && !disabled(object) {
			r.processors = append(r.processors, p)
		}
		said := added(ours && !disabled(object), err)
		errs = append(errs, o.tell(ctx, Processors, &object, said, nil))
	}
	sortProcessors(r.processors)
	return errors.Join(errs...)
}

func (o *Odigos) samplings(ctx context.Context, r *rendering) error {
	all, err := o.list(ctx, Samplings)
	r.sampling = samplingOf(all)
	return err
}

// gateway writes the group and what follows from it.
func (o *Odigos) gateway(
	ctx context.Context, s sizes, hash string, secrets []string, takes bool,
) error {
	collectors := New("CollectorsGroup", Gateway, mapping{
		"role": "CLUSTER_GATEWAY", "collectorOwnMetricsPort": int64(8888),
		"resourcesSettings": s.settings(),
	})
	replicas := 0
	_, err := o.in(Deployments, Namespace).Get(ctx, Gateway, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		replicas, err = s.MinReplicas, nil
	}
	if err != nil {
		return fmt.Errorf("get Deployment %s: %w", Gateway, err)
	}
	for _, object := range []*unstructured.Unstructured{
		collectors, service(), o.deployment(s, hash, secrets, replicas), autoscaler(s),
	} {
		if err := o.put(ctx, resourceOf(object), object); err != nil {
			return err
		}
	}
	written, err := o.in(CollectorsGroups, Namespace).Get(ctx, Gateway, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("get CollectorsGroup %s: %w", Gateway, err)
	}
	signals := []any{}
	if takes {
		signals = append(signals, "TRACES")
	}
	return o.tell(ctx, CollectorsGroups, written,
		condition{"Deployed", "True", "GatewayDeployedCreatedSuccessfully", ""},
		map[string]any{"ready": true, "receiverSignals": signals})
}

// Rolled waits until the gateway's pods run what the objects in the cluster ask for, and no
// others are left.
func (o *Odigos) Rolled(ctx context.Context) error {
	return await(ctx, "the stand-in's gateway has been rolled", func() (bool, error) {
		before, err := o.in(Deployments, Namespace).Get(ctx, Gateway, metav1.GetOptions{})
		if notFoundIsFine(err) != nil {
			return false, err
		}
		if err := o.reconcile(ctx); err != nil {
			return false, err
		}
		d, err := o.in(Deployments, Namespace).Get(ctx, Gateway, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		if before == nil || !reflect.DeepEqual(before.Object["spec"], d.Object["spec"]) {
			return false, nil
		}
		if !rolled(d) {
			return false, nil
		}
		pods, err := o.in(Pods, Namespace).List(ctx, metav1.ListOptions{LabelSelector: Selector})
		if err != nil {
			return false, err
		}
		replicas, _, _ := unstructured.NestedInt64(d.Object, "spec", "replicas")
		return int64(len(pods.Items)) == replicas, nil
	})
}

// Still waits until the HPA has said what it makes of the gateway, after which the objects of
// the stand-in change no more by themselves.
func (o *Odigos) Still(ctx context.Context) error {
	return await(ctx, "the HPA has looked at the gateway", func() (bool, error) {
		h, err := o.in(Autoscalers, Namespace).Get(ctx, Gateway, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		d, err := o.in(Deployments, Namespace).Get(ctx, Gateway, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		wanted, _, _ := unstructured.NestedInt64(d.Object, "spec", "replicas")
		seen, _, _ := unstructured.NestedInt64(h.Object, "status", "currentReplicas")
		return conditionOf(h, "ScalingActive") != "" && seen == wanted, nil
	})
}

// rolled is whether a Deployment says that its newest pods are all that there is.
func rolled(d *unstructured.Unstructured) bool {
	wanted, _, _ := unstructured.NestedInt64(d.Object, "spec", "replicas")
	observed, _, _ := unstructured.NestedInt64(d.Object, "status", "observedGeneration")
	if observed < d.GetGeneration() {
		return false
	}
	for _, key := range []string{"replicas", "updatedReplicas", "availableReplicas"} {
		if n, _, _ := unstructured.NestedInt64(d.Object, "status", key); n != wanted {
			return false
		}
	}
	return true
}
