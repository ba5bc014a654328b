package verdict

import (
	"fmt"
	"math"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A settling is a figure of which it is asked whether it was steady.
type settling struct {
	name   string
	series record.Series
	// floor is how far it may move and nobody need care.
	floor float64
	unit  string
	show  func(float64) string
	// seldom is whether it may be read less often than is looked.
	seldom bool
}

// block is over how many seconds it is averaged: settleSeconds, or a multiple of that in
// which no reading that is made seldom need be missing.
func (s settling) block() float64 {
	if !s.seldom || !s.series.Coarse() {
		return settleSeconds
	}
	return settleSeconds * math.Ceil(record.Reach*s.series.Resolution()/settleSeconds)
}

// Floors of what moves, where there is no limit to take a share of.
const (
	settleLimit = 0.05 // of a limit
	settleCores = 0.05
	settleBytes = 16 << 20
	// A median wanders with the phase of the requests against the gateway's batches, of
	// which Odigos has three in a row with 200 ms each, and any hiccup shifts that phase.
	settleLatency = 1.0 // seconds
)

// settles are the figures that must be steady for their averages to say something.
func (s *subject) settles() []settling {
	g := s.r.Header.Scenario.Gateway
	coresFloor, bytesFloor := settleCores, float64(settleBytes)
	if g.CPULimit > 0 {
		coresFloor = settleLimit * float64(g.CPULimit)
	}
	if g.MemoryLimit > 0 {
		bytesFloor = settleLimit * float64(g.MemoryLimit)
	}
	metric := func(actor string, m record.Metric) record.Series {
		return record.MetricSeries(s.samples, actor, m)
	}
	cpu := record.Rate(record.CPUTimeOf(s.hottest().samples, record.Gateway).Series)
	set := record.WorkingSet(s.samples, record.Gateway)
	return []settling{
		{
			"CPU", cpu, coresFloor, "cores",
			func(v float64) string { return fmt.Sprintf("%.2f cores", v) }, true,
		},
		{"working set", set, bytesFloor, "bytes", mibs, true},
		{
			"exporter's queue", metric(record.Gateway, record.QueueSize), backlogRise, "requests",
			func(v float64) string { return Number(v) + " requests" }, false,
		},
		{
			"median latency", metric(record.Backend, record.BackendLatencyP50), settleLatency,
			"seconds", Seconds, false,
		},
	}
}

// queueGrew is whether the queue is known to have grown all the time.
func (s *subject) queueGrew() bool {
	found := backlog(s)
	return len(found) > 0 &&
		(found[0].Severity == Critical || found[0].Severity == Reservation)
}

// settled asks whether the warm-up was long enough: whether the measured time is one
// state, or holds a part of the way to it. It is asked of a constant load that went to
// its end; ramps and bursts have no steady state, nor a gateway that is to break.
func settled(s *subject) []Finding {
	const check = "settled"
	from, to := s.time.WarmUp, s.time.WarmUp+s.time.Measured
	switch {
	case s.r.Header.Scenario.Load.Pattern != scenario.PatternConstant || s.r.Ending == nil ||
		s.r.Header.Scenario.Expect != "" || s.brokenOff() || s.gone():
		return nil
	case to-from < settleBlocks*settleSeconds:
		return one(check, Note, "whether the gateway was in a steady state is not known: that needs "+
			"%s of measured time", Seconds(settleBlocks*settleSeconds))
	}
	var moved, steadyOnes []string
	unknown := ""
	var worst steadiness
	after := 0.0
	var first Finding
	grew := s.queueGrew()
	for _, of := range s.settles() {
		if grew && of.unit == "requests" {
			continue // backlog says so
		}
		block := of.block()
		blocks := inBlocks(of.series, from, to, block)
		if len(blocks) < settleBlocks { // not known
			if of.seldom && of.series.Coarse() {
				unknown = fmt.Sprintf("; of the %s, which is read every %s, it is not known", of.name,
					Seconds(math.Round(of.series.Resolution())))
			}
			continue
		}
		st, is := steady(blocks, of.floor)
		if !is {
			steadyOnes = append(steadyOnes, of.name)
			continue
		}
		moved = append(moved, fmt.Sprintf("%s was %s in the first %s and %s after them", of.name,
			of.show(st.head), Seconds(float64(st.blocks)*block), of.show(st.rest)))
		if lasted := float64(st.blocks) * block; lasted > after {
			worst, after = st, lasted
			first = Finding{Value: &st.head, Limit: &st.rest, Unit: of.unit}
		}
	}
	switch {
	case len(moved) == 0 && len(steadyOnes) == 0:
		return one(check, Note, "whether the gateway was in a steady state is not known: too few looks")
	case len(moved) == 0:
		return one(check, Held, "steady from the start of the measured time: %s%s",
			strings.Join(steadyOnes, ", "), unknown)
	}
	advice := fmt.Sprintf("a warm-up of %s would have been enough", Seconds(s.time.WarmUp+after))
	if worst.late() {
		advice = "it was on its way for half of the measured time or more, and a longer warm-up may " +
			"not be enough"
	}
	found := because(NotSettled, with(one(check, Reservation, "not steady: %s; %s",
		strings.Join(moved, "; "), advice), first.Value, first.Limit, first.Unit, record.SamplesFile))
	found[0].From, found[0].To = &from, new(from+after)
	return found
}
