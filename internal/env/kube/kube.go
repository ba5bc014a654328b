// Package kube is a Kubernetes cluster as a place for trials: actors are pods, in a
// namespace of the run's own.
package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A Cluster says which cluster, as kubectl does. The zero value is the current context, or
// the cluster that this process runs in.
type Cluster struct {
	Kubeconfig string // a list of files; empty: KUBECONFIG, then ~/.kube/config
	Context    string
	As         string // impersonated user
	// Namespace is where to look in without rights to all; empty: that of the context.
	Namespace string
}

// Options say how a run lives in a cluster. RunID and Image alone are required.
type Options struct {
	Cluster Cluster
	RunID   string
	// Namespace is where the run lives. One that exists is used, and nothing in it is
	// touched but what the run has made; one that does not is made and taken away. Empty
	// is a namespace of the run's own.
	Namespace string
	// Image is the tool's own, with both its programs; its entry point is the tool.
	Image string
	// Pods are what is asked of the pods beside what the run wants of them.
	Pods Pods
	// Prometheus is one that scrapes kubelets, asked for what pods use where kubelets may not
	// be asked; without a URL: none.
	Prometheus PromServer
	// Keep leaves what the run has made in the cluster.
	Keep bool
	// Patience is how long a pod may wait for a node and its image; 0 means DefaultPatience.
	Patience time.Duration
	// Lifetime ends the load if nobody comes to end it; 0 means 2 h.
	Lifetime time.Duration
	// InPlace takes an installation of Odigos for the gateway; nil: the run makes its own.
	InPlace *InPlace
	// LogPath takes an actor's output as it is written, that of one of several by its
	// member's name; nil: nowhere.
	LogPath func(actor string) string
	Log     *slog.Logger
}

// DefaultPatience is for a pod whose node is there.
const DefaultPatience = 2 * time.Minute

// A Kube is a run's hold on a cluster. It is safe for concurrent use.
type Kube struct {
	o       Options
	access  access
	naming  naming
	own     bool // the namespace is the run's
	owner   owner
	table   *table
	figures *figures
	usage   usages
	scales  *scales
	inPlace *takeover // nil where the gateway is the run's own
	spool   string    // where output goes without Options.LogPath

	opening    context.Context // ends when Close begins
	shut       context.CancelCauseFunc
	starting   sync.WaitGroup
	life       context.Context // ends when Close is done with the pods
	end        context.CancelCauseFunc
	background sync.WaitGroup // what runs for as long as life does

	mu     sync.Mutex
	closed bool
	notes  []string
	listen string   // what $(self.PORT) listens on
	stages []*stage // in the order of their first start
	made   []object // in the order of their making
	pods   int      // made by Output
	// elsewhere is the gateway's Deployment where that is not the run's own.
	elsewhere target

	closing  sync.Once
	closeErr error
}

var _ env.Environment = (*Kube)(nil)

var errClosed = errors.New("this place has been closed")

// New asks for the rights that a run needs, and makes its namespace. Close must be called.
// An error says what is missing; nothing is left behind then.
func New(ctx context.Context, o Options) (*Kube, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	a, err := connect(o.Cluster)
	if err != nil {
		return nil, err
	}
	return settle(ctx, o, a)
}

func (o Options) complete() (Options, error) {
	if !runRule.MatchString(o.RunID) {
		return o, fmt.Errorf("use run id %q: want letters, digits, and _ . - within", o.RunID)
	}
	if o.Image == "" {
		return o, errors.New("use the tool's image: none was named; want one that the cluster can pull")
	}
	if o.Namespace != "" && !labelRule.MatchString(o.Namespace) {
		return o, fmt.Errorf("use namespace %q: want lower-case letters, digits and - within, "+
			"at most 63", o.Namespace)
	}
	if o.Prometheus.URL != "" {
		if err := o.Prometheus.check(); err != nil {
			return o, fmt.Errorf("use a Prometheus: %w", err)
		}
	}
	if o.Patience == 0 {
		o.Patience = DefaultPatience
	}
	if o.Lifetime == 0 {
		o.Lifetime = 2 * time.Hour
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return o, nil
}

// settle takes possession of a place in the cluster.
func settle(ctx context.Context, o Options, a access) (*Kube, error) {
	k := &Kube{o: o, access: a, naming: newNaming(o), table: newTable(), listen: anyIPv4}
	k.scales = newScales()
	k.opening, k.shut = context.WithCancelCause(context.Background())
	k.life, k.end = context.WithCancelCause(quiet(context.Background(), o.Log))
	k.figures = newFigures(k.life, &k.background, a.proxyNode)
	if err := k.open(quiet(ctx, o.Log)); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

func (k *Kube) open(ctx context.Context) error {
	if _, err := k.access.now(ctx); err != nil {
		return fmt.Errorf("reach the cluster of %s: %w", k.access.where, err)
	}
	exists, err := k.namespaceExists(ctx)
	if err != nil {
		return err
	}
	k.own = !exists
	if err := k.o.Pods.CheckNamespace(k.own, k.o.InPlace != nil); err != nil {
		return err
	}
	if k.o.InPlace != nil {
		if k.inPlace, err = newTakeover(k, *k.o.InPlace); err != nil {
			return err
		}
		k.elsewhere = k.inPlace.target()
	}
	if err := k.askRights(ctx); err != nil {
		return err
	}
	if err := k.inPlace.refuse(ctx); err != nil {
		return err
	}
	if err := k.chooseUsage(ctx); err != nil {
		return err
	}
	if k.spool, err = os.MkdirTemp("", "odigos-stress-kube-"); err != nil {
		return fmt.Errorf("make a directory for output: %w", err)
	}
	if err := k.takePossession(ctx); err != nil {
		return err
	}
	k.background.Go(func() { k.table.follow(k.life, k.access.client, k.naming.scope()) })
	k.background.Go(func() { k.stayAlive(k.life) })
	return nil
}

// Transport goes through the API server's proxy to the pods.
func (k *Kube) Transport() http.RoundTripper { return k.access.pods() }

// Enforcement is how the cluster enforces limits: by kubelet, which was not tried. That a
// gateway's pods have the limits that were asked for is seen when they start.
func (k *Kube) Enforcement() env.Enforcement {
	return env.Enforcement{Method: "kubelet", CPU: true, Memory: true}
}

// Notes are what went wrong without being in the way of a trial, in sentences.
func (k *Kube) Notes() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.notes)
}

// Namespace is where the run lives.
func (k *Kube) Namespace() string { return k.naming.namespace }

// note keeps a sentence once.
func (k *Kube) note(s string) {
	k.mu.Lock()
	known := slices.Contains(k.notes, s)
	if !known {
		k.notes = append(k.notes, s)
	}
	k.mu.Unlock()
	if !known {
		k.o.Log.Warn(s)
	}
}

// Close stops what runs, the last started first, and takes away what the run has made,
// unless it is kept. A second call returns the same.
func (k *Kube) Close() error {
	k.closing.Do(func() { k.closeErr = k.close() })
	return k.closeErr
}
