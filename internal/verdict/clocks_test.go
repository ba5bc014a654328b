package verdict_test

import (
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// How far latencies may be off is said from a millisecond on; a clock that moved while the
// load ran is a reservation, or worse.
func TestClocksOfTheEnds(t *testing.T) {
	clock := func(actor string, ahead, uncertainty, after float64) record.Clock {
		return record.Clock{
			Actor: actor, Ahead: ahead, Uncertainty: uncertainty, Corrected: ahead,
			AheadAfter: &after, UncertaintyAfter: &uncertainty,
		}
	}
	for name, c := range map[string]struct {
		clocks   []record.Clock
		severity verdict.Severity
		reason   verdict.Reason
		text     string // of the finding; empty: there is none
	}{
		"one machine": {},
		"close": {
			[]record.Clock{clock("backend", 7, 1e-4, 7), clock("loadgen", -3, 2e-4, -3)},
			verdict.Held, "", "wrong by 300 µs at most",
		},
		"far": {
			[]record.Clock{
				clock("backend/0", 7, 1e-3, 7), clock("backend/1", 7, 4e-3, 7), clock("loadgen", 0, 2e-3, 0),
			}, verdict.Note, "", "wrong by 6.0 ms at most",
		},
		"moved no more than is not sure": {
			[]record.Clock{clock("backend", 1, 0.02, 1.03), clock("loadgen", 0, 1e-3, 0)},
			verdict.Note, "", "wrong by 51.0 ms at most",
		},
		"moved": {
			[]record.Clock{clock("backend", 1, 1e-3, 1.03), clock("loadgen", 0, 1e-3, 0)},
			verdict.Reservation, verdict.ClockUnsteady, "the clock of backend moved",
		},
		"set": {
			[]record.Clock{clock("backend", 1, 1e-3, 1), clock("loadgen/1", 0, 1e-3, 2)},
			verdict.Void, verdict.ClockStepped, "the clock of loadgen/1 moved",
		},
	} {
		r := trials.Calm().Record()
		r.Ending.Clocks = c.clocks
		var found []verdict.Finding
		for _, f := range verdict.Judge(r).Findings {
			if strings.HasPrefix(f.Source, record.EndingFile+": clocks") {
				found = append(found, f)
			}
		}
		switch {
		case c.text == "":
			if len(found) > 0 || verdict.Measure(r).Latency.ClockError != nil {
				t.Errorf("%s: found %+v", name, found)
			}
		case len(found) != 1 || found[0].Severity != c.severity || found[0].Reason != c.reason ||
			!strings.Contains(found[0].Text, c.text):
			t.Errorf("%s: found %+v, want %v, %q, %q", name, found, c.severity, c.reason, c.text)
		}
	}
}
