package verdict

import "slices"

// A Reason is the name of why a trial may be believed less, or not at all. Each stands
// in one table with its threshold; docs/validity.md is made from it.
type Reason string

// The reasons for which a trial did not ask its question.
const (
	CutOff           Reason = "cut-off"
	Interrupted      Reason = "interrupted"
	NotFinished      Reason = "not-finished"
	NeverBegan       Reason = "load-never-began"
	EndDied          Reason = "end-died"
	CutShort         Reason = "cut-short"
	GatewayTaken     Reason = "gateway-taken-away"
	NothingMeasured  Reason = "nothing-measured"
	BookMissing      Reason = "book-missing"
	BooksUnbalanced  Reason = "books-unbalanced"
	TargetNotReached Reason = "target-not-reached"
	NothingSent      Reason = "nothing-sent"
	GeneratorLate    Reason = "generator-late"
	GeneratorCPUFull Reason = "generator-cpu-full"
	GeneratorUnsent  Reason = "generator-unsent"
	GeneratorPaused  Reason = "generator-paused"
	BackendCPUFull   Reason = "backend-cpu-full"
	BackendSlow      Reason = "backend-slow"
	BackendLate      Reason = "backend-late"
	BackendPaused    Reason = "backend-paused"
	NotSeen          Reason = "not-seen"
	ClockStepped     Reason = "clock-stepped"
	StillInside      Reason = "lost-or-still-inside"
)

// The reasons for which a trial has a result with a reservation.
const (
	ClockUnsteady     Reason = "clock-unsteady"
	FewerGateways     Reason = "fewer-gateways"
	GatewaySilent     Reason = "gateway-silent"
	UsageUnknown      Reason = "usage-not-known"
	UsageSeldom       Reason = "usage-seldom-read"
	LimitsNotEnforced Reason = "limits-not-enforced"
	LimitsTooLarge    Reason = "limits-above-machine"
	LimitsExceeded    Reason = "limits-exceeded"
	HostBusy          Reason = "host-busy"
	HostFull          Reason = "host-full"
	HostSteal         Reason = "host-steal"
	HostPressure      Reason = "host-pressure"
	EndsStalled       Reason = "ends-stalled"
	NearCeiling       Reason = "near-own-ceiling"
	NotSettled        Reason = "not-settled"
	NotDrained        Reason = "not-drained"
	QueueGrew         Reason = "queue-grew"
	TooShortToHold    Reason = "too-short-for-threshold"
	TooFewForQuantile Reason = "too-short-for-percentile"
	LostOrSampled     Reason = "lost-or-sampled"
	WrongPrediction   Reason = "prediction-contradicted"
	KillNotTold       Reason = "kill-not-told-apart"
	AssertionUnknown  Reason = "assertion-not-known"
)

// A ReasonEntry is a line of the table of reasons.
type ReasonEntry struct {
	Name Reason
	// Check finds it.
	Check string
	// Effect is Unusable or Degraded.
	Effect Validity
	// Threshold from which it counts, with its unit.
	Threshold string
	// Means says what then cannot be believed, Do what helps.
	Means, Do string
}

// Reasons is the whole table, in the order of a report.
func Reasons() []ReasonEntry { return slices.Clone(reasonTable) }

// Remedy is what helps against a reason; empty for one that is not in the table.
func (r Reason) Remedy() string {
	for _, e := range reasonTable {
		if e.Name == r {
			return e.Do
		}
	}
	return ""
}

// because gives a list of one finding its reason, if it weighs on the validity.
func because(r Reason, fs []Finding) []Finding {
	if fs[0].Severity == Void || fs[0].Severity == Reservation {
		fs[0].Reason = r
	}
	return fs
}

// reasons are the names of what weighs on the validity, the heavier first, each once.
// A finding that was made lighter since has none.
func (v *Verdict) reasons() (names []Reason) {
	for _, severity := range []Severity{Void, Reservation} {
		for i := range v.Findings {
			f := &v.Findings[i]
			if f.Severity != Void && f.Severity != Reservation {
				f.Reason = ""
			}
			if f.Severity == severity && f.Reason != "" && !slices.Contains(names, f.Reason) {
				names = append(names, f.Reason)
			}
		}
	}
	return names
}
