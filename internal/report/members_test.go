package report_test

import (
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/record"
	"github.com/odigos-io/odigos-stress/internal/report"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// Of several load generators the table says which figures are of all of them.
func TestFiguresOfSeveral(t *testing.T) {
	for _, n := range []int{0, 3} {
		r := trials.Calm().Record()
		for i := range r.Header.Actors {
			if r.Header.Actors[i].Name == record.Loadgen {
				r.Header.Actors[i].Replicas = n
			}
		}
		var page strings.Builder
		if err := report.Markdown(&page, report.Summarise(r)); err != nil {
			t.Fatal(err)
		}
		for _, title := range []string{
			"Load generator: CPU of all 3, average", "Load generator: CPU of the fullest of 3, most",
			"Load generator: working set of all 3, peak",
		} {
			if told := strings.Contains(page.String(), title); told != (n == 3) {
				t.Errorf("%d load generators: %q is told: %t", n, title, told)
			}
		}
	}
}
