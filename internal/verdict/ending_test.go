package verdict_test

import (
	"strings"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/verdict"
	"github.com/odigos-io/odigos-stress/internal/verdict/testdata/trials"
)

// What a gateway died with is told where its death is, the warm-up's spans included.
func TestWhatTheGatewayDiedWith(t *testing.T) {
	trial := trials.Calm()
	trial.KilledAt, trial.Lost = 42, 900
	r := trial.Record()
	cutShort(r)
	a := &r.Ending.All.Acknowledged
	a.Once, a.NotDelivered = a.Once-100, a.NotDelivered+100
	const want = "of the whole run 1,000 acknowledged spans were not delivered, 900 of them measured"
	for _, f := range verdict.Judge(r).Findings {
		if f.Check == "gateway" && !strings.Contains(f.Text, want) {
			t.Errorf("gateway: %s, want … %s", f.Text, want)
		}
	}
}
