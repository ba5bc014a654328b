package verdict

import (
	"fmt"
	"math"
	"slices"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// goMemLimitOff speaks when memory came near the limit, and the Go runtime either did
// not know of the limit or was told of one too close to it; not when what a collection
// leaves in use is more than the limit that it would be told.
func goMemLimitOff(s *subject) *Advice {
	m := s.f.Memory
	near := above(over(m.PeakOfRun, m.Limit), 0.8) || s.f.Failures.Killed
	text := s.gateway().Env["GOMEMLIMIT"]
	told, ok := s.goMemLimit()
	if !near || m.Limit == nil || ok && told <= 0.9**m.Limit {
		return nil
	}
	want := float64(scenario.Derive(scenario.Bytes(*m.Limit)).GoMemLimit)
	if above(s.f.Runtime.Live, want) {
		return nil
	}
	symptom := "the Go runtime was not told of the memory limit (no GOMEMLIMIT)"
	if ok {
		symptom = fmt.Sprintf("GOMEMLIMIT is %s of the memory limit: what Go does not count "+
			"finds no room", Percent(told / *m.Limit))
	} else if text != "" {
		symptom = fmt.Sprintf("GOMEMLIMIT is %q, which sets no limit", text)
	}
	a := &Advice{
		Name: "gomemlimit", Symptom: symptom,
		When: period(record.WorkingSet(s.loaded(), record.Gateway), 0.8**m.Limit),
		Evidence: []Evidence{proof("gateway_memory.limit_bytes", "bytes", *m.Limit,
			"memory limit %s", bytesText(*m.Limit))},
		Change:  "Set GOMEMLIMIT to 80 % of the limit less 50 MiB, as Odigos' chart does.",
		Patches: []Patch{{ForScenario, "gateway:\n  gomemlimit: " + mebis(want) + "Mi\n"}},
		covers:  []string{"memory-near-its-limit", "memory-grows"},
	}
	if s.needed() == nil { // else it is computed that collecting harder is not enough
		a.covers = append(a.covers, "memory-limit-too-small")
	}
	if s.odigos() {
		hard := max(*m.Limit-50*mebi, *m.Limit/2)
		a.Patches = append(a.Patches, Patch{ForHelm, "collectorGateway:\n" +
			"  memoryLimiterLimitMiB: " + mebis(hard) + "\n  memoryLimiterSpikeLimitMiB: " +
			mebis(hard/5) + "\n  goMemLimitMiB: " + mebis(want) + "\n"})
	}
	a.Effect = "The garbage collector works harder as the heap comes near, at the price of CPU, " +
		"and an Odigos gateway refuses requests instead of being killed."
	if m.PeakOfRun == nil {
		return a
	}
	a.Evidence = append(a.Evidence, proof("gateway_memory.whole_run_working_set_peak_bytes",
		"bytes", *m.PeakOfRun, "largest working set seen %s", bytesText(*m.PeakOfRun)))
	if live := s.f.Runtime.Live; live != nil {
		a.Evidence = append(a.Evidence, proof("gateway_go_runtime.heap_live_max_bytes", "bytes", *live,
			"%s of heap in use after a collection, at most", bytesText(*live)))
	}
	outside := min(50*mebi, *m.Limit/2)
	after := want + outside
	a.Effect = fmt.Sprintf("Computed: the heap, which Go otherwise lets grow to twice what is in "+
		"use, is collected before it comes to 0.8 × (%s − %s) = %s; with %s for what Go does not "+
		"count the working set stays below %s. ", bytesText(*m.Limit), bytesText(outside),
		bytesText(want), bytesText(outside), bytesText(after)) + a.Effect
	a.Promise = &Promise{
		Figure: "gateway_memory.whole_run_working_set_peak_bytes", Unit: "bytes",
		Before: *m.PeakOfRun, After: after, Sense: AtMost,
	}
	return a
}

// procs is GOMAXPROCS as the runtime tells it, or as it was told; nil where neither is
// known.
func (s *subject) procs() *float64 {
	if p := s.f.Go.MaxProcs; p != nil {
		return p
	}
	if n := s.gateway().GoRuntime().MaxProcs; n > 0 {
		return new(float64(n))
	}
	return nil
}

// goMaxProcsHigh speaks when the CPU limit held the gateway back in a twentieth of its
// periods, and GOMAXPROCS is twice the limit rounded up, or more. So many threads run at
// once use up the limit's share of a period in its beginning, and all stand still for
// the rest. What stands still is threads less limit, per period that was held back.
func goMaxProcsHigh(s *subject) *Advice {
	c, procs := s.f.CPU, s.procs()
	if procs == nil || c.Limit == nil || !above(c.ThrottledPeriods, 0.05) {
		return nil
	}
	want := math.Ceil(*c.Limit)
	at := *procs
	if n := float64(s.r.Header.Machine.Cores); n > 0 {
		at = min(at, n)
	}
	if *procs < 2*want || at <= want {
		return nil
	}
	// Where Go heeds the limit by itself it still takes 2, and lives with it.
	if s.gateway().GoRuntime().MaxProcs == 0 && *procs <= 2 {
		return nil
	}
	const period = 100.0 // milliseconds, as container runtimes set it
	first := *c.Limit * period / at
	a := &Advice{
		Name: "gomaxprocs-above-limit",
		Symptom: fmt.Sprintf("GOMAXPROCS is %.0f with a CPU limit of %.2f cores, which held the "+
			"gateway back in %s of its periods", *procs, *c.Limit, Percent(*c.ThrottledPeriods)),
		Evidence: []Evidence{
			{
				Text: fmt.Sprintf("GOMAXPROCS %.0f", *procs), Value: *procs, Unit: "threads",
				Source: record.HeaderFile + ": actors.gateway.env, or go_max_procs",
			},
			proof("gateway_cpu.throttled_periods_ratio", "ratio", *c.ThrottledPeriods,
				"held back in %s of the periods", Percent(*c.ThrottledPeriods)),
		},
		Change: "Set GOMAXPROCS to the CPU limit rounded up, in the gateway's environment.",
		Patches: []Patch{
			{ForScenario, fmt.Sprintf("gateway:\n  gomaxprocs: %.0f\n", want)},
		},
	}
	if c.Average != nil {
		a.Evidence = append(a.Evidence, proof("gateway_cpu.average_cores", "cores", *c.Average,
			"%.2f of %.2f cores on average", *c.Average, *c.Limit))
		if *c.Average < fullOnAverage**c.Limit {
			a.covers = []string{"cpu-held-back"}
		}
	}
	a.Effect = fmt.Sprintf("Computed: %.0f threads at once use the %.0f ms of a period of %.0f ms up "+
		"in %.0f ms and stand still for %.0f ms; %.0f cannot before %.0f ms.", at, *c.Limit*period,
		period, first, period-first, want, min(period, *c.Limit*period/want))
	if t := c.ThrottledTime; t != nil {
		after := *t * (want - *c.Limit) / (at - *c.Limit)
		a.Evidence = append(a.Evidence, proof("gateway_cpu.throttled_seconds_per_second", "s/s", *t,
			"threads held back for %s a second", Seconds(*t)))
		a.Effect += fmt.Sprintf(" Held back: %s a second × (%.0f − %.2f) ÷ (%.0f − %.2f) = %s.",
			Seconds(*t), want, *c.Limit, at, *c.Limit, Seconds(after))
		a.Promise = &Promise{
			Figure: "gateway_cpu.throttled_seconds_per_second", Unit: "s/s", Before: *t,
			After: after, Sense: AtMost,
		}
	}
	return a
}

// baseline is what the gateway took before any load: what Go counts, and the anonymous
// and kernel memory that its limit is about. A nil one was not seen. The warm-up begins
// with the wait for the common start, which is mostly when a gateway is first looked at.
func (s *subject) baseline() (heap, charged *float64) {
	var idle []record.Sample
	for _, l := range slices.Concat(s.r.Samples, s.r.PulseSamples()) {
		if l.Elapsed <= 0 {
			idle = append(idle, l)
		}
	}
	return top(record.MetricSeries(idle, record.Gateway, record.GoMemory)),
		top(record.Unreclaimable(idle, record.Gateway))
}

// belowBaseline speaks when a gateway that was killed, or spent a quarter of its CPU on
// garbage collection, had taken half of its memory limit, or four fifths of GOMEMLIMIT,
// before any load came.
func belowBaseline(s *subject) *Advice {
	m, g := s.f.Memory, s.f.Runtime
	heap, charged := s.baseline()
	limit := m.Limit
	memLimit := g.MemLimit
	if told, ok := s.goMemLimit(); memLimit == nil && ok {
		memLimit = &told
	}
	if charged == nil || !s.f.Failures.Killed && !above(g.Share, gcShare) {
		return nil
	}
	if heap == nil {
		heap = charged
	}
	ofLimit, ofGo := over(charged, limit), over(heap, memLimit)
	if !above(ofLimit, 0.5) && !above(ofGo, 0.8) {
		return nil
	}
	a := &Advice{
		Name:   "memory-limit-below-baseline",
		Change: "Raise the memory limit: this one leaves no room for any load.",
		Evidence: []Evidence{{
			Text:  bytesText(*charged) + " of anonymous and kernel memory before the load",
			Value: *charged, Unit: "bytes",
			Source: record.SamplesFile + ", " + record.PulsesFile + ": actors.gateway, before the load",
		}},
		covers: []string{
			"gomemlimit", "memory-near-its-limit", "memory-limit-too-small", "cpu-held-back",
			"queue-larger-than-memory", "gzip-costs-cpu",
		},
	}
	if limit != nil {
		a.Symptom = fmt.Sprintf("the gateway takes %s before any load, %s of its memory limit of %s",
			bytesText(*charged), Percent(*ofLimit), bytesText(*limit))
	}
	if above(ofGo, 0.8) {
		a.Symptom = fmt.Sprintf("Go takes %s before any load, %s of GOMEMLIMIT (%s)",
			bytesText(*heap), Percent(*ofGo), bytesText(*memLimit))
	}
	if g.Share != nil {
		a.Evidence = append(a.Evidence, gcEvidence(g))
	}
	// Go lets the heap grow to twice what is in use; what is in use under load was seen
	// only as far as the limit let it grow.
	seen := max(*charged, *heap)
	for _, v := range []*float64{m.Unreclaimable, g.Memory} {
		if v != nil {
			seen = max(seen, *v)
		}
	}
	needed := 2*seen/0.8 + 50*mebi
	a.Patches = s.memoryPatches(needed)
	a.Effect = fmt.Sprintf("Computed: %s were taken; Go collects when the heap is twice what was in "+
		"use: 2 × %s ÷ 0.8 + 50 MiB = %s. How much the load needs beyond that the next trial shows.",
		bytesText(seen), bytesText(seen), bytesText(needed))
	if g.Share != nil {
		a.Promise = &Promise{
			Figure: "gateway_go_runtime.gc_ratio_of_cpu", Unit: "ratio", Before: *g.Share, After: gcShare,
			Sense: AtMost,
		}
	}
	return a
}
