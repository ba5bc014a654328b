package verdict_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

func ExampleJudge() {
	trial := trials.Calm()
	trial.Lost = 3
	v := verdict.Judge(trial.Record())
	fmt.Println(v.Outcome, v.Validity, v.ExitCode)
	fmt.Println(v.Reason)
	// Output:
	// fail valid 99
	// 3 of 60,000 acknowledged spans were not delivered (0.005 %); allowed 0 %
}

// each changes every sample of an actor.
func each(r *record.Record, actor string, change func(*record.Sample, *record.ActorSample)) {
	for i := range r.Samples {
		a := r.Samples[i].Actors[actor]
		change(&r.Samples[i], &a)
		r.Samples[i].Actors[actor] = a
	}
}

func late(r *record.Record, inFlight float64) {
	r.Ending.Sent.Lateness = ledger.NewHistogram()
	r.Ending.Sent.Lateness.Record(300*time.Millisecond, 600)
	each(r, record.Loadgen, func(_ *record.Sample, a *record.ActorSample) {
		a.Metrics[record.LoadLatenessP99] = 0.3
		a.Metrics[record.LoadInFlight] = inFlight
	})
}

// starve makes the load generator late for want of CPU.
func starve(r *record.Record) {
	late(r, 64)
	starveCPU(r)
}

func starveCPU(r *record.Record) {
	each(r, record.Loadgen, func(s *record.Sample, a *record.ActorSample) {
		a.Usage.CPUSeconds = new(0.098 * max(0, s.Elapsed))
	})
	r.Header.Actors[1].Limits.CPUCores = 0.1
}

func judgeCases() []judgeCase {
	return []judgeCase{
		{name: "calm", want: "pass valid 0"},
		{name: "hot for 20 s", trial: func(t *trials.Trial) {
			t.CPU = func(e float64) float64 { return 0.3 + 0.55*step(e, 25, 45) }
		}, want: "pass valid 0", check: "cpu", severity: verdict.Warning},
		{name: "hot for 12 s only, of which a window shows less than 10", trial: func(t *trials.Trial) {
			t.CPU = func(e float64) float64 { return 0.3 + 0.55*step(e, 25, 37) }
		}, want: "pass degraded 0", check: "cpu", severity: verdict.Held},
		{name: "too hot", trial: func(t *trials.Trial) {
			t.CPU = func(e float64) float64 { return 0.3 + 0.69*step(e, 25, 45) }
		}, want: "fail valid 99", check: "cpu", severity: verdict.Critical},
		{name: "too hot in the warm-up", trial: func(t *trials.Trial) {
			t.CPU = func(e float64) float64 { return 0.3 + 0.69*step(e, -5, 10) }
		}, want: "pass valid 0", check: "cpu", severity: verdict.Held},
		{name: "memory", trial: func(t *trials.Trial) {
			t.WorkingSet = func(e float64) float64 { return 100 + 8*e }
		}, want: "fail degraded 99", check: "memory", severity: verdict.Critical},
		{
			name: "memory, expected", trial: func(t *trials.Trial) {
				t.WorkingSet = func(e float64) float64 { return 100 + 8*e }
			}, record: expect(scenario.ExpectCritical),
			want: "pass valid 0", check: "memory", severity: verdict.Note,
		},
		{
			name: "expected and did not come", record: expect(scenario.ExpectCritical),
			want: "fail valid 99", check: "expect", severity: verdict.Critical,
		},
		{
			name: "refused", trial: func(t *trials.Trial) { t.Refused = 700 },
			want: "fail valid 99", check: "refused", severity: verdict.Critical,
		},
		{
			name: "refused, allowed", trial: func(t *trials.Trial) { t.Refused = 600 },
			want: "pass valid 0", check: "refused", severity: verdict.Held,
		},
		{name: "latency", record: func(r *record.Record) {
			r.Header.Scenario.Thresholds.LatencyP99 = scenario.Duration(500 * time.Millisecond)
		}, want: "fail valid 99", check: "latency", severity: verdict.Critical},
		{
			name: "killed", trial: func(t *trials.Trial) { t.KilledAt, t.Lost, t.Unknown = 42, 900, 28000 },
			record: cutShort, want: "fail valid 99", check: "gateway", severity: verdict.Critical,
		},
		{
			name: "killed, expected", trial: func(t *trials.Trial) {
				t.KilledAt, t.Lost, t.Unknown = 42, 900, 28000
			}, record: func(r *record.Record) { cutShort(r); expect(scenario.ExpectKilled)(r) },
			want: "pass valid 0", check: "gateway", severity: verdict.Note,
		},
		{
			name: "killed, expected, and was not", record: expect(scenario.ExpectKilled),
			want: "fail valid 99", check: "expect", severity: verdict.Critical,
		},
		{name: "ended by itself", record: func(r *record.Record) {
			r.Ending.States[record.Gateway] = env.State{ExitCode: 1, Ended: trials.Start.Add(30 * time.Second)}
		}, want: "fail valid 99", check: "gateway", severity: verdict.Critical},
	}
}

func validityCases() []judgeCase {
	return []judgeCase{
		{
			name: "late with free workers", record: func(r *record.Record) { late(r, 3) },
			want: "invalid invalid 4", check: "pacing", severity: verdict.Void,
		},
		{
			name: "late, all workers waiting", record: func(r *record.Record) { late(r, 64) },
			want: "pass valid 0", check: "pacing", severity: verdict.Note,
		},
		{name: "starved", record: starve, want: "invalid invalid 4", check: "pacing", severity: verdict.Void},
		{name: "starved, which makes it late", record: func(r *record.Record) {
			starve(r)
			r.Header.Scenario.Thresholds.LatencyP99 = scenario.Duration(time.Millisecond)
		}, want: "invalid invalid 4", check: "latency", severity: verdict.Note},
		{
			name: "unsent though answers were fast", trial: func(t *trials.Trial) { t.Unsent = 6000 },
			want: "invalid invalid 4", check: "pacing", severity: verdict.Void,
		},
		{
			name: "unsent by pushback", trial: func(t *trials.Trial) { t.Unsent = 6000 },
			record: func(r *record.Record) {
				r.Ending.Sent.Answer = ledger.NewHistogram()
				r.Ending.Sent.Answer.Record(12*time.Second, 54000)
			}, want: "fail valid 99", check: "unsent", severity: verdict.Critical,
		},
		{
			name: "unsent while the gateway stood still for 5 s", trial: func(t *trials.Trial) { t.Unsent = 6000 },
			record: func(r *record.Record) {
				r.Ending.Sent.Answer.Record(7*time.Second, 500)
				each(r, record.Loadgen, func(s *record.Sample, a *record.ActorSample) {
					frozen := 6000 * step(s.Elapsed, 30, 1e9)
					a.Metrics[record.LoadUnsent] = frozen - 4800*step(s.Elapsed, 30, 31) -
						3600*step(s.Elapsed, 31, 32) - 2400*step(s.Elapsed, 32, 33) - 1200*step(s.Elapsed, 33, 34)
					if s.Elapsed > 30 && s.Elapsed < 35 {
						a.Metrics[record.LoadInFlight] = 64
					}
				})
			}, want: "fail valid 99", check: "unsent", severity: verdict.Critical,
		},
		{
			name: "half the schedule", record: func(r *record.Record) { r.Header.Scenario.Load.Rate = 2000 },
			want: "invalid invalid 4", check: "schedule", severity: verdict.Void,
		},
		{name: "backend waits by itself", record: func(r *record.Record) {
			each(r, record.Backend, func(_ *record.Sample, a *record.ActorSample) {
				a.Metrics[record.BackendInFlight] = 10
			})
		}, want: "invalid invalid 4", check: "backend", severity: verdict.Void},
		{name: "backend waits as told", record: func(r *record.Record) {
			r.Header.Scenario.Backend.Delay = scenario.Duration(2 * time.Second)
			each(r, record.Backend, func(_ *record.Sample, a *record.ActorSample) {
				a.Metrics[record.BackendInFlight] = 10
			})
		}, want: "pass valid 0", check: "backend", severity: verdict.Held},
		{name: "loadgen not seen for 7 s", record: func(r *record.Record) {
			each(r, record.Loadgen, func(s *record.Sample, a *record.ActorSample) {
				if s.Elapsed > 30 && s.Elapsed < 37 {
					a.ScrapeError, a.Metrics = "timeout", nil
				}
			})
		}, want: "invalid invalid 4", check: "looks", severity: verdict.Void},
		{name: "gateway's metrics not seen", record: func(r *record.Record) {
			each(r, record.Gateway, func(s *record.Sample, a *record.ActorSample) {
				if s.Elapsed > 30 && s.Elapsed < 37 {
					a.ScrapeError, a.Metrics = "timeout", nil
				}
			})
		}, want: "pass degraded 0", check: "looks", severity: verdict.Reservation},
		{
			name: "unbalanced", record: func(r *record.Record) { r.Ending.Measured.Acknowledged.Once-- },
			want: "invalid invalid 4", check: "ledger", severity: verdict.Void,
		},
		{
			name: "impossible", record: func(r *record.Record) { r.Ending.All.Impossible = 1 },
			want: "invalid invalid 4", check: "ledger", severity: verdict.Void,
		},
		{
			name: "no book", record: func(r *record.Record) { r.Ending.Received = nil },
			want: "invalid invalid 4", check: "ledger", severity: verdict.Void,
		},
		{
			name: "no ending", record: func(r *record.Record) { r.Ending = nil },
			want: "invalid invalid 4", check: "completed", severity: verdict.Void,
		},
		{
			name: "never began", record: func(r *record.Record) { r.Ending.LoadStart = time.Time{} },
			want: "invalid invalid 4", check: "completed", severity: verdict.Void,
		},
		{
			name: "interrupted", record: func(r *record.Record) { r.Ending.Interrupted = "SIGINT" },
			want: "invalid invalid 130", check: "completed", severity: verdict.Void,
		},
		{
			name: "terminated after a failure", trial: func(t *trials.Trial) { t.Lost = 9 },
			record: func(r *record.Record) { r.Ending.Interrupted = "SIGTERM" },
			want:   "fail invalid 143", check: "completed", severity: verdict.Void,
		},
		{
			name: "no limits enforced", record: func(r *record.Record) { r.Header.Enforcement = env.Enforcement{Method: "none"} },
			want: "pass degraded 0", check: "limits", severity: verdict.Reservation,
		},
		{name: "fewer cores than the limit", record: func(r *record.Record) {
			r.Header.Machine.Cores = 1
			r.Header.Scenario.Gateway.CPULimit = 2
		}, want: "pass degraded 0", check: "limits", severity: verdict.Reservation},
		{
			name: "busy machine", record: func(r *record.Record) { hostBusy(r, 3.99) },
			want: "pass degraded 0", check: "host", severity: verdict.Reservation,
		},
		{
			name: "busy machine with room", record: func(r *record.Record) { hostBusy(r, 3.5) },
			want: "pass valid 0", check: "host", severity: verdict.Held,
		},
		{
			name: "note", record: func(r *record.Record) { r.Header.Notes = []string{"soft limits"} },
			want: "pass valid 0", check: "notes", severity: verdict.Note,
		},
		{
			name: "not drained", record: func(r *record.Record) { r.Ending.Drained.Complete = false },
			want: "pass degraded 0", check: "drain", severity: verdict.Reservation,
		},
		{
			name: "lost or still inside", trial: func(t *trials.Trial) { t.Lost = 9 },
			record: func(r *record.Record) {
				r.Ending.Drained.Complete = false
				each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) {
					a.Metrics[record.ExporterEnqueueFailed] = 0
				})
			}, want: "invalid invalid 4", check: "loss", severity: verdict.Void,
		},
		{
			name: "given up by the collector, whatever is inside", trial: func(t *trials.Trial) { t.Lost = 9 },
			record: func(r *record.Record) { r.Ending.Drained.Complete = false },
			want:   "fail degraded 99", check: "loss", severity: verdict.Critical,
		},
		{name: "no CPU known", record: func(r *record.Record) {
			each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) { a.Usage.CPUSeconds = nil })
		}, want: "pass degraded 0", check: "cpu", severity: verdict.Reservation},
		{
			name: "counters differ", record: func(r *record.Record) { r.Ending.Received.Foreign += 5 },
			want: "pass valid 0", check: "counters", severity: verdict.Note,
		},
	}
}

type judgeCase struct {
	name     string
	trial    func(*trials.Trial)
	record   func(*record.Record)
	want     string // outcome, validity, exit code
	check    string
	severity verdict.Severity
}

func TestJudge(t *testing.T) { checkCases(t, append(judgeCases(), validityCases()...)) }

func checkCases(t *testing.T, cases []judgeCase) {
	t.Helper()
	for _, c := range cases {
		trial := trials.Calm()
		if c.trial != nil {
			c.trial(&trial)
		}
		r := trial.Record()
		if c.record != nil {
			c.record(r)
		}
		v := verdict.Judge(r)
		if got := fmt.Sprint(v.Outcome, " ", v.Validity, " ", v.ExitCode); got != c.want {
			t.Errorf("Judge(%s) = %s (%s), want %s", c.name, got, v.Reason, c.want)
		}
		checkReasons(t, c.name, v)
		if c.check != "" && !found(v, c.check, c.severity) {
			t.Errorf("Judge(%s): %s did not find %q in\n%s", c.name, c.check, c.severity, list(v))
		}
	}
}

func found(v verdict.Verdict, check string, severity verdict.Severity) bool {
	for _, f := range v.Findings {
		if f.Check == check && f.Severity == severity {
			return true
		}
	}
	return false
}

func list(v verdict.Verdict) string {
	var b strings.Builder
	for _, f := range v.Findings {
		fmt.Fprintf(&b, "\t%s %s: %s\n", f.Severity, f.Check, f.Text)
	}
	return b.String()
}

// step is 1 within [from, to).
func step(e, from, to float64) float64 {
	if e >= from && e < to {
		return 1
	}
	return 0
}

func expect(what scenario.Expect) func(*record.Record) {
	return func(r *record.Record) { r.Header.Scenario.Expect = what }
}

func cutShort(r *record.Record) { r.Ending.CutShort = "the gateway is gone" }

// What was said while a trial ran is what is said after it.
func TestWatchSaysWhatJudgeSays(t *testing.T) {
	for _, c := range judgeCases() {
		trial := trials.Calm()
		if c.trial != nil {
			c.trial(&trial)
		}
		r := trial.Record()
		w := verdict.NewWatch(r.Header)
		live := map[string]bool{}
		for _, s := range r.Samples {
			for _, f := range w.Add(s) {
				if *f.To-*f.From < 10 {
					t.Errorf("%s: Add began %q after %.1f s", c.name, f.Text, *f.To-*f.From)
				}
				live[fmt.Sprintf("%s %s %.1f", f.Check, f.Severity, *f.From)] = true
			}
		}
		var after []verdict.Finding
		for _, f := range verdict.Judge(r).Findings {
			if f.Check == "cpu" || f.Check == "memory" {
				after = append(after, f)
				key := fmt.Sprintf("%s %s", f.Check, f.Severity)
				if f.From != nil && !live[fmt.Sprintf("%s %.1f", key, *f.From)] {
					t.Errorf("%s: Judge says %q, Watch never did: %v", c.name, f.Text, live)
				}
			}
		}
		if diff := cmp.Diff(w.Findings(), after); diff != "" {
			t.Errorf("%s: Watch.Findings against Judge:\n%s", c.name, diff)
		}
	}
}

func TestOutcomeSurvivesJSON(t *testing.T) {
	for _, o := range []verdict.Outcome{verdict.Pass, verdict.Invalid, verdict.Fail} {
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		var back verdict.Outcome
		if err := json.Unmarshal(text, &back); err != nil || back != o {
			t.Errorf("Unmarshal(%s) = %v, %v, want %v", text, back, err, o)
		}
	}
}

// A record that holds next to nothing is judged, and makes nothing up.
func TestJudgeOfNothing(t *testing.T) {
	r := &record.Record{}
	if v := verdict.Judge(r); v.ExitCode != verdict.ExitInvalid {
		t.Errorf("Judge(nothing) = %v, want invalid\n%s", v.ExitCode, list(v))
	}
	r.Ending = &record.Ending{LoadStart: trials.Start}
	if v := verdict.Judge(r); v.ExitCode != verdict.ExitInvalid {
		t.Errorf("Judge(no books) = %v, want invalid\n%s", v.ExitCode, list(v))
	}
}
