package report_test

import (
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// That pods were asked otherwise than a run wants them is told, by role; nothing of it elsewhere.
func TestPodsAsked(t *testing.T) {
	const told = "- Pods as a file asks (--pods): all (tolerations), gateway (nodeSelector, " +
		"priorityClassName); whole in `raw/header.json`: pods\n"
	for _, asked := range []map[string]any{nil, {
		"gateway": map[string]any{"priorityClassName": "high", "nodeSelector": map[string]any{"a": "b"}},
		"all":     map[string]any{"tolerations": []any{}},
	}} {
		r := trials.Calm().Record()
		r.Header.Pods = asked
		var page strings.Builder
		if err := report.Markdown(&page, report.Summarise(r)); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(page.String(), told); got != (asked != nil) {
			t.Errorf("of %v it is told: %t, in:\n%s", asked, got, page.String())
		}
	}
}
