package kube

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// An Object is a Processor, an Action or a Sampling of Odigos that a run adds.
type Object struct {
	content *unstructured.Unstructured
	where   string // for errors: the file, and which document of it
}

// kindsAdded are the kinds that may be added, by their resources.
var kindsAdded = map[string]string{
	"Processor": processors, "Action": actions, "Sampling": samplings,
}

func (o Object) resource() string { return kindsAdded[o.content.GetKind()] }

// Kind is Processor, Action or Sampling.
func (o Object) Kind() string { return o.content.GetKind() }

// Name is its name.
func (o Object) Name() string { return o.content.GetName() }

// Processor is the type of the collector's processor that a Processor adds; empty for other kinds.
func (o Object) Processor() string {
	t, _, _ := unstructured.NestedString(o.content.Object, "spec", "type")
	if o.Kind() != "Processor" {
		return ""
	}
	return t
}

// ReadObjects reads the objects of a file. Other kinds than those three are refused: nothing else
// of an installation is a run's to change.
func ReadObjects(name string, text []byte) ([]Object, error) {
	var all []Object
	for n, document := range splitDocuments(string(text)) {
		where := fmt.Sprintf("%s, document %d", name, n+1)
		content := map[string]any{}
		if err := yaml.Unmarshal([]byte(document), &content); err != nil {
			return nil, fmt.Errorf("%s: read YAML: %w", where, err)
		}
		if len(content) == 0 {
			continue // comments alone
		}
		o := Object{&unstructured.Unstructured{Object: content}, where}
		if err := o.check(); err != nil {
			return nil, err
		}
		taken := func(x Object) bool { return x.Kind() == o.Kind() && x.Name() == o.Name() }
		if slices.ContainsFunc(all, taken) {
			return nil, fmt.Errorf("%s: found %s %s a second time, want each once", where, o.Kind(),
				o.Name())
		}
		all = append(all, o)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: found no object, want a Processor, an Action or a Sampling", name)
	}
	return all, nil
}

func splitDocuments(text string) []string {
	var all []string
	var document strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimRight(line, " \r\n") == "---" {
			all = append(all, document.String())
			document.Reset()
			continue
		}
		document.WriteString(line)
	}
	return append(all, document.String())
}

func (o Object) check() error {
	version, kind := o.content.GetAPIVersion(), o.content.GetKind()
	if version != odigosGroup+"/v1alpha1" || kindsAdded[kind] == "" {
		return fmt.Errorf("%s: found %s of %s, want Processor, Action or Sampling of %s/v1alpha1",
			o.where, orNone(nonEmpty(kind)), orNone(nonEmpty(version)), odigosGroup)
	}
	if _, ok := o.content.Object["metadata"].(map[string]any); !ok || o.content.GetName() == "" {
		return fmt.Errorf("%s: found a %s without metadata.name, want one", o.where, kind)
	}
	if _, ok := o.content.Object["spec"].(map[string]any); !ok {
		return fmt.Errorf("%s: found %s %s without spec, want one", o.where, kind, o.Name())
	}
	for _, field := range []string{
		"uid", "resourceVersion", "ownerReferences", "finalizers", "generateName",
	} {
		if _, ok, _ := unstructured.NestedFieldNoCopy(o.content.Object, "metadata", field); ok {
			return fmt.Errorf("%s: found metadata.%s, want %s %s without it", o.where, field, kind, o.Name())
		}
	}
	return nil
}

func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}
