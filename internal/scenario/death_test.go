package scenario_test

import (
	"strings"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/scenario"
)

func TestWhatFollowsADeath(t *testing.T) {
	for text, want := range map[string]scenario.Gateway{
		"{}":                  {OnDeath: scenario.DeathEnd},
		"{on_death: end}":     {OnDeath: scenario.DeathEnd},
		"{on_death: restart}": {OnDeath: scenario.DeathRestart, RestartDelay: sec, MaxRestarts: 20},
		"{on_death: restart, restart_delay: 10s, max_restarts: 3}": {
			OnDeath: scenario.DeathRestart, RestartDelay: 10 * sec, MaxRestarts: 3,
		},
	} {
		s, err := scenario.Read("s.yaml", []byte("name: x\ngateway: "+text+"\n"))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if s, err = s.Resolved(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		g := s.Gateway
		if g.OnDeath != want.OnDeath || g.RestartDelay != want.RestartDelay ||
			g.MaxRestarts != want.MaxRestarts {
			t.Errorf("%s: %s after %s, at most %d times", text, g.OnDeath, g.RestartDelay,
				g.MaxRestarts)
		}
	}
	for text, want := range map[string]string{
		"{on_death: rest}":                        "want one of end, restart",
		"{restart_delay: 2s}":                     "want gateway.on_death: restart",
		"{on_death: end, max_restarts: 2}":        "want gateway.on_death: restart",
		"{on_death: restart, max_restarts: 1001}": "want 0 to 1000",
	} {
		_, err := scenario.Read("s.yaml", []byte("name: x\ngateway: "+text+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", text, err, want)
		}
	}
}

const sec = scenario.Duration(time.Second)
