package kube

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsac "k8s.io/client-go/applyconfigurations/apps/v1"
	batchac "k8s.io/client-go/applyconfigurations/batch/v1"
	coreac "k8s.io/client-go/applyconfigurations/core/v1"
	metaac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A set is what is applied for one actor, in the order of its fields.
type set struct {
	files      *coreac.ConfigMapApplyConfiguration // nil where there are none
	service    *coreac.ServiceApplyConfiguration
	deployment *appsac.DeploymentApplyConfiguration // or
	job        *batchac.JobApplyConfiguration
}

// all are the objects of a set, as they would be written down.
func (s set) all() []any {
	var all []any
	if s.files != nil {
		all = append(all, s.files)
	}
	all = append(all, s.service)
	if s.job != nil {
		return append(all, s.job)
	}
	return append(all, s.deployment)
}

// A drawing is all that an actor's objects depend on beside the actor.
type drawing struct {
	naming    naming
	image     string
	lifetime  time.Duration
	directory directory
	pods      Pods
	// owner takes the objects with it when it goes; nil where it is not known.
	owner *metaac.OwnerReferenceApplyConfiguration
}

// draw makes an actor's objects.
func (d drawing) draw(a env.Actor) (set, error) {
	x, err := d.directory.expandAll(a)
	if err == nil {
		_, err = d.pods.Limited(a)
	}
	if err != nil {
		return set{}, err
	}
	s := set{service: d.service(a)}
	if len(a.Files) > 0 {
		s.files = coreac.ConfigMap(filesName(a.Name), d.naming.namespace).
			WithLabels(d.naming.labels(a.Name)).WithOwnerReferences(d.owners()...).
			WithData(a.Files)
	}
	if isJob(a) {
		s.job = d.job(a, x)
	} else {
		s.deployment = d.deployment(a, x)
	}
	return s, nil
}

func (d drawing) owners() []*metaac.OwnerReferenceApplyConfiguration {
	if d.owner == nil {
		return nil
	}
	return []*metaac.OwnerReferenceApplyConfiguration{d.owner}
}

// namespaceObject is the run's own namespace.
func namespaceObject(n naming) *coreac.NamespaceApplyConfiguration {
	labels := n.labels(componentRun)
	for _, mode := range []string{"enforce", "warn", "audit"} {
		labels["pod-security.kubernetes.io/"+mode] = "restricted"
	}
	return coreac.Namespace(n.namespace).WithLabels(labels).
		WithAnnotations(map[string]string{noteRun: n.runID})
}

// service is a name that answers with the addresses of all pods that are ready: a client
// spreads over them by itself, or sticks to one, as it would in front of a real gateway.
func (d drawing) service(a env.Actor) *coreac.ServiceApplyConfiguration {
	spec := coreac.ServiceSpec().WithClusterIP(corev1.ClusterIPNone).
		WithSelector(d.naming.selector(a.Name)).WithPublishNotReadyAddresses(false)
	numbers := portNumbers(a.Ports)
	for _, name := range a.Ports {
		port := coreac.ServicePort().WithName(portName(name)).WithProtocol(corev1.ProtocolTCP).
			WithPort(numbers[name]).WithTargetPort(intstr.FromInt32(numbers[name]))
		if strings.HasSuffix(name, "grpc") {
			port.WithAppProtocol("grpc")
		}
		spec.WithPorts(port)
	}
	return coreac.Service(a.Name, d.naming.namespace).WithLabels(d.naming.labels(a.Name)).
		WithOwnerReferences(d.owners()...).WithSpec(spec)
}

// portName makes of a port's name one that Kubernetes takes: 15 characters, no _.
func portName(name string) string {
	name = strings.Trim(notInName.ReplaceAllString(strings.ToLower(name), "-"), "-")
	return strings.Trim(name[:min(len(name), 15)], "-")
}

func (d drawing) deployment(a env.Actor, x expanded) *appsac.DeploymentApplyConfiguration {
	return appsac.Deployment(a.Name, d.naming.namespace).WithLabels(d.naming.labels(a.Name)).
		WithOwnerReferences(d.owners()...).
		WithSpec(appsac.DeploymentSpec().
			WithReplicas(int32(replicas(a))).
			WithRevisionHistoryLimit(0).
			WithStrategy(appsac.DeploymentStrategy().WithType(appsv1.RecreateDeploymentStrategyType)).
			WithSelector(metaac.LabelSelector().WithMatchLabels(d.naming.selector(a.Name))).
			WithTemplate(d.pod(a, x)))
}

// finishedTime is how long a Job that has ended is kept if nobody comes.
const finishedTime = 10 * time.Minute

func (d drawing) job(a env.Actor, x expanded) *batchac.JobApplyConfiguration {
	n := int32(replicas(a))
	template := d.pod(a, x)
	template.Spec.WithRestartPolicy(corev1.RestartPolicyNever)
	return batchac.Job(a.Name, d.naming.namespace).WithLabels(d.naming.labels(a.Name)).
		WithOwnerReferences(d.owners()...).
		WithSpec(batchac.JobSpec().
			WithCompletionMode(batchv1.IndexedCompletion).
			WithCompletions(n).WithParallelism(n).
			WithBackoffLimit(0).
			WithActiveDeadlineSeconds(seconds(d.lifetime)).
			WithTTLSecondsAfterFinished(int32(seconds(finishedTime))).
			WithTemplate(template))
}

// seconds are those of d, rounded up; at least one.
func seconds(d time.Duration) int64 { return max(1, int64(math.Ceil(d.Seconds()))) }

// pod is a template that the restricted pod security standard admits.
func (d drawing) pod(a env.Actor, x expanded) *coreac.PodTemplateSpecApplyConfiguration {
	spec := d.podSpec(a.Name, d.container(a, x)).
		WithTerminationGracePeriodSeconds(seconds(grace(a))).
		WithTopologySpreadConstraints(coreac.TopologySpreadConstraint().
			WithMaxSkew(1).WithTopologyKey(corev1.LabelHostname).
			WithWhenUnsatisfiable(corev1.ScheduleAnyway).
			WithLabelSelector(metaac.LabelSelector().WithMatchLabels(d.naming.selector(a.Name)))).
		WithAffinity(d.apart(a))
	if len(a.Files) > 0 {
		spec.WithVolumes(coreac.Volume().WithName("files").WithConfigMap(
			coreac.ConfigMapVolumeSource().WithName(filesName(a.Name))))
		spec.Containers[0].WithVolumeMounts(coreac.VolumeMount().WithName("files").
			WithMountPath(filesDir).WithReadOnly(true))
	}
	return d.template(a.Name, a.Name, unmoved, spec)
}

// unmoved asks autoscalers to leave a pod's node alone: a trial whose gateway is taken away
// has shown nothing.
var unmoved = map[string]string{
	"cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
	"karpenter.sh/do-not-disrupt":                    "true",
}

// podSpec is what is the same in every pod of a run.
func (d drawing) podSpec(name string, c *coreac.ContainerApplyConfiguration,
) *coreac.PodSpecApplyConfiguration {
	c.WithName(name).WithImagePullPolicy(corev1.PullIfNotPresent).
		WithTerminationMessagePolicy(corev1.TerminationMessageFallbackToLogsOnError).
		WithSecurityContext(coreac.SecurityContext().
			WithAllowPrivilegeEscalation(false).WithReadOnlyRootFilesystem(true).
			WithCapabilities(coreac.Capabilities().WithDrop("ALL"))).
		WithVolumeMounts(coreac.VolumeMount().WithName("tmp").WithMountPath("/tmp"))
	return coreac.PodSpec().
		WithAutomountServiceAccountToken(false).
		WithEnableServiceLinks(false). // they would set variables such as GATEWAY_PORT
		WithNodeSelector(map[string]string{corev1.LabelOSStable: linux}).
		WithSecurityContext(coreac.PodSecurityContext().
			WithRunAsNonRoot(true).WithRunAsUser(nobody).WithRunAsGroup(nobody).WithFSGroup(nobody).
			WithSeccompProfile(coreac.SeccompProfile().
				WithType(corev1.SeccompProfileTypeRuntimeDefault))).
		WithVolumes(coreac.Volume().WithName("tmp").WithEmptyDir(coreac.EmptyDirVolumeSource())).
		WithContainers(c)
}

// nobody is the user of distroless images.
const nobody = 65534

// defaultGrace is for an actor that gives none.
const defaultGrace = 10 * time.Second

func grace(a env.Actor) time.Duration {
	if a.Grace > 0 {
		return a.Grace
	}
	return defaultGrace
}

// container is the actor's own. Requests are equal to limits: with both set the pod is
// Guaranteed, and nobody else's use of the node becomes part of the answer.
func (d drawing) container(a env.Actor, x expanded) *coreac.ContainerApplyConfiguration {
	image := a.Image
	if image == "" {
		image = d.image
	}
	c := coreac.Container().WithImage(image).WithArgs(x.args...)
	if a.Program != "" {
		c.WithCommand(a.Program)
	}
	numbers := portNumbers(a.Ports)
	for _, name := range a.Ports {
		c.WithPorts(coreac.ContainerPort().WithName(portName(name)).
			WithProtocol(corev1.ProtocolTCP).WithContainerPort(numbers[name]))
	}
	if isJob(a) { // before those that may refer to it
		c.WithEnv(coreac.EnvVar().WithName(indexVariable).WithValueFrom(coreac.EnvVarSource().
			WithFieldRef(coreac.ObjectFieldSelector().
				WithFieldPath("metadata.annotations['" + batchv1.JobCompletionIndexAnnotation + "']"))))
	}
	for _, v := range x.env {
		c.WithEnv(coreac.EnvVar().WithName(v.name).WithValue(v.value))
	}
	if r := d.pods.role(a.Name).Resources; r != nil {
		c.WithResources(r.applied())
	} else if limits := resources(a.Limits); len(limits) > 0 {
		c.WithResources(Resources{Limits: limits}.applied())
	}
	if a.Ready.Port != "" {
		c.WithReadinessProbe(readiness(a.Ready, numbers[a.Ready.Port]))
	}
	return c
}

// readiness asks often, so that a start is seen at once, and believes in no end of it for
// half a minute, as Odigos' own gateway does with its 3 times 10 s: a gateway that is
// slow under load would else leave its Service in the midst of it.
func readiness(p env.Probe, port int32) *coreac.ProbeApplyConfiguration {
	return coreac.Probe().
		WithHTTPGet(coreac.HTTPGetAction().WithPath("/" + strings.TrimPrefix(p.Path, "/")).
			WithPort(intstr.FromInt32(port))).
		WithPeriodSeconds(1).WithTimeoutSeconds(5).WithFailureThreshold(30)
}

// gatewayActor is the one that the others keep away from.
const gatewayActor = "gateway"

// apart prefers nodes on which the gateway's processors are not shared with either end
// of the wire. It only prefers: a cluster may have one node.
func (d drawing) apart(a env.Actor) *coreac.AffinityApplyConfiguration {
	others := []string{gatewayActor}
	if a.Name == gatewayActor {
		others = slices.Sorted(maps.Keys(d.directory.ports))
		others = append(slices.DeleteFunc(others, func(s string) bool { return s == a.Name }), loadActor)
		slices.Sort(others)
		others = slices.Compact(others)
	}
	term := coreac.PodAffinityTerm().WithTopologyKey(corev1.LabelHostname).
		WithLabelSelector(metaac.LabelSelector().
			WithMatchLabels(map[string]string{labelRun: d.naming.label}).
			WithMatchExpressions(metaac.LabelSelectorRequirement().
				WithKey(labelComponent).WithOperator("In").WithValues(others...)))
	return coreac.Affinity().WithPodAntiAffinity(coreac.PodAntiAffinity().
		WithPreferredDuringSchedulingIgnoredDuringExecution(
			coreac.WeightedPodAffinityTerm().WithWeight(100).WithPodAffinityTerm(term)))
}
