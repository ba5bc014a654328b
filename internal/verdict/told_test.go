package verdict_test

import (
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// notTaken lets the exporter's queue be full at times.
func notTaken(r *record.Record, spans float64) {
	each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) {
		a.Metrics[record.ExporterEnqueueFailed] = spans
	})
}

// Where some is refused, what must leave is what was offered, and more memory for those
// that refuse treats what follows from it.
func TestConsumersForWhatIsOffered(t *testing.T) {
	trial := trials.Calm()
	trial.Queue = func(e float64) float64 { return 5 * max(0, e) }
	trial.Refused = 35_000
	r := trial.Record()
	waiting(r, 10, 2, 80)
	refusedBy(r, 35_000)
	all := verdict.Advise(r)
	if len(all) != 1 || all[0].Name != "too-few-consumers" {
		t.Fatalf("advice is %+v", all)
	}
	if want := "1,000 spans/s offered (416.7 of them taken, the rest refused)"; !strings.Contains(
		all[0].Effect, want) {
		t.Errorf("the effect is %q, want %q in it", all[0].Effect, want)
	}
}

// A CPU limit of 0.2 is raised to 0.3, and not to 0.4 for what a float is off.
func TestCPULimitIsRaisedByATenth(t *testing.T) {
	trial := trials.Calm()
	busy(0.14, 0.3)(&trial)
	r := trial.Record()
	r.Header.Scenario.Gateway.CPULimit = 0.2
	for _, a := range verdict.Advise(r) {
		if a.Name == "cpu-held-back" {
			if !strings.Contains(a.Setting, "cpu_limit: 0.3") {
				t.Errorf("the patch is %q", a.Setting)
			}
			return
		}
	}
	t.Error("no advice for a CPU that is held back")
}

// What the runtime tells is not said to be not served.
func TestWhyGCIsNotKnown(t *testing.T) {
	r := trials.Calm().Record()
	each(r, record.Gateway, func(s *record.Sample, a *record.ActorSample) {
		delete(a.Metrics, record.GoGCCPU)
		a.Metrics[record.GoGCCycles] = max(0, s.Elapsed)
	})
	setEnv(r, "GOMAXPROCS", "")
	compressing(r)
	for _, c := range verdict.Measure(r).Limited.Candidates {
		if c.By != verdict.ByGC {
			continue
		}
		for _, want := range []string{"GOMAXPROCS, which the environment does not set", "50 % of the CPU in a profile"} {
			if c.State != verdict.Unknown || !strings.Contains(c.Text, want) {
				t.Errorf("gc is %s: %q, want %q in it", c.State, c.Text, want)
			}
		}
	}
}

// A gateway that was not empty at the end had exports under way at its last look: what it
// could not have counted is no contradiction, and what it could have is one.
func TestExportsUnderWayAreNoContradiction(t *testing.T) {
	for _, c := range []struct {
		sent uint64
		want uint64
	}{{69_700, 0}, {69_500, 100}} {
		r := tally{sent: c.sent, accepted: 70_000, missing: 100, failed: 50, inside: true}.record()
		r.Ending.Received.Unique, r.Ending.Received.Duplicate = 69_900, 0
		last := r.Samples[len(r.Samples)-1].Actors[record.Backend].Metrics
		last[record.BackendUnique], last[record.BackendDuplicate] = 69_800, 0
		last[record.BackendInFlight] = 1 // of 200 spans
		for _, b := range verdict.Measure(r).Explained.Books {
			want := c.want
			if b.Counter == string(record.ReceiverAccepted) {
				want = 0
			}
			if b.Counter == string(record.ExporterSent) && b.Unexplained != want ||
				c.want == 0 && b.Unexplained > 0 {
				t.Errorf("sent %d: %s leaves %d unexplained, want %d", c.sent, b.Counter, b.Unexplained, want)
			}
		}
	}
}
