package report_test

import (
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// What the clocks leave open stands beside the latency from a millisecond on.
func TestClocksBesideLatency(t *testing.T) {
	for uncertainty, want := range map[float64]string{0: "", 0.0004: "", 0.0012: "2.4 ms"} {
		r := trials.Calm().Record()
		if uncertainty > 0 {
			r.Ending.Clocks = []record.Clock{
				{Actor: record.Backend, Uncertainty: uncertainty},
				{Actor: record.Loadgen, Uncertainty: uncertainty},
			}
		}
		s := report.Summarise(r)
		var text, page strings.Builder
		if err := report.Text(&text, s); err != nil {
			t.Fatal(err)
		}
		if err := report.Markdown(&page, s); err != nil {
			t.Fatal(err)
		}
		beside := strings.Contains(text.String(), "(± "+want+", by the clocks)")
		below := strings.Contains(page.String(), "a time to delivery can be wrong by "+want+".")
		if told := want != ""; beside != told || below != told {
			t.Errorf("uncertain by %v each: told %t in the text, %t in the page; want %q", uncertainty,
				beside, below, want)
		}
	}
}
