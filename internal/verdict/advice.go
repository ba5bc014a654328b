package verdict

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// An Advice is a change that the record gives reason for. There is none without
// evidence.
type Advice struct {
	Name     string     `json:"name"`
	Symptom  string     `json:"symptom"`
	Evidence []Evidence `json:"evidence"`
	// When is the time of the symptom, where it has one within the load.
	When   *Period `json:"when,omitempty"`
	Change string  `json:"change"`
	// Setting is YAML, of the kind of file that Where names: the first of Patches.
	Where   string `json:"where"`
	Setting string `json:"setting"`
	// Patches are the same change for each file that somebody may edit.
	Patches []Patch `json:"patches"`
	// Effect is what is to be expected, with its arithmetic where it was computed.
	Effect string `json:"effect"`
	// Promise is the expected effect as a figure of the next run; nil where none was
	// computed.
	Promise *Promise `json:"promise,omitempty"`

	// covers names advices that would treat what follows from this one's cause.
	covers []string
}

// A Patch is YAML to be laid over a file: mappings key by key, lists whole.
type Patch struct {
	For  PatchFor `json:"for"`
	YAML string   `json:"yaml"`
}

// PatchFor is the kind of file that a patch is for.
type PatchFor string

// The kinds of files. A destination is the spec of an Odigos Destination; Helm values
// are of the Odigos chart, and so are those for the autoscaler of kind odigos.
const (
	ForCollector   PatchFor = "collector"
	ForHelm        PatchFor = "odigos-helm"
	ForDestination PatchFor = "odigos-destination"
	ForScenario    PatchFor = "scenario"
	ForHPA         PatchFor = "hpa"
)

// A Promise is what a figure was, and what it is to be once the patch is applied.
type Promise struct {
	// Figure is its path under figures in the summary.
	Figure string  `json:"figure"`
	Unit   string  `json:"unit"`
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	// Sense is how After is meant: at most, at least, about.
	Sense string `json:"sense"`
}

// The senses of a promise.
const (
	AtMost  = "at most"
	AtLeast = "at least"
	About   = "about"
)

// Evidence is a figure that an advice rests on.
type Evidence struct {
	Text   string  `json:"text"` // with the number and its unit
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Source string  `json:"source"` // where it stands in the record or the summary
}

// The files that a setting can stand in.
const (
	inScenario  = "scenario"
	inCollector = "collector configuration"
)

// placeOf is how a reader is told which file a patch is for.
var placeOf = map[PatchFor]string{
	ForCollector: inCollector, ForScenario: inScenario, ForHelm: "Helm values of Odigos",
	ForDestination: "Odigos Destination", ForHPA: "autoscaler",
}

// String names the file.
func (f PatchFor) String() string { return placeOf[f] }

// advices are all there are. Each returns nil when the record gives no reason for it.
var advices = []func(*subject) *Advice{
	belowBaseline,
	killedForMemory,
	queueTooLarge,
	limiterAfterBatch,
	memoryForThis,
	queueForLimit,
	consumersForRate,
	memoryNear,
	memoryGrows,
	goMemLimitOff,
	admissionRefuses,
	limiterRefuses,
	goMaxProcsHigh,
	cpuHeldBack,
	compressionCosts,
	noBatching,
	smallBatches,
	tooFewConsumers,
	queueTooSmall,
	queueFills,
	inFlightSmall,
	oneConnection,
	exportsTimeOut,
	drainShort,
}

// Advise returns what could be changed, and why; nothing when the record gives no
// reason for any of it. What only treats the consequence of a cause that another
// advice names is left out.
func Advise(r *record.Record) []Advice {
	s := newSubject(r)
	var out []Advice
	covered := map[string]bool{}
	for _, advise := range advices {
		// Two may find the same in two ways: the first speaks.
		if a := advise(s); a != nil && !slices.ContainsFunc(out, a.same) {
			a.settle()
			out = append(out, *a)
			for _, name := range a.covers {
				covered[name] = true
			}
		}
	}
	return slices.DeleteFunc(out, func(a Advice) bool { return covered[a.Name] })
}

func (a *Advice) same(other Advice) bool { return a.Name == other.Name }

// settle makes one of Setting and Patches where only the other was given.
func (a *Advice) settle() {
	if len(a.Patches) == 0 {
		kind := ForScenario
		if a.Where == inCollector {
			kind = ForCollector
		}
		a.Patches = []Patch{{kind, a.Setting}}
	}
	a.Where, a.Setting = a.Patches[0].For.String(), a.Patches[0].YAML
}

func proof(source, unit string, value float64, format string, args ...any) Evidence {
	return Evidence{
		Text: fmt.Sprintf(format, args...), Value: value, Unit: unit,
		Source: "summary.json: figures." + source,
	}
}

// above is whether a figure is known and greater.
func above(v *float64, limit float64) bool { return v != nil && *v > limit }

func bytesText(v float64) string { return fmt.Sprintf("%.0f MiB", v/(1<<20)) }

func killedForMemory(s *subject) *Advice {
	m, f := s.f.Memory, s.f.Failures
	if !f.Killed || f.OOMKilled == nil || !*f.OOMKilled || m.Limit == nil || s.needed() != nil {
		return nil
	}
	a := &Advice{
		Name:    "memory-limit-too-small",
		Symptom: "the gateway was killed for want of memory" + when(f.KilledAt),
		Evidence: []Evidence{proof("gateway_memory.limit_bytes", "bytes", *m.Limit,
			"memory limit %s", bytesText(*m.Limit))},
		Change: "Raise the memory limit and run again. How much was needed is not known: " +
			"the kill cut the growth off.",
		Patches: s.memoryPatches(2 * *m.Limit),
		Effect: "The next trial shows where the working set settles, if it does. Twice the " +
			"limit is a place to start, no estimate.",
	}
	if m.PeakOfRun != nil {
		a.Evidence = append(a.Evidence, proof("gateway_memory.whole_run_working_set_peak_bytes",
			"bytes", *m.PeakOfRun, "largest working set seen %s", bytesText(*m.PeakOfRun)))
	}
	if s.f.Pipeline.QueueMax != nil {
		a.Evidence = append(a.Evidence, proof("collector.queue_max_requests", "requests",
			*s.f.Pipeline.QueueMax, "exporter queue at most %s requests", Number(*s.f.Pipeline.QueueMax)))
	}
	return a
}

// comfortable is the share of the memory limit that a computed limit leaves used.
const comfortable = 0.7

func memoryNear(s *subject) *Advice {
	m := s.f.Memory
	if !above(m.Share, 0.8) || s.f.Failures.Killed {
		return nil
	}
	needed := *m.Peak / comfortable
	return &Advice{
		Name:    "memory-near-its-limit",
		Symptom: fmt.Sprintf("the working set came to %s of the memory limit", Percent(*m.Share)),
		Evidence: []Evidence{
			proof("gateway_memory.working_set_peak_bytes", "bytes", *m.Peak,
				"largest working set %s", bytesText(*m.Peak)),
			proof("gateway_memory.limit_bytes", "bytes", *m.Limit, "limit %s",
				bytesText(*m.Limit)),
		},
		Change: fmt.Sprintf("Raise the memory limit so that this peak is %s of it.",
			Percent(comfortable)),
		When:    period(record.WorkingSet(s.samples, record.Gateway), 0.8**m.Limit),
		Patches: s.memoryPatches(needed),
		Effect: fmt.Sprintf("Computed: %s ÷ %.1f = %s. Go's heap may grow with GOMEMLIMIT where "+
			"that is derived from the limit, so run again.", bytesText(*m.Peak), comfortable,
			bytesText(needed)),
	}
}

func admissionRefuses(s *subject) *Advice {
	n := s.f.Failures.AdmissionRejections
	if !above(n, 0) {
		return nil
	}
	a := &Advice{
		Name:    "admission-refuses",
		Symptom: "the gateway refused requests before decoding them: its heap was at GOMEMLIMIT",
		Evidence: []Evidence{proof("failures.whole_run_admission_rejected_requests", "requests",
			*n, "%s requests rejected, whole run", Count(int64(*n)))},
		Change: "Give the gateway more memory (GOMEMLIMIT follows the limit), or let the backend " +
			"take spans faster: what waits in its queue is what fills the heap.",
		When: memoryLimits(s).When,
		Effect: "Fewer refusals. A sender that does not retry loses what is refused; one that " +
			"retries sends it again.",
	}
	limit := float64(s.r.Header.Scenario.Gateway.MemoryLimit)
	a.Patches = []Patch{{ForScenario, "load:\n  retry: exporter\n"}}
	if limit > 0 {
		a.Patches = append(s.memoryPatches(1.5*limit), s.replicaPatch(2))
	}
	if s.f.Delivery.Known {
		a.Evidence = append(a.Evidence, proof("delivery.refused_spans", "spans",
			float64(s.f.Delivery.Refused), "%s spans refused in the measured time",
			Count(s.f.Delivery.Refused)))
	}
	if q := s.f.Pipeline.QueueShare; q != nil {
		a.Evidence = append(a.Evidence, proof("collector.queue_max_ratio_of_capacity", "ratio",
			*q, "exporter queue at most %s full", Percent(*q)))
	}
	return a
}

// limiterRefuses speaks when a memory limiter refused spans. Where it has four fifths of
// the memory limit already, that is what there is too little of.
func limiterRefuses(s *subject) *Advice {
	n, m, ran := s.f.Failures.ProcessorRefused, s.f.Memory, s.ran()
	if !above(n, 0) {
		return nil
	}
	a := &Advice{
		Name:    "memory-limiter-refuses",
		Symptom: "a processor of the gateway refused spans, as the memory limiter does",
		When:    memoryLimits(s).When,
		Evidence: []Evidence{proof("failures.whole_run_processor_refused_spans", "spans", *n,
			"%s spans refused by processors, whole run", Count(int64(*n)))},
		Change: "Give the limiter more room, within the memory limit.",
		Effect: "Fewer refusals, and a working set nearer to the limit: run again and look at " +
			"the distance to an OOM kill.",
	}
	id, settings := "memory_limiter", "    limit_percentage: 80\n    spike_limit_percentage: 20\n"
	if ran != nil && len(ran.Of(id)) > 0 {
		step := ran.Of(id)[0]
		id = step.ID
		if had := mebisOf(step.Config["limit_mib"]); had > 0 && m.Limit != nil {
			if had >= 0.75**m.Limit {
				a.Change = "Raise the memory limit, and the limiter's with it."
				a.Patches = s.memoryPatches(1.5 * *m.Limit)
				return a
			}
			settings = "    limit_mib: " + mebis(0.8**m.Limit) + "\n    spike_limit_mib: " +
				mebis(0.2**m.Limit) + "\n"
		}
	}
	a.Patches = []Patch{{ForCollector, "processors:\n  " + id + ":\n" + settings}}
	return a
}

// mebisOf reads a whole number of MiB out of a configuration, as bytes; 0 where it is none.
func mebisOf(v any) float64 {
	n, err := strconv.ParseFloat(fmt.Sprint(v), 64)
	if err != nil {
		return 0
	}
	return n * mebi
}
