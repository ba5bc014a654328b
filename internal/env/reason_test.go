package env

import "testing"

func TestEndByReason(t *testing.T) {
	for _, c := range []struct {
		s    State
		want string
	}{
		{State{ExitCode: 1}, "exited with code 1"},
		{State{ExitCode: 1, Reason: "Error"}, "exited with code 1"},
		{
			State{ExitCode: 137, Reason: "OOMKilled"},
			"killed for want of memory: its memory limit was reached",
		},
		{State{ExitCode: 137, Reason: "OOMKilled", OOMKilled: new(false)}, "exited with code 137"},
		{State{ExitCode: 143, Reason: "Evicted"}, "taken away by its place: Evicted"},
		{State{Signal: "SIGKILL", Reason: "Preempted"}, "taken away by its place: Preempted"},
	} {
		if got := c.s.End(); got != c.want {
			t.Errorf("End(%+v) = %q, want %q", c.s, got, c.want)
		}
	}
	if (State{Running: true, Reason: "Evicted"}).Taken() {
		t.Error("one that runs was taken away")
	}
}
