package verdict_test

import (
	"math"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

func reasonCases() (all []reasonCase) {
	all = append(all, endCases()...)
	all = append(all, loadCases()...)
	all = append(all, backendCases()...)
	all = append(all, seenCases()...)
	all = append(all, limitCases()...)
	all = append(all, hostCases()...)
	return append(all, answerCases()...)
}

func endCases() []reasonCase {
	calm := madeUp{}
	return []reasonCase{
		{verdict.CutOff, rec(func(r *record.Record) { r.Ending = nil }), calm},
		{verdict.Interrupted, rec(func(r *record.Record) { r.Ending.Interrupted = "SIGINT" }), calm},
		{verdict.NotFinished, rec(func(r *record.Record) { r.Ending.Error = "no space left" }), calm},
		{verdict.NeverBegan, rec(func(r *record.Record) { r.Ending.LoadStart = time.Time{} }), calm},
		{
			verdict.EndDied, rec(func(r *record.Record) {
				r.Ending.States[record.Backend] = env.State{ExitCode: 1}
			}), rec(func(r *record.Record) { // a load generator that is done may end
				r.Ending.States[record.Loadgen] = env.State{}
			}),
		},
		{
			verdict.CutShort, rec(cutShort), madeUp{
				func(t *trials.Trial) { t.KilledAt = 42 }, cutShort,
			},
		},
		{
			verdict.GatewayTaken, rec(func(r *record.Record) {
				r.Ending.States[record.Gateway] = taken("evicted by kubelet")
			}), rec(func(r *record.Record) { r.Ending.States[record.Gateway] = taken("") }),
		},
		{
			verdict.NothingMeasured, rec(func(r *record.Record) {
				r.Ending.Sent.Measured, r.Ending.Measured = ledger.Classes{}, ledger.Account{}
			}), calm,
		},
		{verdict.BookMissing, rec(func(r *record.Record) { r.Ending.Sent = nil }), calm},
		{verdict.BooksUnbalanced, rec(func(r *record.Record) { r.Ending.All.Impossible = 1 }), calm},
	}
}

// lateBy makes all slots so late, with so many requests under way.
func lateBy(by time.Duration, inFlight float64) madeUp {
	return rec(func(r *record.Record) {
		late(r, inFlight)
		r.Ending.Sent.Lateness = ledger.NewHistogram()
		r.Ending.Sent.Lateness.Record(by, 600)
	})
}

func loadCases() []reasonCase {
	rate := func(v scenario.Rate) madeUp {
		return rec(func(r *record.Record) { r.Header.Scenario.Load.Rate = v })
	}
	unsent := func(n uint64) madeUp { return madeUp{trial: func(t *trials.Trial) { t.Unsent = n }} }
	return []reasonCase{
		{verdict.TargetNotReached, rate(1012), rate(1011)},
		{
			verdict.NothingSent, rec(func(r *record.Record) {
				r.Ending.Sent.Lateness = nil
			}), madeUp{},
		},
		{verdict.GeneratorCPUFull, rec(starve), rec(starveCPU)}, // full, and nothing was late for it
		{verdict.GeneratorLate, lateBy(101*time.Millisecond, 3), lateBy(99*time.Millisecond, 3)},
		{verdict.GeneratorLate, lateBy(300*time.Millisecond, 3), lateBy(300*time.Millisecond, 64)},
		{verdict.GeneratorUnsent, unsent(100), unsent(59)},
		{verdict.GeneratorPaused, rec(still(record.Loadgen, 2, 0)), rec(still(record.Loadgen, 2, 1e-4))},
		{verdict.GeneratorPaused, rec(still(record.Loadgen, 1, 0)), rec(coarse(record.Loadgen))},
	}
}

// still lets an actor use so much CPU, and answer no look, for so many seconds from 30 on.
func still(actor string, seconds, used float64) func(*record.Record) {
	return func(r *record.Record) {
		last := 0.0
		each(r, actor, func(s *record.Sample, a *record.ActorSample) {
			if s.Elapsed > 30 && s.Elapsed < 30.5+seconds {
				if last > 0 {
					a.Usage.CPUSeconds = new(last + used)
				}
				a.ScrapeError, a.Metrics = "timeout", nil
			}
			last = *a.Usage.CPUSeconds
		})
	}
}

// coarse has an actor answer each look, its CPU told in ticks that are rarely full.
func coarse(actor string) func(*record.Record) {
	return func(r *record.Record) {
		each(r, actor, func(s *record.Sample, a *record.ActorSample) {
			a.Usage.CPUSeconds = new(0.01 * math.Floor(max(0, s.Elapsed)/7))
		})
	}
}

func backendCases() []reasonCase {
	inside := func(n float64) madeUp {
		return rec(func(r *record.Record) {
			each(r, record.Backend, func(_ *record.Sample, a *record.ActorSample) {
				a.Metrics[record.BackendInFlight] = n
			})
		})
	}
	late := func(share float64) madeUp {
		return rec(func(r *record.Record) {
			each(r, record.Backend, func(_ *record.Sample, a *record.ActorSample) {
				a.Metrics[record.BackendLate] = share * a.Metrics[record.BackendRequests]
			})
		})
	}
	throttled := func(share float64) madeUp {
		return rec(func(r *record.Record) {
			each(r, record.Backend, func(s *record.Sample, a *record.ActorSample) {
				a.Usage.Periods = new(uint64(10 * max(0, s.Elapsed)))
				a.Usage.ThrottledPeriods = new(uint64(share * 10 * max(0, s.Elapsed)))
			})
		})
	}
	return []reasonCase{
		{verdict.BackendCPUFull, throttled(.12), throttled(.08)},
		{verdict.BackendSlow, inside(1.1), inside(.9)},
		{verdict.BackendLate, late(.011), late(.009)},
		{verdict.BackendPaused, rec(still(record.Backend, 2, 0)), rec(still(record.Backend, 2, 1e-4))},
	}
}

func seenCases() []reasonCase {
	silent := func(actor string, seconds float64) madeUp {
		return rec(func(r *record.Record) {
			each(r, actor, func(s *record.Sample, a *record.ActorSample) {
				if s.Elapsed > 30 && s.Elapsed < 30+seconds {
					a.ScrapeError, a.Metrics = "timeout", nil
				}
			})
		})
	}
	set := func(at, by float64) madeUp {
		return rec(func(r *record.Record) {
			for i := range r.Samples {
				step := 0.0
				if s := r.Samples[i]; s.Elapsed > at && s.Elapsed < at+1 {
					step = by
				}
				r.Samples[i].ClockStep = &step
			}
		})
	}
	return []reasonCase{
		{verdict.NotSeen, silent(record.Loadgen, 6), silent(record.Loadgen, 2)},
		{verdict.FewerGateways, oneOfTwo(taken("evicted by kubelet")), oneOfTwo(taken(env.ReasonDeleted))},
		{verdict.GatewaySilent, silent(record.Gateway, 6), silent(record.Gateway, 2)},
		{verdict.ClockStepped, set(30, -.11), set(30, -.09)},
		{verdict.ClockStepped, set(5, 2), set(-2, 2)}, // in the warm-up, and before it
		{verdict.ClockUnsteady, set(30, .011), set(30, .009)},
		{verdict.UsageUnknown, rec(func(r *record.Record) {
			each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) { a.Usage.CPUSeconds = nil })
		}), madeUp{}},
		{verdict.UsageSeldom, rec(func(r *record.Record) {
			trials.Kubelet(r, 10, 10, 10, 26, 10)
		}), rec(func(r *record.Record) { trials.Kubelet(r, 10, 10, 10, 24, 10) })},
	}
}

func limitCases() []reasonCase {
	charged := func(mib float64) madeUp {
		return rec(func(r *record.Record) {
			each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) {
				a.Usage.MemoryUsage = new(int64(mib * trials.MiB))
			})
		})
	}
	uses := func(cores float64) madeUp {
		return madeUp{trial: func(t *trials.Trial) { t.CPU = func(float64) float64 { return cores } }}
	}
	return []reasonCase{
		{verdict.LimitsNotEnforced, rec(func(r *record.Record) {
			r.Header.Enforcement = env.Enforcement{Method: "none", CPU: true}
		}), madeUp{}},
		{verdict.LimitsTooLarge, rec(func(r *record.Record) {
			r.Header.Scenario.Gateway.CPULimit = 4.5
		}), rec(func(r *record.Record) { r.Header.Scenario.Gateway.CPULimit = 4 })},
		{verdict.LimitsExceeded, uses(1.07), uses(1.03)},
		{verdict.LimitsExceeded, charged(607), charged(604)},
	}
}

// onHost has the machine use, lose and wait for so many seconds each second.
func onHost(h env.Host) madeUp {
	return rec(func(r *record.Record) {
		for i := range r.Samples {
			s := &r.Samples[i]
			e := s.At.Sub(r.Samples[0].At).Seconds()
			s.Host = &env.Host{BusySeconds: e * h.BusySeconds, StealSeconds: e * h.StealSeconds}
			if h.CPUStalled != nil {
				s.Host.CPUStalled = new(e * *h.CPUStalled)
			}
			if h.MemoryStalled != nil {
				s.Host.MemoryStalled = new(e * *h.MemoryStalled)
			}
		}
	})
}

func hostCases() []reasonCase {
	full := func(cores int) madeUp {
		return madeUp{
			trial:  func(t *trials.Trial) { t.CPU = func(float64) float64 { return .88 } },
			record: func(r *record.Record) { r.Header.Machine.Cores = cores },
		}
	}
	stalled := func(share float64) madeUp {
		return rec(func(r *record.Record) {
			each(r, record.Backend, func(s *record.Sample, a *record.ActorSample) {
				a.Usage.CPUStalled = new(share * s.Elapsed)
			})
		})
	}
	near := func(times float64) madeUp {
		return rec(func(r *record.Record) {
			r.Header.Selftest = &record.Selftest{Ceilings: []record.Ceiling{measuredCeiling(r, times*1000)}}
		})
	}
	waits := func(share, busy, throttled float64) madeUp {
		m := onHost(env.Host{BusySeconds: busy, CPUStalled: &share})
		m.trial = func(t *trials.Trial) { t.Throttled = throttled }
		return m
	}
	burst := func(stolen float64) madeUp { // for five seconds, 0.4 % over the minute
		return rec(func(r *record.Record) {
			for i := range r.Samples {
				s := &r.Samples[i]
				s.Host = &env.Host{StealSeconds: stolen * min(5, max(0, s.Elapsed-30))}
			}
		})
	}
	return []reasonCase{
		{verdict.HostBusy, onHost(env.Host{BusySeconds: 3.9}), onHost(env.Host{BusySeconds: 3.7})},
		{verdict.HostBusy, onHost(env.Host{BusySeconds: 3.9}), onHost(env.Host{BusySeconds: .36, StealSeconds: 3.5})},
		{verdict.HostFull, full(1), full(2)},
		{verdict.HostFull, onNodes("a", "a", "b", 1, 4), onNodes("a", "a", "b", 2, 4)},
		{verdict.HostFull, onNodes("a", "b", "a", 1, 4), onNodes("a", "b", "b", 1, 4)},
		{verdict.HostSteal, onHost(env.Host{StealSeconds: .09}), onHost(env.Host{StealSeconds: .07})},
		{verdict.HostSteal, burst(.45), burst(.3)},
		{verdict.HostPressure, waits(.41, 3.2, 0), waits(.39, 3.2, 0)},
		{verdict.HostPressure, waits(.6, 3.2, 0), waits(.6, 3.2, .3)}, // whom our limit holds back
		{verdict.HostPressure, waits(.6, 3.1, 0), waits(.6, 2.9, 0)},  // and whom another's
		{
			verdict.HostPressure, onHost(env.Host{MemoryStalled: new(.06)}),
			onHost(env.Host{MemoryStalled: new(.04)}),
		},
		{verdict.EndsStalled, stalled(.11), stalled(.09)},
		{verdict.NearCeiling, near(1.4), near(1.5)},
	}
}

func answerCases() []reasonCase {
	lostIn := func(id string, drained bool) madeUp {
		return madeUp{func(t *trials.Trial) { t.Lost = 9 }, func(r *record.Record) {
			r.Ending.Drained.Complete = drained
			if id != "" {
				r.Header.Sampling = []string{id}
			}
			each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) {
				a.Metrics[record.ExporterEnqueueFailed] = 0
			})
		}}
	}
	queue := func(per float64) madeUp {
		return madeUp{func(t *trials.Trial) {
			t.Queue = func(e float64) float64 { return per * max(0, e) }
		}, arriving(995)}
	}
	hot := func(seconds float64) madeUp {
		return madeUp{
			func(t *trials.Trial) { t.CPU = func(float64) float64 { return .85 } },
			func(r *record.Record) { last(r, seconds) },
		}
	}
	allowed := func(d time.Duration) madeUp {
		return rec(func(r *record.Record) {
			r.Ending.Received.Latency = ledger.NewHistogram()
			r.Ending.Received.Latency.Record(300*time.Millisecond, 40_000)
			r.Header.Scenario.Thresholds.LatencyP99 = scenario.Duration(d)
		})
	}
	predicted := func(came uint64) madeUp {
		return rec(func(r *record.Record) {
			r.Header.Sampling = []string{"probabilistic_sampler"}
			a := ledger.Account{Acknowledged: ledger.Fate{Items: came, Once: came}}
			r.Ending.Predicted = &record.Predicted{All: a, Measured: a}
		})
	}
	kill := func(known *bool) madeUp {
		trial, change := killed(oom(known))
		return madeUp{trial, change}
	}
	return []reasonCase{
		{verdict.NotSettled, warming(60, 1.3), warming(60, 1.08)},
		{verdict.NotSettled, warming(60, 1.3), warming(24, 1.3)},
		{verdict.NotDrained, rec(func(r *record.Record) { r.Ending.Drained.Complete = false }), madeUp{}},
		{verdict.StillInside, lostIn("", false), lostIn("", true)},
		{verdict.LostOrSampled, lostIn("tail_sampling", true), lostIn("", true)},
		{verdict.QueueGrew, queue(5), queue(.05)},
		{verdict.TooShortToHold, hot(14), hot(17)},
		{verdict.TooFewForQuantile, allowed(200 * time.Millisecond), allowed(400 * time.Millisecond)},
		{verdict.WrongPrediction, predicted(2), predicted(0)},
		{verdict.KillNotTold, kill(nil), kill(new(true))},
		{verdict.AssertionUnknown, asserting("gc_cpu<99%"), asserting("loss==0")},
	}
}

// asserting is a trial that tells nothing of the gateway's Go runtime, with an assertion.
func asserting(that scenario.Expression) madeUp {
	return madeUp{record: func(r *record.Record) {
		for _, s := range r.Samples {
			delete(s.Actors[record.Gateway].Metrics, record.GoGCCPU)
		}
		r.Header.Scenario.Assertions = []scenario.Assertion{{That: that}}
	}}
}

// warming has the gateway use so many times its CPU in the first 15 s of the measured
// time, of which so many seconds are kept.
func warming(seconds, times float64) madeUp {
	return madeUp{func(t *trials.Trial) {
		t.CPU = func(e float64) float64 {
			return (.6 + .01*math.Sin(7*e)) * (1 + (times-1)*step(e, 0, 25))
		}
	}, func(r *record.Record) { last(r, seconds) }}
}

// oneOfTwo has one of two gateways end so.
func oneOfTwo(s env.State) madeUp {
	return rec(func(r *record.Record) {
		trials.Split(r, even()...)
		r.Ending.States[env.MemberName(record.Gateway, 1)] = s
	})
}
