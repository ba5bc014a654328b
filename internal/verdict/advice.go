package verdict

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// An Advice is a change that the record gives reason for. There is none without
// evidence.
type Advice struct {
	Name     string     `json:"name"`
	Symptom  string     `json:"symptom"`
	Evidence []Evidence `json:"evidence"`
	Change   string     `json:"change"`
	// Setting is YAML, of the kind of file that Where names.
	Where   string `json:"where"`
	Setting string `json:"setting"`
	// Effect is what is to be expected: in words, unless it was computed.
	Effect string `json:"effect"`
}

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

// advices are all there are. Each returns nil when the record gives no reason for it.
var advices = []func(*subject) *Advice{
	killedForMemory,
	memoryForThis,
	queueForLimit,
	consumersForRate,
	memoryNear,
	memoryGrows,
	goMemLimitOff,
	admissionRefuses,
	limiterRefuses,
	cpuHeldBack,
	compressionCosts,
	smallBatches,
	queueFills,
	inFlightSmall,
	oneConnection,
	exportsTimeOut,
	drainShort,
}

// Advise returns what could be changed, and why; nothing when the record gives no
// reason for any of it.
func Advise(r *record.Record) []Advice {
	s := newSubject(r)
	var out []Advice
	for _, advise := range advices {
		if a := advise(s); a != nil {
			out = append(out, *a)
		}
	}
	return out
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

// roundUp gives MiB in steps that somebody would write.
func roundUp(bytes float64) string {
	return fmt.Sprintf("%.0fMi", 50*math.Ceil(bytes/(1<<20)/50))
}

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
		Where:   inScenario,
		Setting: "gateway:\n  memory_limit: " + roundUp(2**m.Limit) + "\n",
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
		Where:   inScenario,
		Setting: "gateway:\n  memory_limit: " + roundUp(needed) + "\n",
		Effect: fmt.Sprintf("Computed: %s ÷ %.1f = %s. Go's heap may grow with GOMEMLIMIT where "+
			"that is derived from the limit, so run again.", bytesText(*m.Peak), comfortable,
			bytesText(needed)),
	}
}

// memoryGrows speaks of growth that is a line (R² of 0.8 and more), comes to a tenth
// of the average within the measured time, and would meet the limit within a day.
func memoryGrows(s *subject) *Advice {
	if s.r.Header.Scenario.Load.Pattern != scenario.PatternConstant {
		return nil // it grows with the load
	}
	m := s.f.Memory
	if m.Growth == nil || m.Fit == nil || m.Limit == nil || *m.Fit < 0.8 || *m.Growth <= 0 ||
		s.f.Failures.Killed || *m.Growth*s.time.Measured/60 < 0.1**m.Average {
		return nil
	}
	minutes := (*m.Limit - *m.Last) / *m.Growth
	if minutes <= 0 || minutes > 24*60 {
		return nil
	}
	return &Advice{
		Name:    "memory-grows",
		Symptom: "the working set grew all the measured time and did not settle",
		Evidence: []Evidence{
			proof("gateway_memory.working_set_growth_bytes_per_minute", "bytes/min", *m.Growth,
				"growth %.1f MiB/min", *m.Growth/(1<<20)),
			proof("gateway_memory.working_set_growth_r_squared", "", *m.Fit,
				"R² of the line %.2f", *m.Fit),
			proof("gateway_memory.working_set_last_bytes", "bytes", *m.Last,
				"from %s to %s", bytesText(*m.First), bytesText(*m.Last)),
		},
		Change: "Run longer before this limit is trusted.",
		Where:  inScenario,
		Setting: "timing:\n  duration: " + strconv.Itoa(int(math.Ceil(max(10, 1.5*minutes)))) +
			"m\n",
		Effect: fmt.Sprintf("Computed: at this slope the limit of %s is met %.0f min after the "+
			"end. Whether the slope lasts is what the longer trial shows.", bytesText(*m.Limit),
			minutes),
	}
}

var goMemLimitText = regexp.MustCompile(`^([0-9]+)(B|KiB|MiB|GiB|TiB)?$`)

// goMemLimit reads GOMEMLIMIT as the Go runtime does.
func goMemLimit(text string) (bytes float64, ok bool) {
	m := goMemLimitText.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseFloat(m[1], 64)
	unit := map[string]float64{"": 0, "B": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}[m[2]]
	return n * math.Exp2(unit), err == nil
}

func (s *subject) gatewayEnv(name string) string {
	for _, a := range s.r.Header.Actors {
		if a.Name == record.Gateway {
			return a.Env[name]
		}
	}
	return ""
}

// goMemLimitOff speaks when memory came near the limit, and the Go runtime either did
// not know of the limit or was told of one too close to it.
func goMemLimitOff(s *subject) *Advice {
	m := s.f.Memory
	near := above(over(m.PeakOfRun, m.Limit), 0.8) || s.f.Failures.Killed
	text := s.gatewayEnv("GOMEMLIMIT")
	told, ok := goMemLimit(text)
	if !near || m.Limit == nil || ok && told <= 0.9**m.Limit {
		return nil
	}
	symptom := "the Go runtime was not told of the memory limit (no GOMEMLIMIT)"
	if ok {
		symptom = fmt.Sprintf("GOMEMLIMIT is %s of the memory limit: what Go does not count "+
			"finds no room", Percent(told / *m.Limit))
	} else if text != "" {
		symptom = fmt.Sprintf("GOMEMLIMIT is %q, which sets no limit", text)
	}
	want := 0.8 * (*m.Limit - 50*(1<<20))
	if want <= 0 {
		want = 0.8 * *m.Limit
	}
	a := &Advice{
		Name: "gomemlimit", Symptom: symptom,
		Evidence: []Evidence{proof("gateway_memory.limit_bytes", "bytes", *m.Limit,
			"memory limit %s", bytesText(*m.Limit))},
		Change:  "Set GOMEMLIMIT to 80 % of the limit less 50 MiB, as Odigos' chart does.",
		Where:   inScenario,
		Setting: fmt.Sprintf("gateway:\n  gomemlimit: %.0fMi\n", want/(1<<20)),
		Effect: "The garbage collector works harder as the heap comes near, at the price of " +
			"CPU, and an Odigos gateway refuses requests instead of being killed.",
	}
	if m.PeakOfRun != nil {
		a.Evidence = append(a.Evidence, proof("gateway_memory.whole_run_working_set_peak_bytes",
			"bytes", *m.PeakOfRun, "largest working set seen %s", bytesText(*m.PeakOfRun)))
	}
	return a
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
		Where: inScenario,
		Effect: "Fewer refusals. A sender that does not retry loses what is refused; one that " +
			"retries sends it again.",
	}
	limit := float64(s.r.Header.Scenario.Gateway.MemoryLimit)
	a.Setting = "gateway:\n  memory_limit: " + roundUp(1.5*limit) + "\n"
	if limit == 0 {
		a.Setting = "load:\n  retry: exporter\n"
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

func limiterRefuses(s *subject) *Advice {
	n := s.f.Failures.ProcessorRefused
	if !above(n, 0) {
		return nil
	}
	ids := "memory_limiter"
	for _, p := range s.r.Header.Scenario.Gateway.Processors {
		if strings.HasPrefix(p.ID, ids) {
			ids = p.ID
			break
		}
	}
	return &Advice{
		Name:    "memory-limiter-refuses",
		Symptom: "a processor of the gateway refused spans, as the memory limiter does",
		Evidence: []Evidence{proof("failures.whole_run_processor_refused_spans", "spans", *n,
			"%s spans refused by processors, whole run", Count(int64(*n)))},
		Change: "Give the limiter more room, within the memory limit.",
		Where:  inCollector,
		Setting: "processors:\n  " + ids + ":\n    limit_percentage: 80\n" +
			"    spike_limit_percentage: 20\n",
		Effect: "Fewer refusals, and a working set nearer to the limit: run again and look at " +
			"the distance to an OOM kill.",
	}
}
