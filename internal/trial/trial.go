// Package trial carries a plan through an environment: one run.
package trial

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/monitor"
	"github.com/odigos-io/odigos-stress/internal/plan"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// Options say how a trial is watched. The zero value is good.
type Options struct {
	// Watch, when set, is shown every sample as it is appended, from the monitor's
	// goroutine, with the findings that began with it.
	Watch func(record.Sample, []verdict.Finding)
	// Died, when set, is told of each death of the gateway as it is noted, and the how many
	// it is.
	Died func(d record.Death, nth int)
	// Logger hears what happens; nil is silence.
	Logger *slog.Logger

	pace pace
}

// A pace is what a trial's length depends on beside its plan; tests are in a hurry.
type pace struct {
	// sample is how often the actors are looked at; 0: every second.
	sample time.Duration
	// aftermath is how long the load goes on after the gateway has died, so that
	// the record shows what its clients then see; 0: 3 s.
	aftermath time.Duration
	// hang is how long the gateway shows no sign of life before it hangs, and hangKill how
	// long it hangs before it is killed for a restart; 0: hangAfter and hangKill.
	hang, hangKill time.Duration
}

// An Interrupt is the cause of a context that a signal ended. The trial then drains
// briefly and writes a partial record.
type Interrupt struct{ Signal string }

// Error says which signal.
func (i Interrupt) Error() string { return "interrupted by " + i.Signal }

// A run is one trial under way.
type run struct {
	plan    plan.Plan
	runID   string
	notes   []string // in the header
	place   env.Environment
	log     *record.Log
	options Options

	transport http.RoundTripper // to the actors
	wire      map[string][]*end // by actor, set before the load starts
	clocked   bool              // the ends were asked for their clocks

	instances map[string]env.Instance // by name, set before the load starts
	states    map[string]env.State    // as found before we asked for the end
	watch     *verdict.Watch
	watcher   *monitor.Monitor
	pulses    *pulses
	profiles  *profiler

	mu        sync.Mutex
	phase     record.Phase
	started   time.Time     // common start; zero before it
	lasted    time.Duration // until the last slot became due
	last      record.Sample
	queueTold bool   // the gateway told once how long its queue is
	abort     string // why an assertion ends the load; empty while none does
	mortal    mortality
}

// Run runs one trial, notes what happens in log and closes it. An error means that
// there was no trial: an actor could not be started, or something of ours failed. A
// gateway that falls over is no error: it is what the trial was for, and is in the
// log. When ctx ends, the trial ends early and in order.
func Run(
	ctx context.Context, p plan.Plan, place env.Environment,
	h record.Header, log *record.Log, o Options,
) error {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	r := &run{
		plan: p, place: place, log: log, options: o, phase: record.PhaseStarting,
		transport: place.Transport(), wire: map[string][]*end{},
		instances: map[string]env.Instance{}, states: map[string]env.State{},
		watch: verdict.NewWatch(h), runID: h.RunID, notes: h.Notes,
	}
	r.pulses = newPulses(p.Scenario.Timing.Total(), log.Pulse)
	if t, ok := r.transport.(interface{ CloseIdleConnections() }); ok {
		defer t.CloseIdleConnections()
	}
	r.profiles = newProfiler(p, r.transport, r.profiled)
	if r.options.pace.aftermath == 0 {
		r.options.pace.aftermath = 3 * time.Second
	}
	if r.options.pace.hang == 0 {
		r.options.pace.hang, r.options.pace.hangKill = hangAfter, hangKill
	}
	r.mortal.hangs.after = r.options.pace.hang
	r.mortal.ready, r.mortal.kills = map[string]time.Time{}, map[string]uint64{}
	ending := record.Ending{States: r.states}
	err := r.whole(ctx, &ending)
	if ending.Deaths == nil { // and what they cost is not known
		ending.Deaths = r.mortal.deaths
	}
	if cause := context.Cause(ctx); cause != nil {
		var i Interrupt
		if errors.As(cause, &i) {
			ending.Interrupted = i.Signal
		}
	}
	if err != nil {
		ending.Error = err.Error()
		r.event(record.EventError, "", err.Error())
	}
	r.placeNotes()
	ending.Finished = time.Now().UTC()
	return errors.Join(err, log.Close(ending))
}

// whole is the trial from the first actor's start to the last one's end.
func (r *run) whole(ctx context.Context, ending *record.Ending) error {
	o := monitor.Options{Interval: r.options.pace.sample, Transport: r.transport}
	if machine, ok := r.place.(env.HostReader); ok {
		o.Host = machine.Host
	}
	r.watcher = monitor.New(nil, o)
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	group.Go(func() { r.watcher.Run(watching, r.loadStart, r.currentPhase, r.sample) })
	group.Go(func() { r.watcher.RunPulses(watching, r.loadStart, r.pulse) })
	group.Go(func() { r.profiles.run(watching) })
	group.Go(func() { r.witness(watching) })
	defer group.Wait()
	defer stop()

	err := r.startActors(ctx)
	ending.Nodes = r.nodes()
	if r.gatewayFell(err) {
		ending.CutShort = "the gateway ended before it was ready: " + err.Error()
		return nil
	}
	if err == nil {
		ending.CutShort, err = r.load(ctx)
		ending.LoadStart, ending.LoadSeconds = r.started, r.lasted.Seconds()
	}
	if err == nil {
		err = r.end(ctx, ending)
	}
	ending.Clocks = r.clocks()
	if len(r.instances) > 0 {
		ending.Nodes = r.nodes() // gateways may have come
	}
	return err
}

// gatewayFell tells a gateway that was killed for want of memory before it was ready,
// which is a result, from one that could not be started.
func (r *run) gatewayFell(err error) bool {
	var failed *env.StartError
	if !errors.As(err, &failed) || failed.Actor != record.Gateway {
		return false
	}
	if failed.State.OOMKilled == nil || !*failed.State.OOMKilled {
		return false
	}
	r.states[record.Gateway] = failed.State
	r.dies(record.Death{At: endOf(failed.State), Kind: record.DeathOOM, State: failed.State})
	r.event(record.EventKilled, record.Gateway,
		"killed for want of memory before it was ready to serve")
	return true
}

// startActors starts backend, gateway and load generator, each ready before the next.
func (r *run) startActors(ctx context.Context) error {
	for _, a := range []env.Actor{r.plan.Backend, r.plan.Gateway, r.plan.Loadgen} {
		r.event(record.EventNote, a.Name, "starting")
		instance, err := r.place.Start(ctx, a)
		if err != nil {
			return err // says which actor
		}
		r.instances[a.Name] = instance
		if a.Name == record.Gateway {
			r.muster()
			r.configured(instance)
		} else {
			r.connect(a.Name, instance)
			r.watcher.Add(r.target(a, instance))
		}
		r.event(record.EventStarted, a.Name, "ready")
	}
	return nil
}

// nodes are the machines that actors are on, where the place has several.
func (r *run) nodes() map[string]string {
	on := map[string]string{}
	for actor, i := range r.instances {
		named(actor, i, func(name string, member env.Instance) {
			if placed, ok := member.(env.Placed); ok {
				on[name] = placed.Node()
			}
		})
	}
	return on
}

func metricsURL(actor string, i env.Instance) string {
	port := "admin"
	if actor == record.Gateway {
		port = "metrics"
	}
	return "http://" + i.Addr(port) + "/metrics"
}

// sample notes one look at all actors.
func (r *run) sample(s record.Sample) {
	if err := r.log.Sample(s); err != nil {
		r.options.Logger.Error("cannot write sample", "error", err)
	}
	findings := r.watch.Add(s)
	for _, f := range findings {
		r.event(record.EventThreshold, record.Gateway, f.Text)
	}
	r.profiles.sample(s, findings)
	r.mu.Lock()
	r.last = s
	if _, told := s.Actors[record.Gateway].Metrics[record.QueueSize]; told {
		r.queueTold = true
	}
	r.abort = r.watch.Abort()
	r.mu.Unlock()
	r.living(s)
	if r.options.Watch != nil {
		r.options.Watch(s, findings)
	}
}

// aborted is why an assertion ends the load; empty while none does.
func (r *run) aborted() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.abort
}

// pulse notes one close look at all actors.
func (r *run) pulse(p record.Pulse) {
	if err := r.pulses.add(p); err != nil {
		r.options.Logger.Error("cannot write pulse", "error", err)
	}
	r.profiles.pulse(p)
}

func (r *run) lastSample() record.Sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// loadStart is the common start of the actors; false before it is known.
func (r *run) loadStart() (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.started, !r.started.IsZero()
}

// currentPhase follows the schedule while the load runs, to the drain that begins with
// its last slot; the other phases are entered.
func (r *run) currentPhase() record.Phase {
	r.mu.Lock()
	phase, elapsed, t := r.phase, time.Since(r.started), r.plan.Scenario.Timing
	r.mu.Unlock()
	switch {
	case phase != record.PhaseWarmUp && phase != record.PhaseMeasuring:
		return phase
	case elapsed >= t.Total():
		r.enter(record.PhaseMeasuring) // when nobody looked meanwhile
		return r.enter(record.PhaseDraining)
	case elapsed >= t.Total()-time.Duration(t.Duration):
		return r.enter(record.PhaseMeasuring)
	}
	return phase
}

// phases in the order in which they are entered.
var phases = []record.Phase{
	record.PhaseStarting, record.PhaseWarmUp, record.PhaseMeasuring,
	record.PhaseDraining, record.PhaseStopping,
}

// enter begins a phase, once; it is never left for an earlier one. It returns the
// phase of the moment.
func (r *run) enter(p record.Phase) record.Phase {
	r.mu.Lock()
	if slices.Index(phases, p) <= slices.Index(phases, r.phase) {
		defer r.mu.Unlock()
		return r.phase
	}
	r.phase = p
	r.mu.Unlock()
	r.event(record.EventPhase, "", string(p))
	return p
}

func (r *run) event(kind record.EventKind, actor, text string) {
	r.note(record.Event{At: time.Now(), Kind: kind, Actor: actor, Text: text})
}

// note keeps an event, and tells it.
func (r *run) note(e record.Event) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	e.At = e.At.UTC()
	if start, ok := r.loadStart(); ok {
		e.Elapsed = e.At.Sub(start).Seconds()
	}
	if err := r.log.Event(e); err != nil {
		r.options.Logger.Error("cannot write event", "error", err)
	}
	switch e.Kind {
	case record.EventThreshold, record.EventKilled, record.EventEnded:
		if err := r.pulses.keep(e.At); err != nil {
			r.options.Logger.Error("cannot write pulse", "error", err)
		}
	}
	text := e.Text
	if e.Actor != "" {
		text = e.Actor + ": " + text
	}
	r.options.Logger.Info(text, "kind", e.Kind)
}
