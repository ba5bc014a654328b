package monitor

import (
	"testing"
	"time"
)

// Two clocks that run on alike show no step; whoever is taken off the processor between
// reading one and the other shows none either; one that is set shows by how much.
func TestClockStep(t *testing.T) {
	var wall, monotonic time.Duration = 1e18, 5e9
	held := 0 // how many of the next reads are held up for 40 ms after the wall clock was read
	c := clockWatch{read: func() (time.Duration, time.Duration) {
		wall, monotonic = wall+time.Microsecond, monotonic+time.Microsecond
		at := wall
		if held > 0 {
			held--
			wall, monotonic = wall+40*time.Millisecond, monotonic+40*time.Millisecond
		}
		return at, monotonic
	}}
	if got := c.step(); got != nil {
		t.Errorf("first step = %v, want not known", *got)
	}
	for _, step := range []struct {
		pass, set time.Duration
		held      int
		want      float64
	}{
		{pass: time.Second},
		{pass: time.Second, set: 2 * time.Second, want: 2},
		{pass: time.Second, set: -250 * time.Millisecond, want: -0.25},
		{pass: time.Second, held: clockReads - 1},
		{pass: time.Hour},
	} {
		wall, monotonic = wall+step.pass+step.set, monotonic+step.pass
		held = step.held
		if got := c.step(); got == nil || *got != step.want {
			t.Errorf("step after %+v = %v, want %v", step, got, step.want)
		}
	}
}

// The machine's own two clocks run alike.
func TestClocks(t *testing.T) {
	var c clockWatch
	c.step()
	if got := c.step(); got == nil || *got > 1 || *got < -1 {
		t.Errorf("step of the machine's clock = %v, want about 0", got)
	}
}
