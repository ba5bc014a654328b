package report_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/scenario"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

func textOf(t *testing.T, r *record.Record) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Text(&b, report.Summarise(r)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The line of the account on a terminal sums, whatever became of the spans.
func TestTextSums(t *testing.T) {
	all := records()
	odd := trials.Calm().Record()
	a := &odd.Ending.Measured
	a.Acknowledged.Items, a.Acknowledged.Once = 59000, 59000
	a.Dropped = ledger.Fate{Items: 700, NotDelivered: 700}
	a.RejectedInPart = ledger.Fate{Items: 300, Once: 100, NotDelivered: 200}
	a.RejectedSpans = 200
	all["odd"] = odd
	whole := regexp.MustCompile(`([0-9,]+) due = ([0-9,]+) offered \+ ([0-9,]+) unsent; offered = (.*)`)
	for name, r := range all {
		text := textOf(t, r)
		m := whole.FindStringSubmatch(text)
		if m == nil {
			t.Errorf("%s: no account in\n%s", name, text)
			continue
		}
		sum := 0.0
		for term := range strings.SplitSeq(m[4], " + ") {
			sum += number(t, term)
		}
		if due, offered, unsent := number(t, m[1]), number(t, m[2]), number(t, m[3]); due != offered+unsent || sum != offered {
			t.Errorf("%s: %q does not sum: offered is %v, its terms %v", name, m[0], offered, sum)
		}
		if !strings.Contains(text, " undelivered") {
			t.Errorf("%s: what was not delivered is not named:\n%s", name, text)
		}
	}
}

// A mark, a check's name and its text stand apart, however long the name is.
func TestTextColumns(t *testing.T) {
	r := trials.Calm().Record()
	r.Ending.Interrupted = "SIGINT"
	if text := textOf(t, r); !strings.Contains(text, "✗ completed interrupted by SIGINT") {
		t.Errorf("the check runs into its text:\n%s", text)
	}
}

// A gateway that was killed as expected is not said to have held.
func TestTextOfAnExpectedKill(t *testing.T) {
	r := records()["killed"]
	r.Header.Scenario.Expect = scenario.ExpectKilled
	var md bytes.Buffer
	if err := report.Markdown(&md, report.Summarise(r)); err != nil {
		t.Fatal(err)
	}
	text := textOf(t, r)
	for _, s := range []string{md.String(), text} {
		if strings.Contains(s, "the gateway held") || strings.Contains(s, "no limit was broken") ||
			!strings.Contains(s, "the gateway was killed, as expected") {
			t.Errorf("the report says\n%s", s)
		}
	}
	if !strings.Contains(text, "· gateway the gateway was killed for want of memory at 0:42") {
		t.Errorf("the kill is not told:\n%s", text)
	}
}

// A long list of missing spans is cut, and says where the rest is.
func TestMissingIsCut(t *testing.T) {
	r := trials.Calm().Record()
	for i := range 25 {
		r.Ending.Missing = append(r.Ending.Missing, record.MissingRange{First: uint64(5000 * i), Count: 2})
	}
	var md bytes.Buffer
	if err := report.Markdown(&md, report.Summarise(r)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(md.String(), "- Missing: stream"); n != 20 {
		t.Errorf("%d ranges of missing spans are told, want 20", n)
	}
	if !strings.Contains(md.String(), "- Missing: 5 more ranges in `raw/ending.json`") {
		t.Error("where the other ranges are is not told")
	}
}

// Behind a sampler what did not come is not said to be lost.
func TestTextBehindASampler(t *testing.T) {
	trial := trials.Calm()
	trial.Lost = 6000
	r := trial.Record()
	r.Header.Sampling = []string{"tail_sampling"}
	if text := textOf(t, r); !strings.Contains(text, "6,000 lost or sampled") {
		t.Errorf("the account says\n%s", text)
	}
}
