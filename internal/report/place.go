package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// mostHappenings are told one by one.
const mostHappenings = 40

// happenings are what the place told of itself, in the order of its clock.
func happenings(r *record.Record) (all []record.Event) {
	for _, e := range r.Events {
		if e.Kind == record.EventPlace {
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b record.Event) int { return a.At.Compare(b.At) })
	return all
}

// place tells what the place told of itself, and how many gateways there were; nothing
// where there is nothing to tell.
func (p *page) place(s Summary) {
	f := s.Figures.Scale
	if len(s.Happenings) == 0 && !f.Changed() {
		return
	}
	p.line("## What the cluster told")
	p.line("")
	if f != nil {
		p.line("- Replicas of the gateway: %s. From `%s` (actors.gateway.scale); `summary.json`: "+
			"figures.gateway_scale.", replicasText(f), record.SamplesFile)
		p.line("")
	}
	if len(s.Happenings) == 0 {
		return
	}
	p.line("Times are after the start of the load, by the cluster's clock. From `%s`; "+
		"`summary.json`: happenings.", record.EventsFile)
	p.line("")
	p.cells("at", "about", "what")
	p.line("|---:|---|---|")
	for _, e := range s.Happenings[:min(len(s.Happenings), mostHappenings)] {
		p.cells(verdict.Clock(e.Elapsed), orDash(e.Actor), e.Text)
	}
	p.line("")
	if more := len(s.Happenings) - mostHappenings; more > 0 {
		p.line("And %d more in `%s`.", more, record.EventsFile)
		p.line("")
	}
}

// mostSteps of the number of gateways are told.
const mostSteps = 12

// replicasText is how many gateways there were, such as "2 → 5 (HPA 2–8): 2 of 5 ready from
// 12 s on, 5 of 5 from 40 s on".
func replicasText(f *verdict.ScaleFigures) string {
	var wanted, steps []string
	for i, s := range f.Steps {
		n := strconv.Itoa(s.Wanted)
		if len(wanted) == 0 || wanted[len(wanted)-1] != n {
			wanted = append(wanted, n)
		}
		switch {
		case i == 0:
			steps = append(steps, fmt.Sprintf("%d of %d ready at first", s.Ready, s.Wanted))
		case i == mostSteps:
			steps = append(steps, fmt.Sprintf("and %d changes more", len(f.Steps)-i))
		case i < mostSteps:
			steps = append(steps, fmt.Sprintf("%d of %d from %s on", s.Ready, s.Wanted,
				verdict.Seconds(s.Elapsed)))
		}
	}
	text := strings.Join(wanted, " → ")
	if f.Most > 0 {
		text += fmt.Sprintf(" (HPA %d–%d)", f.Least, f.Most)
	}
	text += ": " + strings.Join(steps, ", ")
	if f.Short > 0 {
		text += fmt.Sprintf("; fewer ready than wanted for %s", verdict.Seconds(f.Short))
	}
	return text
}

// PodsAsked are the fields that a user asked of each role's pods, such as "all (tolerations),
// gateway (nodeSelector, priorityClassName)".
func PodsAsked(pods map[string]any) string {
	var all []string
	for _, role := range slices.Sorted(maps.Keys(pods)) {
		fields, _ := pods[role].(map[string]any)
		all = append(all, fmt.Sprintf("%s (%s)", role,
			strings.Join(slices.Sorted(maps.Keys(fields)), ", ")))
	}
	return strings.Join(all, ", ")
}

// placeText is the same in a line.
func (p *page) placeText(s Summary) {
	var parts []string
	if f := s.Figures.Scale; f.Changed() {
		parts = append(parts, "replicas "+replicasText(f))
	}
	if n := len(s.Happenings); n == 1 {
		parts = append(parts, "told: "+s.Happenings[0].Text)
	} else if n > 1 {
		parts = append(parts, fmt.Sprintf("told of %d things, see the report", n))
	}
	if len(parts) > 0 {
		p.line("  cluster   %s", strings.Join(parts, "; "))
	}
}
