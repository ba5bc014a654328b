package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// Figures are what the kubelets of the run's nodes tell of containers. A kubelet measures
// every ten seconds or so, and tells by the same cache in two ways: stats/summary is short
// and has times to the second, metrics/cadvisor is long and has them to the millisecond,
// with throttling and pressure. So the first is asked each second, and the second once
// that tells of a new measurement.
type figures struct {
	ask func(ctx context.Context, node, path string) ([]byte, error)

	mu    sync.Mutex
	nodes map[string]*nodeFigures
}

func newFigures(ask func(ctx context.Context, node, path string) ([]byte, error)) *figures {
	return &figures{ask: ask, nodes: map[string]*nodeFigures{}}
}

// A nodeFigures is what was last read of one node. Who asks while it is read waits.
type nodeFigures struct {
	mu       sync.Mutex
	asked    time.Time
	summary  summary
	err      error
	detailed time.Time // when cadvisor was asked last
	cadvisor []byte
}

const (
	summaryPath  = "stats/summary?only_cpu_and_memory=true"
	cadvisorPath = "metrics/cadvisor"
	// askEvery is how often a node is asked at most.
	askEvery = time.Second
	// askDenied is how long somebody who was refused is not asked again.
	askDenied  = time.Minute
	figureTime = 5 * time.Second
)

// errNoFigure is that nothing is known of a container yet.
var errNoFigure = errors.New("not known: kubelet has not measured it yet")

// of is what one incarnation used when kubelet measured it last.
func (f *figures) of(ctx context.Context, namespace string, life incarnation) (env.Usage, error) {
	f.mu.Lock()
	n := f.nodes[life.node]
	if n == nil {
		n = &nodeFigures{}
		f.nodes[life.node] = n
	}
	f.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.refresh(ctx, f, life.node); err != nil {
		return env.Usage{}, err
	}
	c, ok := n.summary.container(namespace, life)
	if !ok {
		return env.Usage{}, errNoFigure
	}
	usage := c.usage()
	detailed, same := detailedUsage(n.cadvisor, life, usage)
	if !same && time.Since(n.detailed) >= askEvery {
		ctx, cancel := context.WithTimeout(ctx, figureTime)
		defer cancel()
		n.detailed = time.Now()
		if text, err := f.ask(ctx, life.node, cadvisorPath); err == nil {
			n.cadvisor = text
			detailed, same = detailedUsage(n.cadvisor, life, usage)
		}
	}
	if same {
		return detailed, nil
	}
	return usage, nil
}

// refresh asks for the summary, unless that was a moment ago.
func (n *nodeFigures) refresh(ctx context.Context, f *figures, node string) error {
	every := askEvery
	if apierrors.IsForbidden(n.err) {
		every = askDenied
	}
	// A look comes every second, and not to the microsecond.
	if !n.asked.IsZero() && time.Since(n.asked) < every-askEvery/10 {
		return n.told(node)
	}
	ctx, cancel := context.WithTimeout(ctx, figureTime)
	defer cancel()
	n.asked = time.Now()
	var text []byte
	if text, n.err = f.ask(ctx, node, summaryPath); n.err == nil {
		n.summary = summary{}
		n.err = json.Unmarshal(text, &n.summary)
	}
	return n.told(node)
}

func (n *nodeFigures) told(node string) error {
	if n.err == nil {
		return nil
	}
	return fmt.Errorf("not known: ask the kubelet of %s: %w", node, n.err)
}

// A summary is the part of kubelet's stats/summary that is of use here, by the names of
// its API (k8s.io/kubelet/pkg/apis/stats/v1alpha1). What is left out there is not known.
//
// Pressure is not read from it: its documentation and its code differ by a factor of a
// thousand about the unit.
type summary struct {
	Pods []struct {
		Ref struct {
			Namespace string `json:"namespace"`
			UID       string `json:"uid"`
		} `json:"podRef"`
		Containers []containerFigures `json:"containers"`
	} `json:"pods"`
}

type containerFigures struct {
	Name  string    `json:"name"`
	Start time.Time `json:"startTime"`
	CPU   *struct {
		Time  time.Time `json:"time"`
		Usage *uint64   `json:"usageCoreNanoSeconds"`
	} `json:"cpu"`
	Memory *struct {
		Time       time.Time `json:"time"`
		Usage      *int64    `json:"usageBytes"`
		WorkingSet *int64    `json:"workingSetBytes"`
		// RSS is anonymous memory (and swap cache), not what ps calls by that name.
		RSS *int64 `json:"rssBytes"`
	} `json:"memory"`
}

// startSlack is how much earlier than its container cadvisor may have begun: both times
// are to the second.
const startSlack = 2 * time.Second

// container is what was measured of an incarnation, and not of one before it.
func (s summary) container(namespace string, life incarnation) (containerFigures, bool) {
	for _, p := range s.Pods {
		if p.Ref.UID != string(life.uid) || p.Ref.Namespace != namespace {
			continue
		}
		for _, c := range p.Containers {
			fresh := c.Start.IsZero() || c.Start.After(life.began.Add(-startSlack))
			if c.Name == life.container && fresh && (c.CPU != nil || c.Memory != nil) {
				return c, true
			}
		}
	}
	return containerFigures{}, false
}

func (c containerFigures) usage() env.Usage {
	var u env.Usage
	if c.CPU != nil {
		u.At = c.CPU.Time
		if c.CPU.Usage != nil {
			u.CPUSeconds = new(float64(*c.CPU.Usage) / 1e9)
		}
	}
	if m := c.Memory; m != nil {
		if u.At.IsZero() {
			u.At = m.Time
		}
		u.MemoryUsage, u.MemoryWorkingSet, u.MemoryAnon = m.Usage, m.WorkingSet, m.RSS
	}
	return u
}

// Usage is what was measured last, some seconds ago; At says when, Source by whom.
func (i *Instance) Usage(ctx context.Context) (env.Usage, error) {
	if !i.State().Running {
		return env.Usage{}, errors.New("read usage: it has ended")
	}
	return i.crew.kube.usage.of(ctx, i.life.namespace, i.life)
}

// Usage implements env.Instance: it is the sum over all members, as of the oldest figure.
func (c *crew) Usage(ctx context.Context) (env.Usage, error) {
	var all []env.Usage
	for _, i := range c.list() {
		u, err := i.Usage(ctx)
		if err != nil {
			return env.Usage{}, fmt.Errorf("%s: %w", i.name, err)
		}
		all = append(all, u)
	}
	return env.UsageTogether(all), nil
}
