package kube

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); -update writes it:\n%s", path, diff)
	}
}

// A testCluster is client-go's fake with just enough of controllers and a kubelet.
type testCluster struct {
	*fake.Clientset
	t *testing.T

	mu     sync.Mutex
	denied map[string]bool // rights, as they are written
	// kubelet sees each new pod before anybody else; it is made ready where there is none.
	kubelet func(*corev1.Pod)
	// refuses is why controllers make no pods.
	refuses string
	quota   string            // the component whose pods a dry run is refused
	logs    map[string]string // by container, and container/previous
	pods    int
	uids    int
	watches chan string
}

var (
	podsResource   = corev1.SchemeGroupVersion.WithResource("pods")
	slicesResource = discoveryv1.SchemeGroupVersion.WithResource("endpointslices")
)

// intercept puts a reactor before those of a fake that may be in use already, which its own
// PrependReactor does not guard against.
func intercept(f *clienttesting.Fake, verb, resource string, r clienttesting.ReactionFunc) {
	f.Lock()
	defer f.Unlock()
	f.PrependReactor(verb, resource, r)
}

func newTestCluster(t *testing.T, objects ...runtime.Object) *testCluster {
	c := &testCluster{
		Clientset: fake.NewClientset(objects...), t: t, denied: map[string]bool{},
		logs: map[string]string{}, watches: make(chan string, 100),
	}
	plain := clienttesting.ObjectReaction(c.Tracker())
	react := c.withUID(plain)
	c.PrependReactor("patch", "*", react)
	c.PrependReactor("create", "*", react)
	for resource, read := range map[string]func([]byte) (int, corev1.PodTemplateSpec, error){
		"deployments": deploymentPods, "jobs": jobPods,
	} {
		c.PrependReactor("patch", resource, func(action clienttesting.Action) (bool, runtime.Object, error) {
			made, err := onlyObject(react(action))
			if err != nil {
				return true, nil, err
			}
			patch := action.(clienttesting.PatchAction)
			if patch.GetPatchType() != types.ApplyPatchType {
				return true, made, nil
			}
			n, template, err := read(patch.GetPatch())
			if err == nil && c.refuses == "" {
				c.controller(patch.GetName(), patch.GetNamespace(), n, template)
			}
			return true, made, err
		})
		c.PrependReactor("delete", resource, func(action clienttesting.Action) (bool, runtime.Object, error) {
			deletion := action.(clienttesting.DeleteAction)
			_, err := onlyObject(plain(action))
			c.collect(deletion.GetName(), deletion.GetNamespace())
			return true, nil, err
		})
	}
	c.PrependReactor("delete", "namespaces", func(action clienttesting.Action) (bool, runtime.Object, error) {
		c.empty(action.(clienttesting.DeleteAction).GetName())
		return false, nil, nil
	})
	c.PrependReactor("create", "selfsubjectaccessreviews", c.review)
	c.PrependReactor("get", "*", c.log)
	c.PrependWatchReactor("*", func(action clienttesting.Action) (bool, watch.Interface, error) {
		w, err := c.Tracker().Watch(action.GetResource(), action.GetNamespace())
		c.watches <- action.GetResource().Resource
		return true, w, err
	})
	return c
}

// empty takes away what is in a namespace.
func (c *testCluster) empty(namespace string) {
	for gvr, kind := range kinds() {
		if kind == "Namespace" {
			continue
		}
		for _, name := range c.list(gvr, kind, namespace) {
			_, name, _ = strings.Cut(name, " ")
			if err := c.Tracker().Delete(gvr, namespace, name); err != nil {
				c.t.Error(err)
			}
		}
	}
}

// kinds are those of the objects that a run makes.
func kinds() map[schema.GroupVersionResource]string {
	return map[schema.GroupVersionResource]string{
		corev1.SchemeGroupVersion.WithResource("configmaps"): "ConfigMap",
		corev1.SchemeGroupVersion.WithResource("services"):   "Service",
		podsResource: "Pod",
		corev1.SchemeGroupVersion.WithResource("namespaces"):  "Namespace",
		appsv1.SchemeGroupVersion.WithResource("deployments"): "Deployment",
		batchv1.SchemeGroupVersion.WithResource("jobs"):       "Job",
	}
}

// withUID gives objects what the fake does not.
func (c *testCluster) withUID(react clienttesting.ReactionFunc) clienttesting.ReactionFunc {
	return func(action clienttesting.Action) (bool, runtime.Object, error) {
		handled, o, err := react(action)
		if err != nil || !handled || o == nil {
			return handled, o, err
		}
		m, err := meta.Accessor(o)
		if err != nil || m.GetUID() != "" {
			return true, o, err
		}
		c.mu.Lock()
		c.uids++
		m.SetUID(types.UID(fmt.Sprintf("uid-%s-%d", action.GetResource().Resource, c.uids)))
		c.mu.Unlock()
		return true, o, c.Tracker().Update(action.GetResource(), o, action.GetNamespace())
	}
}

func onlyObject(_ bool, o runtime.Object, err error) (runtime.Object, error) { return o, err }

func deploymentPods(patch []byte) (int, corev1.PodTemplateSpec, error) {
	var d appsv1.Deployment
	err := json.Unmarshal(patch, &d)
	return int(*d.Spec.Replicas), d.Spec.Template, err
}

func jobPods(patch []byte) (int, corev1.PodTemplateSpec, error) {
	var j batchv1.Job
	err := json.Unmarshal(patch, &j)
	return int(*j.Spec.Completions), j.Spec.Template, err
}

// controller makes pods until there are enough.
func (c *testCluster) controller(actor, namespace string, n int, template corev1.PodTemplateSpec) {
	for index := len(c.podsOf(actor, namespace)); index < n; index++ {
		c.mu.Lock()
		c.pods++
		name := fmt.Sprintf("%s-%d", actor, c.pods)
		c.mu.Unlock()
		p := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Name: name, Namespace: namespace, UID: types.UID("uid-" + name), Labels: template.Labels,
				Annotations:       map[string]string{},
				CreationTimestamp: metav1.Now(),
			},
			Spec: template.Spec,
		}
		if actor == loadActor {
			p.Annotations[batchv1.JobCompletionIndexAnnotation] = fmt.Sprint(n - 1 - index)
		}
		p.Spec.NodeName = "node-1"
		p.Status.Phase = corev1.PodPending
		if c.kubelet != nil {
			c.kubelet(p)
		} else {
			ready(p, 0)
		}
		c.set(p)
	}
}

// collect ends an actor's pods as kubelet does, and takes them away.
func (c *testCluster) collect(actor, namespace string) {
	for _, p := range c.podsOf(actor, namespace) {
		s := status(p)
		if s.State.Running != nil {
			terminate(p, corev1.ContainerStateTerminated{ExitCode: 0, Reason: "Completed"})
			c.set(p)
		}
		if err := c.Tracker().Delete(podsResource, namespace, p.Name); err != nil {
			c.t.Error(err)
		}
	}
}

func (c *testCluster) podsOf(actor, namespace string) []*corev1.Pod {
	list, err := c.Tracker().List(podsResource, corev1.SchemeGroupVersion.WithKind("Pod"), namespace)
	if err != nil {
		c.t.Fatal(err)
	}
	var found []*corev1.Pod
	for _, p := range list.(*corev1.PodList).Items {
		if p.Labels[labelComponent] == actor {
			found = append(found, p.DeepCopy())
		}
	}
	return found
}

// set writes a pod, and the endpoints of its Service.
func (c *testCluster) set(p *corev1.Pod) {
	c.t.Helper()
	tracker := c.Tracker()
	err := tracker.Update(podsResource, p, p.Namespace)
	if err != nil {
		err = tracker.Create(podsResource, p, p.Namespace)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	actor := p.Labels[labelComponent]
	slice := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{
		Name: actor + "-slice", Namespace: p.Namespace,
		Labels: map[string]string{
			discoveryv1.LabelServiceName: actor, labelRun: p.Labels[labelRun],
		},
	}}
	for _, other := range c.podsOf(actor, p.Namespace) {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
			Conditions: discoveryv1.EndpointConditions{Ready: new(isReady(other))},
			TargetRef:  &corev1.ObjectReference{Kind: "Pod", Name: other.Name},
		})
	}
	if err := tracker.Update(slicesResource, slice, p.Namespace); err != nil {
		if err := tracker.Create(slicesResource, slice, p.Namespace); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *testCluster) review(action clienttesting.Action) (bool, runtime.Object, error) {
	r := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SelfSubjectAccessReview)
	a := r.Spec.ResourceAttributes
	name := right{verb: a.Verb, group: a.Group, resource: a.Resource, sub: a.Subresource}.String()
	r.Status.Allowed = !c.denied[name]
	return true, r, nil
}

func (c *testCluster) log(action clienttesting.Action) (bool, runtime.Object, error) {
	if action.GetSubresource() != "log" {
		return false, nil, nil
	}
	options := action.(clienttesting.GenericAction).GetValue().(*corev1.PodLogOptions)
	c.mu.Lock()
	defer c.mu.Unlock()
	key := options.Container
	if options.Previous {
		key += "/previous"
	}
	return true, &runtime.Unknown{Raw: []byte(c.logs[key])}, nil
}

func (c *testCluster) say(container, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.logs[container] += text
}

// access is a way to the cluster that has no network.
func (c *testCluster) access() access { return access{client: c, where: "context test of a test"} }

// open is a run in the cluster. The fake forgets what happens between a list and its
// watch, so both watches are waited for.
func (c *testCluster) open(o Options) *Kube {
	c.t.Helper()
	k, err := c.try(o)
	if err != nil {
		c.t.Fatal(err)
	}
	<-c.watches
	<-c.watches
	return k
}

func (c *testCluster) try(o Options) (*Kube, error) {
	c.t.Helper()
	if o.RunID == "" {
		o.RunID = "run-1"
	}
	o.Image = "cluster.local/odigos-stress:1"
	o, err := o.complete()
	if err != nil {
		c.t.Fatal(err)
	}
	return settle(context.Background(), o, c.access())
}

// names are those of all objects of the kinds that a run makes.
func (c *testCluster) names(namespace string) []string {
	c.t.Helper()
	var all []string
	for gvr, kind := range kinds() {
		all = append(all, c.list(gvr, kind, namespace)...)
	}
	slices.Sort(all)
	return all
}

func contains(t *testing.T, what string, err error, wants ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s gave no error; want one with %q", what, wants)
	}
	for _, want := range wants {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s gave %q; want %q in it", what, err, want)
		}
	}
}

func (c *testCluster) list(gvr schema.GroupVersionResource, kind, namespace string) []string {
	c.t.Helper()
	if kind == "Namespace" {
		namespace = ""
	}
	list, err := c.Tracker().List(gvr, gvr.GroupVersion().WithKind(kind), namespace)
	if err != nil {
		c.t.Fatal(err)
	}
	objects, err := meta.ExtractList(list)
	if err != nil {
		c.t.Fatal(err)
	}
	var names []string
	for _, o := range objects {
		m, err := meta.Accessor(o)
		if err != nil {
			c.t.Fatal(err)
		}
		names = append(names, kind+" "+m.GetName())
	}
	slices.Sort(names)
	return names
}

func replicaFailureCondition(why string) appsv1.DeploymentCondition {
	return appsv1.DeploymentCondition{
		Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate", Message: why,
	}
}

// stubborn makes an actor's pods ignore all but a grace of a second.
func (c *testCluster) stubborn(actor string) {
	intercept(&c.Fake, "delete", "deployments", func(action clienttesting.Action) (bool, runtime.Object, error) {
		for _, p := range c.podsOf(actor, action.GetNamespace()) {
			p.DeletionTimestamp = new(metav1.Now())
			c.set(p)
		}
		return true, nil, nil
	})
	intercept(&c.Fake, "delete", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		grace := action.(clienttesting.DeleteActionImpl).DeleteOptions.GracePeriodSeconds
		for _, p := range c.podsOf(actor, action.GetNamespace()) {
			if grace == nil || *grace != 1 {
				continue
			}
			terminate(p, corev1.ContainerStateTerminated{ExitCode: 137, Reason: "Error"})
			c.set(p)
		}
		return true, nil, nil
	})
}
