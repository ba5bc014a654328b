package verdict_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/sampler"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// A tally is what a made-up gateway of 70,000 acknowledged spans says and did.
type tally struct {
	missing, turnedAway        uint64 // of the acknowledged spans that were to be kept
	sampled, came              uint64 // of those predicted to be dropped: missing, and not
	sent, failed, notQueued    uint64 // the collector's counters
	refusedInside, evicted     uint64
	dropped                    uint64 // by the sampler's counter
	unknown                    uint64
	unheard                    uint64 // deliveries of the unknown spans
	accepted                   uint64
	extra                      uint64
	inside, predicted, sampler bool
}

func (c tally) record() *record.Record {
	trial := trials.Calm()
	r := trial.Record()
	const due = 70_000
	delivered := due - c.unknown - c.missing - c.sampled
	a := ledger.Account{Due: due, Offered: due}
	a.Acknowledged = ledger.Fate{
		Items: due - c.unknown, Once: delivered, NotDelivered: c.missing + c.sampled,
		TurnedAway: c.turnedAway,
	}
	if c.extra > 0 {
		a.Acknowledged.Once--
		a.Acknowledged.Repeatedly, a.Acknowledged.Extra = 1, c.extra
	}
	a.Unknown = ledger.Fate{Items: c.unknown, Once: c.unheard, NotDelivered: c.unknown - c.unheard}
	r.Ending.All = a
	if c.sampler {
		r.Header.Sampling = []string{"probabilistic_sampler"}
	}
	if c.predicted {
		r.Header.Prediction = &sampler.Prediction{Paths: [][]sampler.Sampler{{}}}
		r.Ending.Predicted = &record.Predicted{All: ledger.Account{
			Acknowledged: ledger.Fate{
				Items: c.sampled + c.came, Once: c.came, NotDelivered: c.sampled,
			},
		}}
		if c.came > 0 {
			r.Ending.Predicted.Came = []record.CameRange{{
				MissingRange: record.MissingRange{First: 7, Count: c.came}, TraceID: "0a",
			}}
		}
	}
	r.Ending.Drained.Complete = !c.inside
	metrics := map[record.Metric]float64{
		record.ReceiverAccepted: float64(c.accepted), record.ReceiverRefused: 0,
		record.ExporterSent: float64(c.sent), record.ExporterSendFailed: float64(c.failed),
		record.ExporterEnqueueFailed: float64(c.notQueued),
		record.ProcessorRefused:      float64(c.refusedInside), record.TailEvicted: float64(c.evicted),
	}
	if c.sampler {
		metrics[record.SamplerDropped] = float64(c.dropped)
	}
	last := &r.Samples[len(r.Samples)-1]
	g := last.Actors[record.Gateway]
	g.Metrics = metrics
	last.Actors[record.Gateway] = g
	return r
}

// Every acknowledged span that did not come has one explanation, or is unexplained; what
// the collector's counters say beyond that is unexplained too.
func TestExplained(t *testing.T) {
	none := new(uint64(0))
	for _, c := range []struct {
		name string
		in   tally
		want verdict.ExplainedFigures
		rest string // what the books leave unexplained
	}{
		{
			name: "all came", in: tally{sent: 70_000, accepted: 70_000},
			want: verdict.ExplainedFigures{Unexplained: none},
		},
		{
			name: "given up", in: tally{sent: 69_900, accepted: 70_000, missing: 100, turnedAway: 60, failed: 100},
			want: verdict.ExplainedFigures{GivenUp: 100, TurnedAway: 60, Unexplained: none},
		},
		{
			name: "nobody says why", in: tally{sent: 69_900, accepted: 70_000, missing: 100, failed: 30},
			want: verdict.ExplainedFigures{GivenUp: 30, Unexplained: new(uint64(70))},
		},
		{
			name: "turned away, and the exporter silent",
			in:   tally{sent: 69_900, accepted: 70_000, missing: 100, turnedAway: 100},
			want: verdict.ExplainedFigures{GivenUp: 100, TurnedAway: 100, Unexplained: none},
			rest: "exporter_send_failed_spans + exporter_enqueue_failed_spans: 100",
		},
		{
			name: "each in its place",
			in: tally{
				sent: 69_880, accepted: 70_000, missing: 120, failed: 50, notQueued: 30,
				refusedInside: 20, evicted: 5,
			},
			want: verdict.ExplainedFigures{
				GivenUp: 50, NotQueued: 30, RefusedInside: 20, Evicted: 10, Unexplained: new(uint64(10)),
			},
		},
		{
			name: "still inside", in: tally{sent: 69_900, accepted: 70_000, missing: 100, inside: true},
			want: verdict.ExplainedFigures{Inside: 100},
		},
		{
			name: "sampled as predicted",
			in:   tally{sent: 50_000, accepted: 70_000, sampled: 20_000, dropped: 20_000, sampler: true, predicted: true},
			want: verdict.ExplainedFigures{Sampled: 20_000, Unexplained: none, Contradicting: none},
		},
		{
			name: "sampled, and a trace lost among it",
			in: tally{
				sent: 49_998, accepted: 70_000, missing: 2, sampled: 20_000, dropped: 20_000,
				sampler: true, predicted: true,
			},
			want: verdict.ExplainedFigures{Sampled: 20_000, Unexplained: new(uint64(2)), Contradicting: none},
		},
		{
			name: "the sampler dropped more than was predicted",
			in: tally{
				sent: 49_998, accepted: 70_000, missing: 2, sampled: 20_000, dropped: 20_002,
				sampler: true, predicted: true,
			},
			want: verdict.ExplainedFigures{Sampled: 20_000, Unexplained: new(uint64(2)), Contradicting: none},
			rest: "probabilistic_sampler_dropped_spans + tail_sampling_dropped_traces: 2",
		},
		{
			name: "came against the prediction",
			in: tally{
				sent: 50_000, accepted: 70_000, sampled: 20_000, came: 4, dropped: 20_000,
				sampler: true, predicted: true,
			},
			want: verdict.ExplainedFigures{Sampled: 20_000, Assumed: true, Contradicting: new(uint64(4))},
		},
		{
			name: "cannot be predicted",
			in:   tally{sent: 50_000, accepted: 70_000, sampled: 20_000, failed: 50, sampler: true},
			want: verdict.ExplainedFigures{GivenUp: 50, Sampled: 19_950, Assumed: true},
		},
		{
			name: "cannot be predicted, and of the given up some were delivered",
			in:   tally{sent: 49_980, accepted: 70_000, sampled: 20_000, failed: 50, sampler: true},
			want: verdict.ExplainedFigures{GivenUp: 50, Sampled: 19_950, Assumed: true},
		},
		{
			name: "answers lost, sent again", in: tally{sent: 70_000, accepted: 70_000, extra: 300},
			want: verdict.ExplainedFigures{Unexplained: none},
		},
		{
			name: "answers lost, given up for all that",
			in:   tally{sent: 69_700, accepted: 70_000, failed: 300, extra: 50},
			want: verdict.ExplainedFigures{Unexplained: none},
		},
		{
			name: "given up more than was", in: tally{sent: 70_000, accepted: 70_000, failed: 300},
			want: verdict.ExplainedFigures{Unexplained: none},
			rest: "exporter_send_failed_spans + exporter_enqueue_failed_spans: 300",
		},
		{
			name: "more sent than came", in: tally{sent: 70_003, accepted: 70_000},
			want: verdict.ExplainedFigures{Unexplained: none},
			rest: "exporter_sent_spans: 3",
		},
		{
			name: "unanswered and accepted, delivered or given up",
			in:   tally{sent: 69_940, accepted: 69_960, unknown: 100, unheard: 40, failed: 20},
			want: verdict.ExplainedFigures{Unexplained: none},
		},
		{
			name: "fewer accepted than acknowledged", in: tally{sent: 70_000, accepted: 69_990},
			want: verdict.ExplainedFigures{Unexplained: none},
			rest: "receiver_accepted_spans: 10",
		},
	} {
		r := c.in.record()
		got := verdict.Measure(r).Explained
		c.want.Known, c.want.NotDelivered = true, c.in.missing+c.in.sampled
		if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(verdict.ExplainedFigures{}, "Books")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		var rest []string
		for _, b := range got.Books {
			if b.Unexplained > 0 {
				rest = append(rest, fmt.Sprint(b.Counter, ": ", b.Unexplained))
			}
		}
		if books := strings.Join(rest, ", "); books != c.rest {
			t.Errorf("%s: the books leave %q, want %q", c.name, books, c.rest)
		}
		v := verdict.Judge(r)
		if c.rest != "" && !found(v, "counters", verdict.Note) {
			t.Errorf("%s: no finding names the counter\n%s", c.name, list(v))
		}
		if c.in.came > 0 && !found(v, "explained", verdict.Reservation) {
			t.Errorf("%s: no finding says so\n%s", c.name, list(v))
		}
	}
}
