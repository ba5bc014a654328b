package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
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
//
// A kubelet may take longer to answer than a look has time. So a node is read in a goroutine
// of its own, and who cannot wait is told what was read last.
type figures struct {
	ask  func(ctx context.Context, node, path string) ([]byte, error)
	life context.Context
	runs *sync.WaitGroup // the goroutines

	mu    sync.Mutex
	nodes map[string]*nodeFigures
}

// newFigures asks until life ends; runs must not have been waited for before.
func newFigures(life context.Context, runs *sync.WaitGroup,
	ask func(ctx context.Context, node, path string) ([]byte, error),
) *figures {
	return &figures{ask: ask, life: life, runs: runs, nodes: map[string]*nodeFigures{}}
}

// A nodeFigures is what was last read of one node.
type nodeFigures struct {
	node string

	mu       sync.Mutex
	reading  chan struct{} // closed when it has been read; nil while nobody does
	asked    time.Time
	answered bool
	summary  summary
	err      error
	lives    map[incarnation]string // that were asked about, with their namespaces
	detailed time.Time              // when cadvisor was asked last
	missed   bool                   // it then lacked one of lives
	cadvisor []byte
}

const (
	summaryPath  = "stats/summary?only_cpu_and_memory=true"
	cadvisorPath = "metrics/cadvisor"
	// askEvery is how often a node is asked at most.
	askEvery = time.Second
	// askDenied is how long somebody who was refused is not asked again, and askMissed how
	// long cadvisor is not that knows nothing of what the summary tells.
	askDenied  = time.Minute
	askMissed  = 5 * time.Second
	figureTime = 5 * time.Second
)

// errNoFigure is that nothing is known of a container yet.
var errNoFigure = errors.New("not known: kubelet has not measured it yet")

// of is what one incarnation used when kubelet measured it last.
func (f *figures) of(ctx context.Context, namespace string, life incarnation) (env.Usage, error) {
	n := f.node(life.node)
	if reading := n.read(f, namespace, life); reading != nil {
		select {
		case <-reading:
		case <-ctx.Done():
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.err != nil:
		return env.Usage{}, fmt.Errorf("not known: ask the kubelet of %s: %w", n.node, n.err)
	case !n.answered:
		return env.Usage{}, fmt.Errorf("not known: the kubelet of %s has not answered yet", n.node)
	}
	c, ok := n.summary.container(namespace, life)
	if !ok {
		return env.Usage{}, errNoFigure
	}
	usage := c.usage()
	if detailed, same := detailedUsage(n.cadvisor, life, usage); same {
		return detailed, nil
	}
	return usage, nil
}

func (f *figures) node(name string) *nodeFigures {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.nodes[name]
	if n == nil {
		n = &nodeFigures{node: name, lives: map[incarnation]string{}}
		f.nodes[name] = n
	}
	return n
}

// read has the node read, unless that was a moment ago, and returns what is closed at its
// end; nil: nobody reads.
func (n *nodeFigures) read(f *figures, namespace string, life incarnation) <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lives[life] = namespace
	every := askEvery
	if apierrors.IsForbidden(n.err) {
		every = askDenied
	}
	// A look comes every second, and not to the microsecond.
	soon := !n.asked.IsZero() && time.Since(n.asked) < every-askEvery/10
	if n.reading != nil || soon || f.life.Err() != nil {
		return n.reading
	}
	done := make(chan struct{})
	n.reading, n.asked = done, time.Now()
	f.runs.Go(func() {
		n.readNow(f)
		n.mu.Lock()
		n.reading = nil
		n.mu.Unlock()
		close(done)
	})
	return done
}

func (n *nodeFigures) readNow(f *figures) {
	ctx, cancel := context.WithTimeout(f.life, figureTime)
	defer cancel()
	var s summary
	text, err := f.ask(ctx, n.node, summaryPath)
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	n.mu.Lock()
	n.answered, n.err = true, err
	if err == nil {
		n.summary = s
	}
	wanted := err == nil && n.lacking() && (!n.missed || time.Since(n.detailed) >= askMissed)
	if wanted {
		n.detailed = time.Now()
	}
	n.mu.Unlock()
	if !wanted {
		return
	}
	text, err = f.ask(ctx, n.node, cadvisorPath)
	n.mu.Lock()
	defer n.mu.Unlock()
	if err == nil {
		n.cadvisor = n.own(text)
	}
	n.missed = n.lacking()
}

// own are the lines of a page of cadvisor that are about those that were asked about: of a
// large node it has some MB, and a run may be on many. The lock is held.
func (n *nodeFigures) own(page []byte) []byte {
	var lines []byte
	for line := range bytes.Lines(page) {
		for life := range n.lives {
			if _, id, ok := strings.Cut(life.id, "://"); ok && bytes.Contains(line, []byte(id)) {
				lines = append(lines, line...)
				break
			}
		}
	}
	return lines
}

// lacking is whether cadvisor, as last read, lacks what the summary tells of one of those that
// were asked about; the lock is held.
func (n *nodeFigures) lacking() bool {
	for life, namespace := range n.lives {
		c, ok := n.summary.container(namespace, life)
		if !ok {
			continue
		}
		if _, same := detailedUsage(n.cadvisor, life, c.usage()); !same {
			return true
		}
	}
	return false
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

func some(bytes *int64) *int64 {
	if bytes == nil || *bytes <= 0 {
		return nil
	}
	return bytes
}

// usage takes a 0 for not known: where the container runtime does not tell a figure a kubelet
// writes 0 (cri_stats_provider.go), and no container that runs has used nothing.
func (c containerFigures) usage() env.Usage {
	var u env.Usage
	if c.CPU != nil {
		u.At = c.CPU.Time
		if ns := c.CPU.Usage; ns != nil && *ns > 0 {
			u.CPUSeconds = new(float64(*ns) / 1e9)
		}
	}
	if m := c.Memory; m != nil {
		if u.At.IsZero() {
			u.At = m.Time
		}
		u.MemoryUsage, u.MemoryWorkingSet, u.MemoryAnon = some(m.Usage), some(m.WorkingSet), some(m.RSS)
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
