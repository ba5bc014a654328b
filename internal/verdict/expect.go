package verdict

import (
	"fmt"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// expect makes lighter what the author asked for, and what follows from it. It returns
// what was expected, if that is what came.
func (s *subject) expect(findings []Finding) (met scenario.Expect) {
	var forgiven func(Finding) bool
	expected := s.r.Header.Scenario.Expect
	switch expected {
	case scenario.ExpectKilled:
		if !s.expectedKill() {
			return "" // survived says so
		}
		met, forgiven = expected, s.followsKill
	case scenario.ExpectCritical:
		forgiven = func(f Finding) bool { return f.Check == "cpu" || f.Check == "memory" }
	}
	for i := range findings {
		f := &findings[i]
		if f.Severity == Critical && forgiven != nil && forgiven(*f) {
			met = expected
			f.Severity, f.Expected = Note, true
			f.Text += fmt.Sprintf(" (as expected: expect: %s)", expected)
		}
	}
	return met
}

// expectedKill is whether the gateway was killed for want of memory, as far as is
// known. Where it is known that it was not, somebody else killed it.
func (s *subject) expectedKill() bool {
	f := s.f.Failures
	return f.Killed && (f.OOMKilled == nil || *f.OOMKilled)
}

// followsKill tells whether a failure is the kill or follows from it. Memory at its
// limit is its cause. What was under way is lost or unanswered, and what comes later is
// refused or unsent; but not what the gateway had lost, refused or left unanswered
// before, as far as that broke a limit by itself.
func (s *subject) followsKill(f Finding) bool {
	switch f.Check {
	case "gateway", "memory":
		return true
	case "latency":
		return s.f.Latency.Total != nil && s.f.Latency.Total.P99 != nil && s.f.Latency.Total.P99.Lost
	case "loss":
		lost := s.beforeKill(record.Gateway, record.ExporterSendFailed, record.ExporterEnqueueFailed)
		return f.Limit != nil &&
			lost <= *f.Limit*s.beforeKill(record.Loadgen, record.LoadAcknowledged)
	case "refused":
		refused := s.beforeKill(record.Loadgen, record.LoadRefusedRetryable,
			record.LoadRefusedPermanent, record.LoadRejectedInPart)
		unanswered := min(s.beforeKill(record.Loadgen, record.LoadUnknown),
			float64(s.f.Delivery.Unanswered))
		due := s.beforeKill(record.Loadgen, record.LoadDue)
		return f.Limit != nil && refused+unanswered <= *f.Limit*due
	case "unsent":
		unsent := s.beforeKill(record.Loadgen, record.LoadUnsent, record.LoadDropped)
		return f.Limit != nil && unsent <= *f.Limit*s.beforeKill(record.Loadgen, record.LoadDue)
	}
	return false
}

// beforeKill is by how much an actor's counters rose from the first measured look to
// the last one before the gateway ended; 0 where it told of none.
func (s *subject) beforeKill(actor string, counters ...record.Metric) (sum float64) {
	at := s.f.Failures.KilledAt
	if at == nil {
		return 0
	}
	for _, counter := range counters {
		by, _ := record.Increase(record.MetricSeries(s.samples, actor, counter).Between(0, *at))
		sum += by
	}
	return sum
}
