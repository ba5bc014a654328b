package verdict_test

import (
	"testing"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// dropped makes so many acknowledged spans of the measured time ones that the SDK gave up.
func dropped(n uint64) func(*record.Record) {
	return func(r *record.Record) {
		r.Header.Scenario.Load.Engine = scenario.EngineSDK
		for _, a := range []*ledger.Account{&r.Ending.Measured, &r.Ending.All} {
			a.Acknowledged.Items -= n
			a.Acknowledged.Once -= n
			a.Dropped = ledger.Fate{Items: n, NotDelivered: n}
		}
		r.Ending.Sent.Measured.Acknowledged -= n
		r.Ending.Sent.Measured.Dropped = n
	}
}

// What was not answered is judged by whether it came.
func TestUnansweredAndGivenUp(t *testing.T) {
	checkCases(t, []judgeCase{
		{
			name: "unanswered and not delivered", trial: func(t *trials.Trial) { t.Unknown = 700 },
			want: "fail valid 99", check: "refused", severity: verdict.Critical,
		},
		{
			name:  "refused and unanswered, each allowed, not both",
			trial: func(t *trials.Trial) { t.Unknown, t.Refused = 400, 400 },
			want:  "fail valid 99", check: "refused", severity: verdict.Critical,
		},
		{
			name: "unanswered, allowed", trial: func(t *trials.Trial) { t.Unknown = 600 },
			want: "pass valid 0", check: "refused", severity: verdict.Held,
		},
		{
			name: "unanswered and delivered", trial: func(t *trials.Trial) { t.Unknown = 7000 },
			record: func(r *record.Record) {
				for _, a := range []*ledger.Account{&r.Ending.Measured, &r.Ending.All} {
					a.Unknown.Once, a.Unknown.NotDelivered = a.Unknown.Items, 0
				}
			},
			want: "pass valid 0", check: "unanswered", severity: verdict.Note,
		},
		{
			name: "unanswered, for want of CPU of our own", trial: func(t *trials.Trial) { t.Unknown = 7000 },
			record: starve, want: "invalid invalid 4", check: "refused", severity: verdict.Held,
		},
		{
			name: "given up by the SDK", record: dropped(700),
			want: "fail valid 99", check: "unsent", severity: verdict.Critical,
		},
		{
			name: "given up by the SDK, allowed", record: dropped(500),
			want: "pass valid 0", check: "unsent", severity: verdict.Note,
		},
		{
			name: "given up for want of CPU of our own", record: func(r *record.Record) {
				dropped(700)(r)
				starveCPU(r)
			},
			want: "invalid invalid 4", check: "pacing", severity: verdict.Void,
		},
	})
}
