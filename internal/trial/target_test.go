package trial

import (
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A chooser is an instance whose runtime chose 2, and serves nothing.
type chooser struct{ env.Instance }

func (chooser) Name() string { return "gateway" }

func (chooser) Addr(string) string { return "" }

func (chooser) GoMaxProcs() int { return 2 }

// What a runtime was told counts before what it would choose.
func TestTargetKnowsGOMAXPROCS(t *testing.T) {
	for text, want := range map[string]int{"": 2, "4": 4} {
		a := env.Actor{Env: map[string]string{"GOMAXPROCS": text}}
		if got := (&run{}).target(a, chooser{}).Go.MaxProcs; got != want {
			t.Errorf("GOMAXPROCS=%s is watched as %d, want %d", text, got, want)
		}
	}
}
