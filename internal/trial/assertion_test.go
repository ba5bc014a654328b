package trial_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict"
)

// An assertion that asks for it ends the load, and not the trial: it drains, joins and is
// judged to have failed.
func TestAssertionEndsTheLoad(t *testing.T) {
	t.Parallel()
	q := question{
		measured: time.Minute, drain: time.Second,
		gateway: &gateway{on: func(_ *gateway, n int64) bool { return n == 30 }}, // into the queue
		assertions: []scenario.Assertion{
			{That: "queue<100", AbortOnFail: true},
			{That: "queue<1", AbortOnFail: true},
		},
	}
	r := q.finished(t, t.Context())
	e := r.Ending
	if !strings.HasPrefix(e.CutShort, "assertion queue<1: violated at 0:0") ||
		!strings.HasSuffix(e.CutShort, ": 1 request") || e.Error != "" || e.Interrupted != "" {
		t.Errorf("the ending is %+v", e)
	}
	if a := e.All; a.Acknowledged.Once == 0 || a.Acknowledged.NotDelivered != request ||
		a.Due != a.Acknowledged.Items+a.Unsent || a.Due >= 60*rate {
		t.Errorf("the account is %+v", a)
	}
	v := verdict.Judge(r)
	i := slices.IndexFunc(v.Findings, func(f verdict.Finding) bool { return f.Assertion == "queue<1" })
	if f := v.Findings[i]; f.Severity != verdict.Critical || v.ExitCode != verdict.ExitFail ||
		!strings.Contains(f.Text, "ended the load") || len(f.Spans) != 1 {
		t.Errorf("Judge = %d, %+v", v.ExitCode, f)
	}
	// It begins and ends, and the record says when.
	told := said(r, record.EventThreshold)
	if len(told) != 2 || !strings.Contains(told[0], "queue<1: violated: 1 request") ||
		!strings.Contains(told[1], "was violated from") {
		t.Errorf("threshold events are %q", told)
	}
}
