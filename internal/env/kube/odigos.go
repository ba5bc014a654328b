package kube

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
)

// What Odigos calls its gateway, unless its chart is told otherwise.
const (
	odigosNamespace  = "odigos-system"
	odigosGateway    = "odigos-gateway"
	odigosConfigKey  = "collector-conf"
	odigosRole       = "odigos.io/collector-role=CLUSTER_GATEWAY"
	gatewayContainer = "gateway"
)

// A Wanted says which gateway is looked for. The zero value is Odigos' own, in whatever
// namespace it is.
type Wanted struct {
	// Namespace is where to look; empty: everywhere that the rights allow, else odigos-system.
	Namespace string
	// Deployment is NAMESPACE/NAME of any collector; empty: the owner of the pods that bear
	// the label of Odigos' gateway.
	Deployment string
	// Container is the collector's; empty: the one called gateway, or the only one.
	Container string
}

// A Found is a collector gateway as it runs in a cluster. Nothing of a Secret is in it.
type Found struct {
	At time.Time `json:"read_at"`
	// Cluster is the context and the files by which it was reached.
	Cluster    string `json:"cluster"`
	Namespace  string `json:"namespace"`
	Deployment string `json:"deployment"`
	Container  string `json:"container"`
	Image      string `json:"image"`
	// Program is the path in it; empty is its entry point.
	Program string `json:"program,omitempty"`
	// ImageID is the image that a pod runs, by digest; empty where none runs.
	ImageID string `json:"image_id,omitempty"`
	// Args are the collector's, those that name its configuration left out.
	Args       []string    `json:"args,omitempty"`
	Config     Config      `json:"config"`
	Limits     Amount      `json:"limits"`
	Requests   Amount      `json:"requests"`
	Env        []Variable  `json:"env,omitempty"`
	Replicas   Replicas    `json:"replicas"`
	Autoscaler *Autoscaler `json:"autoscaler,omitempty"` // nil: not known
	Pods       []Pod       `json:"pods,omitempty"`
	Account    string      `json:"service_account"`
	// PullSecrets are the Secrets, by name, that its image may be pulled with.
	PullSecrets []string `json:"image_pull_secrets,omitempty"`
	// Placement is where its pods may go.
	Placement Placement   `json:"placement,omitzero"`
	asked     PodSettings // the same, as its pods have it
	// Unknown is what could not be read, and why, in sentences.
	Unknown []string `json:"unknown,omitempty"`
}

// A Config is a collector's configuration, and where it was found.
type Config struct {
	Text string `json:"text"`
	From string `json:"from"`

	namespace, name, key string // of the ConfigMap
}

// An Amount is CPU and memory of a container; 0 is none given.
type Amount struct {
	CPUCores    float64 `json:"cpu_cores,omitempty"`
	MemoryBytes int64   `json:"memory_bytes,omitempty"`
}

// Replicas are how many pods there are to be, and are.
type Replicas struct {
	Wanted  int `json:"wanted"`
	Ready   int `json:"ready"`
	Updated int `json:"updated"` // of the Deployment's newest template
}

// Workload names the gateway, NAMESPACE/NAME.
func (f Found) Workload() string { return f.Namespace + "/" + f.Deployment }

// From says where limits, image and variables are from.
func (f Found) From() string {
	return fmt.Sprintf("Deployment %s, container %s", f.Workload(), f.Container)
}

// FindGateway looks for a gateway in a cluster, and changes nothing there. An error names
// the right that is missing, or what was found in place of one gateway.
func FindGateway(ctx context.Context, c Cluster, w Wanted) (Found, error) {
	a, err := connect(c)
	if err != nil {
		return Found{}, err
	}
	defer a.close()
	f, err := findGateway(ctx, a.client, w)
	f.At, f.Cluster = time.Now().UTC().Truncate(time.Second), a.where
	return f, err
}

func findGateway(ctx context.Context, client kubernetes.Interface, w Wanted) (Found, error) {
	r := reading{client: client}
	d, err := r.deployment(ctx, w)
	if err != nil {
		return Found{}, fmt.Errorf("find gateway: %w", err)
	}
	f, err := r.read(ctx, d, w.Container)
	if err != nil {
		return Found{}, fmt.Errorf("read gateway %s/%s: %w", d.Namespace, d.Name, err)
	}
	return f, nil
}

// A reading is one look at a gateway.
type reading struct {
	client  kubernetes.Interface
	unknown []string
}

// lacks notes what a Found has to do without.
func (r *reading) lacks(what string, err error) {
	r.unknown = append(r.unknown, fmt.Sprintf("%s: %v.", what, err))
}

func (r *reading) read(
	ctx context.Context, d *appsv1.Deployment, named string,
) (Found, error) {
	pod := d.Spec.Template.Spec
	c, err := collectorOf(pod, named)
	if err != nil {
		return Found{}, err
	}
	f := Found{
		Namespace: d.Namespace, Deployment: d.Name, Container: c.Name, Image: c.Image,
		Program: programOfContainer(c),
		Limits:  amount(c.Resources.Limits), Requests: amount(c.Resources.Requests),
		Replicas: replicasOf(d), Account: pod.ServiceAccountName,
	}
	if f.Account == "" {
		f.Account = "default"
	}
	asked := PodSettings{
		NodeSelector: pod.NodeSelector, Tolerations: pod.Tolerations, Affinity: pod.Affinity,
		PriorityClassName: pod.PriorityClassName, ImagePullSecrets: pod.ImagePullSecrets,
	}
	f.asked, f.Placement, f.PullSecrets = asked, asked.placement(), asked.secrets()
	f.Env = r.variables(ctx, d, c)
	var uris []string
	uris, f.Args = configArgs(c, f.Env)
	if f.Config, err = r.config(ctx, d, c, uris); err != nil {
		return Found{}, err
	}
	f.Pods = r.pods(ctx, d, &f)
	f.Autoscaler = r.autoscaler(ctx, d)
	f.Unknown = r.unknown
	return f, nil
}

// amount reads thousandths of a core and divides once, so that 700m is the number that 0.7 is read
// as, and not its neighbour.
func amount(of corev1.ResourceList) Amount {
	var a Amount
	if q, ok := of[corev1.ResourceCPU]; ok {
		a.CPUCores = float64(q.MilliValue()) / 1000
	}
	if q, ok := of[corev1.ResourceMemory]; ok {
		a.MemoryBytes = q.Value()
	}
	return a
}

func replicasOf(d *appsv1.Deployment) Replicas {
	wanted := 1 // what the API server sets where a Deployment says nothing
	if d.Spec.Replicas != nil {
		wanted = int(*d.Spec.Replicas)
	}
	return Replicas{
		Wanted: wanted, Ready: int(d.Status.ReadyReplicas), Updated: int(d.Status.UpdatedReplicas),
	}
}
