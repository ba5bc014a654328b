package verdict_test

import (
	"strings"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// last keeps so many seconds of the measured time.
func last(r *record.Record, seconds float64) {
	r.Header.Scenario.Timing.Duration = scenario.Duration(seconds * float64(time.Second))
	for i := range r.Samples {
		if s := &r.Samples[i]; s.Phase == record.PhaseMeasuring && s.Elapsed >= 10+seconds {
			s.Phase = record.PhaseDraining
		}
	}
}

// A threshold that the trial was too short for was not held.
func TestTooShortToJudge(t *testing.T) {
	hot := func(t *trials.Trial) {
		t.CPU = func(float64) float64 { return 0.99 }
		t.WorkingSet = func(float64) float64 { return 590 }
	}
	for _, c := range []struct {
		name    string
		trial   func(*trials.Trial)
		seconds float64
		check   string
		want    verdict.Severity
		text    string
	}{
		{"long enough", nil, 17, "cpu", verdict.Held, "not reached for 10 s"},
		{"short", nil, 14, "cpu", verdict.Note, "too short to judge: needs 17 s"},
		{"short", nil, 8, "memory", verdict.Note, "too short to judge: needs 12 s"},
		{"long enough", nil, 14, "memory", verdict.Held, "not reached for 10 s"},
		{"short and hot", hot, 14, "cpu", verdict.Reservation, "all the time"},
		{"short and full", hot, 8, "memory", verdict.Reservation, "all the time"},
		{"shorter than a window", hot, 3, "cpu", verdict.Reservation, "not known"},
	} {
		trial := trials.Calm()
		if c.trial != nil {
			c.trial(&trial)
		}
		r := trial.Record()
		last(r, c.seconds)
		w := verdict.NewWatch(r.Header)
		for _, s := range r.Samples {
			w.Add(s)
		}
		for who, all := range map[string][]verdict.Finding{
			"Judge": verdict.Judge(r).Findings, "Watch": w.Findings(),
		} {
			for _, f := range all {
				if f.Check == c.check && (f.Severity != c.want || !strings.Contains(f.Text, c.text)) {
					t.Errorf("%s(%s, %v s) = %s %s: %q, want %s … %s", who, c.name, c.seconds,
						f.Severity, f.Check, f.Text, c.want, c.text)
				}
			}
		}
	}
}

// A window that is hot was hot from its beginning on.
func TestStretchBeginsWithItsWindow(t *testing.T) {
	trial := trials.Calm()
	trial.CPU = func(float64) float64 { return 0.99 }
	for _, f := range verdict.Judge(trial.Record()).Findings {
		if f.Check == "cpu" && (f.From == nil || *f.From > 10.3) {
			t.Errorf("hot from 10 s on: %s, want from 0:10", f.Text)
		}
	}
}
