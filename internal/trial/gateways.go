package trial

import (
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
)

// muster looks for gateways that the place has put beside the others, or in another's
// stead, and has them watched. The first time it is told of all that there are.
func (r *run) muster() {
	var came []string
	r.mu.Lock()
	first := len(r.mortal.ready) == 0
	r.gateways(func(name string, _ env.Instance) {
		if _, known := r.mortal.ready[name]; !known {
			r.mortal.ready[name] = time.Now()
			came = append(came, name)
		}
	})
	r.mu.Unlock()
	if len(came) == 0 {
		return
	}
	r.watcher.Add(r.target(r.plan.Gateway, r.instances[record.Gateway]))
	for _, name := range came {
		if !first {
			r.event(record.EventStarted, name, "ready, beside the others")
		}
	}
}

// gateways calls each for every gateway that there is or was.
func (r *run) gateways(each func(name string, member env.Instance)) {
	named(record.Gateway, r.instances[record.Gateway], each)
}

// fallen notes who has ended that nobody asked to, and returns how, where the load is to
// end for it, or the gateway to be started again: one died, or the place took away all, of
// which it is the last.
func (r *run) fallen() (how env.State, fell bool) {
	runs := r.oneRuns()
	r.gateways(func(name string, member env.Instance) {
		s := member.State()
		if s.Running {
			return
		}
		r.died(name, member, s)
		s = r.states[name] // as it was first heard
		if runs && s.Taken() || fell && !how.Taken() {
			return
		}
		if !fell || !s.Taken() || s.Ended.After(how.Ended) {
			how, fell = s, true
		}
	})
	return how, fell
}

// oneRuns is whether a gateway is left.
func (r *run) oneRuns() (runs bool) {
	r.gateways(func(_ string, member env.Instance) { runs = runs || member.State().Running })
	return runs
}

// anotherFell is whether a gateway has ended of which that is not noted yet.
func (r *run) anotherFell() (fell bool) {
	r.gateways(func(name string, member env.Instance) {
		_, noted := r.states[name]
		fell = fell || !noted && !member.State().Running
	})
	return fell
}

// onlyFallen is the one of several that has ended; empty where that is not one, or it is
// the only gateway.
func (r *run) onlyFallen() (name string) {
	n := 0
	r.gateways(func(member string, i env.Instance) {
		if member != record.Gateway && !i.State().Running && !i.State().Taken() {
			name = member
			n++
		}
	})
	if n != 1 {
		return ""
	}
	return name
}

// firstReady is when the first of the gateways at hand was ready, with the lock held.
func (r *run) firstReady() (first time.Time) {
	for _, at := range r.mortal.ready {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}
