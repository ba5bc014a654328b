package trial

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/gateway"
	"github.com/odigos-io/odigos-stress/internal/monitor"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A mortality is what a run knows of its gateways' deaths. The run's lock guards it.
type mortality struct {
	deaths   []record.Death
	hangs    hangWatch
	hung     time.Time            // since when it hangs, zero when it does not
	ready    map[string]time.Time // of the processes at hand, by name
	kills    map[string]uint64    // for want of memory, seen in a cgroup while its process lived
	restarts int                  // tried
	fell     time.Time            // when an end was seen; zero while all run that are to
}

// tend sees to the gateway once every look: it notes a death, and either starts the
// gateway again or says why the load is cut short. Of several the death of one is as that of
// all: what the others make of its load is no longer what was asked.
func (r *run) tend(ctx context.Context, now time.Time) (cutShort string, err error) {
	r.muster()
	s, fell := r.fallen()
	if !fell {
		return "", r.endHang(ctx, now)
	}
	if r.mortal.fell.IsZero() {
		r.mortal.fell = now
	}
	g, since := r.plan.Scenario.Gateway, now.Sub(r.mortal.fell)
	switch {
	case g.OnDeath == scenario.DeathRestart && r.mortal.restarts < g.MaxRestarts:
		if since >= time.Duration(g.RestartDelay) {
			return "", r.restart(ctx)
		}
	case since >= r.options.pace.aftermath:
		cutShort = "the gateway ended: " + s.End()
		if n := r.mortal.restarts; n > 0 {
			cutShort += fmt.Sprintf(", after %d restarts (gateway.max_restarts: %d)", n, g.MaxRestarts)
		}
	}
	return cutShort, nil
}

// died notes the end of a gateway's process, which nobody asked for.
func (r *run) died(name string, member env.Instance, s env.State) {
	if _, known := r.states[name]; known {
		return
	}
	r.states[name] = s
	if name != record.Gateway && s.Taken() {
		r.event(record.EventEnded, name, "taken away by its place: "+s.Reason)
		return // the others go on without it
	}
	w := lastWordsOf(member)
	d := record.Death{At: endOf(s), Kind: kindOf(s, w), State: s}
	if name != record.Gateway {
		d.Member = name
	}
	if d.Kind != record.DeathOOM && d.Kind != record.DeathKilled {
		d.Text, d.Component = w.text, w.component // a kill leaves no words
	}
	r.mu.Lock()
	d.Uptime = d.At.Sub(r.mortal.ready[name]).Seconds()
	// Killed by us since it hung: that death is noted already.
	ours := s.Stopped && !r.mortal.hung.IsZero()
	r.mu.Unlock()
	kind, text := record.EventEnded, s.End()
	switch d.Kind {
	case record.DeathOOM, record.DeathKilled:
		if !ours {
			kind = record.EventKilled
		}
	case record.DeathPanic, record.DeathFatal:
		first, _, _ := strings.Cut(w.text, "\n")
		text += ": " + first
		if w.component != "" {
			text += " (in " + w.component + ")"
		}
	}
	if !ours {
		r.dies(d)
	}
	r.event(kind, name, text)
}

// endOf is when a process ended; where that is not known, it was not long ago.
func endOf(s env.State) time.Time {
	if s.Ended.IsZero() {
		return time.Now().UTC()
	}
	return s.Ended.UTC()
}

// dies keeps a death.
func (r *run) dies(d record.Death) {
	if start, ok := r.loadStart(); ok {
		d.Elapsed = d.At.Sub(start).Seconds()
	}
	r.mu.Lock()
	r.mortal.deaths = append(r.mortal.deaths, d)
	n := len(r.mortal.deaths)
	r.mu.Unlock()
	if r.options.Died != nil {
		r.options.Died(d, n)
	}
}

// lastWordsOf reads what a gateway wrote, since its last start.
func lastWordsOf(member env.Instance) lastWords {
	logs, err := member.Logs()
	if err != nil {
		return lastWords{}
	}
	defer logs.Close()
	return readLastWords(logs)
}

// restart starts the gateway again where it was. That it does not become ready is a death
// of its own; after a while the next try follows.
func (r *run) restart(ctx context.Context) error {
	r.mortal.restarts++
	g := r.plan.Scenario.Gateway
	if !r.oneRuns() {
		if _, err := r.instances[record.Gateway].Stop(ctx); err != nil { // its cgroup goes
			return fmt.Errorf("restart gateway: %w", err)
		}
	}
	r.event(record.EventNote, record.Gateway,
		fmt.Sprintf("starting again (%d of at most %d times)", r.mortal.restarts, g.MaxRestarts))
	instance, err := r.place.Start(ctx, r.plan.Gateway)
	var failed *env.StartError
	switch {
	case ctx.Err() != nil && err != nil:
		return nil // the load is over, or the trial was interrupted: the loop says so
	case errors.As(err, &failed):
		r.failedRestart(failed)
		return nil
	case err != nil:
		return fmt.Errorf("restart gateway: %w", err)
	}
	r.instances[record.Gateway] = instance
	r.revived()
	r.watcher.Add(r.target(r.plan.Gateway, instance))
	r.event(record.EventStarted, record.Gateway, "ready again")
	return nil
}

// revived notes who lives again.
func (r *run) revived() {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mortal.fell, r.mortal.hung = time.Time{}, time.Time{}
	r.mortal.hangs = hangWatch{after: r.options.pace.hang}
	named(record.Gateway, r.instances[record.Gateway], func(name string, member env.Instance) {
		if _, ended := r.states[name]; ended && member.State().Running {
			delete(r.states, name)
			r.mortal.ready[name], r.mortal.kills[name] = now, 0
		}
	})
	again := func(d *record.Death) bool {
		_, gone := r.states[d.Member]
		return d.Member != "" && d.Restarted == nil && !gone
	}
	for i := range r.mortal.deaths {
		d := &r.mortal.deaths[i]
		if i == len(r.mortal.deaths)-1 || again(d) {
			d.Restarted = new(now.Sub(r.started).Seconds())
		}
	}
}

// failedRestart notes a new process that was never ready. Of several another may have died
// meanwhile: that is its own death, and the next look finds it.
func (r *run) failedRestart(failed *env.StartError) {
	if r.anotherFell() {
		return
	}
	member := r.onlyFallen()
	name := cmp.Or(member, record.Gateway)
	r.states[name] = failed.State
	r.mortal.fell = time.Now()
	w := readLastWords(strings.NewReader(failed.Tail))
	r.dies(record.Death{
		At: endOf(failed.State), Kind: record.DeathStart, Member: member, State: failed.State,
		Component: w.component, Text: failed.Err.Error() + "\n" + w.text,
	})
	kind := record.EventEnded
	if s := failed.State; s.OOMKilled != nil && *s.OOMKilled {
		kind = record.EventKilled
	}
	r.event(kind, name, "was not ready again: "+failed.Err.Error())
}

// endHang kills a gateway that has hung for long, where it is to be started again.
func (r *run) endHang(ctx context.Context, now time.Time) error {
	r.mu.Lock()
	since := r.mortal.hung
	r.mu.Unlock()
	if since.IsZero() || r.plan.Scenario.Gateway.OnDeath != scenario.DeathRestart ||
		now.Sub(since) < r.options.pace.hangKill {
		return nil
	}
	r.event(record.EventNote, record.Gateway, "killed since it hangs, as a liveness probe would")
	ctx, cancel := context.WithCancel(ctx)
	cancel() // without its grace
	if _, err := r.instances[record.Gateway].Stop(ctx); err != nil {
		return fmt.Errorf("kill gateway: %w", err)
	}
	return nil
}

// living looks at one sample for what does not end the process: a hang, its end, and a
// kill of another process in its cgroup.
func (r *run) living(s record.Sample) {
	r.mu.Lock()
	if r.phase != record.PhaseWarmUp && r.phase != record.PhaseMeasuring && r.mortal.hung.IsZero() {
		r.mu.Unlock()
		return
	}
	began, ended := r.mortal.hangs.add(s)
	since := r.mortal.hangs.alive
	if ended {
		r.mortal.hung = time.Time{}
		for i := range r.mortal.deaths {
			if d := &r.mortal.deaths[i]; d.Kind == record.DeathHang && d.Until == nil && d.Restarted == nil {
				d.Until = new(s.At.Sub(r.started).Seconds())
			}
		}
	}
	var d record.Death
	if began {
		r.mortal.hung = since
		d = record.Death{
			At: s.At, Kind: record.DeathHang, State: env.State{Running: true},
			Uptime: s.At.Sub(r.firstReady()).Seconds(), Since: new(since.Sub(r.started).Seconds()),
			Text: "no metrics, no answers and nothing delivered for " +
				s.At.Sub(since).Round(100*time.Millisecond).String() + " while spans were due",
		}
	}
	outlived := r.outlived(s)
	r.mu.Unlock()

	switch {
	case began:
		r.event(record.EventNote, record.Gateway, "hangs: "+d.Text)
		r.dies(d)
	case ended:
		r.event(record.EventNote, record.Gateway, "hangs no longer")
	}
	for _, name := range outlived {
		r.event(record.EventNote, name,
			"a process of its cgroup was killed for want of memory, and it lives")
	}
}

// outlived are those who live though the kernel has killed in their cgroup since the last
// look, with the lock held.
func (r *run) outlived(s record.Sample) (names []string) {
	all := s.Members(record.Gateway)
	if len(all) == 0 {
		all = []string{record.Gateway}
	}
	for _, name := range all {
		u := s.Actors[name].Usage
		if u == nil || u.OOMKills == nil || *u.OOMKills <= r.mortal.kills[name] {
			continue
		}
		r.mortal.kills[name] = *u.OOMKills
		if s.Actors[name].Running {
			names = append(names, name)
		}
	}
	return names
}

// target is an actor as the monitor watches it, with its members where it has several.
func (r *run) target(a env.Actor, instance env.Instance) monitor.Target {
	whole := monitor.Target{Name: a.Name, Instance: instance, Kind: monitor.Kind(a.Name)}
	named(a.Name, instance, func(name string, member env.Instance) {
		whole.Members = append(whole.Members, r.member(a, name, member))
	})
	if _, several := instance.(env.Group); !several {
		return whole.Members[0]
	}
	return whole
}

// member is one instance of an actor.
func (r *run) member(a env.Actor, name string, instance env.Instance) monitor.Target {
	t := monitor.Target{
		Name: name, Instance: instance, Kind: monitor.Kind(a.Name),
		MetricsURL: metricsURL(a.Name, instance), Go: a.GoRuntime(),
	}
	if c, ok := instance.(env.GoChooser); ok && t.Go.MaxProcs == 0 {
		t.Go.MaxProcs = c.GoMaxProcs()
	}
	if addr := instance.Addr(gateway.PortPprof); addr != "" {
		r.profiles.aim(name, addr)
		t.VarsURL = "http://" + addr + "/debug/vars"
	}
	if e := r.plan.Scenario.Gateway.Exporter; e != "" {
		t.Exporters = []string{e}
	}
	return t
}
