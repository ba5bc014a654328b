package verdict_test

import (
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// What came late, was refused or was not sent since the backend stood still, and what looks
// late since the clock was set, is not the gateway's failure.
func TestNotTheGatewaysFault(t *testing.T) {
	tight := func(r *record.Record) {
		r.Header.Scenario.Thresholds.LatencyP99 = scenario.Duration(time.Millisecond)
	}
	backend := still(record.Backend, 2, 0)
	refuses := func(t *trials.Trial) { t.Refused = 700 }
	slow := func(r *record.Record) { // all workers wait
		r.Ending.Sent.Answer = ledger.NewHistogram()
		r.Ending.Sent.Answer.Record(12*time.Second, 54000)
	}
	checkCases(t, []judgeCase{
		{name: "late", record: tight, want: "fail valid 99", check: "latency", severity: verdict.Critical},
		{
			name: "late, the backend stood still", record: both(tight, backend),
			want: "invalid invalid 4", check: "latency", severity: verdict.Note,
		},
		{
			name: "late, the clock was set", record: both(tight, func(r *record.Record) {
				for i := range r.Samples {
					r.Samples[i].ClockStep = new(step(r.Samples[i].Elapsed, 30, 31))
				}
			}), want: "invalid invalid 4", check: "latency", severity: verdict.Note,
		},
		{
			name: "refused, the backend stood still", trial: refuses, record: backend,
			want: "invalid invalid 4", check: "refused", severity: verdict.Note,
		},
		{
			name: "refused, the load generator stood still", trial: refuses, record: still(record.Loadgen, 2, 0),
			want: "fail invalid 99", check: "refused", severity: verdict.Critical,
		},
		{
			name: "unsent, the backend stood still", trial: func(t *trials.Trial) { t.Unsent = 6000 },
			record: both(slow, backend), want: "invalid invalid 4", check: "unsent", severity: verdict.Note,
		},
	})
}

func both(one, other func(*record.Record)) func(*record.Record) {
	return func(r *record.Record) {
		one(r)
		other(r)
	}
}
