package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// The section tells each death, what it cost, and that the costs and the rest of the run
// are the whole.
func TestWhenItDied(t *testing.T) {
	r := trials.Calm().Record()
	r.Ending.All.RefusedRetryable = ledger.Fate{Items: 1000, NotDelivered: 1000}
	all := &r.Ending.All.Acknowledged
	all.Items, all.Once, all.NotDelivered = all.Items-1000, all.Once-1900, 900
	r.Ending.Deaths = []record.Death{
		{
			Kind: record.DeathOOM, Elapsed: 30, Uptime: 31.5, Restarted: new(32.0),
			State: env.State{ExitCode: -1, Signal: "SIGKILL", OOMKilled: new(true)},
			Cost:  &record.Cost{To: 32, Due: 32_000, Acknowledged: 31_000, Lost: 800, Refused: 1000},
		},
		{
			Kind: record.DeathPanic, Elapsed: 50, Uptime: 18, State: env.State{ExitCode: 2},
			Text: "panic: boom\n  main.run", Component: "processor/batch",
			Cost: &record.Cost{From: 32, To: 70, Due: 20_000, Acknowledged: 20_000, Lost: 60},
		},
	}
	var b bytes.Buffer
	if err := report.Markdown(&b, report.Summarise(r)); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{
		"## When it died",
		"| 1 | oom-killed | 30 s | 32 s |",
		"| 2 | panic | 50 s | 18 s |",
		" | 32 s |\n| 2 |", " | never |\n", // ready again
		"What filled its memory before death 1: **",
		"| 1 | 0:00 to 0:32 | 32,000 | 31,000 | 800 | 1,000 | 0 | 0 |",
		"| 2 | 0:32 to 1:10 | 20,000 | 20,000 | 60 | 0 | 0 | 0 |",
		"| **sum** |  | 52,000 | 51,000 | 860 | 1,000 | 0 | 0 |",
		"| rest of the run |  | 18,000 | 18,000 | 40 | 0 | 0 | 0 |",
		"Death 2 (panic, in processor/batch):\n\n    panic: boom\n      main.run\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if t.Failed() {
		from := strings.Index(text, "## When it died")
		t.Log(text[from : from+min(len(text)-from, 4000)])
	}
	r.Ending.Deaths = nil
	b.Reset()
	if err := report.Markdown(&b, report.Summarise(r)); err != nil || strings.Contains(b.String(), "When it died") {
		t.Errorf("a section of deaths without one, %v", err)
	}
}
