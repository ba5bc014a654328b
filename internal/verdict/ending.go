package verdict

import (
	"fmt"
	"math"
	"strings"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// gone tells whether the gateway ended without being asked to. What then became of
// the load is its doing.
func (s *subject) gone() bool { return s.f.Failures.Killed || s.f.Failures.KilledAt != nil }

// completed asks whether the trial went from its beginning to its end.
func completed(s *subject) []Finding {
	const check = "completed"
	e := s.r.Ending
	switch {
	case e == nil:
		return because(CutOff, one(check, Void, "the record has no ending: the trial was cut off "+
			"before it could write one, after %s", plural(len(s.r.Samples), "sample", "samples")))
	case e.Interrupted != "":
		return because(Interrupted, one(check, Void, "interrupted by %s after %s of %s measured time",
			e.Interrupted, Seconds(s.time.Measured), Seconds(s.time.Planned)))
	case e.Error != "":
		return because(NotFinished, one(check, Void, "could not be finished: %s", sentence(e.Error)))
	case e.LoadStart.IsZero():
		return because(NeverBegan, one(check, Void, "the load never began"))
	}
	for _, actor := range []string{record.Loadgen, record.Backend} {
		state, known := e.States[actor]
		if state.Taken() {
			return because(EndDied, one(check, Void, "the %s was taken away by its place (%s)", actor,
				state.Reason))
		}
		if known && !state.Running && !state.Stopped && (state.ExitCode != 0 || actor == record.Backend) {
			return because(EndDied, one(check, Void, "the %s ended by itself (exit code %d%s)", actor,
				state.ExitCode, signal(state.Signal)))
		}
	}
	switch {
	case strings.HasPrefix(e.CutShort, CutByAssertion):
		return one(check, Note, "the load was ended after %s of %s measured time, as an "+
			"assertion asks (abort_on_fail): %s", Seconds(s.time.Measured), Seconds(s.time.Planned),
			sentence(strings.TrimPrefix(e.CutShort, CutByAssertion)))
	case e.CutShort != "" && s.gone():
		return one(check, Note, "the load ended after %s of %s measured time: %s",
			Seconds(s.time.Measured), Seconds(s.time.Planned), sentence(e.CutShort))
	case e.CutShort != "":
		return because(CutShort, one(check, Void, "the load ended after %s of %s measured time: %s",
			Seconds(s.time.Measured), Seconds(s.time.Planned), sentence(e.CutShort)))
	}
	return with(one(check, Held, "load ran for the planned %s after %s of warm-up",
		Seconds(s.time.Measured), Seconds(s.time.WarmUp)),
		&s.f.Time.Measured, &s.f.Time.Planned, "seconds", record.EndingFile)
}

func signal(name string) string {
	if name == "" {
		return ""
	}
	return ", " + name
}

// survived asks whether the gateway lived until it was asked to stop.
func survived(s *subject) []Finding {
	const check = "gateway"
	expected := s.r.Header.Scenario.Expect
	f := s.f.Failures
	found := died(s)
	switch {
	case len(found) > 0:
	case f.Killed:
		found = one(check, Critical, "the gateway was killed%s%s%s%s", forMemory(f.OOMKilled),
			when(f.KilledAt), s.memoryThen(), s.diedWith())
	case f.KilledAt != nil && s.ending.States[record.Gateway].Taken():
		found = because(GatewayTaken, one(check, Void, "%s%s%s",
			takenText(s.ending.States[record.Gateway]), when(f.KilledAt), takenWhy))
	case f.KilledAt != nil:
		state := s.ending.States[record.Gateway]
		found = one(check, Critical, "the gateway ended by itself%s (exit code %d%s)%s",
			when(f.KilledAt), state.ExitCode, signal(state.Signal), s.diedWith())
	case s.r.Ending == nil:
		return one(check, Note, "how the gateway ended is not known")
	case len(s.pods) > 0:
		found = one(check, Held, "no gateway died: those that were left ran until they were asked to "+
			"stop")
	default:
		found = one(check, Held, "the gateway ran until it was asked to stop")
	}
	if len(s.f.Deaths) == 0 {
		found[0].From = f.KilledAt
		found[0].Source = record.EndingFile + ": states.gateway; " + record.EventsFile
	}
	switch {
	case expected != scenario.ExpectKilled:
	case !s.expectedKill():
		found = append(found, Finding{
			Check: "expect", Severity: Critical,
			Text: "the gateway was to be killed for want of memory (expect: killed) and was not",
		})
	case f.OOMKilled == nil:
		found = append(found, Finding{
			Check: "expect", Severity: Reservation, Reason: KillNotTold,
			Text: "the gateway was to be killed for want of memory (expect: killed); it was " +
				"killed, and whether for want of memory is not known",
		})
	}
	return found
}

func forMemory(oom *bool) string {
	switch {
	case oom == nil:
		return " by SIGKILL (whether for want of memory is not known)"
	case *oom:
		return " for want of memory"
	}
	return " by SIGKILL, not for want of memory"
}

func when(at *float64) string {
	if at == nil {
		return ""
	}
	return " at " + Clock(*at)
}

// diedWith is what the gateway had taken, in the warm-up too, and never gave.
func (s *subject) diedWith() string {
	lost := s.ending.All.Acknowledged.NotDelivered
	if s.sent == nil || s.received == nil || lost == 0 {
		return ""
	}
	return fmt.Sprintf("; of the whole run %s acknowledged spans were not delivered, %s of them "+
		"measured", Count(lost), Count(s.ending.Measured.Acknowledged.NotDelivered))
}

func (s *subject) memoryThen() string {
	m := s.f.Memory
	if m.PeakOfRun == nil || m.Limit == nil {
		return ""
	}
	text := fmt.Sprintf("; largest working set seen %.0f MiB, limit %.0f MiB",
		*m.PeakOfRun/(1<<20), *m.Limit/(1<<20))
	at := s.f.Failures.KilledAt
	if _, coarse := s.steps[record.Gateway]; !coarse || at == nil {
		return text
	}
	before := record.WorkingSet(s.r.Samples, record.Gateway).Between(math.Inf(-1), *at)
	if n := before.Len(); n > 0 {
		text += fmt.Sprintf("; last read %s before its end (%.0f MiB)",
			Seconds(math.Round(*at-before.Elapsed[n-1])), before.Values[n-1]/(1<<20))
	}
	return text
}

// drained asks whether the gateway was empty when the books were closed.
func drained(s *subject) []Finding {
	const check = "drain"
	if s.r.Ending == nil || s.gone() || s.ending.Interrupted != "" || s.ending.Error != "" {
		return nil
	}
	d := s.ending.Drained
	if d.Complete {
		return one(check, Held, "the gateway was empty %s after the load: %s",
			Seconds(d.Seconds), sentence(d.Reason))
	}
	queue := "its queue is not known"
	if d.QueueSize != nil {
		queue = fmt.Sprintf("its queue still held %s requests", Number(*d.QueueSize))
	}
	return because(NotDrained, with(one(check, Reservation, "the gateway was not empty when the "+
		"drain ended after %s (%s; %s): spans not delivered may have been still inside",
		Seconds(d.Seconds), queue, sentence(d.Reason)), d.QueueSize, new(0.0), "requests",
		record.EndingFile+": drained"))
}

// resourcesHeld is CPU and memory against their thresholds.
func resourcesHeld(s *subject) []Finding {
	found := s.watch.Findings()
	gateway := s.r.Header.Scenario.Gateway
	if gateway.CPULimit <= 0 {
		found = append(found, one("cpu", Note, "not judged: the gateway has no CPU limit")...)
	}
	if gateway.MemoryLimit <= 0 {
		found = append(found,
			one("memory", Note, "not judged: the gateway has no memory limit")...)
	}
	for i := range found {
		if s.gone() && found[i].Severity == Reservation { // the kill says it all
			found[i].Severity = Note
		}
	}
	if s.r.Header.Scenario.Expect != scenario.ExpectCritical {
		return found
	}
	for _, f := range found {
		if f.Severity == Critical {
			return found
		}
	}
	return append(found, Finding{
		Check: "expect", Severity: Critical,
		Text: "a resource threshold was to become critical (expect: critical) and none did",
	})
}
