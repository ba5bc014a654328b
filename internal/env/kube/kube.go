// Package kube is a Kubernetes cluster as a place for trials: actors are pods, in a
// namespace of the run's own.
package kube

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A Cluster says which cluster, as kubectl does. The zero value is the current context, or
// the cluster that this process runs in.
type Cluster struct {
	Kubeconfig string // a list of files; empty: KUBECONFIG, then ~/.kube/config
	Context    string
	As         string // impersonated user
}

// Options say how a run lives in a cluster. RunID and Image alone are required.
type Options struct {
	Cluster Cluster
	RunID   string
	// Namespace is the run's own, made and taken away by it; empty: a name of the run's.
	Namespace string
	// Image is the tool's own, with both its programs.
	Image string
	// Keep leaves what the run has made in the cluster.
	Keep bool
	// LogPath takes an actor's output when it has ended; nil: nowhere.
	LogPath func(actor string) string
	Log     *slog.Logger
}

// A Kube is a run's hold on a cluster. It is safe for concurrent use.
type Kube struct{ o Options }

var _ env.Environment = (*Kube)(nil)

var errUnwritten = errors.New("not written yet")

// New asks for the rights that a run needs, and makes its namespace. Close must be called.
func New(ctx context.Context, o Options) (*Kube, error) { return nil, errUnwritten }

// Start implements env.Environment.
func (k *Kube) Start(ctx context.Context, a env.Actor) (env.Instance, error) {
	return nil, errUnwritten
}

// Transport goes through the API server's proxy to the pods.
func (k *Kube) Transport() http.RoundTripper { return nil }

// Close takes away what the run has made, unless it is kept.
func (k *Kube) Close() error { return errUnwritten }

// Enforcement is how the cluster enforces limits.
func (k *Kube) Enforcement() env.Enforcement { return env.Enforcement{} }

// Notes are what went wrong without being in the way of a trial, in sentences.
func (k *Kube) Notes() []string { return nil }

// Namespace is where the run lives.
func (k *Kube) Namespace() string { return "" }

// Output runs a program of an image to its end, in a pod, and returns what it wrote.
func (k *Kube) Output(ctx context.Context, image string, command ...string) ([]byte, error) {
	return nil, errUnwritten
}

// A Node is a machine of the cluster that pods of the run are on, or could be.
type Node struct {
	Name, OS, Arch, Kernel, Kubelet string
	Cores                           float64 // allocatable
	MemoryBytes                     int64   // allocatable
}

// Nodes are those that can take the run's pods; those that do first.
func (k *Kube) Nodes(ctx context.Context) ([]Node, error) { return nil, errUnwritten }

// Rights says for each verb on each resource that a run needs whether it is allowed.
func Rights(ctx context.Context, o Options) ([]env.Capability, error) { return nil, errUnwritten }

// Manifests writes as YAML what would be applied for these actors, in that order, with no
// cluster asked.
func Manifests(w io.Writer, o Options, actors []env.Actor) error { return errUnwritten }

// A Leftover is a run in the cluster that nobody owns any more.
type Leftover struct {
	RunID, Namespace string
	Began            time.Time
	Removed          bool
}

// Cleanup takes away what dead runs left in the cluster; dryRun only tells.
func Cleanup(ctx context.Context, c Cluster, dryRun bool) ([]Leftover, error) {
	return nil, errUnwritten
}
