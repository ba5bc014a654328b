package local

import (
	"errors"
	"testing"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A program that is killed for want of memory before it is ready is told apart from one
// that fails: the first is an answer, the second is not.
func TestStartErrorTellsHowItEnded(t *testing.T) {
	l := place(t)
	if !l.Enforcement().Memory {
		t.Skip("memory limits are not enforced here: ", l.Enforcement().Reason)
	}
	big := actor("gateway", "hungry")
	big.Limits.MemoryBytes = 32 << 20
	for _, c := range []struct {
		actor  env.Actor
		killed bool
	}{{big, true}, {actor("gateway", "fail"), false}} {
		_, err := l.Start(t.Context(), c.actor)
		var failed *env.StartError
		if !errors.As(err, &failed) {
			t.Fatalf("Start(%v) = %v, want an *env.StartError", c.actor.Args, err)
		}
		if got := failed.State.OOMKilled != nil && *failed.State.OOMKilled; got != c.killed {
			t.Errorf("Start(%v): OOM-killed %v, want %v: %+v", c.actor.Args, got, c.killed, failed.State)
		}
	}
}
