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
		Where:   inScenario,
		Setting: fmt.Sprintf("gateway:\n  cpu_limit: %.1f\n", math.Ceil(10*setting)/10),
		Effect: fmt.Sprintf("Computed: %.2f cores ÷ %.1f = %.2f cores for the work that was done; "+
			"more if work was left undone.", *c.Average, comfortable, needed),
	}
	if c.SpansPerCore != nil {
		a.Evidence = append(a.Evidence, proof("gateway_cpu.arrived_spans_per_second_per_core",
			"spans/s/core", *c.SpansPerCore, "%s spans/s per core", Number(*c.SpansPerCore)))
	}
	return a
}

// compressionCosts speaks when the gateway is short of CPU and compresses what it
// sends.
func compressionCosts(s *subject) *Advice {
	g := s.r.Header.Scenario.Gateway
	if g.Kind != scenario.GatewayOdigos || g.Compression != scenario.CompressionGzip ||
		!above(s.f.CPU.Share, 0.8) || s.received == nil || s.received.WireBytes == 0 {
		return nil
	}
	factor := float64(s.received.DecodedBytes) / float64(s.received.WireBytes)
	return &Advice{
		Name:    "gzip-costs-cpu",
		Symptom: "the gateway was short of CPU while it compressed with gzip what it sent",
		Evidence: []Evidence{
			proof("gateway_cpu.max_ratio_of_limit", "ratio", *s.f.CPU.Share,
				"CPU over 5 s at most %s of its limit", Percent(*s.f.CPU.Share)),
			{
				Text: fmt.Sprintf("the backend received %.1f MB for %.1f MB of spans (ratio %.1f)",
					float64(s.received.WireBytes)/1e6, float64(s.received.DecodedBytes)/1e6, factor),
				Value: factor, Unit: "ratio",
				Source: "raw/ending.json: received.wire_bytes, received.decoded_bytes",
			},
		},
		Change:  "Where the network between gateway and backend has room, send uncompressed.",
		Where:   inScenario,
		Setting: "gateway:\n  compression: none\n",
		Effect: fmt.Sprintf("Computed: %.1f times the bytes on that network. Less CPU: how much, "+
			"a trial with each shows.", factor),
	}
}

// smallBatches speaks when the gateway is short of CPU and nearly all batches are cut
// by the timer with less than a thousand spans in them.
func smallBatches(s *subject) *Advice {
	p := s.f.Pipeline
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
		Setting: "processors:\n  batch:\n    timeout: 1s\n",
		Effect: "Fewer, larger requests to the backend, and up to as much more latency for " +
			"each batch processor on the way.",
	}
}

// defaultConsumers is how many exports a collector has under way at most when its
// configuration does not say.
const defaultConsumers = 10

// queueFills speaks when the exporter's queue was half full or refused spans, and the
// figures say why: exports took so long that half of the default number or more were
// under way (Little's law), or the backend answered with failure, after which the
// exporter waits before it tries again.
func queueFills(s *subject) *Advice {
	p := s.f.Pipeline
	if !above(p.QueueShare, 0.5) && !above(s.f.Failures.EnqueueFailed, 0) {
		return nil
	}
	a := &Advice{Name: "queue-fills", Where: inCollector, Symptom: "the exporter's queue filled " +
		"up: spans came faster than they were exported"}
	if p.QueueMax != nil && p.QueueShare != nil {
		a.Evidence = append(a.Evidence, proof("collector.queue_max_requests", "requests", *p.QueueMax,
			"queue at most %s of %s requests", Number(*p.QueueMax), Number(*p.Capacity)))
	}
	if n := s.f.Failures.EnqueueFailed; above(n, 0) {
		a.Evidence = append(a.Evidence, proof("failures.whole_run_enqueue_failed_spans", "spans",
			*n, "%s spans refused by the full queue, whole run", Count(int64(*n))))
	}
	switch {
	case p.ExportsUnder != nil && *p.ExportsUnder >= defaultConsumers/2:
		s.moreConsumers(a)
	case s.received != nil && s.received.Failed > 0:
		a.Evidence = append(a.Evidence, Evidence{
			Text:  Count(s.received.Failed) + " spans answered with failure by the backend, whole run",
			Value: float64(s.received.Failed), Unit: "spans",
			Source: record.EndingFile + ": received.failed_spans",
		})
		a.Change = "Let the exporter try again sooner, or mend the backend."
		a.Setting = "exporters:\n  otlp:\n    retry_on_failure:\n      initial_interval: 1s\n" +
			"      max_interval: 5s\n"
		a.Effect = "A consumer that waits to try again exports nothing else: shorter waits empty " +
			"the queue sooner, and ask more of a backend that is in trouble."
	default:
		return nil
	}
	return a
}

func (s *subject) moreConsumers(a *Advice) {
	p := s.f.Pipeline
	needed := *p.ExportsUnder
	a.Evidence = append(a.Evidence,
		proof("collector.export_call_mean_seconds", "seconds", *p.ExportCall,
			"an export took %s on average", Seconds(*p.ExportCall)),
		proof("collector.export_calls_under_way_mean", "exports", needed,
			"%.1f exports were under way on average (Little's law: %.1f/s × %s)", needed,
			*p.Exports, Seconds(*p.ExportCall)))
	if f := over(p.Accepted, p.Sent); above(f, 1) {
		needed *= *f
		a.Evidence = append(a.Evidence, proof("collector.receiver_accepted_spans_per_second",
			"spans/s", *p.Accepted, "%s spans/s received for %s sent", Number(*p.Accepted),
			Number(*p.Sent)))
	}
	a.Change = "Let more exports be under way at once, or make the backend faster."
	a.Setting = fmt.Sprintf("exporters:\n  otlp:\n    sending_queue:\n      num_consumers: %.0f\n",
		max(2*defaultConsumers, math.Ceil(1.5*needed)))
	a.Effect = fmt.Sprintf("Computed: %.1f exports under way keep up with what comes, if the "+
		"backend takes no longer for each when there are more. If it does, a larger queue only "+
		"delays the loss, and costs memory.", needed)
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
