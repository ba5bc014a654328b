package odigostest

import (
	"fmt"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Names that Odigos gives its objects.
const (
	Configuration    = "odigos-configuration"
	Effective        = "effective-config"
	ConfigurationKey = "config.yaml"
	RenderedKey      = "collector-conf"

	deploymentInfo = "odigos-deployment"
	container      = "gateway"
	collector      = "/odigos-stress-otelcol"
	hashAnnotation = "odigos.io/config-hash"
)

var gatewayLabels = map[string]string{"odigos.io/collector-role": "CLUSTER_GATEWAY"}

// Selector chooses the gateway's pods.
const Selector = "odigos.io/collector-role=CLUSTER_GATEWAY"

// InitialConfiguration is what odigos-configuration says at first: a gateway that fits on a
// small node twice, and comments that an edit should keep.
const InitialConfiguration = `# The sizes of this installation.
collectorGateway:
  minReplicas: 1
  maxReplicas: 3
  requestMemoryMiB: 300
  limitMemoryMiB: 300 # the size_s of the chart
  requestCPUm: 200
  limitCPUm: 200
ignoredNamespaces:
  - kube-system
telemetryEnabled: false
`

// chart is what is there before a controller runs.
func chart() []*unstructured.Unstructured {
	meta := map[string]any{"name": Namespace, "labels": map[string]any{standIn: "true"}}
	return []*unstructured.Unstructured{
		{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": meta}},
		configMap(Configuration, ConfigurationKey, InitialConfiguration),
		configMap(deploymentInfo, "ODIGOS_VERSION", "v1.35.1"),
		{Object: map[string]any{
			"apiVersion": "v1", "kind": "ServiceAccount",
			"metadata": map[string]any{"name": Gateway, "namespace": Namespace},
		}},
	}
}

func configMap(name, key, text string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": name, "namespace": Namespace},
		"data":     map[string]any{key: text},
	}}
}

// object is a typed object as the dynamic client takes it. Objects that are written out here
// are always taken.
func object(apiVersion, kind string, of any) *unstructured.Unstructured {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(of)
	if err != nil {
		panic(fmt.Sprintf("write %s: %v", kind, err))
	}
	delete(fields, "status")
	u := &unstructured.Unstructured{Object: fields}
	u.SetAPIVersion(apiVersion)
	u.SetKind(kind)
	unstructured.RemoveNestedField(fields, "metadata", "creationTimestamp")
	unstructured.RemoveNestedField(fields, "spec", "template", "metadata", "creationTimestamp")
	return u
}

func gatewayMeta() metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: Gateway, Namespace: Namespace, Labels: gatewayLabels}
}

func service() *unstructured.Unstructured {
	port := func(name string, number int32) corev1.ServicePort {
		return corev1.ServicePort{
			Name: name, Port: number, TargetPort: intstr.FromInt32(number), Protocol: corev1.ProtocolTCP,
		}
	}
	return object("v1", "Service", &corev1.Service{
		ObjectMeta: gatewayMeta(),
		Spec: corev1.ServiceSpec{
			ClusterIP: corev1.ClusterIPNone, Selector: gatewayLabels,
			Ports: []corev1.ServicePort{
				port("otlp", 4317), port("otlphttp", 4318), port("own-metrics-http", 44318),
				port("metrics", 8888),
			},
		},
	})
}

// deployment is the gateway's. How many pods there are is said when it is made, and the
// HPA's business afterwards, so that 0 leaves it out.
func (o *Odigos) deployment(
	s sizes, hash string, secrets []string, replicas int,
) *unstructured.Unstructured {
	d := &appsv1.Deployment{
		ObjectMeta: gatewayMeta(),
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: gatewayLabels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{
					Labels: gatewayLabels, Annotations: map[string]string{hashAnnotation: hash},
				},
				Spec: corev1.PodSpec{
					ServiceAccountName: Gateway,
					Containers:         []corev1.Container{o.container(s, secrets)},
					Volumes: []corev1.Volume{{
						Name: RenderedKey,
						VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
							LocalObjectReference: corev1.LocalObjectReference{Name: Gateway},
							Items:                []corev1.KeyToPath{{Key: RenderedKey, Path: RenderedKey}},
						}},
					}},
				},
			},
		},
	}
	if replicas > 0 {
		d.Spec.Replicas = new(int32(replicas))
	}
	return object("apps/v1", "Deployment", d)
}

// container is the collector. It reads its configuration from a file: the tool's own has no
// provider that reads a ConfigMap.
func (o *Odigos) container(s sizes, secrets []string) corev1.Container {
	probe := &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{
			HTTPGet: &corev1.HTTPGetAction{Path: "/", Port: intstr.FromInt32(13133)},
		},
		PeriodSeconds: 1, FailureThreshold: 30, TimeoutSeconds: 5,
	}
	c := corev1.Container{
		Name: container, Image: o.image, ImagePullPolicy: corev1.PullIfNotPresent,
		Command: []string{collector, "--config=/conf/" + RenderedKey},
		Env: []corev1.EnvVar{
			{Name: "ODIGOS_VERSION", ValueFrom: &corev1.EnvVarSource{
				ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
					LocalObjectReference: corev1.LocalObjectReference{Name: deploymentInfo},
					Key:                  "ODIGOS_VERSION",
				},
			}},
			{Name: "POD_NAME", ValueFrom: &corev1.EnvVarSource{
				FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"},
			}},
			{Name: "GOMEMLIMIT", Value: strconv.Itoa(s.GoMemLimitMiB) + "MiB"},
			{Name: "GOMAXPROCS", ValueFrom: &corev1.EnvVarSource{
				ResourceFieldRef: &corev1.ResourceFieldSelector{
					ContainerName: container, Resource: "limits.cpu",
				},
			}},
		},
		SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: new(false)},
		VolumeMounts:    []corev1.VolumeMount{{Name: RenderedKey, MountPath: "/conf"}},
		LivenessProbe:   probe, ReadinessProbe: probe,
		Resources: corev1.ResourceRequirements{
			Requests: amounts(s.RequestCPUm, s.RequestMemoryMiB),
			Limits:   amounts(s.LimitCPUm, s.LimitMemoryMiB),
		},
	}
	for _, name := range secrets {
		c.EnvFrom = append(c.EnvFrom, corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: name}, Optional: new(true),
		}})
	}
	return c
}

func amounts(milliCPU, mebibytes int) corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewMilliQuantity(int64(milliCPU), resource.DecimalSI),
		corev1.ResourceMemory: *mebi(mebibytes),
	}
}

func mebi(n int) *resource.Quantity {
	return resource.NewQuantity(int64(n)<<20, resource.BinarySI)
}

// autoscaler keeps memory and CPU at three quarters of GOMEMLIMIT and of the limit. Without
// a metrics server it only keeps to its bounds.
func autoscaler(s sizes) *unstructured.Unstructured {
	metric := func(name corev1.ResourceName, value *resource.Quantity) autoscalingv2.MetricSpec {
		return autoscalingv2.MetricSpec{
			Type: autoscalingv2.ResourceMetricSourceType,
			Resource: &autoscalingv2.ResourceMetricSource{
				Name: name,
				Target: autoscalingv2.MetricTarget{
					Type: autoscalingv2.AverageValueMetricType, AverageValue: value,
				},
			},
		}
	}
	return object("autoscaling/v2", "HorizontalPodAutoscaler", &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: gatewayMeta(),
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{
				APIVersion: "apps/v1", Kind: "Deployment", Name: Gateway,
			},
			MinReplicas: new(int32(s.MinReplicas)), MaxReplicas: int32(s.MaxReplicas),
			Metrics: []autoscalingv2.MetricSpec{
				metric(corev1.ResourceMemory, mebi(s.GoMemLimitMiB*3/4)),
				metric(corev1.ResourceCPU,
					resource.NewMilliQuantity(int64(s.LimitCPUm*3/4), resource.DecimalSI)),
			},
		},
	})
}
