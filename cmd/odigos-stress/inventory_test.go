package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// stillInventory is the inventory of a cluster once it shows the same for a while: one that has
// just come up still settles.
func stillInventory(ctx context.Context, t *testing.T) inventory {
	t.Helper()
	const looks = 4
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last := takeInventory(ctx, t)
	for same := 1; same < looks; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the cluster does not come to rest")
		}
		now := takeInventory(ctx, t)
		if same++; last.difference(now) != "" {
			same = 1
		}
		last = now
	}
	return last
}

// An inventory is every object of a cluster, as JSON without what changes by itself.
type inventory map[string]string

// difference is what is not the same in both; empty where all is.
func (i inventory) difference(later inventory) string { return cmp.Diff(i, later) }

// clusterConfig says where the cluster of the current context is.
func clusterConfig(t *testing.T) *rest.Config {
	t.Helper()
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// takeInventory lists every resource that can be listed.
func takeInventory(ctx context.Context, t *testing.T) inventory {
	t.Helper()
	config := clusterConfig(t)
	config.QPS, config.Burst = 200, 200
	config.WarningHandlerWithContext = rest.NoWarnings{} // old resources are listed too
	resources, err := discovery.NewDiscoveryClientForConfigOrDie(config).ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	client := dynamic.NewForConfigOrDie(config)
	out, kinds := inventory{}, 0
	for _, list := range resources {
		group, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.APIResources {
			if !slices.Contains(r.Verbs, "list") || r.Name == "events" {
				continue
			}
			kinds++
			all, err := client.Resource(group.WithResource(r.Name)).List(ctx, metav1.ListOptions{})
			if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
				continue
			}
			if err != nil {
				t.Fatalf("list %s: %v", r.Name, err)
			}
			for _, object := range all.Items {
				out.add(t, group.Group+"/"+r.Name, object)
			}
		}
	}
	if kinds < 30 || len(out) < 30 {
		t.Fatalf("found %d objects of %d resources: the list is not whole", len(out), kinds)
	}
	return out
}

// systemNamespaces are those whose leases beat.
var systemNamespaces = []string{"kube-node-lease", "kube-system"}

func (i inventory) add(t *testing.T, kind string, object unstructured.Unstructured) {
	if strings.HasSuffix(kind, "/leases") && slices.Contains(systemNamespaces, object.GetNamespace()) {
		return
	}
	if kind == "/nodes" { // what kubelet keeps of images is told some time after it came
		unstructured.RemoveNestedField(object.Object, "status", "images")
	}
	kept := still(object.Object)
	if managed(kind, object.GetName()) {
		kept.(map[string]any)["managers"] = managers(object)
	}
	text, err := json.MarshalIndent(kept, "", " ") // with sorted keys
	if err != nil {
		t.Fatal(err)
	}
	i[fmt.Sprintf("%s %s/%s", kind, object.GetNamespace(), object.GetName())] = string(text)
}

// managed is whether it matters who owns fields of an object: those of others that a run in place
// changes are theirs again afterwards.
func managed(kind, name string) bool {
	return kind == "odigos.io/destinations" || kind == "/configmaps" && name == "odigos-configuration"
}

// managers are those who own fields of an object, by name, each once.
func managers(object unstructured.Unstructured) []string {
	var all []string
	for _, f := range object.GetManagedFields() {
		all = append(all, f.Manager)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// still is a value without times, versions, and who wrote what.
func still(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, inner := range v {
			if !restless(key) {
				out[key] = still(inner)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for n, inner := range v {
			out[n] = still(inner)
		}
		return out
	}
	return value
}

func restless(key string) bool {
	lower := strings.ToLower(key)
	return key == "managedFields" || key == "resourceVersion" ||
		strings.HasSuffix(lower, "time") || strings.HasSuffix(lower, "timestamp")
}

// Of objects that a run in place changes the comparison finds who owns fields of them.
func TestInventoryFindsManagers(t *testing.T) {
	of := func(kind, name string, managers ...string) inventory {
		o := unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": name}}}
		var fields []metav1.ManagedFieldsEntry
		for _, m := range managers {
			fields = append(fields, metav1.ManagedFieldsEntry{Manager: m})
		}
		o.SetManagedFields(fields)
		out := inventory{}
		out.add(t, kind, o)
		return out
	}
	for _, c := range []struct {
		kind, name string
		finds      bool
	}{
		{"/configmaps", "odigos-configuration", true},
		{"odigos.io/destinations", "theirs", true},
		{"/configmaps", "other", false},
	} {
		before, after := of(c.kind, c.name, "helm", "helm"), of(c.kind, c.name, "helm", "odigos-stress")
		if found := before.difference(after) != ""; found != c.finds {
			t.Errorf("%s %s: found %v, want %v", c.kind, c.name, found, c.finds)
		}
		if before.difference(of(c.kind, c.name, "helm")) != "" {
			t.Errorf("%s %s: how often one owns fields is a difference", c.kind, c.name)
		}
	}
}

// The comparison finds what is new, gone and changed, and nothing else.
func TestInventoryFinds(t *testing.T) {
	object := func(name, version, data string) unstructured.Unstructured {
		return unstructured.Unstructured{Object: map[string]any{
			"metadata": map[string]any{
				"name": name, "namespace": "n", "resourceVersion": version,
				"creationTimestamp": version, "managedFields": []any{version},
			},
			"data": map[string]any{"a": data},
		}}
	}
	of := func(all ...unstructured.Unstructured) inventory {
		out := inventory{}
		for _, o := range all {
			out.add(t, "/configmaps", o)
		}
		return out
	}
	before := of(object("one", "1", "x"), object("two", "1", "x"))
	for what, c := range map[string]struct {
		after inventory
		same  bool
	}{
		"touched": {of(object("one", "2", "x"), object("two", "3", "x")), true},
		"new":     {of(object("one", "1", "x"), object("two", "1", "x"), object("three", "1", "x")), false},
		"gone":    {of(object("one", "1", "x")), false},
		"changed": {of(object("one", "1", "y"), object("two", "1", "x")), false},
	} {
		if difference := before.difference(c.after); (difference == "") != c.same {
			t.Errorf("%s: difference %q, want none: %v", what, difference, c.same)
		}
	}
}
