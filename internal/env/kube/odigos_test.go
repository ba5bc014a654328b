package kube

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"
)

func pointer[T any](v T) *T { return &v }

var oomAt = time.Date(2026, 11, 20, 3, 4, 5, 0, time.UTC)

// odigosObjects are the gateway as Odigos' documentation has it: two pods of size_m, one of which
// was killed, behind an HPA.
func odigosObjects(namespace string) []runtime.Object {
	role := map[string]string{"odigos.io/collector-role": "CLUSTER_GATEWAY"}
	return []runtime.Object{
		&appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Name: "odigos-gateway", Namespace: namespace},
			Spec: appsv1.DeploymentSpec{
				Replicas: pointer(int32(2)),
				Selector: &metav1.LabelSelector{MatchLabels: role},
				Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
					ServiceAccountName: "odigos-gateway", Containers: []corev1.Container{gatewayOfTest(namespace)},
				}},
			},
			Status: appsv1.DeploymentStatus{ReadyReplicas: 2, UpdatedReplicas: 2},
		},
		aConfigMap(namespace, "odigos-gateway", "collector-conf", "receivers: {}"),
		aConfigMap(namespace, "odigos-deployment", "ODIGOS_VERSION", "v1.35.1"),
		gatewayPod(namespace, "odigos-gateway-6d4f-aaaaa", 1, &corev1.ContainerStateTerminated{
			Reason: "OOMKilled", ExitCode: 137, FinishedAt: metav1.NewTime(oomAt),
		}),
		gatewayPod(namespace, "odigos-gateway-6d4f-bbbbb", 0, nil),
		&autoscalingv2.HorizontalPodAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Name: "odigos-gateway", Namespace: namespace},
			Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
				ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{
					Kind: "Deployment", Name: "odigos-gateway",
				},
				MinReplicas: pointer(int32(2)), MaxReplicas: 8,
				Metrics: []autoscalingv2.MetricSpec{
					{Resource: &autoscalingv2.ResourceMetricSource{
						Name:   corev1.ResourceMemory,
						Target: autoscalingv2.MetricTarget{AverageValue: pointer(resource.MustParse("330Mi"))},
					}},
					{Object: &autoscalingv2.ObjectMetricSource{
						DescribedObject: autoscalingv2.CrossVersionObjectReference{
							Kind: "Deployment", Name: "odigos-gateway",
						},
						Metric: autoscalingv2.MetricIdentifier{Name: "odigos_gateway_rejections"},
						Target: autoscalingv2.MetricTarget{Value: pointer(resource.MustParse("500m"))},
					}},
				},
			},
			Status: autoscalingv2.HorizontalPodAutoscalerStatus{CurrentReplicas: 2, DesiredReplicas: 2},
		},
	}
}

func gatewayOfTest(namespace string) corev1.Container {
	limits := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("600Mi"),
	}
	return corev1.Container{
		Name: "gateway", Image: "docker.io/keyval/odigos-collector:v1.35.1",
		Command:   []string{"/odigosotelcol"},
		Args:      []string{"--config=k8scm:" + namespace + "/odigos-gateway/collector-conf"},
		Resources: corev1.ResourceRequirements{Limits: limits, Requests: limits},
		EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: "destinations"},
		}}},
		Env: []corev1.EnvVar{
			{Name: "ODIGOS_VERSION", ValueFrom: &corev1.EnvVarSource{
				ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
					LocalObjectReference: corev1.LocalObjectReference{Name: "odigos-deployment"},
					Key:                  "ODIGOS_VERSION",
				},
			}},
			{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{
				FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"},
			}},
			{Name: "GOMEMLIMIT", Value: "440MiB"},
			{Name: "GOMAXPROCS", ValueFrom: &corev1.EnvVarSource{
				ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.cpu"},
			}},
			{Name: "API_KEY", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: "vendor"}, Key: "key",
			}}},
		},
	}
}

func aConfigMap(namespace, name, key, text string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Data:       map[string]string{key: text},
	}
}

func gatewayPod(
	namespace, name string, restarts int32, last *corev1.ContainerStateTerminated,
) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: namespace,
			Labels: map[string]string{
				"odigos.io/collector-role": "CLUSTER_GATEWAY", "pod-template-hash": "6d4f",
			},
			OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "odigos-gateway-6d4f"}},
		},
		Spec: corev1.PodSpec{NodeName: "n1"},
		Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
			Name: "gateway", Ready: true, RestartCount: restarts, Image: "odigos-collector:v1.35.1",
			ImageID:              "docker.io/keyval/odigos-collector@sha256:0123",
			LastTerminationState: corev1.ContainerState{Terminated: last},
		}}},
	}
}

// forbid makes a cluster refuse one verb on one resource; everywhere alone where that is
// set.
func forbid(c *fake.Clientset, verb, what string, everywhere bool) {
	intercept(&c.Fake, verb, what, func(a ktesting.Action) (bool, runtime.Object, error) {
		if everywhere && a.GetNamespace() != "" {
			return false, nil, nil
		}
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: what}, "",
			errors.New("no"))
	})
}

func TestFindOdigos(t *testing.T) {
	got, err := findGateway(t.Context(), fake.NewClientset(odigosObjects("odigos-test")...), Wanted{})
	if err != nil {
		t.Fatal(err)
	}
	size := Amount{CPUCores: 1, MemoryBytes: 600 << 20}
	want := Found{
		Namespace: "odigos-test", Deployment: "odigos-gateway", Container: "gateway",
		Image:   "docker.io/keyval/odigos-collector:v1.35.1",
		Program: "/odigosotelcol",
		ImageID: "docker.io/keyval/odigos-collector@sha256:0123",
		Config: Config{
			Text: "receivers: {}", From: "ConfigMap odigos-test/odigos-gateway, key collector-conf",
		},
		Limits: size, Requests: size, Account: "odigos-gateway",
		Env: []Variable{
			{Name: "*", Kind: VariableSecret, From: "destinations"},
			{
				Name: "ODIGOS_VERSION", Kind: VariableConfigMap, From: "odigos-deployment/ODIGOS_VERSION",
				Value: "v1.35.1", Known: true,
			},
			{Name: "POD_NAME", Kind: VariableField, From: "metadata.name"},
			{Name: "GOMEMLIMIT", Kind: VariableValue, Value: "440MiB", Known: true},
			{Name: "GOMAXPROCS", Kind: VariableResource, From: "limits.cpu", Value: "1", Known: true},
			{Name: "API_KEY", Kind: VariableSecret, From: "vendor/key"},
		},
		Replicas: Replicas{Wanted: 2, Ready: 2, Updated: 2},
		Autoscaler: &Autoscaler{
			Name: "odigos-gateway", Min: 2, Max: 8, Current: 2, Desired: 2,
			Targets: []string{
				"memory 330Mi average", "odigos_gateway_rejections of Deployment odigos-gateway 500m",
			},
		},
		Pods: []Pod{
			{
				Name: "odigos-gateway-6d4f-aaaaa", Node: "n1", Ready: true, Restarts: 1,
				LastEnd: &End{Reason: OOMKilled, Code: 137, At: oomAt},
			},
			{Name: "odigos-gateway-6d4f-bbbbb", Node: "n1", Ready: true},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Config{}, Found{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Rights in Odigos' namespace alone are rights enough, and what is not needed is done
// without, and said.
func TestFindWithFewRights(t *testing.T) {
	c := fake.NewClientset(odigosObjects("odigos-system")...)
	forbid(c, "list", "pods", true)
	forbid(c, "list", "horizontalpodautoscalers", false)
	got, err := findGateway(t.Context(), c, Wanted{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Autoscaler != nil || len(got.Unknown) != 1 || len(got.Pods) != 2 ||
		!strings.HasPrefix(got.Unknown[0], "Whether it is scaled by an HPA is not known: list"+
			" horizontalpodautoscalers.autoscaling in namespace odigos-system: found no right to,"+
			" want verb list on resource horizontalpodautoscalers.autoscaling") {
		t.Errorf("found %+v, %q", got.Autoscaler, got.Unknown)
	}
}

// A Deployment with no pods is found by its name.
func TestFindWithoutReplicas(t *testing.T) {
	objects := odigosObjects("odigos-system")
	d := objects[0].(*appsv1.Deployment)
	d.Spec.Replicas, d.Status = pointer(int32(0)), appsv1.DeploymentStatus{}
	got, err := findGateway(t.Context(), fake.NewClientset(objects[:3]...), Wanted{})
	if err != nil {
		t.Fatal(err)
	}
	if (got.Replicas != Replicas{}) || len(got.Pods) > 0 || got.ImageID != "" {
		t.Errorf("found %+v", got)
	}
}

func TestFindRefuses(t *testing.T) {
	second := odigosObjects("odigos-two")
	sidecar := odigosObjects("odigos-system")
	pod := &sidecar[0].(*appsv1.Deployment).Spec.Template.Spec
	pod.Containers = append(pod.Containers, corev1.Container{Name: "proxy"})
	pod.Containers[0].Name = "collector"
	for _, c := range []struct {
		name    string
		objects []runtime.Object
		forbid  [2]string
		wanted  Wanted
		want    string
	}{
		{
			"nothing", nil,
			[2]string{},
			Wanted{},
			"found no gateway: no pod labelled odigos.io/collector-role=CLUSTER_GATEWAY in all namespaces, and no" +
				" Deployment odigos-system/odigos-gateway: want Odigos, or the namespace that it is in",
		},
		{
			"nothing in a namespace", odigosObjects("odigos-system"),
			[2]string{},
			Wanted{Namespace: "x"},
			"in namespace x, and no Deployment x/odigos-gateway",
		},
		{
			"two", append(odigosObjects("odigos-system"), second...),
			[2]string{},
			Wanted{},
			"found 2 gateways in all namespaces: odigos-system/odigos-gateway," +
				" odigos-two/odigos-gateway; want one: name it with --deployment",
		},
		{
			"no right to list pods", odigosObjects("odigos-system"),
			[2]string{"list", "pods"},
			Wanted{},
			"list pods in namespace odigos-system: found no right to, want verb list on resource pods",
		},
		{
			"no right to the Deployment", odigosObjects("odigos-system"),
			[2]string{"get", "deployments"},
			Wanted{},
			"want verb get on resource deployments.apps",
		},
		{
			"no right to the configuration", odigosObjects("odigos-system"),
			[2]string{"get", "configmaps"},
			Wanted{},
			"want verb get on resource configmaps",
		},
		{
			"two containers", sidecar,
			[2]string{},
			Wanted{},
			"found containers collector, proxy, want to know which is the collector",
		},
		{
			"no such container", sidecar,
			[2]string{},
			Wanted{Container: "x"},
			"found no container x: it has collector, proxy",
		},
		{"no Deployment's name", nil, [2]string{}, Wanted{Deployment: "x"}, `found deployment "x"`},
		{
			"another namespace", nil,
			[2]string{},
			Wanted{Deployment: "a/b", Namespace: "c"},
			"found namespace c and deployment a/b, want one namespace",
		},
		{
			"no such Deployment", nil,
			[2]string{},
			Wanted{Deployment: "a/b"},
			`get deployments.apps in namespace a: deployments.apps "b" not found`,
		},
	} {
		client := fake.NewClientset(c.objects...)
		if c.forbid[0] != "" {
			forbid(client, c.forbid[0], c.forbid[1], false)
		}
		_, err := findGateway(t.Context(), client, c.wanted)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %q in it", c.name, err, c.want)
		}
	}
}

// A collector's configuration is found by its arguments, wherever its ConfigMap is mounted.
func TestFindConfig(t *testing.T) {
	mounted := func(v corev1.VolumeSource, m corev1.VolumeMount, args ...string) *appsv1.Deployment {
		m.Name = "config"
		return collectorOfTest(corev1.Container{Args: args, VolumeMounts: []corev1.VolumeMount{m}},
			corev1.Volume{Name: "config", VolumeSource: v})
	}
	named := corev1.LocalObjectReference{Name: "conf"}
	whole := corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named}}
	items := corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: named,
		Items:                []corev1.KeyToPath{{Key: "relay", Path: "sub/relay.yaml"}},
	}}
	projected := corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		Sources: []corev1.VolumeProjection{
			{Secret: &corev1.SecretProjection{}},
			{ConfigMap: &corev1.ConfigMapProjection{
				LocalObjectReference: named, Items: []corev1.KeyToPath{{Key: "relay", Path: "relay.yaml"}},
			}},
		},
	}}
	const text = "receivers: {otlp: }"
	for _, c := range []struct {
		name string
		d    *appsv1.Deployment
		want string // the text, or what an error has in it
	}{
		{"a file of the volume", mounted(whole, corev1.VolumeMount{MountPath: "/conf"},
			"--feature-gates=x", "--config=/conf/relay"), text},
		{"two words", mounted(whole, corev1.VolumeMount{MountPath: "/conf/"}, "--config", "/conf/relay"), text},
		{"a scheme", mounted(whole, corev1.VolumeMount{MountPath: "/"}, "--config=file:/relay"), text},
		{"items", mounted(items, corev1.VolumeMount{MountPath: "/conf"},
			"--config=/conf/sub/relay.yaml"), text},
		{"one file alone", mounted(items, corev1.VolumeMount{
			MountPath: "/etc/otelcol/config.yaml", SubPath: "sub/relay.yaml",
		}, "--config=/etc/otelcol/config.yaml"), text},
		{"projected", mounted(projected, corev1.VolumeMount{MountPath: "/conf"},
			"--config=/conf/relay.yaml"), text},
		{"a variable", mounted(whole, corev1.VolumeMount{MountPath: "/conf"}, "--config=$(DIR)/relay"), text},
		{
			"none", collectorOfTest(corev1.Container{Args: []string{"--set=a=b"}}),
			`found no --config among its arguments ["--set=a=b"], want one`,
		},
		{
			"two", collectorOfTest(corev1.Container{Args: []string{"--config=/a", "--config=/b"}}),
			"found 2 configurations, /a, /b, want one",
		},
		{
			"of the image", mounted(whole, corev1.VolumeMount{MountPath: "/conf"}, "--config=/etc/x.yaml"),
			"is in no mounted volume",
		},
		{
			"env", collectorOfTest(corev1.Container{Args: []string{"--config=env:CONF"}}),
			"found --config=env:CONF, want k8scm:NAMESPACE/NAME/KEY or the path of a file",
		},
		{
			"yaml", collectorOfTest(corev1.Container{Args: []string{"--config=yaml:receivers::otlp:"}}),
			"found --config=yaml:receivers::otlp:, want",
		},
		{
			"half a name", collectorOfTest(corev1.Container{Args: []string{"--config=k8scm:ns/name"}}),
			"found --config=k8scm:ns/name, want k8scm:NAMESPACE/NAME/KEY",
		},
		{
			"no such key", mounted(whole, corev1.VolumeMount{MountPath: "/conf"}, "--config=/conf/x"),
			"ConfigMap ns/conf, key x: found no such key: it has relay",
		},
		{
			"a Secret", mounted(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}},
				corev1.VolumeMount{MountPath: "/conf"}, "--config=/conf/relay"),
			"found Secret s, which is not read; want a ConfigMap",
		},
		{
			"no ConfigMap", mounted(corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}},
				corev1.VolumeMount{MountPath: "/conf"}, "--config=/conf/relay"),
			"found a volume that is no ConfigMap",
		},
	} {
		client := fake.NewClientset(c.d, aConfigMap("ns", "conf", "relay", text))
		got, err := findGateway(t.Context(), client, Wanted{Deployment: "ns/otel"})
		switch {
		case c.want == text:
			if err != nil || got.Config.Text != text {
				t.Errorf("%s: %q, %v", c.name, got.Config.Text, err)
			}
		case err == nil || !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: %v\nwant %q in it", c.name, err, c.want)
		}
	}
}

func collectorOfTest(c corev1.Container, volumes ...corev1.Volume) *appsv1.Deployment {
	c.Name = "otc"
	c.Env = []corev1.EnvVar{{Name: "DIR", Value: "/conf"}}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "otel", Namespace: "ns"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "otel"}},
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
				Containers: []corev1.Container{c}, Volumes: volumes,
			}},
		},
	}
}
