package verdict_test

import (
	"strings"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// Spans come a hundred at once: what counts beyond a percentile is requests.
func TestPercentilesWantRequests(t *testing.T) {
	few := func(spans int64) func(*record.Record) {
		return func(r *record.Record) {
			r.Ending.Received.Latency = ledger.NewHistogram()
			r.Ending.Received.Latency.Record(300*time.Millisecond, spans)
		}
	}
	for _, c := range []struct {
		spans int64
		p99   bool
	}{{49_900, false}, {50_000, true}} {
		r := trials.Calm().Record()
		few(c.spans)(r)
		if got := verdict.Measure(r).Latency.Total.P99 != nil; got != c.p99 {
			t.Errorf("p99 of %d requests is said: %v, want %v", c.spans/100, got, c.p99)
		}
	}
	tight := func(r *record.Record) {
		few(40_000)(r)
		r.Header.Scenario.Thresholds.LatencyP99 = scenario.Duration(100 * time.Millisecond)
	}
	checkCases(t, []judgeCase{
		{
			name: "few requests, all in time", record: few(40_000),
			want: "pass valid 0", check: "latency", severity: verdict.Held,
		},
		{
			name: "too few requests to say", record: tight,
			want: "pass degraded 0", check: "latency", severity: verdict.Reservation,
		},
	})
}

// Beside the percentiles stands whom they are not of.
func TestLatencyOfTheUnacknowledged(t *testing.T) {
	trial := trials.Calm()
	trial.Unknown, trial.Lost = 500, 20
	r := trial.Record()
	u := &r.Ending.Measured.Unknown
	u.Once, u.NotDelivered = 300, 200
	l := verdict.Measure(r).Latency
	if l.Unacknowledged != 300 || l.NeverCame != 220 {
		t.Errorf("unacknowledged %d, never came %d, want 300 and 220", l.Unacknowledged, l.NeverCame)
	}
}

// A trial that was cut short is measured for as long as slots became due.
func TestMeasuredSecondsOfATrialCutShort(t *testing.T) {
	trial := trials.Calm()
	r := trial.Record()
	r.Ending.Interrupted = "SIGINT"
	for _, c := range []struct{ load, want float64 }{{37.5, 27.5}, {9, 0}, {70, 60}} {
		r.Ending.LoadSeconds = c.load
		if f := verdict.Measure(r); f.Time.Measured != c.want {
			t.Errorf("measured for %v s when slots were due for %v s, want %v", f.Time.Measured, c.load, c.want)
		}
	}
	r.Ending.LoadSeconds, r.Ending.Measured = 9, ledger.Account{}
	r.Ending.Sent.Measured, r.Ending.Sent.Lateness = ledger.Classes{}, ledger.NewHistogram()
	for _, f := range verdict.Judge(r).Findings {
		if strings.Contains(f.Text, "missing") {
			t.Errorf("nothing is missing, the trial ended early: %s: %s", f.Check, f.Text)
		}
		if f.Check == "schedule" && !strings.Contains(f.Text, "the trial ended before its measured time") {
			t.Errorf("schedule: %s", f.Text)
		}
	}
}
