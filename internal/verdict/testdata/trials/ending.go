package trials

import (
	"math"
	"time"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
)

func (t Trial) ending() *record.Ending {
	total := warmUp + measured
	end := &record.Ending{
		Finished:  Start.Add(time.Duration(total+drain) * time.Second),
		LoadStart: Start,
		Drained:   record.Drain{Seconds: drain, Complete: true, QueueSize: new(0.0), Reason: "empty and quiet for 2 s"},
		States: map[string]env.State{
			record.Backend: {Stopped: true}, record.Gateway: {Stopped: true},
			record.Loadgen: {Stopped: true},
		},
		All:      t.account(uint64(t.Rate) * uint64(total)),
		Measured: t.account(uint64(t.Rate) * measured),
		Answer:   t.spread(0.0021, 0.009, 600), Transit: t.spread(0.3, 0.5, 600),
		Total: t.spread(0.3021, 0.51, 600),
	}
	if t.KilledAt > 0 {
		end.States[record.Gateway] = env.State{
			ExitCode: -1, Signal: "SIGKILL", OOMKilled: new(true),
			Ended: Start.Add(time.Duration(t.KilledAt * float64(time.Second))),
		}
		end.Drained = record.Drain{Reason: "the gateway is gone"}
	}
	end.Sent = t.sent(end)
	delivered := end.Measured.Acknowledged.Delivered()
	all := end.All.Acknowledged
	end.Received = &ledger.Received{
		Unique: all.Delivered(), Duplicate: all.Extra,
		Requests:     map[string]uint64{"OK": all.Delivered() / 200},
		DecodedBytes: 2004 * all.Delivered(), WireBytes: 310 * all.Delivered(),
		RequestSpans: ledger.NewHistogram(), Latency: t.spread(0.31, 0.52, delivered),
		LastArrival: Start.Add(time.Duration(total)*time.Second + 400*time.Millisecond),
		CPUSeconds:  0.03 * float64(total),
	}
	end.Received.RequestSpans.RecordValue(200, int64(all.Delivered()/200))
	return end
}

// account is of so many spans due.
func (t Trial) account(due uint64) ledger.Account {
	a := ledger.Account{Due: due, Unsent: t.Unsent, Offered: due - t.Unsent}
	acknowledged := a.Offered - t.Refused - t.Unknown
	a.Acknowledged = ledger.Fate{
		Items: acknowledged, Once: acknowledged - t.Lost - t.Repeated, Repeatedly: t.Repeated,
		NotDelivered: t.Lost, Extra: t.Repeated,
	}
	a.RefusedRetryable = ledger.Fate{Items: t.Refused, NotDelivered: t.Refused}
	a.Unknown = ledger.Fate{Items: t.Unknown, NotDelivered: t.Unknown}
	a.Attempts = a.Offered
	return a
}

func (t Trial) sent(end *record.Ending) *ledger.Sent {
	classes := func(a ledger.Account) ledger.Classes {
		return ledger.Classes{
			Due: a.Due, Unsent: a.Unsent, Acknowledged: a.Acknowledged.Items,
			RefusedRetryable: a.RefusedRetryable.Items, Unknown: a.Unknown.Items,
			Attempts: a.Attempts,
		}
	}
	m := classes(end.Measured)
	s := &ledger.Sent{
		Start: Start, Finished: (warmUp + measured) * time.Second, All: classes(end.All), Measured: m,
		Requests:     map[string]uint64{"OK": m.Acknowledged / batch},
		EncodedBytes: 1913 * m.Attempts, WireBytes: 1913 * m.Attempts,
		Lateness: t.spread(0.00003, 0.0004, m.Due/batch), Answer: t.spread(0.0021, 0.0094, m.Acknowledged),
		SlopeError: new(0.00002), ConnectionsOpened: 20, CPUSeconds: 0.02 * (warmUp + measured),
	}
	if m.RefusedRetryable > 0 {
		s.Requests["UNAVAILABLE"] = m.RefusedRetryable / batch
		s.Errors = map[string]uint64{"Memory limit has been reached": m.RefusedRetryable / batch}
	}
	if m.Unknown > 0 {
		s.Requests["DEADLINE_EXCEEDED"] = m.Unknown / batch
	}
	return s
}

// spread is a distribution of so many entries with these p50 and p99, in seconds,
// log-normal in shape.
func (t Trial) spread(p50, p99 float64, n uint64) *ledger.Histogram {
	h := ledger.NewHistogram()
	sigma := math.Log(p99/p50) / 2.326
	const steps = 500
	for i := range steps {
		from, to := n*uint64(i)/steps, n*uint64(i+1)/steps
		q := (float64(i) + 0.5) / steps
		v := p50 * math.Exp(sigma*math.Sqrt2*math.Erfinv(2*q-1))
		h.Record(time.Duration(v*float64(time.Second)), int64(to-from))
	}
	return h
}
