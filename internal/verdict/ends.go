package verdict

import (
	"math"
	"slices"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

const (
	// backendSeconds is how long a request may stay in a backend that was not told
	// to wait.
	backendSeconds = 0.1
	// lateAnswers is the share of the backend's answers that may be later than
	// scenario.LateAnswer: with more, their p99 is.
	lateAnswers = 0.01
	// pausedSeconds is for how long an end of ours must have used no CPU at all. It
	// answers for its metrics each second, which alone costs some.
	pausedSeconds = 0.9
)

// backendSlow asks whether the backend was slower than the gateway without having
// been told to.
func backendSlow(s *subject) []Finding {
	const check = "backend"
	source := record.SamplesFile + ": actors.backend"
	told := s.r.Header.Scenario.Backend
	if cpu := s.f.Backend.wanted(); cpu != "" {
		return because(BackendCPUFull, with(one(check, Void, "the backend did not keep up: %s", cpu),
			s.f.Backend.Max, s.f.Backend.Allowed, "cores", source))
	}
	isLate, answers := s.lateAnswers()
	if isLate {
		return answers
	}
	if told.MaxConcurrent > 0 {
		return one(check, Held, "the backend was told to work on %d requests at once, and "+
			"had CPU to spare", told.MaxConcurrent)
	}
	inFlight := mean(record.MetricSeries(s.samples, record.Backend, record.BackendInFlight))
	requests, over := record.Increase(
		record.MetricSeries(s.samples, record.Backend, record.BackendRequests))
	if inFlight == nil || over == 0 || requests == 0 {
		return one(check, Note, "how long requests stayed in the backend is not known")
	}
	// Little's law: the mean stay is the mean number inside over those a second.
	stay := max(0, *inFlight*over/requests-time.Duration(told.Delay).Seconds())
	severity, text := Held, "the backend had CPU to spare"
	if stay > backendSeconds && *inFlight >= 1 {
		severity, text = Void, "the backend did not keep up"
	}
	return append(because(BackendSlow, with(one(check, severity, "%s: requests stayed in it for %s "+
		"beyond the delay it was told, on average (allowed %s)", text, Seconds(stay),
		Seconds(backendSeconds)), &stay, new(backendSeconds), "seconds", source)), answers...)
}

// backendFault says that the backend, and not the gateway, was the cause of what was late
// or refused; empty when it was not.
func (s *subject) backendFault() string {
	for _, f := range slices.Concat(backendSlow(s), paused(s)) {
		if f.Severity == Void && f.Reason != GeneratorPaused {
			return "the backend was the cause"
		}
	}
	return ""
}

// lateFault says what else than the gateway made latencies what they are; empty when
// nothing did.
func (s *subject) lateFault() string {
	moved, _, _ := s.clockMoved()
	switch {
	case s.ownFault() != "":
		return "the load generator was late"
	case math.Abs(moved) > clockVoid:
		return "the clock was set"
	}
	return s.backendFault()
}

// lateAnswers holds the answers that the backend, as it counts itself, gave later than
// it was to against those it gave. A record of before it counted them has no finding.
func (s *subject) lateAnswers() (isLate bool, found []Finding) {
	count := func(m record.Metric) float64 {
		by, _ := record.Increase(record.MetricSeries(s.samples, record.Backend, m))
		return by
	}
	all := count(record.BackendRequests)
	if record.MetricSeries(s.samples, record.Backend, record.BackendLate).Len() == 0 || all == 0 {
		return false, nil
	}
	n := count(record.BackendLate)
	share, severity, text := n/all, Held, "the backend answered in time"
	if isLate = share > lateAnswers; isLate {
		severity, text = Void, "the backend did not keep up"
	}
	return isLate, because(BackendLate, with(one("backend", severity, "%s: %s of %s answers were "+
		"given %s or more after they were to be (%s, allowed %s)", text, Number(n), Number(all),
		Seconds(scenario.LateAnswer.Seconds()), Percent(share), Percent(lateAnswers)), &share,
		new(lateAnswers), "ratio", record.SamplesFile+": actors.backend"))
}

// paused asks whether an end of ours stood still: it used no CPU at all from one look to
// another, and did not answer one of the two. Where CPU is known in ticks of 10 ms only,
// using none is no sign by itself.
func paused(s *subject) []Finding {
	const check = "paused"
	var found []Finding
	known := false
	for _, of := range []struct {
		actor string
		why   Reason
	}{{record.Loadgen, GeneratorPaused}, {record.Backend, BackendPaused}} {
		from, to, ok := s.longestStill(of.actor)
		known = known || ok
		if still := to - from; still >= pausedSeconds {
			f := because(of.why, with(one(check, Void, "the %s stood still: it used no CPU at all from "+
				"%s to %s, for %s (allowed %s)", of.actor, Clock(from), Clock(to), Seconds(still),
				Seconds(pausedSeconds)), &still, new(pausedSeconds), "seconds",
				record.SamplesFile+": usage.cpu_seconds"))
			f[0].From, f[0].To = &from, &to
			found = append(found, f...)
		}
	}
	if len(found) > 0 || !known {
		return found
	}
	return one(check, Held, "load generator and backend never stood still for %s",
		Seconds(pausedSeconds))
}

// stoodStill is the longest time, in elapsed seconds, in which an actor was there and
// did nothing; known is whether its CPU was read twice. Where that is read seldom, no look
// from one reading to the next was answered.
func (s *subject) stoodStill(actor string) (from, to float64, known bool) {
	if _, coarse := s.steps[actor]; coarse {
		return s.stoodStillBetween(actor)
	}
	start, still := 0.0, false
	for i := 1; i < len(s.samples); i++ {
		before, now := s.samples[i-1].Actors[actor], s.samples[i].Actors[actor]
		if !cpuTold(before) || !cpuTold(now) {
			still = false
			continue
		}
		known = true
		silent := before.ScrapeError != "" || now.ScrapeError != ""
		if !now.Running || !silent || *now.Usage.CPUSeconds > *before.Usage.CPUSeconds {
			still = false
			continue
		}
		if !still {
			start, still = s.samples[i-1].Elapsed, true
		}
		if end := s.samples[i].Elapsed; end-start > to-from {
			from, to = start, end
		}
	}
	return from, to, known
}

func cpuTold(a record.ActorSample) bool { return a.Usage != nil && a.Usage.CPUSeconds != nil }

func (s *subject) stoodStillBetween(actor string) (from, to float64, known bool) {
	before, silent := -1, true
	for i := range s.samples {
		now := s.samples[i].Actors[actor]
		if cpuTold(now) {
			if before >= 0 {
				known = true
				was := *s.samples[before].Actors[actor].Usage.CPUSeconds
				start, end := s.samples[before].Elapsed, s.samples[i].Elapsed
				if now.Running && silent && i > before+1 && *now.Usage.CPUSeconds <= was &&
					end-start > to-from {
					from, to = start, end
				}
			}
			before, silent = i, true
			continue
		}
		silent = silent && now.ScrapeError != ""
	}
	return from, to, known
}
