package record

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// The files of one alone are those of before there could be several.
func TestFilesOfMembers(t *testing.T) {
	h := Header{Actors: []env.Actor{{Name: Backend, Replicas: 2}, {Name: Gateway}, {Name: Loadgen, Replicas: 1}}}
	for actor, want := range map[string][]string{
		Backend: {"raw/backend-0.account", "raw/backend-1.account"},
		Loadgen: {"raw/loadgen.account"},
	} {
		if diff := cmp.Diff(want, h.AccountFiles(actor)); diff != "" {
			t.Errorf("AccountFiles(%s) (-want +got):\n%s", actor, diff)
		}
	}
	if diff := cmp.Diff([]string{"raw/loadgen.account"}, Header{}.AccountFiles(Loadgen)); diff != "" {
		t.Errorf("AccountFiles of an old header (-want +got):\n%s", diff)
	}
	for actor, want := range map[string]string{
		Gateway: "logs/collector-logs.txt", "gateway/1": "logs/collector-logs-1.txt",
		"loadgen/0": "logs/loadgen-logs-0.txt", "other/3": "logs/other-3-logs.txt",
	} {
		if got := LogFile(actor); got != want {
			t.Errorf("LogFile(%s) = %s, want %s", actor, got, want)
		}
	}
}

// How far a time may be off is what was not corrected and what was not sure, at the worse
// of both ends of the load.
func TestClockOff(t *testing.T) {
	for _, c := range []struct {
		clock Clock
		want  float64
	}{
		{Clock{Ahead: 0.5, Uncertainty: 0.25, Corrected: 0.5}, 0.25},
		{Clock{Ahead: -0.125, Uncertainty: 0.25}, 0.375},
		{Clock{Ahead: 8, Uncertainty: 0.25, Corrected: 8, AheadAfter: new(7.0), UncertaintyAfter: new(0.5)}, 1.5},
		{Clock{Ahead: 8, Uncertainty: 2, Corrected: 8, AheadAfter: new(8.0), UncertaintyAfter: new(0.5)}, 2},
	} {
		if got := c.clock.Off(); got != c.want {
			t.Errorf("Off() of %+v = %v, want %v", c.clock, got, c.want)
		}
	}
}
