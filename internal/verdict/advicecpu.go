package verdict

import (
	"fmt"
	"math"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// cpuHeldBack speaks when the CPU limit held the gateway back in a twentieth of its
// periods and it used most of what it may.
func cpuHeldBack(s *subject) *Advice {
	c := s.f.CPU
	share := over(c.Average, c.Limit)
	if !above(c.ThrottledPeriods, 0.05) || !above(share, 0.6) {
		return nil
	}
	needed := *c.Average / comfortable
	setting := max(needed, *c.Limit+0.1)
	a := &Advice{
		Name: "cpu-held-back",
		Symptom: fmt.Sprintf("the CPU limit held the gateway back in %s of its periods",
			Percent(*c.ThrottledPeriods)),
		Evidence: []Evidence{
			proof("gateway_cpu.throttled_periods_ratio", "ratio", *c.ThrottledPeriods,
				"held back in %s of the periods", Percent(*c.ThrottledPeriods)),
			proof("gateway_cpu.average_cores", "cores", *c.Average,
				"%.2f of %.2f cores used on average", *c.Average, *c.Limit),
		},
		Change:  "Raise the CPU limit, or spread the load over more gateways.",
		When:    cpuLimits(s).When,
		Patches: append(s.cpuPatches(setting), s.replicaPatch(needed / *c.Limit)),
		Effect: fmt.Sprintf("Computed: %.2f cores ÷ %.1f = %.2f cores for the work that was done; "+
			"more if work was left undone, and a tenth of a core more than now at least.", *c.Average,
			comfortable, needed),
	}
	if c.SpansPerCore != nil {
		a.Evidence = append(a.Evidence, proof("gateway_cpu.arrived_spans_per_second_per_core",
			"spans/s/core", *c.SpansPerCore, "%s spans/s per core", Number(*c.SpansPerCore)))
	}
	return a
}

// compressionCosts speaks when the gateway is short of CPU and compresses with gzip what
// it sends: as the scenario tells Odigos' exporter, or as every OTLP exporter does that
// is told nothing.
func compressionCosts(s *subject) *Advice {
	g, ran := s.r.Header.Scenario.Gateway, s.ran()
	gzip := g.Compression == scenario.CompressionGzip
	if ran != nil {
		gzip = ran.Compression == string(scenario.CompressionGzip)
	}
	if !gzip || !above(s.f.CPU.Share, 0.8) || s.received == nil || s.received.WireBytes == 0 {
		return nil
	}
	factor := float64(s.received.DecodedBytes) / float64(s.received.WireBytes)
	a := &Advice{
		Name:    "gzip-costs-cpu",
		Symptom: "the gateway was short of CPU while it compressed with gzip what it sent",
		When:    cpuLimits(s).When,
		Evidence: []Evidence{
			proof("gateway_cpu.max_ratio_of_limit", "ratio", *s.f.CPU.Share,
				"CPU %s at most %s of its limit", s.f.CPU.Over(), Percent(*s.f.CPU.Share)),
			{
				Text: fmt.Sprintf("the backend received %.1f MB for %.1f MB of spans (ratio %.1f)",
					float64(s.received.WireBytes)/1e6, float64(s.received.DecodedBytes)/1e6, factor),
				Value: factor, Unit: "ratio",
				Source: record.EndingFile + ": received.wire_bytes, received.decoded_bytes",
			},
		},
		Change: "Where the network between gateway and backend has room, send uncompressed.",
		Effect: fmt.Sprintf("Computed: %.1f times the bytes on that network. Less CPU: how much, "+
			"a trial with each shows.", factor),
	}
	if s.odigos() {
		a.Patches = []Patch{
			{ForScenario, "gateway:\n  compression: none\n"},
			{ForDestination, "spec:\n  data:\n    OTLP_GRPC_COMPRESSION: none\n"},
		}
	} else {
		a.Patches = []Patch{exporterPatch(ran.Exporter, "compression: none\n")}
	}
	s.compressionShare(a, factor)
	return a
}

// compressionShare adds what a profile says of the cost.
func (s *subject) compressionShare(a *Advice, factor float64) {
	l := s.f.Limited
	per := s.f.CPU.PerMillion
	if l == nil || l.Components == nil || per == nil {
		return
	}
	share := l.Components.exporting("compression")
	if share <= 0 {
		return
	}
	after := *per * (1 - share)
	a.Evidence = append(a.Evidence, Evidence{
		Text:  fmt.Sprintf("compression took %s of the CPU in a profile", Percent(share)),
		Value: share, Unit: "ratio", Source: l.Components.File,
	})
	a.Effect = fmt.Sprintf("Computed: %.2f CPU-s per million spans × (1 − %.2f) = %.2f, and %.1f "+
		"times the bytes on that network.", *per, share, after, factor)
	a.Promise = &Promise{
		Figure: "gateway_cpu.cpu_seconds_per_million_arrived_spans", Unit: "s", Before: *per,
		After: after, Sense: About,
	}
}

// smallBatches speaks when the gateway is short of CPU and nearly all batches are cut
// by the timer with less than a thousand spans in them. Odigos' batches cannot be
// configured.
func smallBatches(s *subject) *Advice {
	p, ran := s.f.Pipeline, s.ran()
	if ran == nil || s.odigos() || len(ran.Of("batch")) == 0 {
		return nil
	}
	if !above(p.TimeoutShare, 0.95) || p.BatchMean == nil || *p.BatchMean > 1000 ||
		!above(over(s.f.CPU.Average, s.f.CPU.Limit), 0.7) {
		return nil
	}
	return &Advice{
		Name:    "small-batches",
		Symptom: "nearly all batches were small and cut by the timer, on a gateway short of CPU",
		Evidence: []Evidence{
			proof("collector.batches_by_timeout_ratio", "ratio", *p.TimeoutShare,
				"%s of the batches cut by the timer", Percent(*p.TimeoutShare)),
			proof("collector.batch_mean_spans", "spans", *p.BatchMean, "%.0f spans a batch",
				*p.BatchMean),
			proof("gateway_cpu.average_cores", "cores", *s.f.CPU.Average,
				"%.2f of %.2f cores on average", *s.f.CPU.Average, *s.f.CPU.Limit),
		},
		Change:  "Let batches wait longer.",
		Where:   inCollector,
		Setting: "processors:\n  " + ran.Of("batch")[0].ID + ":\n    timeout: 1s\n",
		Effect: "Fewer, larger requests to the backend, and up to as much more latency for " +
			"each batch processor on the way.",
	}
}

// fullOnAverage is the share of the CPU limit from which a gateway has none to spare.
const fullOnAverage = 0.9

// inFlightSmall speaks when slots went unsent because every worker waited, and the
// answers took as long as to need more of them. To a gateway that had no CPU to spare
// more in flight is no help.
func inFlightSmall(s *subject) *Advice {
	share, busy := s.f.Delivery.UnsentPart, s.busy()
	if !above(share, unsentNoise) || busy == nil || *busy < float64(s.f.Pacing.InFlight)/2 {
		return nil
	}
	c := s.f.CPU
	full := above(over(c.Average, c.Limit), fullOnAverage) || above(c.ThrottledPeriods, 0.05)
	if full && cpuHeldBack(s) != nil {
		return nil // what helps is said there
	}
	effect := "The schedule is sent in full, and the gateway's queueing shows as latency."
	if full {
		effect = fmt.Sprintf("Not more spans a second: the gateway used %.2f cores on average and "+
			"had no more. What else is in flight waits longer.", *c.Average)
	}
	return &Advice{
		Name:    "in-flight-limit",
		Symptom: "slots went unsent: every request that may be in flight was unanswered",
		Evidence: []Evidence{
			proof("delivery.unsent_ratio_of_due", "ratio", *share, "%s of the spans due unsent",
				Percent(*share)),
			proof("latency.due_to_acknowledgement.mean_seconds", "seconds",
				*s.f.Latency.Answer.Mean, "an answer took %s on average",
				Seconds(*s.f.Latency.Answer.Mean)),
			proof("pacing.in_flight_limit_requests", "requests", float64(s.f.Pacing.InFlight),
				"%d may be in flight, %.0f are needed at this rate (Little's law)",
				s.f.Pacing.InFlight, *busy),
		},
		Change: "If the senders that this load stands for have more requests open at once, allow " +
			"as many. If not, the gateway is at its limit: lower the rate.",
		Where:   inScenario,
		Setting: fmt.Sprintf("load:\n  in_flight: %.0f\n", math.Ceil(1.5**busy)),
		Effect:  effect,
	}
}

// oneConnection speaks when slots went unsent over a single connection while the
// gateway had more than one core and left a good part of them unused.
func oneConnection(s *subject) *Advice {
	load, c := s.r.Header.Scenario.Load, s.f.CPU
	used := over(c.Average, c.Limit)
	if load.Connections != 1 || !above(s.f.Delivery.UnsentPart, unsentNoise) ||
		!above(c.Limit, 1) || used == nil || *used > 0.7 || s.ownFault() != "" {
		return nil
	}
	return &Advice{
		Name:    "one-connection",
		Symptom: "slots went unsent over one connection while the gateway had cores to spare",
		Evidence: []Evidence{
			proof("delivery.unsent_ratio_of_due", "ratio", *s.f.Delivery.UnsentPart,
				"%s of the spans due unsent", Percent(*s.f.Delivery.UnsentPart)),
			proof("gateway_cpu.average_cores", "cores", *c.Average, "%.2f of %.2f cores used",
				*c.Average, *c.Limit),
		},
		Change:  "Use several connections: one is read by one thread at a time.",
		Where:   inScenario,
		Setting: "load:\n  connections: 4\n",
		Effect:  "More cores can take part in receiving.",
	}
}
