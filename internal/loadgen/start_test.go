package loadgen

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/odigos-io/odigos-stress/internal/admin"
)

// By a clock of its own that is ahead the start is later, and the book has it as it was
// said.
func TestStartByAnotherClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config(1000, 100, 0, time.Second)
		cfg.Hold = true
		g := fake(t, cfg, answering(accept))
		done := make(chan error)
		go func() { done <- g.Run(t.Context()) }()
		synctest.Wait()
		began := time.Now()
		at := began.Add(-time.Hour + time.Minute)
		behind := admin.Start{RunID: "run", At: began.Add(time.Minute), ClockAhead: -time.Hour}
		if err := g.Start(behind); err == nil {
			t.Error("a start that has passed by its own clock was taken")
		}
		if err := g.Start(admin.Start{RunID: "run", At: at, ClockAhead: time.Hour}); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if took, want := time.Since(began), time.Minute+900*time.Millisecond; took != want {
			t.Errorf("the run was over after %v, want %v", took, want)
		}
		if sent := bookOf(t, g); !sent.Start.Equal(at) || sent.Lateness.Max() > time.Millisecond {
			t.Errorf("started %v, at most %v late; want %v", sent.Start, sent.Lateness.Max(), at)
		}
	})
}
