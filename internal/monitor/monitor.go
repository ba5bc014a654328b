// Package monitor watches every actor in the same way, once a second.
package monitor

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// A Kind is a family of actors that name their metrics in the same way. The names of
// the actors in a record are the kinds, too.
type Kind string

// The kinds.
const (
	Collector Kind = record.Gateway
	Loadgen   Kind = record.Loadgen
	Backend   Kind = record.Backend
)

// A Target is one actor to be watched.
type Target struct {
	// Name is its key in a sample.
	Name string
	// Members are those of an actor of which there are several: each is watched under its
	// own name, and all of them together under this one. Kind is then all that is used of
	// the rest.
	Members []Target
	// Instance tells its state and usage.
	Instance env.Instance
	// MetricsURL is where it serves Prometheus text; empty where it does not.
	MetricsURL string
	Kind       Kind
	// Exporters are the ids of the collector's exporters that carry the load. Empty
	// stands for all that are not known to carry something else: Odigos' own
	// telemetry, debug and nop.
	Exporters []string
	// VarsURL is where it serves the variables of Go's package expvar; empty where it does
	// not.
	VarsURL string
	// Go is how its environment sets its runtime, and what that chose where known.
	Go env.GoRuntime
}

// Options say how often and how patiently. The zero value looks once a second.
type Options struct {
	Interval time.Duration // between looks; 0: 1 s
	// Timeout of one look at one actor. What is not below Interval is made so: looks
	// never overlap. 0: 0.8 of Interval.
	Timeout time.Duration
	// Transport carries the scrapes; nil: a client of its own, without compression,
	// which the gateway would pay for.
	Transport http.RoundTripper
	// Host reads the use of the machine that the actors are on; nil: not one machine.
	Host func() (env.Host, error)
}

// A Monitor looks at its targets on an absolute schedule. Its methods may be called
// while it runs.
type Monitor struct {
	interval, timeout time.Duration
	transport         http.RoundTripper
	host              func() (env.Host, error)
	clock             clockWatch // used by Run alone

	mu      sync.Mutex
	targets []*watched
}

// New returns a monitor of the targets; none are needed yet.
func New(targets []Target, o Options) *Monitor {
	m := &Monitor{interval: o.Interval, timeout: o.Timeout, transport: o.Transport, host: o.Host}
	if m.interval <= 0 {
		m.interval = time.Second
	}
	if m.timeout <= 0 || m.timeout >= m.interval {
		m.timeout = m.interval * 4 / 5
	}
	if m.transport == nil {
		m.transport = &http.Transport{DisableCompression: true, Proxy: nil}
	}
	for _, t := range targets {
		m.Add(t)
	}
	return m
}

// Add has t watched from the next look on. A target of the same name is replaced; of
// several members those that still run are the same as before.
func (m *Monitor) Add(t Target) {
	m.mu.Lock()
	defer m.mu.Unlock()
	added := newWatched(t)
	for i, old := range m.targets {
		if old.Name == t.Name {
			added.before = old
			m.targets[i] = added
			return
		}
	}
	m.targets = append(m.targets, added)
}

// Run looks until ctx ends: at once, and then at whole intervals after that. What
// takes too long makes it leave out looks, never hurry or shift those that follow.
//
// start gives the start of the load once it is known, phase the phase of the moment.
// sink gets the samples in order, from this goroutine. No goroutine outlives Run.
func (m *Monitor) Run(ctx context.Context, start func() (time.Time, bool),
	phase func() record.Phase, sink func(record.Sample),
) {
	defer m.closeIdle()
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if ctx.Err() != nil {
			return
		}
		sample, ok := m.look(ctx, start, phase)
		if ok {
			sink(sample)
		}
		passed := time.Since(began) / m.interval
		timer.Reset(time.Until(began.Add((passed + 1) * m.interval)))
	}
}

// look asks all targets at once. It is no sample when ctx ended in its midst.
func (m *Monitor) look(ctx context.Context, start func() (time.Time, bool),
	phase func() record.Phase,
) (record.Sample, bool) {
	m.mu.Lock()
	targets := append([]*watched(nil), m.targets...)
	m.mu.Unlock()

	now := time.Now()
	sample := record.Sample{
		At: now.UTC(), Phase: phase(), ClockStep: m.clock.step(),
		Actors: make(map[string]record.ActorSample, len(targets)),
	}
	if at, ok := start(); ok {
		sample.Elapsed = now.Sub(at).Seconds()
	}
	limited, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	looks := make([]map[string]record.ActorSample, len(targets))
	var group sync.WaitGroup
	for i, t := range targets {
		group.Go(func() { looks[i] = t.looks(limited, m.transport) })
	}
	if m.host != nil {
		if h, err := m.host(); err == nil {
			sample.Host = &h
		}
	}
	group.Wait()
	for _, of := range looks {
		maps.Copy(sample.Actors, of)
	}
	return sample, ctx.Err() == nil
}

func (m *Monitor) closeIdle() {
	if t, ok := m.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}
