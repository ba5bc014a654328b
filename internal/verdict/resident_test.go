package verdict_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/search"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// resident has the gateway tell its resident memory, 30 MiB above its working set, at the
// looks that want it, and its usage read every ten seconds, 2 MiB of it not anonymous.
func resident(r *record.Record, tells func(look int) bool) {
	look := 0
	each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) {
		if look++; a.Usage != nil && a.Metrics != nil && tells(look) {
			a.Metrics[record.ProcessRSS] = float64(*a.Usage.MemoryRSS)
		}
	})
	ownAndEveryTen(r)
	each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) {
		if a.Usage != nil {
			u := *a.Usage
			u.MemoryAnon = new(*u.MemoryWorkingSet - 2*trials.MiB)
			a.Usage = &u
		}
	})
}

// Where memory is read once in the measured time, it was at most what the gateway says of
// itself and what the place counts beside that.
func TestMemoryIsBounded(t *testing.T) {
	always := func(int) bool { return true }
	for _, c := range []struct {
		name     string
		mib      float64
		tells    func(int) bool
		severity verdict.Severity
		text     string
		result   search.Result
	}{
		{"calm", 120, always, verdict.Held, "at most 152 MiB, 25 % of its limit of 600 MiB", search.Held},
		{
			"above the warning by the bound", 460, always, verdict.Note,
			"whether 80 % (warning) was reached is not known; 90 % (critical) not reached", search.Held,
		},
		{
			"critical by the bound", 520, always, verdict.Reservation, "is not known: that takes two readings",
			search.Unclear,
		},
		{
			"silent at every fifth look", 120, func(look int) bool { return look%5 > 0 },
			verdict.Reservation, "is not known: that takes two readings", search.Unclear,
		},
	} {
		trial := trials.Calm()
		trial.WorkingSet = func(float64) float64 { return c.mib }
		r := trial.Record()
		resident(r, c.tells)
		last(r, 12)
		v := verdict.Judge(r)
		i := slices.IndexFunc(v.Findings, func(f verdict.Finding) bool { return f.Check == "memory" })
		if f := v.Findings[i]; f.Severity != c.severity || !strings.Contains(f.Text, c.text) {
			t.Errorf("%s: %s: %s; want %s: %s", c.name, f.Severity, f.Text, c.severity, c.text)
		}
		if h := verdict.HoldingOf(r); h.Result != c.result {
			t.Errorf("%s: HoldingOf says %s: %s; want %s", c.name, h.Result, h.Why, c.result)
		}
		if h := verdict.HoldingOf(r); h.TooShort() != (c.result == search.Unclear) {
			t.Errorf("%s: HoldingOf says too short: %t, for %v", c.name, h.TooShort(), h.Reasons)
		}
		w := verdict.NewWatch(r.Header)
		for _, s := range r.Samples {
			w.Add(s)
		}
		for _, f := range w.Findings() {
			if f.Check == "memory" && f.Text != v.Findings[i].Text {
				t.Errorf("%s: Watch says %q, Judge %q", c.name, f.Text, v.Findings[i].Text)
			}
		}
	}
}
