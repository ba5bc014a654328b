package kube

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"
)

// A site is the namespace of an installation of Odigos.
type site struct {
	access    access
	namespace string
}

// A change is one thing that a run does to an installation, with all that is needed to take it
// back: an object that it makes, a Destination that it disables, or settings that it changes.
type change struct {
	// Make is the resource of an object that is made, such as destinations, and Name its name.
	Make string `json:"make,omitempty"`
	// Run is the label by which what was made is known again.
	Run string `json:"run,omitempty"`
	// Disable is the name of a Destination whose spec.disabled is set; Was is what it was, and
	// nil where it was not there.
	Disable string `json:"disable,omitempty"`
	Was     *bool  `json:"was,omitempty"`
	// Signals are those that it gets nothing of meanwhile; nil: of all.
	Signals []string `json:"signals,omitempty"`
	// Configure is the ConfigMap, and Key the key, that holds the settings.
	Configure string `json:"configure,omitempty"`
	Key       string `json:"key,omitempty"`
	Name      string `json:"name,omitempty"`
	// Before and After are the settings and the texts around them.
	Before     settings `json:"before,omitempty"`
	After      settings `json:"after,omitempty"`
	BeforeText string   `json:"before_text,omitempty"`
	AfterText  string   `json:"after_text,omitempty"`
	// Rendered is the ConfigMap, and RenderedKey the key, out of which the exporter of a
	// Destination goes when that is removed.
	Rendered    string `json:"rendered,omitempty"`
	RenderedKey string `json:"rendered_key,omitempty"`

	object *unstructured.Unstructured // to be made; not written down
}

// odigosGroup is the API group of Odigos' objects.
const odigosGroup = "odigos.io"

// Resources of Odigos that are of use here.
const (
	destinations = "destinations"
	processors   = "processors"
	actions      = "actions"
	samplings    = "samplings"
	sources      = "sources"
	instrumented = "instrumentationconfigs"
	groups       = "collectorsgroups"
)

func odigosResource(name string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: odigosGroup, Version: "v1alpha1", Resource: name}
}

func (s site) custom(resource string) dynamic.ResourceInterface {
	return s.access.custom.Resource(odigosResource(resource)).Namespace(s.namespace)
}

// singular names the kind of a resource for people.
var singular = map[string]string{
	destinations: "Destination", processors: "Processor", actions: "Action", samplings: "Sampling",
}

// String says what is changed, in words.
func (c change) String() string {
	switch {
	case c.Make != "":
		return fmt.Sprintf("make %s %s", singular[c.Make], c.Name)
	case c.Disable != "":
		return fmt.Sprintf("disable Destination %s (%s)", c.Disable, signalsText(c.Signals))
	}
	return fmt.Sprintf("set %s in ConfigMap %s: %s", collectorGateway, c.Configure,
		strings.Join(c.settingTexts(), ", "))
}

func (c change) settingTexts() []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(c.After)) {
		is, was := number(c.After[name]), number(c.Before[name])
		all = append(all, fmt.Sprintf("%s %s (was %s)", name, is, was))
	}
	return all
}

func number(n *int) string {
	if n == nil {
		return "not set"
	}
	return fmt.Sprint(*n)
}

// disabled is what a Destination says; nil where it says nothing.
func disabled(d *unstructured.Unstructured) (*bool, error) {
	is, found, err := unstructured.NestedBool(d.Object, "spec", "disabled")
	if err != nil {
		return nil, fmt.Errorf("read Destination %s: %w", d.GetName(), err)
	}
	if !found {
		return nil, nil
	}
	return &is, nil
}

func same[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

func truth(b *bool) string {
	if b == nil {
		return "not set"
	}
	return fmt.Sprint(*b)
}

// setText changes one key of a ConfigMap as it is now. A text that stays is not written.
func (s site) setText(ctx context.Context, name, key string,
	edit func(string) (string, error),
) error {
	all := s.access.client.CoreV1().ConfigMaps(s.namespace)
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		m, err := all.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		is, ok := m.Data[key]
		if !ok {
			return fmt.Errorf("ConfigMap %s has no key %s: it has %s", name, key, keysIn(m.Data))
		}
		text, err := edit(is)
		if err != nil || text == is {
			return err
		}
		m.Data[key] = text
		_, err = all.Update(ctx, m, metav1.UpdateOptions{FieldManager: manager})
		return err
	})
}

// A restoration is what became of the changes that were taken back, in sentences.
type restoration struct {
	Done []string `json:"done,omitempty"`
	// Left is what somebody else has changed meanwhile.
	Left []string `json:"left,omitempty"`
}

func (r *restoration) done(format string, args ...any) {
	r.Done = append(r.Done, fmt.Sprintf(format, args...))
}

func (r *restoration) left(format string, args ...any) {
	r.Left = append(r.Left, fmt.Sprintf(format, args...))
}

// takeBack takes one change back, as far as it is still as the run made it. Taking it back
// twice, or one that was never made, does nothing.
func (c change) takeBack(ctx context.Context, s site, r *restoration) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var err error
	switch {
	case c.Make != "":
		err = c.unmake(ctx, s, r)
	case c.Disable != "":
		if err = c.enable(ctx, s, r); err == nil {
			err = s.releaseDestination(ctx, c.Disable)
		}
	default:
		if err = c.configureBack(ctx, s, r); err == nil {
			err = s.releaseConfigMap(ctx, c.Configure)
		}
	}
	if err != nil {
		return fmt.Errorf("take back: %s in namespace %s: %w", c, s.namespace, err)
	}
	return nil
}

func (c change) unmake(ctx context.Context, s site, r *restoration) error {
	found, err := s.custom(c.Make).Get(ctx, c.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	what := singular[c.Make] + " " + c.Name
	if found.GetLabels()[labelRun] != c.Run {
		r.left("%s is left: it is not this run's (any more).", what)
		return nil
	}
	options := metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(found.GetUID()))}
	err = s.custom(c.Make).Delete(ctx, c.Name, options)
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return err
	}
	r.done("%s was removed.", what)
	return nil
}

func (c change) enable(ctx context.Context, s site, r *restoration) error {
	err := s.setDisabled(ctx, c.Disable, new(true), c.Was)
	var changed errChanged
	switch {
	case apierrors.IsNotFound(err):
		r.left("Destination %s, which this run had disabled, is gone.", c.Disable)
	case errors.As(err, &changed):
		if changed.is == "spec.disabled is "+truth(c.Was) {
			return nil // it is back, or was never changed
		}
		r.left("Destination %s is left: %s, and this run had set true.", c.Disable, changed.is)
	case err != nil:
		return err
	default:
		r.done("Destination %s was enabled again.", c.Disable)
	}
	return nil
}

// configureBack writes the text as it was, if it is still as the run wrote it; else each setting
// that is.
func (c change) configureBack(ctx context.Context, s site, r *restoration) error {
	var told restoration
	err := s.setText(ctx, c.Configure, c.Key, func(text string) (out string, err error) {
		told = restoration{}
		switch text {
		case c.BeforeText:
			return text, nil
		case c.AfterText:
			told.done("ConfigMap %s was set back.", c.Configure)
			return c.BeforeText, nil
		}
		return c.eachBack(text, &told)
	})
	if apierrors.IsNotFound(err) {
		r.left("ConfigMap %s, which this run had changed, is gone.", c.Configure)
		return nil
	}
	if err != nil {
		return err
	}
	r.Done, r.Left = append(r.Done, told.Done...), append(r.Left, told.Left...)
	return nil
}

// eachBack is a text that somebody else has changed too, with the run's settings set back.
func (c change) eachBack(text string, r *restoration) (string, error) {
	is, err := settingsOf(text, slices.Collect(maps.Keys(c.After)))
	if err != nil {
		return "", err
	}
	back := settings{}
	for _, name := range slices.Sorted(maps.Keys(c.After)) {
		switch {
		case same(is[name], c.Before[name]): // it is back, or was never changed
		case same(is[name], c.After[name]):
			back[name] = c.Before[name]
			r.done("ConfigMap %s: %s was set back to %s.", c.Configure, name, number(c.Before[name]))
		default:
			r.left("ConfigMap %s: %s is left at %s, which somebody else set: this run had set %s, and it "+
				"was %s before.", c.Configure, name, number(is[name]), number(c.After[name]),
				number(c.Before[name]))
		}
	}
	if len(back) == 0 {
		return text, nil
	}
	before, err := readMapping(c.BeforeText)
	if err != nil {
		return "", err
	}
	_, had := before[collectorGateway]
	return back.edited(text, !had)
}

// renderedText is the collector's configuration as Odigos has made it.
func (s site) renderedText(ctx context.Context, name, key string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	m, err := s.access.client.CoreV1().ConfigMaps(s.namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	return m.Data[key], nil
}
