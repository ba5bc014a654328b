package report_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// Before the first figure of a trial stands how far it may be believed, and every reason.
func TestReasonsComeFirst(t *testing.T) {
	r := trials.Calm().Record()
	r.Header.Enforcement = env.Enforcement{Method: "none"}
	r.Ending.All.Impossible = 1
	s := report.Summarise(r)
	figure := regexp.MustCompile(`(?m)^(- \*\*|- Asked|## |  account|  latency|  gateway)`)
	for name, format := range map[string]report.Format{"markdown": report.Markdown, "text": report.Text} {
		var b bytes.Buffer
		if err := format(&b, s); err != nil {
			t.Fatal(err)
		}
		first := figure.FindStringIndex(b.String())
		if first == nil {
			t.Fatalf("%s has no figures:\n%s", name, b.String())
		}
		before := b.String()[:first[0]]
		for _, want := range []string{"invalid", "books-unbalanced", "limits-not-enforced", "no baseline"} {
			if !strings.Contains(before, want) {
				t.Errorf("%s: %q is not said before the first figure:\n%s", name, want, b.String())
			}
		}
	}
	var b bytes.Buffer
	if err := report.JSON(&b, s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"validity_reasons": [`, `"reason": "books-unbalanced"`, `"reason": "limits-not-enforced"`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the summary has no %s", want)
		}
	}
}

// A reason that is an expression is written as it was asked.
func TestExpressionIsNoSentence(t *testing.T) {
	s := report.Summarise(slow())
	s.Reason = "p(95)<1ms: fails: 544 ms"
	var b bytes.Buffer
	if err := report.Markdown(&b, s); err != nil || !strings.Contains(b.String(), "- **p(95)<1ms: fails") {
		t.Errorf("%v: the reason is not as it was", err)
	}
}

// A valid trial has nothing to say for itself.
func TestValidSaysNoMore(t *testing.T) {
	r := trials.Calm().Record()
	text := textOf(t, r)
	if !strings.Contains(text, "; the trial is valid\n") {
		t.Errorf("a calm trial is not said to be just valid:\n%s", text)
	}
}
