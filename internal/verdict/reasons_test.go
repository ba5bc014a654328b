package verdict_test

import (
	"slices"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// A madeUp trial is what is done to a calm one.
type madeUp struct {
	trial  func(*trials.Trial)
	record func(*record.Record)
}

func (m madeUp) judge() verdict.Verdict {
	trial := trials.Calm()
	if m.trial != nil {
		m.trial(&trial)
	}
	r := trial.Record()
	if m.record != nil {
		m.record(r)
	}
	return verdict.Judge(r)
}

func rec(change func(*record.Record)) madeUp { return madeUp{record: change} }

// A reasonCase is a trial in which a reason fires, and one, as near to it as may be, in
// which it must not.
type reasonCase struct {
	reason      verdict.Reason
	fires, calm madeUp
}

// Each reason fires where it is to, by its name and with its effect, and not next to it.
func TestReasons(t *testing.T) {
	for _, c := range reasonCases() {
		v := c.fires.judge()
		if !slices.Contains(v.Reasons, c.reason) {
			t.Errorf("%s does not fire, found %v in\n%s", c.reason, v.Reasons, list(v))
		}
		if v := c.calm.judge(); slices.Contains(v.Reasons, c.reason) {
			t.Errorf("%s fires where it must not, in\n%s", c.reason, list(v))
		}
	}
}

// Every reason of the table has such a pair, and there is none beside the table.
func TestEveryReasonHasACase(t *testing.T) {
	cased := map[verdict.Reason]bool{}
	for _, c := range reasonCases() {
		cased[c.reason] = true
	}
	listed := map[verdict.Reason]bool{}
	for _, r := range verdict.Reasons() {
		if listed[r.Name] {
			t.Errorf("%s stands twice in the table", r.Name)
		}
		listed[r.Name] = true
		if !cased[r.Name] {
			t.Errorf("%s has no case in which it fires, and none in which it must not", r.Name)
		}
		if r.Name.Remedy() != r.Do || r.Do == "" || r.Means == "" || r.Threshold == "" {
			t.Errorf("%s is told in part: %+v", r.Name, r)
		}
	}
	for r := range cased {
		if !listed[r] {
			t.Errorf("%s has a case and does not stand in the table", r)
		}
	}
}

// checkReasons wants a reason of the table on every finding that weighs on the validity,
// with the effect that stands there, and none on any other.
func checkReasons(t *testing.T, name string, v verdict.Verdict) {
	t.Helper()
	effects := map[verdict.Reason]verdict.Validity{}
	for _, r := range verdict.Reasons() {
		effects[r.Name] = r.Effect
	}
	for _, f := range v.Findings {
		want := map[verdict.Severity]verdict.Validity{
			verdict.Void: verdict.Unusable, verdict.Reservation: verdict.Degraded,
		}[f.Severity]
		if got := effects[f.Reason]; got != want {
			t.Errorf("Judge(%s): %s finds %s for reason %q, which makes a trial %q, want %q: a line of "+
				"the table of reasons is missing or wrong: %s", name, f.Check, f.Severity, f.Reason, got,
				want, f.Text)
		}
	}
	if (len(v.Reasons) == 0) != (v.Validity == verdict.Valid) {
		t.Errorf("Judge(%s): %s for reasons %v", name, v.Validity, v.Reasons)
	}
}

func TestCasesHaveReasons(t *testing.T) {
	for _, c := range reasonCases() {
		checkReasons(t, string(c.reason), c.fires.judge())
		checkReasons(t, string(c.reason)+", near to it", c.calm.judge())
	}
}

// What was made lighter since weighs no more.
func TestNoReasonAfterAKill(t *testing.T) {
	v := madeUp{
		trial: func(t *trials.Trial) { t.KilledAt = 12 },
		record: func(r *record.Record) {
			cutShort(r)
			each(r, record.Gateway, func(_ *record.Sample, a *record.ActorSample) { a.Usage = nil })
		},
	}.judge()
	checkReasons(t, "killed", v)
	if slices.Contains(v.Reasons, verdict.UsageUnknown) {
		t.Errorf("reasons %v, want no %s: the kill says it all", v.Reasons, verdict.UsageUnknown)
	}
}
