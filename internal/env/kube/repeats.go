package kube

import (
	"fmt"
	"slices"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// repeatEvery is how often the same is told again at most.
const repeatEvery = 30 * time.Second

// Repeats keep what is said again and again: the first is told at once, what follows
// within a while as one, with how often it was.
type repeats struct{ of map[string]*repeated }

type repeated struct {
	told time.Time // when it was told on last, by the tool's clock
	last env.Happening
	// times and first are of what was said since.
	times int
	first time.Time
}

func newRepeats() *repeats { return &repeats{of: map[string]*repeated{}} }

// add is whether to tell s now. What is of nothing is always told.
func (r *repeats) add(s said, now time.Time) (env.Happening, bool) {
	if s.of == "" {
		return s.Happening, true
	}
	p := r.of[s.of]
	if p == nil {
		r.of[s.of] = &repeated{told: now}
		return counted(s.Happening, s.times, time.Time{}), true
	}
	if p.times == 0 {
		p.first = s.At
	}
	p.last, p.times = s.Happening, p.times+s.times
	return env.Happening{}, false
}

// due is what was said again of what was told last at a time or before, in order. What was
// not said again for so long is forgotten: the next is told at once.
func (r *repeats) due(before time.Time) (all []env.Happening) {
	for of, p := range r.of {
		switch {
		case p.told.After(before):
		case p.times == 0:
			delete(r.of, of)
		default:
			all = append(all, counted(p.last, p.times, p.first))
			p.told, p.times = before.Add(repeatEvery), 0
		}
	}
	slices.SortFunc(all, func(a, b env.Happening) int { return a.At.Compare(b.At) })
	return all
}

// counted says how often something was, if more than once.
func counted(h env.Happening, times int, since time.Time) env.Happening {
	switch {
	case times < 2:
	case since.IsZero() || h.At.Sub(since) < time.Second:
		h.Text += fmt.Sprintf(" (%d times)", times)
	default:
		h.Text += fmt.Sprintf(" (%d times in %s)", times, h.At.Sub(since).Round(time.Second))
	}
	return h
}
