package verdict

import (
	"maps"
	"time"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// Figures are all numbers that a report may say, taken from one record. They are of
// the measured time unless their name or comment says otherwise. A nil figure is not
// known; it is never 0 for that.
type Figures struct {
	Time     TimeFigures     `json:"time"`
	Rate     RateFigures     `json:"rate"`
	Delivery DeliveryFigures `json:"delivery"`
	// Explained is of the whole run.
	Explained ExplainedFigures `json:"explained"`
	Failures  FailureFigures   `json:"failures"`
	// Deaths of the gateway, in order.
	Deaths   []DeathFigures  `json:"deaths,omitempty"`
	Latency  LatencyFigures  `json:"latency"`
	Pipeline PipelineFigures `json:"collector"`
	CPU      CPUFigures      `json:"gateway_cpu"`
	Memory   MemoryFigures   `json:"gateway_memory"`
	// Pods are the gateways where there are several. CPU is then of the one that used most of
	// it, what else is of a process of Pods.Pod, and what flows through the gateway of all.
	Pods    PodFigures      `json:"gateway_pods,omitzero"`
	Growth  GrowthFigures   `json:"growth"`
	Runtime RuntimeFigures  `json:"gateway_go_runtime"`
	Close   CloseFigures    `json:"gateway_close_look"`
	Loadgen EndFigures      `json:"loadgen"`
	Backend EndFigures      `json:"backend"`
	Pacing  PacingFigures   `json:"pacing"`
	Looks   map[string]Look `json:"looks"` // by actor
	Exports ExportFigures   `json:"exports"`
	Go      GoFigures       `json:"gateway_go"`
	// Scale is nil where nothing is known of how many gateways there were.
	Scale *ScaleFigures `json:"gateway_scale,omitempty"`
	// Limited is nil when nothing was seen of the load.
	Limited *Limited `json:"limited,omitempty"`
}

// TimeFigures say how long each phase lasted.
type TimeFigures struct {
	WarmUp   float64  `json:"warm_up_seconds"`
	Planned  float64  `json:"planned_seconds"`
	Measured float64  `json:"measured_seconds"` // less than planned when the load was cut short
	Drain    *float64 `json:"drain_seconds,omitempty"`
	Samples  int      `json:"measured_samples"`
}

// RateFigures are what was to be sent, what was, and how large it was. Bytes are of
// request bodies: Encoded before compression, Wire after it.
type RateFigures struct {
	// Target is the rate of a constant load, and the mean of the schedule's
	// otherwise.
	Target       *float64 `json:"target_spans_per_second,omitempty"`
	Due          *float64 `json:"due_spans_per_second,omitempty"`
	Offered      *float64 `json:"offered_spans_per_second,omitempty"`
	Acknowledged *float64 `json:"acknowledged_spans_per_second,omitempty"`
	// Delivered are the spans due in the measured time that were delivered at last, even
	// after it; Arrived is what came to the backend within it.
	Delivered       *float64 `json:"delivered_spans_per_second,omitempty"`
	Arrived         *float64 `json:"arrived_spans_per_second,omitempty"`
	Encoded         *float64 `json:"encoded_bytes_per_second,omitempty"`
	Wire            *float64 `json:"wire_bytes_per_second,omitempty"`
	EncodedPerSpan  *float64 `json:"encoded_bytes_per_span,omitempty"`
	WirePerSpan     *float64 `json:"wire_bytes_per_span,omitempty"`
	Compression     *float64 `json:"compression_ratio,omitempty"` // encoded ÷ wire
	SpansPerRequest int      `json:"spans_per_request"`
}

// DeliveryFigures are what became of the spans, from the joined ledger.
type DeliveryFigures struct {
	// Known is false when one of the two books is missing; nothing else is then.
	Known     bool     `json:"known"`
	Delivered uint64   `json:"delivered_spans"`
	Lost      uint64   `json:"lost_spans"` // acknowledged and not delivered
	LostRatio *float64 `json:"lost_ratio_of_acknowledged,omitempty"`
	// Sampled are those of Lost whose traces were predicted to be dropped; nil where
	// nothing was predicted.
	Sampled     *uint64  `json:"sampled_spans,omitempty"`
	Undelivered uint64   `json:"undelivered_spans"` // offered and not delivered
	UndelRatio  *float64 `json:"undelivered_ratio_of_offered,omitempty"`
	Refused     uint64   `json:"refused_spans"` // refused, and rejected in part
	RefusedPart *float64 `json:"refused_ratio_of_offered,omitempty"`
	// Unanswered were offered, not answered and not delivered; Unheard were delivered
	// though nobody answered: late answers, and connections cut.
	Unanswered     uint64   `json:"unanswered_spans"`
	UnansweredPart *float64 `json:"unanswered_ratio_of_offered,omitempty"`
	Unheard        uint64   `json:"unanswered_and_delivered_spans"`
	UnsentPart     *float64 `json:"unsent_ratio_of_due,omitempty"`
	DroppedPart    *float64 `json:"dropped_ratio_of_due,omitempty"`
	Repeated       uint64   `json:"spans_delivered_repeatedly"`
	// WhileStopping came after the gateway was asked to stop; Inside is its queue at the
	// end of a drain that was not complete.
	WhileStopping uint64   `json:"whole_run_spans_delivered_while_stopping"`
	Inside        *float64 `json:"queue_after_drain_requests,omitempty"`
	Extra         uint64   `json:"extra_deliveries"`
}

// FailureFigures count failures by cause. The load generator's are of the measured
// time and of spans; the collector's counters are of the whole run.
type FailureFigures struct {
	RefusedRetryable *uint64 `json:"refused_retryable_spans,omitempty"`
	RefusedPermanent *uint64 `json:"refused_permanent_spans,omitempty"`
	RejectedInPart   *uint64 `json:"rejected_in_part_spans,omitempty"`
	Unknown          *uint64 `json:"unknown_spans,omitempty"`
	Dropped          *uint64 `json:"dropped_spans,omitempty"`
	Unsent           *uint64 `json:"unsent_spans,omitempty"`

	ReceiverRefused     *float64 `json:"whole_run_receiver_refused_spans,omitempty"`
	ReceiverFailed      *float64 `json:"whole_run_receiver_failed_spans,omitempty"`
	ProcessorRefused    *float64 `json:"whole_run_processor_refused_spans,omitempty"`
	ExportFailed        *float64 `json:"whole_run_export_failed_spans,omitempty"`
	EnqueueFailed       *float64 `json:"whole_run_enqueue_failed_spans,omitempty"`
	AdmissionRejections *float64 `json:"whole_run_admission_rejected_requests,omitempty"`

	// Killed and OOMKilled are of the gateway; the latter is nil where it cannot be
	// known. KilledAt is when it ended by itself or was killed, of several times the first.
	Killed    bool              `json:"gateway_killed"`
	OOMKilled *bool             `json:"gateway_oom_killed,omitempty"`
	KilledAt  *float64          `json:"gateway_ended_at_seconds,omitempty"`
	Answers   map[string]uint64 `json:"requests_by_answer,omitempty"`
	Errors    map[string]uint64 `json:"whole_run_requests_by_error_text,omitempty"`
}

// PipelineFigures are what the collector says of itself.
type PipelineFigures struct {
	// Processing is the mean time a processor spent on one item of its own work.
	Processing *float64 `json:"processing_mean_seconds,omitempty"`
	ExportCall *float64 `json:"export_call_mean_seconds,omitempty"`
	Exports    *float64 `json:"export_calls_per_second,omitempty"`
	// ExportsUnder is how many calls were under way on average: calls per second
	// times their mean duration (Little's law).
	ExportsUnder *float64 `json:"export_calls_under_way_mean,omitempty"`
	// Batches are over all batch processors: three in a row, as Odigos has them, count a
	// span three times.
	BatchMean    *float64 `json:"batch_mean_spans,omitempty"`
	Batches      *float64 `json:"batches_per_second,omitempty"`
	ByTimeout    *float64 `json:"batches_by_timeout,omitempty"`
	BySize       *float64 `json:"batches_by_size,omitempty"`
	TimeoutShare *float64 `json:"batches_by_timeout_ratio,omitempty"`
	// ArrivedMean is spans a request as they came to the backend, over the whole run.
	ArrivedMean *float64 `json:"whole_run_spans_per_backend_request_mean,omitempty"`
	// The queue is in requests, unless the collector was configured otherwise.
	QueueMax   *float64 `json:"queue_max_requests,omitempty"`
	QueueMean  *float64 `json:"queue_mean_requests,omitempty"`
	Capacity   *float64 `json:"queue_capacity_requests,omitempty"`
	QueueShare *float64 `json:"queue_max_ratio_of_capacity,omitempty"`
	HeapMax    *float64 `json:"heap_max_bytes,omitempty"`
	Accepted   *float64 `json:"receiver_accepted_spans_per_second,omitempty"`
	Sent       *float64 `json:"exporter_sent_spans_per_second,omitempty"`
}

// PacingFigures are how well the load generator kept its schedule, over slots.
type PacingFigures struct {
	Slots        int64    `json:"slots"`
	Lateness     *Spread  `json:"lateness,omitempty"`
	SlopeError   *float64 `json:"slope_error_ratio,omitempty"`
	InFlightMax  *float64 `json:"in_flight_max_requests,omitempty"`
	InFlightMean *float64 `json:"in_flight_mean_requests,omitempty"`
	InFlight     int      `json:"in_flight_limit_requests"`
	Connections  *uint64  `json:"whole_run_connections_opened,omitempty"`
	late, unsent spare    // for the check of lateness
}

// A Look says how well an actor was seen.
type Look struct {
	// Missing is the share of the seconds without an answered look.
	Missing float64 `json:"missing_ratio"`
	Longest float64 `json:"longest_gap_seconds"`
	// The same of the actor's resource usage; nil where it is never known.
	UsageMissing *float64 `json:"usage_missing_ratio,omitempty"`
	UsageLongest *float64 `json:"usage_longest_gap_seconds,omitempty"`
}

// Measure takes the figures from a record.
func Measure(r *record.Record) Figures {
	m := newMeasure(r)
	f := Figures{
		Time:      m.time,
		Rate:      m.rate(),
		Delivery:  m.delivery(),
		Explained: m.explained(),
		Failures:  m.failures(),
		Deaths:    m.deaths(),
		Latency:   m.latency(),
		Pipeline:  m.pipeline(),
		CPU:       m.gatewayCPU(),
		Memory:    m.memory(),
		Pods:      m.podFigures(),
		Growth:    m.growth(),
		Runtime:   m.runtime(),
		Close:     m.closely(),
		Loadgen:   m.ends(record.Loadgen),
		Backend:   m.ends(record.Backend),
		Pacing:    m.pacing(),
		Looks:     m.looks(),
		Exports:   m.exports(),
		Go:        m.goRuntime(),
		Scale:     m.scale(),
	}
	f.Limited = limited(&subject{measure: m, f: f})
	return f
}

// A measure is a record with what all figures need: the measured samples and the two
// books, where there are such. Its samples have each reading of usage once, where it belongs.
type measure struct {
	r        *record.Record
	raw      *record.Record     // as it is on disk
	placed   *record.Record     // with each reading of usage where it belongs
	pods     []string           // the gateways, where there are several
	pod      string             // which of them has the gateway's place; empty: all together
	all      []record.Sample    // of the measured time, with all of them
	samples  []record.Sample    // of the measured time
	steps    map[string]float64 // seconds between the readings of an actor's usage, if coarse
	ending   record.Ending      // zero when the record has none
	sent     *ledger.Sent
	received *ledger.Received
	time     TimeFigures
}

func newMeasure(r *record.Record) measure {
	m := measure{raw: r, pods: r.Members(record.Gateway), steps: map[string]float64{}}
	for _, actor := range record.Actors(r.Samples) {
		if step := record.Resolution(r.Samples, actor); record.Coarse(step) {
			m.steps[actor] = step
		}
	}
	placed := *r
	if len(m.steps) > 0 {
		placed.Samples = record.Placed(r.Samples)
	}
	m.placed, m.all = &placed, record.Measured(placed.Samples)
	if r.Ending != nil {
		m.ending = *r.Ending
		m.sent, m.received = r.Ending.Sent, r.Ending.Received
	}
	if len(m.pods) > 0 {
		return m.on(pick(r, m.pods))
	}
	return m.on("")
}

// on is the measure with one of several gateways in the gateway's place, or with all of
// them together; of the only gateway it is its own.
func (m measure) on(pod string) measure {
	if m.r != nil && pod == m.pod {
		return m
	}
	m.r, m.pod = m.placed, pod
	m.steps = maps.Clone(m.steps)
	if pod != "" {
		m.r = m.placed.WithOne(record.Gateway, pod)
		m.steps[record.Gateway] = m.steps[pod]
		if m.steps[pod] == 0 {
			delete(m.steps, record.Gateway)
		}
	}
	m.samples = record.Measured(m.r.Samples)
	m.time = m.times()
	return m
}

func (m measure) times() TimeFigures {
	timing := m.r.Header.Scenario.Timing
	t := TimeFigures{
		Planned: time.Duration(timing.Duration).Seconds(), Samples: len(m.samples),
	}
	t.WarmUp = timing.Total().Seconds() - t.Planned
	if m.r.Ending != nil {
		t.Drain = new(m.ending.Drained.Seconds)
	}
	t.Measured = t.Planned
	cut := m.r.Ending == nil || m.ending.Interrupted != "" || m.ending.CutShort != "" ||
		m.ending.Error != ""
	if !cut {
		return t
	}
	t.Measured = 0
	if lasted := m.ending.LoadSeconds; lasted > 0 {
		t.Measured = min(t.Planned, max(0, lasted-t.WarmUp))
		return t
	}
	for _, p := range record.Phases(m.r.Samples) {
		if p.Phase == record.PhaseMeasuring {
			t.Measured = min(t.Planned, p.To-t.WarmUp)
		}
	}
	return t
}

// account is the measured account; nil when one of the two books is missing.
func (m measure) account() *ledger.Account {
	if m.sent == nil || m.received == nil {
		return nil
	}
	return &m.ending.Measured
}

func (m measure) rate() RateFigures {
	load := m.r.Header.Scenario.Load
	f := RateFigures{SpansPerRequest: load.SpansPerRequest}
	if load.Pattern == scenario.PatternConstant {
		f.Target = new(float64(load.Rate))
	}
	arrived, over := record.Increase(
		record.MetricSeries(m.samples, record.Backend, record.BackendUnique))
	if over > 0 {
		f.Arrived = new(arrived / over)
	}
	if m.sent == nil || m.time.Measured <= 0 {
		return f
	}
	per := func(count uint64) *float64 { return new(float64(count) / m.time.Measured) }
	all := m.sent.Measured
	f.Due, f.Offered = per(all.Due), per(all.Due-min(all.Due, all.Unsent))
	f.Acknowledged = per(all.Acknowledged)
	if f.Target == nil {
		f.Target = f.Due
	}
	if a := m.account(); a != nil {
		f.Delivered = per(delivered(a))
	}
	f.Encoded, f.Wire = per(m.sent.EncodedBytes), per(m.sent.WireBytes)
	f.EncodedPerSpan = ratio(m.sent.EncodedBytes, all.Attempts)
	f.WirePerSpan = ratio(m.sent.WireBytes, all.Attempts)
	f.Compression = ratio(m.sent.EncodedBytes, m.sent.WireBytes)
	return f
}

// Fates are the classes of an account that are offered, in the order of a report.
func fates(a *ledger.Account) []ledger.Fate {
	return []ledger.Fate{
		a.Acknowledged, a.RefusedRetryable, a.RefusedPermanent, a.RejectedInPart,
		a.Unknown, a.Dropped,
	}
}

func delivered(a *ledger.Account) uint64 {
	var sum uint64
	for _, f := range fates(a) {
		sum += f.Delivered()
	}
	return sum
}

func (m measure) delivery() DeliveryFigures {
	a := m.account()
	if a == nil {
		return DeliveryFigures{}
	}
	f := DeliveryFigures{Known: true, Delivered: delivered(a), Lost: a.Acknowledged.NotDelivered}
	for _, fate := range fates(a) {
		f.Undelivered += fate.NotDelivered
		f.Repeated += fate.Repeatedly
		f.Extra += fate.Extra
	}
	f.Refused = a.RefusedRetryable.Items + a.RefusedPermanent.Items + a.RejectedSpans
	if m.predicted() != nil {
		f.Sampled = new(m.sampled())
	}
	f.LostRatio = ratio(f.Lost, a.Acknowledged.Items)
	f.UndelRatio = ratio(f.Undelivered, a.Offered)
	f.RefusedPart = ratio(f.Refused, a.Offered)
	f.WhileStopping = m.received.AfterMark
	if d := m.ending.Drained; !d.Complete {
		f.Inside = d.QueueSize
	}
	f.Unanswered, f.Unheard = a.Unknown.NotDelivered, a.Unknown.Delivered()
	f.UnansweredPart = ratio(f.Unanswered, a.Offered)
	f.UnsentPart = ratio(a.Unsent, a.Due)
	f.DroppedPart = ratio(a.Dropped.Items, a.Due)
	return f
}

// ratio is nil where there is nothing to divide by.
func ratio(part, of uint64) *float64 {
	if of == 0 {
		return nil
	}
	return new(float64(part) / float64(of))
}
