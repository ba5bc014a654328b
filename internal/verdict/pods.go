package verdict

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// Of several gateways, what flows through them is summed, and what a process uses is one
// process's: each has its own limits, and a sum is held against nothing. A measure has one
// pod in the gateway's place for that; see record.WithOne.

// PodFigures are the gateways where there are several, each by itself.
type PodFigures struct {
	All []PodFigure `json:"all,omitempty"`
	// Pod is which of them the figures of a process are of, beside those of CPU: the first
	// that died, else the one that had most memory.
	Pod string `json:"process_of,omitempty"`
	// Most is how many ran at once at most.
	Most int `json:"running_at_most,omitempty"`
	// Balance is the largest rate of accepted spans over the mean of all, each over the
	// looks at which it was there; nil where it is not known of one.
	Balance *float64 `json:"accepted_most_over_mean,omitempty"`
	// Busiest is who had the largest rate.
	Busiest string `json:"busiest,omitempty"`
}

// A PodFigure is one of several gateways, in the measured time.
type PodFigure struct {
	Name string `json:"name"` // gateway/0 …
	Node string `json:"node,omitempty"`
	// From and To are the first and the last measured look at which it ran, in elapsed
	// seconds; nil where there is none.
	From *float64 `json:"from_seconds,omitempty"`
	To   *float64 `json:"to_seconds,omitempty"`

	CPU         *float64 `json:"average_cores,omitempty"`
	CPUMax      *float64 `json:"max_cores,omitempty"` // over 5 s
	CPUShare    *float64 `json:"max_ratio_of_cpu_limit,omitempty"`
	Throttled   *float64 `json:"throttled_periods_ratio,omitempty"`
	Memory      *float64 `json:"working_set_peak_bytes,omitempty"`
	MemoryShare *float64 `json:"working_set_peak_ratio_of_limit,omitempty"`
	// Accepted are the spans that its receivers took, Rate so many a second while it was
	// there, and Share its part of all that were taken.
	Accepted *float64 `json:"accepted_spans,omitempty"`
	Rate     *float64 `json:"accepted_spans_per_second,omitempty"`
	Share    *float64 `json:"accepted_ratio,omitempty"`
	// Ended is how it ended before it was asked to; empty where it did not.
	Ended string `json:"ended,omitempty"`
}

// pick is who of several gateways stands for them in what is of a process: the first that
// died, else the one that had most memory, else the one that used most CPU.
func pick(r *record.Record, names []string) string {
	if r.Ending != nil {
		for _, d := range r.Ending.Deaths {
			if slices.Contains(names, d.Member) {
				return d.Member
			}
		}
	}
	samples := record.Measured(r.Samples)
	set := func(name string) *float64 { return top(record.WorkingSet(samples, name)) }
	if slices.ContainsFunc(names, func(name string) bool { return set(name) != nil }) {
		return most(names, set)
	}
	return most(names, cpuOf(samples))
}

// cpuOf is the most CPU that a gateway used over 5 s.
func cpuOf(samples []record.Sample) func(name string) *float64 {
	return func(name string) *float64 { return top(record.CPU(samples, name, record.CPUWindow)) }
}

// most is the name with the largest figure; the first where it is known of none.
func most(names []string, of func(name string) *float64) (best string) {
	largest := math.Inf(-1)
	best = names[0]
	for _, name := range names {
		if v := of(name); v != nil && *v > largest {
			best, largest = name, *v
		}
	}
	return best
}

// hottest is the measure with the one of several gateways that used most CPU.
func (m measure) hottest() measure {
	if len(m.pods) == 0 {
		return m
	}
	return m.on(most(m.pods, cpuOf(m.all)))
}

// Hottest is a record with the one of several gateways in the gateway's place that used most
// CPU, and its name; a record of one gateway as it is, and no name.
func Hottest(r *record.Record) (_ *record.Record, pod string) {
	m := newMeasure(r).hottest()
	return m.r, m.pod
}

// Fullest is Hottest for memory; of gateways of which one died, that one.
func Fullest(r *record.Record) (_ *record.Record, pod string) {
	m := newMeasure(r)
	return m.r, m.pod
}

// together is the measure in which the gateway's process is all of theirs.
func (m measure) together() measure { return m.on("") }

// own are the metrics of the gateway that has all gateways' place.
func (m measure) own(s record.Sample) map[record.Metric]float64 {
	if m.pod != "" {
		return s.Actors[m.pod].Metrics
	}
	return s.Actors[record.Gateway].Metrics
}

// isGateway is whether a name is the gateway's, or that of one of several.
func isGateway(name string) bool { return actorOf(name) == record.Gateway }

// podFigures are the gateways each by itself; zero where there is one.
func (m measure) podFigures() (f PodFigures) {
	if len(m.pods) == 0 {
		return f
	}
	var rates []float64
	known := true
	all := 0.0
	for _, name := range m.pods {
		p := m.podFigure(name)
		f.All = append(f.All, p)
		switch {
		case p.From == nil, p.Rate == nil && *p.To-*p.From < bridge: // hardly there
		case p.Rate == nil:
			known = false
		default:
			rates = append(rates, *p.Rate)
			all += *p.Accepted
		}
	}
	f.Pod, f.Most = m.pod, m.mostAtOnce()
	for i := range f.All {
		f.All[i].Share = over(f.All[i].Accepted, &all)
	}
	if !known || len(rates) < 2 || all == 0 {
		return f
	}
	f.Busiest = most(m.pods, func(name string) *float64 {
		return f.All[slices.Index(m.pods, name)].Rate
	})
	sum := 0.0
	for _, r := range rates {
		sum += r
	}
	f.Balance = new(slices.Max(rates) * float64(len(rates)) / sum)
	return f
}

func (m measure) podFigure(name string) PodFigure {
	g := m.r.Header.Scenario.Gateway
	p := PodFigure{Name: name, Node: m.ending.Nodes[name]}
	for i := range m.all {
		if s := &m.all[i]; s.Actors[name].Running {
			if p.From == nil {
				p.From = new(s.Elapsed)
			}
			p.To = new(s.Elapsed)
		}
	}
	if s, told := m.ending.States[name]; told && !s.Running && !s.Stopped {
		p.Ended = s.End()
		if s.Taken() {
			p.Ended = s.Reason
		}
	}
	cpu := record.CPUTimeOf(m.all, name)
	if used, span := record.Increase(cpu.Series); span > 0 {
		p.CPU = new(used / span)
	}
	p.CPUMax = top(cpu.Over(record.CPUWindow))
	p.CPUShare = over(p.CPUMax, new(float64(g.CPULimit)))
	p.Throttled = throttledIn(m.all, name)
	p.Memory = top(record.WorkingSet(m.all, name))
	p.MemoryShare = over(p.Memory, new(float64(g.MemoryLimit)))
	accepted := record.MetricSeries(m.all, name, record.ReceiverAccepted)
	if by, span := record.Increase(accepted); span > 0 {
		p.Accepted, p.Rate = new(by), new(by/span)
	}
	return p
}

// mostAtOnce is how many gateways ran at once at most, in the measured time; 1 where there
// is one, or none was seen.
func (m measure) mostAtOnce() (most int) {
	if len(m.pods) == 0 {
		return 1
	}
	if len(m.all) == 0 {
		return len(m.pods)
	}
	for _, s := range m.all {
		n := 0
		for _, name := range m.pods {
			if s.Actors[name].Running {
				n++
			}
		}
		most = max(most, n)
	}
	return max(1, most)
}

// spread is how many gateways share what flows through them, as a number to multiply with.
func (m measure) spread() float64 { return float64(m.mostAtOnce()) }

const (
	checkBalance = "balance"
	// unevenFrom is how many times the mean one pod may get before it is said: at 1.5 the
	// pods together carry a third less than so many of them could before the first is full.
	unevenFrom = 1.5
)

// balance says how evenly several gateways were loaded. That they were not is no fault of a
// limit: it is what the senders made of it.
func balance(s *subject) []Finding {
	f := s.f.Pods
	if len(f.All) == 0 {
		return nil
	}
	if f.Balance == nil {
		return one(checkBalance, Note, "how evenly the gateways were loaded is not known: of one of "+
			"them it is not known how many spans it accepted")
	}
	parts := make([]string, 0, len(f.All))
	var idle []string
	for _, p := range f.All {
		if p.Share == nil {
			continue
		}
		parts = append(parts, p.Name+" "+Percent(*p.Share))
		if *p.Accepted == 0 {
			idle = append(idle, p.Name)
		}
	}
	text := plural(len(f.All), "gateway", "gateways") + " accepted " + shares(parts) + " of the spans"
	source := record.SamplesFile + ": actors.gateway/….metrics." + string(record.ReceiverAccepted)
	if *f.Balance <= unevenFrom {
		return with(one(checkBalance, Held, "%s: %s got %.2f times the mean", text, f.Busiest,
			*f.Balance), f.Balance, new(unevenFrom), "", source)
	}
	text += fmt.Sprintf(": %s got %s times the mean, so that together they carry %s less than so "+
		"many could before the first is full; ", f.Busiest, Number(*f.Balance),
		Percent(1 - 1 / *f.Balance))
	if len(idle) > 0 {
		text += strings.Join(idle, ", ") + " got nothing; "
	}
	return with(one(checkBalance, Note, "%s%s", text, "gRPC sticks to a pod: want more connections "+
		"(load.connections), senders that spread over all addresses (round_robin with dns:///), or a "+
		"gateway that ends connections now and then (keepalive: max_connection_age)"),
		f.Balance, new(unevenFrom), "", source)
}

// mostShares is how many gateways are told one by one.
const mostShares = 8

func shares(parts []string) string {
	if len(parts) > mostShares {
		parts = append(parts[:mostShares:mostShares], "…")
	}
	return strings.Join(parts, ", ")
}

// gatewaysTaken tells of those of several gateways that their place took away while others
// went on. That it wanted fewer of them is a note; for any other reason fewer than were
// asked carried the load.
func gatewaysTaken(s *subject) (found []Finding) {
	for _, name := range s.pods {
		state := s.ending.States[name]
		if !state.Taken() || state.Stopped {
			continue
		}
		at := ""
		if e := s.endedAt(state); e != nil {
			at = " at " + Clock(*e)
		}
		if state.Deleted() {
			found = append(found, one(checkBalance, Note, "%s was taken away by its place%s (%s)", name,
				at, state.Reason)...)
			continue
		}
		found = append(found, because(FewerGateways, one(checkBalance, Reservation, "%s was taken away "+
			"by its place%s (%s): fewer gateways than were asked carried the load", name, at,
			state.Reason))...)
	}
	return found
}
