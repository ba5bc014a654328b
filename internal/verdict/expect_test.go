package verdict_test

import (
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// killed is a trial whose gateway was killed at 42 s, which its author expected.
func killed(more func(*record.Record)) (func(*trials.Trial), func(*record.Record)) {
	return func(t *trials.Trial) { t.KilledAt, t.Lost, t.Unknown = 42, 900, 28000 }, func(r *record.Record) {
		cutShort(r)
		expect(scenario.ExpectKilled)(r)
		if more != nil {
			more(r)
		}
	}
}

func oom(known *bool) func(*record.Record) {
	return func(r *record.Record) {
		state := r.Ending.States[record.Gateway]
		state.OOMKilled = known
		r.Ending.States[record.Gateway] = state
	}
}

// Expected is the kill for want of memory, with what follows from it, and nothing else.
func TestExpectKilled(t *testing.T) {
	counted := func(actor string, m record.Metric, per float64) func(*record.Record) {
		return func(r *record.Record) {
			each(r, actor, func(s *record.Sample, a *record.ActorSample) {
				if a.Metrics != nil {
					a.Metrics[m] = per * max(0, s.Elapsed-10)
				}
			})
		}
	}
	var cases []judgeCase
	add := func(name string, more func(*record.Record), want, check string, severity verdict.Severity) {
		c := judgeCase{name: name, want: want, check: check, severity: severity}
		c.trial, c.record = killed(more)
		cases = append(cases, c)
	}
	add("killed", nil, "pass valid 0", "gateway", verdict.Note)
	add("killed, loss follows", nil, "pass valid 0", "loss", verdict.Note)
	add("killed, unanswered follow", nil, "pass valid 0", "refused", verdict.Note)
	add("killed from outside", oom(new(false)), "fail valid 99", "gateway", verdict.Critical)
	add("killed from outside", oom(new(false)), "fail valid 99", "expect", verdict.Critical)
	add("killed, and why is not known", oom(nil), "pass degraded 0", "expect", verdict.Reservation)
	add("ended by itself", func(r *record.Record) {
		r.Ending.States[record.Gateway] = env.State{ExitCode: 1, Ended: r.Ending.States[record.Gateway].Ended}
		for i := range r.Events {
			if r.Events[i].Kind == record.EventKilled {
				r.Events[i].Kind = record.EventEnded
			}
		}
	}, "fail valid 99", "expect", verdict.Critical)
	add("lost before", counted(record.Gateway, record.ExporterSendFailed, 20),
		"fail valid 99", "loss", verdict.Critical)
	add("refused before", counted(record.Loadgen, record.LoadRefusedRetryable, 100),
		"fail valid 99", "refused", verdict.Critical)
	add("unanswered before", counted(record.Loadgen, record.LoadUnknown, 100),
		"fail valid 99", "refused", verdict.Critical)
	add("hot before", func(r *record.Record) {
		each(r, record.Gateway, func(s *record.Sample, a *record.ActorSample) {
			if a.Usage != nil {
				a.Usage.CPUSeconds = new(0.99 * max(0, s.Elapsed))
			}
		})
	}, "fail valid 99", "cpu", verdict.Critical)
	checkCases(t, cases)
}

// What came as expected is not told as if it had not happened.
func TestExpectedIsSaid(t *testing.T) {
	trial := trials.Calm()
	set, change := killed(nil)
	set(&trial)
	r := trial.Record()
	change(r)
	v := verdict.Judge(r)
	if v.Expected != scenario.ExpectKilled || !strings.Contains(v.Reason, "killed for want of memory at 0:42") ||
		!strings.Contains(v.Reason, "as expected") {
		t.Errorf("Judge(killed as expected): expected %q, reason %q", v.Expected, v.Reason)
	}
	if v := verdict.Judge(trials.Calm().Record()); v.Expected != "" {
		t.Errorf("Judge(calm): expected %q", v.Expected)
	}
}
