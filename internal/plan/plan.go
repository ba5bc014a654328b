// Package plan is the question with nothing left to decide.
package plan

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/odigos-io/odigos-stress/internal/backend"
	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/loadgen"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/sampler"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A Plan is one trial before it runs. It is plain data: equal scenarios and equal
// collectors give equal plans, on any machine.
type Plan struct {
	Scenario  scenario.Scenario `json:"scenario"` // resolved
	Collector record.Collector  `json:"collector"`
	// Original is the gateway of a cluster that the one under test is made from; nil: the
	// scenario describes it.
	Original *record.Original `json:"original,omitempty"`
	Backend  env.Actor        `json:"backend"`
	Gateway  env.Actor        `json:"gateway"`
	Loadgen  env.Actor        `json:"loadgen"`
	// SampleEvery spans one is followed from due to receipt.
	SampleEvery uint64 `json:"sample_every"`
	// Quiet is a little longer than the longest wait in the gateway's configuration
	// (batches, sampling decisions, retry back-off): after such a silence of the
	// backend, with an empty queue, nothing more will come.
	Quiet time.Duration `json:"quiet_ns"`
	// Sampling are the processors of the gateway that drop spans on purpose, by id.
	Sampling []string `json:"sampling,omitempty"`
	// Prediction says which traces they keep; nil where none samples.
	Prediction *sampler.Prediction `json:"prediction,omitempty"`
	// Notes are reservations, in sentences.
	Notes []string `json:"notes,omitempty"`
}

// Sources are the texts of the files that a scenario names.
type Sources struct {
	// GatewayConfig is what gateway.config names.
	GatewayConfig []byte
	// Installed is the gateway that is there already; nil: the scenario's is made.
	Installed *gateway.Installation
}

// New plans one trial of s with that collector. The scenario need not be resolved;
// an error is the author's to mend.
func New(s scenario.Scenario, c gateway.Collector, sources Sources) (Plan, error) {
	s, err := s.Resolved()
	if err != nil {
		return Plan{}, fmt.Errorf("plan %s: %w", s.Name, err)
	}
	setup, err := sources.setup(s.Gateway, c)
	if err != nil {
		return Plan{}, fmt.Errorf("plan %s: %w", s.Name, err)
	}
	s.Gateway = setup.Gateway
	p := Plan{
		Scenario: s,
		Collector: record.Collector{
			Headline: c.Headline(s.Gateway.Kind), Program: c.Path,
			Name: c.Name, Version: c.Version, SHA256: c.SHA256, Image: c.Image,
		},
		Gateway:     setup.Actor,
		SampleEvery: sampleEvery(s.Load),
		Quiet:       quiet(s.Backend, setup.Waits),
		Sampling:    setup.Sampling,
		Prediction:  predictable(setup.Prediction, s.Load),
	}
	p.Gateway.Replicas = s.Gateway.Replicas
	if p.Backend, err = p.backend(); err != nil {
		return Plan{}, fmt.Errorf("plan %s: %w", s.Name, err)
	}
	if p.Loadgen, err = p.loadgen(setup, sources.Installed != nil); err != nil {
		return Plan{}, fmt.Errorf("plan %s: %w", s.Name, err)
	}
	p.Notes = slices.Concat(setup.Notes, p.notes())
	return p, nil
}

// setup is the gateway that is asked.
func (s Sources) setup(g scenario.Gateway, c gateway.Collector) (gateway.Setup, error) {
	if s.Installed != nil {
		return s.Installed.Setup(g, c)
	}
	return gateway.New(g, c, gateway.Source{Name: g.Config, Text: s.GatewayConfig})
}

// AdminPort is where the backend and the load generator speak of themselves.
const AdminPort = "admin"

const (
	readyTimeout = 30 * time.Second
	ownGrace     = 15 * time.Second
)

// backend is our own program; where it listens comes by its arguments, since only
// the environment knows.
func (p Plan) backend() (env.Actor, error) {
	spec := backend.Config{
		Backend:     p.Scenario.Backend,
		WarmUp:      warmUp(p.Scenario.Timing),
		Measure:     time.Duration(p.Scenario.Timing.Duration),
		SampleEvery: p.SampleEvery,
		Seed:        p.Scenario.Load.Seed,
	}
	const file = "backend.json"
	text, err := specText(spec)
	return env.Actor{
		Name: record.Backend,
		Args: []string{
			"backend", "--spec", "$(file." + file + ")",
			"--grpc", "$(self.otlp_grpc)", "--http", "$(self.otlp_http)", "--admin", "$(self.admin)",
		},
		Files:    map[string]string{file: text},
		Ports:    []string{gateway.PortOTLPGRPC, gateway.PortOTLPHTTP, AdminPort},
		Ready:    env.Probe{Port: AdminPort, Path: "/readyz", Timeout: readyTimeout},
		Replicas: p.Scenario.Backend.Replicas,
		Grace:    ownGrace,
	}, err
}

// loadgen is our own program too; it holds until it is told to start. Of several each sends
// its segment. Where the gateway is others' too, it does not outlive the tool.
func (p Plan) loadgen(setup gateway.Setup, others bool) (env.Actor, error) {
	load := p.Scenario.Load
	port, ok := setup.Port(load.Protocol)
	if !ok {
		return env.Actor{}, fmt.Errorf("load.protocol: the gateway's configuration has no otlp receiver"+
			" for %s: add it there, or set load.protocol to %s", load.Protocol, other(load.Protocol))
	}
	endpoint := "$(" + record.Gateway + "." + port + ")"
	if load.Protocol == scenario.ProtocolHTTP {
		endpoint = "http://" + endpoint
	}
	spec := loadgen.Config{
		Load:        load,
		WarmUp:      warmUp(p.Scenario.Timing),
		Measure:     time.Duration(p.Scenario.Timing.Duration),
		Hold:        true,
		SampleEvery: p.SampleEvery,
	}
	const file = "loadgen.json"
	text, err := specText(spec)
	args := []string{
		"loadgen", "--spec", "$(file." + file + ")",
		"--otlp-endpoint", endpoint, "--admin", "$(self.admin)",
	}
	if load.Generators > 1 {
		args = append(args, "--segment", "$(self.index)/$(self.replicas)")
	}
	if others {
		args = append(args, "--abandoned-after", abandonedAfter.String())
	}
	return env.Actor{
		Name:     record.Loadgen,
		Args:     args,
		Files:    map[string]string{file: text},
		Ports:    []string{AdminPort},
		Ready:    env.Probe{Port: AdminPort, Path: "/readyz", Timeout: readyTimeout},
		Limits:   env.Limits{CPUCores: float64(load.CPULimit)},
		Replicas: load.Generators,
		Grace:    ownGrace,
	}, err
}

// abandonedAfter is how long a load goes on that nobody asks about any more: for less than it
// takes until an installation that it goes to is given back.
const abandonedAfter = time.Minute

// OnOneMachine fails for a plan that needs a place of several machines' names.
func (p Plan) OnOneMachine() error {
	for _, a := range []env.Actor{p.Gateway, p.Backend} {
		if n := a.Replicas; n > 1 {
			return fmt.Errorf("%s.replicas: found %d, want 1 on this machine, where a name is one "+
				"address: in a cluster (--environment kubernetes) several share one", a.Name, n)
		}
	}
	return nil
}

func other(p scenario.Protocol) scenario.Protocol {
	if p == scenario.ProtocolHTTP {
		return scenario.ProtocolGRPC
	}
	return scenario.ProtocolHTTP
}

func specText(spec any) (string, error) {
	text, err := json.MarshalIndent(spec, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write spec: %w", err)
	}
	return string(text) + "\n", nil
}

func warmUp(t scenario.Timing) time.Duration { return t.Total() - time.Duration(t.Duration) }

// mostFollowed is how many spans a second are followed at most.
const mostFollowed = 200

// sampleEvery follows one span of each request, or of fewer where that would be more
// than mostFollowed a second: spans of one request share nearly all of their way.
func sampleEvery(l scenario.Load) uint64 {
	perRequest := max(1, l.SpansPerRequest)
	requests := float64(peak(l)) / float64(perRequest)
	return uint64(perRequest) * max(1, uint64(math.Ceil(requests/mostFollowed)))
}

// predictable is the prediction as far as this load bears it.
func predictable(p *sampler.Prediction, l scenario.Load) *sampler.Prediction {
	if p == nil || p.Unpredictable != "" {
		return p
	}
	_, priority := l.SpanAttributes[gateway.Priority]
	switch {
	case priority:
		return &sampler.Prediction{Unpredictable: "the load's spans bear " + gateway.Priority}
	case l.Split:
		return &sampler.Prediction{Unpredictable: "traces are not followed where load.split is set"}
	}
	return p
}

// peak is the highest rate of a load.
func peak(l scenario.Load) scenario.Rate {
	switch {
	case l.Burst != nil:
		return max(l.Rate, l.Burst.Rate)
	case l.Ramp != nil:
		return max(l.Rate, l.Ramp.From)
	}
	return l.Rate
}

// lowest is the lowest rate of a load.
func lowest(l scenario.Load) scenario.Rate {
	if l.Ramp != nil {
		return min(l.Rate, l.Ramp.From)
	}
	return l.Rate
}

// quiet counts a retry's back-off only where the scenario gives the gateway a reason
// to retry; elsewhere the empty queue, which Quiet goes with, says it.
func quiet(b scenario.Backend, w gateway.Waits) time.Duration {
	const margin = time.Second
	q := w.Pipeline + margin
	if b.SuccessRate != nil && *b.SuccessRate < 1 || b.MaxConnections > 0 || b.MaxConcurrent > 0 ||
		b.CutEvery > 0 || time.Duration(b.Delay) >= exporterTimeout {
		q += w.Retry
	}
	return q
}

// exporterTimeout is what an OTLP exporter of a collector waits by default.
const exporterTimeout = 5 * time.Second
