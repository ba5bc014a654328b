package verdict

import (
	"fmt"
	"math"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// exporterTimeout is how long an OTLP exporter of a collector waits for an answer when
// its configuration does not say.
const exporterTimeout = 5 * time.Second

// exportsTimeOut speaks when the backend was told to answer no sooner than an exporter
// gives up by default, and exports failed or what had come was sent again.
func exportsTimeOut(s *subject) *Advice {
	delay := time.Duration(s.r.Header.Scenario.Backend.Delay)
	if delay < exporterTimeout || s.received == nil ||
		!above(s.f.Failures.ExportFailed, 0) && s.received.Duplicate == 0 && s.arrives() {
		return nil
	}
	a := &Advice{
		Name: "exports-time-out",
		Symptom: fmt.Sprintf("the backend answers after %s, and an OTLP exporter gives up after %s "+
			"unless it is told otherwise", Seconds(delay.Seconds()), Seconds(exporterTimeout.Seconds())),
		Evidence: []Evidence{{
			Text: "the backend's delay " + Seconds(delay.Seconds()), Value: delay.Seconds(),
			Unit: "seconds", Source: record.HeaderFile + ": scenario.backend.delay_seconds",
		}, {
			Text:  Count(s.received.Duplicate) + " spans delivered again, whole run",
			Value: float64(s.received.Duplicate), Unit: "spans",
			Source: record.EndingFile + ": received.duplicate_spans",
		}},
		Change: "Let the exporter wait longer than the backend takes, or the backend answer sooner.",
		Patches: []Patch{exporterPatch(s.exporterID(), fmt.Sprintf("timeout: %.0fs\n",
			math.Ceil(2*delay.Seconds())))},
		Effect: "An export is answered instead of being given up and sent again. Each still holds a " +
			"consumer of the queue for as long as the backend takes.",
	}
	if n := s.f.Failures.ExportFailed; above(n, 0) {
		a.Evidence = append(a.Evidence, proof("failures.whole_run_export_failed_spans", "spans", *n,
			"%s spans given up by the exporters, whole run", Count(int64(*n))))
	}
	if call := s.f.Pipeline.ExportCall; call != nil {
		a.Evidence = append(a.Evidence, proof("collector.export_call_mean_seconds", "seconds", *call,
			"an export took %s on average", Seconds(*call)))
	}
	return a
}

// arrives is whether the gateway counted spans as sent.
func (s *subject) arrives() bool { return above(s.f.Pipeline.Sent, 0) }

// drainShort speaks when the backend failed on purpose and the gateway was not empty when
// the drain ended: an exporter that was refused waits before it tries again.
func drainShort(s *subject) *Advice {
	told, d := s.r.Header.Scenario.Backend, s.ending.Drained
	failed := told.SuccessRate != nil && *told.SuccessRate < 1 && s.received != nil &&
		s.received.Failed > 0
	if !failed || d.Complete || s.r.Ending == nil || s.gone() || s.ending.Interrupted != "" {
		return nil
	}
	drain := time.Duration(s.r.Header.Scenario.Timing.Drain).Seconds()
	return &Advice{
		Name: "drain-too-short",
		Symptom: "the backend failed as it was told to, and the drain ended while the exporter still " +
			"waited to try again",
		Evidence: []Evidence{{
			Text:  Count(s.received.Failed) + " spans answered with failure by the backend, whole run",
			Value: float64(s.received.Failed), Unit: "spans",
			Source: record.EndingFile + ": received.failed_spans",
		}, {
			Text:  fmt.Sprintf("not drained after %s", Seconds(d.Seconds)),
			Value: d.Seconds, Unit: "seconds", Source: record.EndingFile + ": drained.seconds",
		}},
		Change: "Let the drain last longer than the exporter's retries, or the exporter wait less " +
			"between them (retry_on_failure: max_interval is 30 s by default, max_elapsed_time 5 min).",
		Where:   inScenario,
		Setting: fmt.Sprintf("timing:\n  drain: %.0fs\n", max(300, math.Ceil(2*drain))),
		Effect: "What is lost and what was only under way can be told apart. The trial lasts as long " +
			"as the gateway takes to become empty, at most so long.",
	}
}

// exporterID is the exporter to the backend, as the configuration that ran names it.
func (s *subject) exporterID() string {
	if ran := s.ran(); ran != nil {
		return ran.Exporter
	}
	return "otlp"
}
