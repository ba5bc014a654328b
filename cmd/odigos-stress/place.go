package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"reflect"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/env/kube"
	"github.com/odigos-io/odigos-stress/internal/env/local"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// The environments that --environment knows, as records spell them.
const (
	onMachine = "local"
	onCluster = "kubernetes"
)

// A placeOptions is where trials run: on this machine, or in a cluster.
type placeOptions struct {
	environment string
	cluster     kube.Cluster
	namespace   string
	prometheus  promFlags // asked for usage where kubelets may not be
	image       string    // the tool's own; empty: that of this version
	keep        bool
	podsFile    string
	pods        kube.Pods // what podsFile says
	patience    time.Duration
	// inPlace is the installation that is asked where it is; nil: none is.
	inPlace *kube.InPlace
	// offline asks the cluster only for what nothing else can tell.
	offline bool
	// startsNothing is set where the cluster is read at most: no pod is asked either.
	startsNothing bool

	flagSet *pflag.FlagSet
}

// clusterFlags say which cluster; all of them are refused where --environment names none.
var clusterFlags = append([]string{
	"kubeconfig", "context", "as", "namespace", "image", "keep", "prometheus",
	"prometheus-http-config", "pods", "patience",
}, wayFlags...)

// flags adds those that say where a trial runs.
func (o *placeOptions) flags(cmd *cobra.Command) {
	o.connect(cmd)
	f := cmd.Flags()
	f.StringVarP(&o.namespace, "namespace", "n", "", "the `namespace` to run in, which is left as it "+
		"was found; if not given the run makes one and takes it away")
	f.StringVar(&o.image, "image", "", "the tool's own `image`, with both its programs; "+
		"if not given that of this version, "+ownImage())
	o.prometheus.add(f, "scrapes kubelets, which is asked for CPU and memory of pods where the rights do "+
		"not let kubelets be asked")
	f.BoolVar(&o.keep, "keep", false, "leave what a run has made in the cluster")
	f.StringVar(&o.podsFile, "pods", "", "`file` that says where a run's pods go and what they bear: "+
		"node selectors, tolerations, pull secrets and more, by role")
	f.DurationVar(&o.patience, "patience", kube.DefaultPatience, "how long a pod may wait for a node "+
		"and its image, such as 10m where nodes are made first")
}

// connect adds those that say which cluster is meant.
func (o *placeOptions) connect(cmd *cobra.Command) {
	o.flagSet, o.environment = cmd.Flags(), onMachine
	f := cmd.Flags()
	f.Var(choice{&o.environment, []string{onMachine, onCluster}}, "environment",
		"where to run: this machine, or a cluster")
	f.StringVar(&o.cluster.Kubeconfig, "kubeconfig", "", "`files` that say where the cluster is; "+
		"if not given $KUBECONFIG, then ~/.kube/config")
	f.StringVar(&o.cluster.Context, "context", "", "the `context` in them; if not given the current one")
	f.StringVar(&o.cluster.As, "as", "", "the `user` to act as in the cluster")
}

// inCluster is whether a cluster was asked for.
func (o *placeOptions) inCluster() bool { return o.environment == onCluster }

// check refuses what was typed about a cluster where none was asked for. Variables may
// stand: they are for whichever command needs them.
func (o *placeOptions) check() error {
	if o.inCluster() {
		return usage(o.checkCluster())
	}
	if o.flagSet == nil {
		return nil
	}
	var errs []error
	for _, name := range clusterFlags {
		if f := o.flagSet.Lookup(name); f != nil && f.Changed && !fromEnv(f) {
			errs = append(errs, fmt.Errorf("--%s: found it with --environment %s, want --environment %s",
				name, o.environment, onCluster))
		}
	}
	return usage(errors.Join(errs...))
}

// leastPatience is a pod's start on a node that has its image.
const leastPatience = time.Second

// checkCluster refuses what is said about a cluster and cannot be so, and reads the file on pods.
func (o *placeOptions) checkCluster() error {
	if err := o.prometheus.check(); err != nil {
		return err
	}
	if o.patience != 0 && o.patience < leastPatience { // 0: the command has no such flag
		return fmt.Errorf("--patience: found %s, want at least %s", o.patience, leastPatience)
	}
	if o.podsFile == "" || o.pods.Name != "" {
		return nil
	}
	text, err := os.ReadFile(o.podsFile)
	if err == nil {
		o.pods, err = kube.ParsePods(o.podsFile, text)
	}
	if err != nil {
		return fmt.Errorf("--pods: %w", err)
	}
	return nil
}

// podsAgain has pods go where those of trials went that are gone on with: where they go is of
// the question. A file that was named again has to say the same.
func (o *placeOptions) podsAgain(were map[string]any) error {
	switch {
	case o.podsFile != "" && !reflect.DeepEqual(o.pods.Understood(), were):
		return fmt.Errorf("%s: found other pods than those of the trials that are there, want the same, or "+
			"no file", o.podsFile)
	case o.podsFile == "" && were != nil:
		text, err := json.Marshal(were)
		if err != nil {
			return err
		}
		if o.pods, err = kube.ParsePods("the record's pods", text); err != nil {
			return err
		}
	}
	return o.pods.CheckNamespace(o.namespace == "", false)
}

// ownImage is the tool's own image of this version, as `odigos-stress image` names it. No
// registry has it: it is to be loaded into the cluster's nodes.
func ownImage() string { return imageName + ":" + imageTag(version) }

// ownImage is the image of the actors that are the tool itself.
func (o *placeOptions) ownImage() string {
	if o.image != "" {
		return o.image
	}
	return ownImage()
}

func (o *placeOptions) kube(runID string) kube.Options {
	return kube.Options{
		Cluster: o.cluster, RunID: runID, Namespace: o.namespace, Image: o.ownImage(), Keep: o.keep,
		InPlace: o.inPlace, Prometheus: o.prometheus.server, Pods: o.pods, Patience: o.patience,
	}
}

// A place is where one trial runs.
type place interface {
	env.Environment
	Enforcement() env.Enforcement
	// Notes are what went wrong without being in the way of the trial, in sentences.
	Notes() []string
	// describe adds to the header what it says of the place.
	describe(h *record.Header)
}

// A stay is what one run wants of a place.
type stay struct {
	runID string
	lasts time.Duration // of the load and its drain
	// compression is how the gateway sends to the backend, where that is the place's to say.
	compression string
	// logPath is where an actor's output goes; nil: nowhere.
	logPath func(actor string) string
	log     *slog.Logger
}

// spare is how much longer than it should last a load goes on in a cluster that its run
// does not come back to, with starts of the usual patience.
const spare = 15 * time.Minute

// lifetime is how long a load has in a cluster that is to last so long: its Job's time passes while
// the gateway and itself wait for nodes, too.
func (o *placeOptions) lifetime(lasts time.Duration) time.Duration {
	return lasts + spare + 2*max(0, o.patience-kube.DefaultPatience)
}

// open makes the place of one run. The cluster's nodes are asked for too.
func (o *placeOptions) open(ctx context.Context, s stay) (place, error) {
	if !o.inCluster() {
		l, err := local.New(local.Options{RunID: s.runID, LogPath: s.logPath})
		if err != nil {
			return nil, fmt.Errorf("prepare this machine: %w", err)
		}
		return machinePlace{l}, nil
	}
	options := o.kube(s.runID)
	options.LogPath, options.Log, options.Lifetime = s.logPath, s.log, o.lifetime(s.lasts)
	if o.inPlace != nil {
		in := *o.inPlace
		in.Compression = s.compression
		options.InPlace = &in
	}
	k, err := kube.New(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("prepare the cluster: %w", err)
	}
	nodes, err := k.Nodes(ctx)
	return clusterPlace{
		Kube: k, image: options.Image, host: hostOf(nodes, err), pods: options.Pods,
	}, nil
}

// output runs a program of an image in the cluster, as a run of its own, for what it writes;
// an empty program is the image's entry point.
func (o *placeOptions) output(
	ctx context.Context, image, program string, args ...string,
) (out []byte, err error) {
	options := o.kube(newRunID(time.Now().UTC()))
	options.Keep, options.InPlace = false, nil
	k, err := kube.New(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("prepare the cluster: %w", err)
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	return k.Output(ctx, image, append([]string{program}, args...)...)
}

// A machinePlace is this machine.
type machinePlace struct{ *local.Local }

func (p machinePlace) describe(h *record.Header) {
	h.Environment, h.Machine, h.Scrubbed = onMachine, thisMachine(), p.Scrubbed()
	kept, note := lastSelftest(h.Machine, h.Created)
	h.Selftest, h.Notes = kept, append(h.Notes, note)
}

// A clusterPlace is a namespace of a cluster.
type clusterPlace struct {
	*kube.Kube
	image string
	host  host
	pods  kube.Pods
}

func (p clusterPlace) describe(h *record.Header) {
	h.Environment, h.Image, h.Pods = onCluster, p.image, p.pods.Understood()
	h.Machine, h.Nodes = p.host.machine, p.host.machines()
	h.Notes = append(h.Notes, "What the ends can do on the cluster's nodes was not measured.")
	h.Notes = append(h.Notes, p.Notes()...)
}

// A host is the machine that a gateway runs on, and of a cluster all that may be it.
type host struct {
	machine record.Machine
	nodes   []kube.Node // nil: this machine, or not known
	unknown error       // why the nodes are not known
	// barred says of actors why no node takes their pods.
	barred map[string]string
	pods   kube.Pods
}

// host is what plans are held against.
func (o *placeOptions) host(ctx context.Context) host {
	switch {
	case !o.inCluster():
		return host{machine: thisMachine()}
	case o.offline:
		return host{pods: o.pods}
	}
	h := hostOf(kube.NodesOf(ctx, o.kube(unmade)))
	h.pods = o.pods
	return h
}

// hostOf takes the first node that can be the gateway's for it: the likeliest to be.
func hostOf(nodes []kube.Node, err error) host {
	h := host{nodes: nodes}
	if none := (*kube.NoNodeError)(nil); errors.As(err, &none) {
		h.barred, err = none.Why, nil
	}
	if err == nil && len(nodes) == 0 && h.barred == nil {
		err = errNoNode
	}
	h.unknown = err
	at := slices.IndexFunc(nodes, func(n kube.Node) bool { return n.Takes(record.Gateway) })
	if err == nil && at >= 0 {
		h.machine = machineOf(nodes[at])
	}
	return h
}

var errNoNode = errors.New("the cluster has no node that takes pods")

func (h host) machines() []record.Machine {
	var all []record.Machine
	for _, n := range h.nodes {
		all = append(all, machineOf(n))
	}
	return all
}

// machineOf is a node as a record tells it. What a node keeps for itself is less than a
// core as a rule, so that what it can give is rounded up.
func machineOf(n kube.Node) record.Machine {
	return record.Machine{
		Name: n.Name, InstanceType: n.InstanceType, Kubelet: n.Kubelet,
		OS: n.OS, Arch: n.Arch, Kernel: n.Kernel,
		Cores: int(math.Ceil(n.Cores)), MemoryBytes: n.MemoryBytes,
	}
}
