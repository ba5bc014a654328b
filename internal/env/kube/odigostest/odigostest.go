// Package odigostest is a stand-in for an installation of Odigos, for tests on a cluster: its
// kinds of objects, and a controller that does with them what Odigos' documentation says.
// Its gateway is the collector of the tool's own image.
package odigostest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// Namespace is where the stand-in lives, as Odigos does by default.
const Namespace = "odigos-system"

// Gateway is what Odigos calls its gateway: Deployment, ConfigMap, Service, HPA and
// CollectorsGroup.
const Gateway = "odigos-gateway"

// An Odigos is the stand-in, installed. Its controller runs in the test's process.
type Odigos struct {
	Client dynamic.Interface

	image string
	log   func(format string, args ...any)
	now   func() time.Time

	mu        sync.Mutex // one reconciliation at a time
	behaviour Behaviour
}

// A Behaviour is how the stand-in takes what it is told. The zero value does as Odigos.
type Behaviour struct {
	// Never has it look at nothing any more.
	Never bool
	// Late is how long it waits before it looks at what has changed.
	Late time.Duration
	// Rendered, if set, is given what is rendered and says what is written in its place.
	Rendered func(text string) string
}

// Behave changes how the stand-in behaves from now on.
func (o *Odigos) Behave(b Behaviour) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.behaviour = b
}

const (
	poll    = 200 * time.Millisecond
	longest = 90 * time.Second // the grace of pods included
)

// Install installs the stand-in in the cluster of config, with the tool's own image, and
// waits until its gateway runs, which without a Destination takes no spans. When the test
// ends all of it goes, its kinds of objects too.
func Install(ctx context.Context, t *testing.T, config *rest.Config, image string) *Odigos {
	t.Helper()
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = 100, 200
	config.WarningHandlerWithContext = rest.NoWarnings{}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatalf("install a stand-in for Odigos: %v", err)
	}
	o := newOdigos(client, image, t.Logf)
	if err := o.vacant(ctx); err != nil {
		t.Fatalf("install a stand-in for Odigos: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*longest)
		defer cancel()
		if err := o.remove(ctx); err != nil {
			t.Errorf("remove the stand-in for Odigos: %v", err)
		}
	})
	if err := o.install(ctx); err != nil {
		t.Fatalf("install a stand-in for Odigos: %v", err)
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var controller sync.WaitGroup
	controller.Go(func() { o.run(running) })
	t.Cleanup(func() { // before what it controls is removed
		cancel()
		controller.Wait()
	})
	if err := o.Rolled(ctx); err != nil {
		t.Fatalf("install a stand-in for Odigos: %v", err)
	}
	return o
}

// Put makes an object of the installation, or changes it to what is wanted, and waits until
// the gateway's pods run what it asks for.
func (o *Odigos) Put(ctx context.Context, wanted *unstructured.Unstructured) error {
	if err := o.put(ctx, resourceOf(wanted), wanted); err != nil {
		return err
	}
	return o.Rolled(ctx)
}

func newOdigos(
	client dynamic.Interface, image string, log func(format string, args ...any),
) *Odigos {
	return &Odigos{Client: client, image: image, log: log, now: time.Now}
}

// vacant has the cluster be without Odigos: what a stand-in has left whose test was killed
// goes, anything else is refused.
func (o *Odigos) vacant(ctx context.Context) error {
	n, err := o.Client.Resource(namespaces).Get(ctx, Namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("get namespace %s: %w", Namespace, err)
	case n.GetLabels()[standIn] == "":
		return fmt.Errorf("found namespace %s, want a cluster without it", Namespace)
	}
	o.log("removing a stand-in for Odigos that is left of another test")
	return o.remove(ctx)
}

// standIn is the label of a stand-in's namespace.
const standIn = "odigos-stress/stand-in"

// install makes what the chart of Odigos would.
func (o *Odigos) install(ctx context.Context) error {
	for _, k := range kinds {
		if err := o.put(ctx, crds, k.definition()); err != nil {
			return err
		}
	}
	for _, k := range kinds {
		err := await(ctx, "CRD "+k.crd()+" is established", func() (bool, error) {
			crd, err := o.Client.Resource(crds).Get(ctx, k.crd(), metav1.GetOptions{})
			return err == nil && conditionOf(crd, "Established") == "True", err
		})
		if err != nil {
			return err
		}
	}
	for _, object := range chart() {
		if err := o.put(ctx, resourceOf(object), object); err != nil {
			return err
		}
	}
	return nil
}

// remove takes away all of it, and waits until it is gone.
func (o *Odigos) remove(ctx context.Context) error {
	if err := o.gone(ctx, namespaces, Namespace); err != nil {
		return err
	}
	for _, k := range kinds {
		if err := o.gone(ctx, crds, k.crd()); err != nil {
			return err
		}
	}
	// The API server tells of a group that is gone by itself, a moment later.
	service := version + "." + group
	return await(ctx, "APIService "+service+" is gone", func() (bool, error) {
		_, err := o.Client.Resource(apiServices).Get(ctx, service, metav1.GetOptions{})
		return apierrors.IsNotFound(err), notFoundIsFine(err)
	})
}

// gone deletes an object that has no namespace and waits until it is no more.
func (o *Odigos) gone(ctx context.Context, of schema.GroupVersionResource, name string) error {
	err := o.Client.Resource(of).Delete(ctx, name, metav1.DeleteOptions{})
	if notFoundIsFine(err) != nil {
		return err
	}
	return await(ctx, of.Resource+" "+name+" is gone", func() (bool, error) {
		_, err := o.Client.Resource(of).Get(ctx, name, metav1.GetOptions{})
		return apierrors.IsNotFound(err), notFoundIsFine(err)
	})
}

func notFoundIsFine(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// await asks until something is so; the error of one question does not end it.
func await(ctx context.Context, what string, is func() (bool, error)) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, poll, longest, true,
		func(context.Context) (so bool, _ error) {
			so, last = is()
			return so && last == nil, nil
		})
	if err != nil && last != nil {
		return fmt.Errorf("wait until %s: %w: %w", what, err, last)
	}
	if err != nil {
		return fmt.Errorf("wait until %s: %w", what, err)
	}
	return nil
}
