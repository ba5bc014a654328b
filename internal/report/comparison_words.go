package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// sentence is what became of one part, after its name.
func (c Compared) sentence() string {
	switch c.Status {
	case NotRun:
		return "was not run"
	case CouldNot:
		if c.record == nil {
			return "could not be run: " + c.Error
		}
		return "could not be finished: " + c.Error
	}
	text := c.ending()
	if c.Status == CutOff {
		text += ", and was interrupted after " + verdict.Seconds(c.Measured)
	}
	return text + "; " + c.Spans.sentence(c.Ended != nil && c.Measured < c.Planned)
}

// ending is how the gateway fared.
func (c Compared) ending() string {
	expected := ""
	if c.Expected != "" {
		expected = ", as expected"
	}
	switch {
	case c.OOM != nil && c.Deaths > 1:
		return fmt.Sprintf("ended %d times, first killed for want of memory after %s%s", c.Deaths,
			verdict.Seconds(*c.OOM), expected)
	case c.OOM != nil:
		return fmt.Sprintf("was killed for want of memory after %s%s", verdict.Seconds(*c.OOM), expected)
	case c.Ended != nil && c.Deaths > 1:
		return fmt.Sprintf("ended %d times, first after %s", c.Deaths, verdict.Seconds(*c.Ended))
	case c.Ended != nil:
		return fmt.Sprintf("ended after %s", verdict.Seconds(*c.Ended))
	case c.summary.Figures.Failures.Killed:
		return "was killed before the load began" + expected
	}
	return "lived"
}

// sentence says where the spans are: what was delivered and what was lost always, of the
// others what there is.
func (f *SpanFates) sentence(cut bool) string {
	switch {
	case f == nil:
		return "what became of its spans is not known"
	case f.Due == 0:
		return "no span was due in its measured time"
	}
	var parts []string
	for _, of := range f.fates() {
		switch {
		case of.name == "lost" && of.spans == 0:
			parts = append(parts, "lost nothing")
		case of.name == "delivered" || of.spans > 0:
			parts = append(parts, fmt.Sprintf("%s %s", of.name,
				verdict.Percent(float64(of.spans)/float64(f.Due))))
		}
	}
	until := ""
	if cut {
		until = " until the load ended"
	}
	return fmt.Sprintf("of %s spans due%s %s", verdict.Count(f.Due), until, strings.Join(parts, ", "))
}

// findings are the sentences of a comparison, the parts' own first.
func (c Comparison) findings() []string {
	var all []string
	for _, p := range c.Parts {
		all = append(all, p.Name+" "+p.Sentence)
	}
	if best := c.mostDelivered(); best != "" {
		all = append(all, best)
	}
	if !c.SameLoad {
		all = append(all, "load, backend or timing differ between them: shares and times cannot be "+
			"held against each other")
	}
	for _, p := range c.Parts {
		if p.Validity == verdict.Unusable {
			all = append(all, fmt.Sprintf("%s is invalid, its figures say nothing: %s", p.Name, p.Reason))
		}
	}
	return all
}

// alike is how far apart, as a share of the larger, two figures of one trial each may be
// and still not be told apart.
const alike = 0.1

// mostDelivered ranks those that lived, went to their end and may be believed.
func (c Comparison) mostDelivered() string {
	var alive []Compared
	for _, p := range c.Parts {
		if p.Status == Ran && p.Validity != verdict.Unusable && p.Ended == nil && p.Spans != nil &&
			p.Spans.DeliveredRatio != nil {
			alive = append(alive, p)
		}
	}
	if len(alive) < 2 || !c.SameLoad {
		return ""
	}
	slices.SortStableFunc(alive, func(a, b Compared) int {
		return cmp.Compare(*b.Spans.DeliveredRatio, *a.Spans.DeliveredRatio)
	})
	var shares []string
	for _, p := range alive {
		shares = append(shares, p.Name+" "+verdict.Percent(*p.Spans.DeliveredRatio))
	}
	most, next := *alive[0].Spans.DeliveredRatio, *alive[1].Spans.DeliveredRatio
	if most-next <= alike*most {
		return fmt.Sprintf("those that lived delivered, of what was due: %s; one trial each does not "+
			"tell the first two apart", strings.Join(shares, ", "))
	}
	return fmt.Sprintf("of those that lived %s delivered the most of what was due: %s", alive[0].Name,
		strings.Join(shares, ", "))
}

// load is what all parts were asked for, in words; empty when no part ran.
func (c Comparison) load() string {
	for _, p := range c.Parts {
		if p.record != nil {
			s := p.summary.Scenario
			text := fmt.Sprintf("%s %s spans/s for %s", s.Load.Pattern, decimal(float64(s.Load.Rate)),
				verdict.Seconds(time.Duration(s.Timing.Duration).Seconds()))
			if !c.SameLoad {
				return "different loads, the first " + text
			}
			return "the same load, " + text
		}
	}
	return ""
}

// A comparedFigure is one line of the table of a comparison.
type comparedFigure struct {
	what, path string
	of         func(Compared) string
}

const notKnown = "not known"

func known(v *float64, unit unit) string {
	if v == nil {
		return notKnown
	}
	return unit(*v)
}

// spansAndShare is a fate in spans, and as a share of what was due.
func spansAndShare(of func(SpanFates) uint64) func(Compared) string {
	return func(c Compared) string {
		if c.Spans == nil {
			return notKnown
		}
		n := of(*c.Spans)
		if c.Spans.Due == 0 || n == 0 {
			return verdict.Count(n)
		}
		return fmt.Sprintf("%s (%s)", verdict.Count(n), verdict.Percent(float64(n)/float64(c.Spans.Due)))
	}
}

// comparedFigures are the lines of the table; their paths are below a part of
// comparison.json.
var comparedFigures = []comparedFigure{
	{"Outcome", "outcome", outcomeText},
	{"Validity", "validity", func(c Compared) string { return orDash(string(c.Validity)) }},
	{"Measured", "measured_seconds", func(c Compared) string {
		return verdict.Seconds(c.Measured) + " of " + verdict.Seconds(c.Planned)
	}},
	{"Time to OOM", "time_to_oom_seconds", oomText},
	{"Spans due", "spans.due_spans", spansAndShare(func(f SpanFates) uint64 { return f.Due })},
	{"– delivered", "spans.delivered_spans", spansAndShare(func(f SpanFates) uint64 {
		return f.Delivered
	})},
	{"– refused", "spans.refused_spans", spansAndShare(func(f SpanFates) uint64 {
		return f.Refused
	})},
	{
		"– lost (acknowledged, not delivered)", "spans.lost_spans",
		spansAndShare(func(f SpanFates) uint64 { return f.Lost }),
	},
	{"– sampled", "spans.sampled_spans", spansAndShare(func(f SpanFates) uint64 {
		return f.Sampled
	})},
	{"– unanswered", "spans.unanswered_spans", spansAndShare(func(f SpanFates) uint64 {
		return f.Unanswered
	})},
	{
		"– given up by the SDK", "spans.given_up_by_the_sdk_spans",
		spansAndShare(func(f SpanFates) uint64 { return f.GivenUp }),
	},
	{"– unsent: no worker was free", "spans.unsent_spans", spansAndShare(func(f SpanFates) uint64 {
		return f.Unsent
	})},
	{"Unexplained, whole run", "spans.whole_run_unexplained_spans", func(c Compared) string {
		if c.Spans == nil || c.Spans.Unexplained == nil {
			return "cannot be told"
		}
		return verdict.Count(*c.Spans.Unexplained)
	}},
	{
		"Working set, peak", "gateway_memory.whole_run_working_set_peak_bytes",
		func(c Compared) string { return known(c.Memory.Peak, mib) },
	},
	{
		"Anonymous and kernel, peak", "gateway_memory.whole_run_anon_and_kernel_peak_bytes",
		func(c Compared) string { return known(c.Memory.Unreclaimable, mib) },
	},
	{"Memory limit", "gateway_memory.limit_bytes", func(c Compared) string {
		return limitText(c.Memory.Limit, mib)
	}},
	{"CPU, average", "gateway_cpu.average_cores", func(c Compared) string {
		return known(c.CPU.Average, cores)
	}},
	{"CPU, most", "gateway_cpu.max_cores", func(c Compared) string { return known(c.CPU.Max, cores) }},
	{"CPU limit", "gateway_cpu.limit_cores", func(c Compared) string {
		return limitText(c.CPU.Limit, cores)
	}},
	{"Latency p99, due to delivery", "latency_p99", p99Text},
}

func limitText(v *float64, unit unit) string {
	if v == nil {
		return "none"
	}
	return unit(*v)
}

func orDash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

func outcomeText(c Compared) string {
	switch {
	case c.Outcome == nil || c.Status == CouldNot:
		return string(c.Status)
	case c.Expected != "":
		return fmt.Sprintf("%s (%s, as expected)", c.Outcome, c.Expected)
	}
	return c.Outcome.String()
}

func oomText(c Compared) string {
	switch {
	case c.OOM != nil:
		return verdict.Seconds(*c.OOM)
	case c.Ended != nil:
		return "ended otherwise, after " + verdict.Seconds(*c.Ended)
	case c.record == nil || c.record.Ending == nil:
		return notKnown
	}
	return "never"
}

func p99Text(c Compared) string {
	switch {
	case c.summary.Figures.Latency.Total == nil:
		return notKnown
	case c.P99 == nil:
		return "too few spans"
	case c.P99.Lost:
		return "lost"
	}
	return verdict.Seconds(*c.P99.Seconds)
}
