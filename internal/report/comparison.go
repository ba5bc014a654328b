package report

import (
	"fmt"
	"reflect"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// A Comparison is trials that belong together, told beside each other.
type Comparison struct {
	SchemaVersion int    `json:"schema_version"`
	Name          string `json:"name"`
	Description   string `json:"description,omitempty"`
	// Kind is what the parts are of each other, in the plural: variants.
	Kind string `json:"kind"`
	// Outcome and Validity are the worst of the parts'.
	Outcome  verdict.Outcome  `json:"outcome"`
	Validity verdict.Validity `json:"validity"`
	ExitCode int              `json:"exit_code"`
	Reason   string           `json:"reason"`
	Headline string           `json:"headline,omitempty"`
	Record   string           `json:"record"` // the name of its directory
	Dir      string           `json:"-"`
	Created  time.Time        `json:"created"`
	Finished *time.Time       `json:"finished,omitempty"`
	// Interrupted names the signal that ended it before its time.
	Interrupted string `json:"interrupted,omitempty"`
	// SameLoad: load, backend and timing are equal in all parts that ran.
	SameLoad bool       `json:"same_load"`
	Findings []string   `json:"findings"`
	Parts    []Compared `json:"parts"`
}

// A Part is one trial of a comparison, as its suite knows it.
type Part struct {
	Name, Description string
	Settings          []string // what sets it apart, as overrides
	Dir               string   // relative to the suite's
	Record            *record.Record
	// Error says why there is no trial.
	Error string
}

// A Status says whether a part has a trial.
type Status string

// The statuses.
const (
	Ran      Status = "ran" // to its end, or until the gateway's
	CutOff   Status = "interrupted"
	NotRun   Status = "not run"
	CouldNot Status = "could not run"
)

// A Compared is one part with the figures by which it is compared.
type Compared struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Settings    []string `json:"set,omitempty"`
	Record      string   `json:"record"` // its directory, relative to the suite's
	Status      Status   `json:"status"`
	Error       string   `json:"error,omitempty"`
	// Outcome to Reason are the part's own; absent without a trial.
	Outcome  *verdict.Outcome `json:"outcome,omitempty"`
	Validity verdict.Validity `json:"validity,omitempty"`
	ExitCode *int             `json:"exit_code,omitempty"`
	Reason   string           `json:"reason,omitempty"`
	Expected string           `json:"expected,omitempty"`
	Sentence string           `json:"sentence"`

	Measured float64 `json:"measured_seconds"`
	Planned  float64 `json:"planned_seconds"`
	// Ended is when the gateway ended by itself or was killed, in seconds since the load
	// began; OOM the same of its first kill for want of memory. Deaths are all its ends.
	Ended  *float64 `json:"gateway_ended_at_seconds,omitempty"`
	OOM    *float64 `json:"time_to_oom_seconds,omitempty"`
	Deaths int      `json:"deaths,omitempty"`

	Spans  *SpanFates   `json:"spans,omitempty"` // nil when an account is missing
	Memory ComparedSize `json:"gateway_memory"`
	CPU    ComparedCPU  `json:"gateway_cpu"`
	// P99 is of latency, from due to delivery.
	P99 *verdict.Percentile `json:"latency_p99,omitempty"`

	summary Summary
	record  *record.Record
}

// SpanFates say what became of the spans due in the measured time. Each is in one of
// the fates: they sum to Due.
type SpanFates struct {
	Due       uint64 `json:"due_spans"`
	Delivered uint64 `json:"delivered_spans"`
	Refused   uint64 `json:"refused_spans"` // and not delivered
	Lost      uint64 `json:"lost_spans"`    // acknowledged and not delivered
	// Sampled are acknowledged spans of traces that were predicted to be dropped.
	Sampled    uint64 `json:"sampled_spans,omitempty"`
	Unanswered uint64 `json:"unanswered_spans"` // and not delivered
	GivenUp    uint64 `json:"given_up_by_the_sdk_spans,omitempty"`
	Unsent     uint64 `json:"unsent_spans"`
	// Of them as shares of Due; nil when none were due.
	DeliveredRatio  *float64 `json:"delivered_ratio_of_due,omitempty"`
	RefusedRatio    *float64 `json:"refused_ratio_of_due,omitempty"`
	LostRatio       *float64 `json:"lost_ratio_of_due,omitempty"`
	UnansweredRatio *float64 `json:"unanswered_ratio_of_due,omitempty"`
	UnsentRatio     *float64 `json:"unsent_ratio_of_due,omitempty"`
	// Unexplained is of the whole run: acknowledged, not delivered, and nothing says why.
	// nil where it cannot be told.
	Unexplained *uint64 `json:"whole_run_unexplained_spans,omitempty"`
}

// A ComparedSize is the gateway's memory over the whole run.
type ComparedSize struct {
	Peak          *float64 `json:"whole_run_working_set_peak_bytes,omitempty"`
	Unreclaimable *float64 `json:"whole_run_anon_and_kernel_peak_bytes,omitempty"`
	Limit         *float64 `json:"limit_bytes,omitempty"`
}

// A ComparedCPU is the gateway's CPU in the measured time.
type ComparedCPU struct {
	Average *float64 `json:"average_cores,omitempty"`
	Max     *float64 `json:"max_cores,omitempty"`
	Limit   *float64 `json:"limit_cores,omitempty"`
}

// Compare judges every part and lays their figures beside each other. The caller adds
// what it knows of the whole: name, times, directory.
func Compare(parts []Part, interrupted string) Comparison {
	c := Comparison{
		SchemaVersion: SchemaVersion, Interrupted: interrupted, Validity: verdict.Valid,
		SameLoad: true,
	}
	var first *Compared
	for _, p := range parts {
		one := compared(p)
		if one.record != nil {
			if first == nil {
				first = &one
				c.Headline = one.summary.Headline
			}
			c.SameLoad = c.SameLoad && sameLoad(first.summary, one.summary)
			if c.Headline != one.summary.Headline {
				c.Headline = "several collectors"
			}
		}
		c.Parts = append(c.Parts, one)
	}
	c.settle()
	c.Findings = c.findings()
	return c
}

func sameLoad(a, b Summary) bool {
	return reflect.DeepEqual(a.Scenario.Load, b.Scenario.Load) &&
		reflect.DeepEqual(a.Scenario.Backend, b.Scenario.Backend) &&
		reflect.DeepEqual(a.Scenario.Timing, b.Scenario.Timing)
}

func compared(p Part) Compared {
	c := Compared{
		Name: p.Name, Description: p.Description, Settings: p.Settings, Record: p.Dir,
		Status: NotRun, Error: p.Error, record: p.Record,
	}
	if p.Error != "" {
		c.Status = CouldNot
	}
	if p.Record == nil {
		c.Sentence = c.sentence()
		return c
	}
	s := Summarise(p.Record)
	p.Record, _ = verdict.Fullest(p.Record) // of several gateways
	c.record = p.Record
	c.summary = s
	c.Outcome, c.Validity, c.ExitCode, c.Reason = &s.Outcome, s.Validity, &s.ExitCode, s.Reason
	c.Expected = string(s.Expected)
	if p.Error == "" {
		c.Status = Ran
		if s.Run.Interrupted != "" {
			c.Status = CutOff
		}
	}
	f := s.Figures
	c.Measured, c.Planned = f.Time.Measured, f.Time.Planned
	c.Ended, c.OOM, c.Deaths = ends(p.Record, f.Failures)
	c.Spans = spanFates(s)
	c.Memory = ComparedSize{
		Peak:          top(record.WorkingSet(closest(p.Record), record.Gateway)),
		Unreclaimable: top(record.Unreclaimable(closest(p.Record), record.Gateway)),
		Limit:         f.Memory.Limit,
	}
	c.CPU = ComparedCPU{Average: f.CPU.Average, Max: f.CPU.Max, Limit: f.CPU.Limit}
	if l := f.Latency.Total; l != nil {
		c.P99 = l.P99
	}
	c.Sentence = c.sentence()
	return c
}

// ends are when the gateway first ended, when it was first killed for want of memory,
// and how often it ended.
func ends(r *record.Record, f verdict.FailureFigures) (ended, oom *float64, n int) {
	if f.KilledAt != nil {
		ended, n = f.KilledAt, 1
		if f.Killed && f.OOMKilled != nil && *f.OOMKilled {
			oom = f.KilledAt
		}
	}
	if r.Ending == nil || len(r.Ending.Deaths) == 0 {
		return ended, oom, n
	}
	ended, oom, n = nil, nil, 0
	for _, d := range r.Ending.Deaths {
		if d.Kind == record.DeathHang {
			continue
		}
		n++
		if ended == nil {
			ended = new(d.Elapsed)
		}
		if oom == nil && d.Kind == record.DeathOOM {
			oom = new(d.Elapsed)
		}
	}
	return ended, oom, n
}

// closest are the pulses as samples where there are any, and the samples elsewhere: the
// last look before a kill is then at most a tenth of a second old.
func closest(r *record.Record) []record.Sample {
	if len(r.Pulses) == 0 {
		return r.Samples
	}
	var all []record.Sample
	for _, p := range r.Pulses {
		s := record.Sample{At: p.At, Elapsed: p.Elapsed, Actors: map[string]record.ActorSample{}}
		for name, usage := range p.Actors {
			s.Actors[name] = record.ActorSample{Usage: usage}
		}
		all = append(all, s)
	}
	if _, _, known := record.Unreclaimable(all, record.Gateway).Max(); !known {
		return r.Samples
	}
	return all
}

func top(s record.Series) *float64 {
	if v, _, ok := s.Max(); ok {
		return new(v)
	}
	return nil
}

func spanFates(s Summary) *SpanFates {
	a := s.Account.Measured
	if a == nil {
		return nil
	}
	f := SpanFates{
		Due: a.Due, Delivered: s.Figures.Delivery.Delivered, Lost: a.Acknowledged.NotDelivered,
		Refused: a.RefusedRetryable.NotDelivered + a.RefusedPermanent.NotDelivered +
			a.RejectedInPart.NotDelivered,
		Unanswered: a.Unknown.NotDelivered, GivenUp: a.Dropped.NotDelivered, Unsent: a.Unsent,
	}
	if sampled := s.Figures.Delivery.Sampled; sampled != nil {
		f.Sampled = *sampled
		f.Lost -= f.Sampled
	}
	of := func(n uint64) *float64 {
		if f.Due == 0 {
			return nil
		}
		return new(float64(n) / float64(f.Due))
	}
	f.DeliveredRatio, f.RefusedRatio, f.LostRatio = of(f.Delivered), of(f.Refused), of(f.Lost)
	f.UnansweredRatio, f.UnsentRatio = of(f.Unanswered), of(f.Unsent)
	f.Unexplained = s.Figures.Explained.Unexplained
	return &f
}

// settle draws the conclusion: the worst of the parts. A part without a trial did not
// ask its question.
func (c *Comparison) settle() {
	var why string
	missing, failed := false, 0
	for i := range c.Parts {
		p := &c.Parts[i]
		outcome, reason := verdict.Invalid, p.Sentence
		if p.Status == Ran || p.Status == CutOff {
			outcome, reason = *p.Outcome, p.Reason
			c.Validity = worse(c.Validity, p.Validity)
		} else {
			missing = missing || p.Status == CouldNot
			c.Validity = verdict.Unusable
		}
		if outcome != verdict.Pass {
			failed++
		}
		if outcome > c.Outcome || why == "" && outcome != verdict.Pass {
			c.Outcome, why = outcome, p.Name+": "+reason
		}
	}
	c.ExitCode = map[verdict.Outcome]int{
		verdict.Pass: verdict.ExitPass, verdict.Invalid: verdict.ExitInvalid,
		verdict.Fail: verdict.ExitFail,
	}[c.Outcome]
	if missing && c.Outcome != verdict.Fail {
		c.ExitCode = exitCannotRun
	}
	switch c.Interrupted {
	case "":
	case "SIGTERM":
		c.ExitCode = verdict.ExitTerminated
	default:
		c.ExitCode = verdict.ExitInterrupt
	}
	switch failed {
	case 0:
		c.Reason = fmt.Sprintf("all %d ended as they were to", len(c.Parts))
	case 1:
		c.Reason = why
	default:
		c.Reason = fmt.Sprintf("%s (and %d more of %d)", why, failed-1, len(c.Parts))
	}
}

// exitCannotRun is the exit code where one of the trials could not be run.
const exitCannotRun = 1

func worse(a, b verdict.Validity) verdict.Validity {
	rank := map[verdict.Validity]int{verdict.Valid: 0, verdict.Degraded: 1, verdict.Unusable: 2}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// fates are the fates with their names, in the order in which they are told.
func (f SpanFates) fates() []fate {
	return []fate{
		{"delivered", f.Delivered},
		{"refused", f.Refused},
		{"lost", f.Lost},
		{"sampled", f.Sampled},
		{"unanswered", f.Unanswered},
		{"given up by the SDK", f.GivenUp},
		{"unsent", f.Unsent},
	}
}

type fate struct {
	name  string
	spans uint64
}
