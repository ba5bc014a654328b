package verdict_test

import (
	"math"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// arriving makes the backend receive so many spans a second, whatever is sent.
func arriving(rate float64) func(*record.Record) {
	return func(r *record.Record) {
		each(r, record.Backend, func(s *record.Sample, a *record.ActorSample) {
			a.Metrics[record.BackendUnique] = rate * max(0, s.Elapsed)
		})
	}
}

// A gateway that takes more than it gives, for as long as it is asked, does not hold.
func TestBacklog(t *testing.T) {
	queue := func(of func(float64) float64) func(*trials.Trial) {
		return func(t *trials.Trial) { t.Queue = of }
	}
	grows := queue(func(e float64) float64 { return 5 * max(0, e) })
	loses := func(r *record.Record) {
		arriving(200)(r)
		r.Header.Scenario.Thresholds.Loss = new(scenario.Ratio(1))
	}
	checkCases(t, []judgeCase{
		{name: "calm", want: "pass valid 0", check: "backlog", severity: verdict.Held},
		{
			name: "grows, and nothing arrives", trial: grows, record: arriving(0),
			want: "fail valid 99", check: "backlog", severity: verdict.Critical,
		},
		{
			name: "grows, since our backend is slow", trial: grows, record: func(r *record.Record) {
				arriving(200)(r)
				each(r, record.Backend, func(_ *record.Sample, a *record.ActorSample) {
					a.Metrics[record.BackendInFlight] = 10
				})
			}, want: "invalid invalid 4", check: "backlog", severity: verdict.Reservation,
		},
		{
			name: "grows, nearly all arrives", trial: grows, record: arriving(995),
			want: "pass degraded 0", check: "backlog", severity: verdict.Reservation,
		},
		{
			name: "grows, and may lose everything", trial: grows, record: loses,
			want: "pass degraded 0", check: "backlog", severity: verdict.Reservation,
		},
		{
			name:  "high, but in waves",
			trial: queue(func(e float64) float64 { return 200 + 100*math.Sin(e/3) }),
			want:  "pass valid 0", check: "backlog", severity: verdict.Held,
		},
		{
			name: "rises and stays", trial: queue(func(e float64) float64 { return min(300, 15*max(0, e-10)) }),
			want: "pass degraded 0", check: "backlog", severity: verdict.Held,
		},
		{name: "no queue is told of", record: func(r *record.Record) {
			each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) {
				delete(a.Metrics, record.QueueSize)
			})
		}, want: "pass valid 0", check: "backlog", severity: verdict.Note},
	})
}

// What was delivered at last and what arrived in the measured time are two figures.
func TestArrivedIsNotDelivered(t *testing.T) {
	r := trials.Calm().Record()
	arriving(250)(r)
	f := verdict.Measure(r)
	if f.Rate.Delivered == nil || math.Abs(*f.Rate.Delivered-1000) > 1e-9 {
		t.Errorf("delivered = %v, want 1000", show(f.Rate.Delivered))
	}
	if f.Rate.Arrived == nil || math.Abs(*f.Rate.Arrived-250) > 1e-6 {
		t.Errorf("arrived = %v, want 250", show(f.Rate.Arrived))
	}
	// And CPU is held against what arrived while it was used.
	if f.CPU.SpansPerCore == nil || math.Abs(*f.CPU.SpansPerCore-250/0.31) > 30 {
		t.Errorf("spans per core = %v, want about %v", show(f.CPU.SpansPerCore), 250/0.31)
	}
	if f.CPU.PerMillion == nil || math.Abs(*f.CPU.PerMillion-1e6*0.31/250) > 50 {
		t.Errorf("CPU a million = %v, want about %v", show(f.CPU.PerMillion), 1e6*0.31/250)
	}
}
