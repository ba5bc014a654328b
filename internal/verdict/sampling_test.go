package verdict_test

import (
	"testing"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// What a sampler dropped is not plain loss; what is missing of a trace that came is.
func TestLossBehindASampler(t *testing.T) {
	loses := func(t *trials.Trial) { t.Lost = 6000 }
	sampler := func(id string, traces *ledger.Traces) func(*record.Record) {
		return func(r *record.Record) {
			r.Header.Sampling, r.Ending.Measured.Traces = []string{id}, traces
		}
	}
	whole := &ledger.Traces{Whole: 27_000, Dropped: 3000, DroppedSpans: 6000}
	torn := &ledger.Traces{Whole: 27_000, Dropped: 2998, DroppedSpans: 5996, InPart: 4, MissingSpans: 4}
	// Of the 6,000 spans that did not come, so many were predicted not to.
	predicts := func(dropped, came uint64) func(*record.Record) {
		return func(r *record.Record) {
			sampler("probabilistic_sampler", whole)(r)
			account := ledger.Account{Acknowledged: ledger.Fate{
				Items: dropped + came, Once: came, NotDelivered: dropped,
			}}
			r.Ending.Predicted = &record.Predicted{All: account, Measured: account}
		}
	}
	checkCases(t, []judgeCase{
		{
			name: "sampled as predicted", trial: loses, record: predicts(6000, 0),
			want: "pass valid 0", check: "loss", severity: verdict.Held,
		},
		{
			name: "a trace lost whole among them", trial: loses, record: predicts(5998, 0),
			want: "fail valid 99", check: "loss", severity: verdict.Critical,
		},
		{
			name: "the prediction does not hold", trial: loses, record: predicts(5998, 2),
			want: "pass degraded 0", check: "loss", severity: verdict.Note,
		},
		{
			name: "no sampler", trial: loses, record: func(r *record.Record) { r.Ending.Measured.Traces = whole },
			want: "fail valid 99", check: "loss", severity: verdict.Critical,
		},
		{
			name: "sampled whole", trial: loses, record: sampler("probabilistic_sampler", whole),
			want: "pass valid 0", check: "loss", severity: verdict.Note,
		},
		{
			name: "torn", trial: loses, record: sampler("tail_sampling/x", torn),
			want: "fail valid 99", check: "loss", severity: verdict.Critical,
		},
		{
			name: "torn by a filter", trial: loses, record: sampler("filter/health", torn),
			want: "pass degraded 0", check: "loss", severity: verdict.Reservation,
		},
		{
			name: "traces not followed", trial: loses, record: sampler("tail_sampling", nil),
			want: "pass degraded 0", check: "loss", severity: verdict.Reservation,
		},
	})
}
