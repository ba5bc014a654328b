package env

import "testing"

func TestTaken(t *testing.T) {
	yes, no := true, false
	const evicted = "evicted by kubelet: The node was low on resource: memory"
	for _, c := range []struct {
		s     State
		taken bool
		end   string
	}{
		{State{ExitCode: 1}, false, "exited with code 1"},
		{State{ExitCode: -1, Signal: "SIGKILL", OOMKilled: &no}, false, "killed by SIGKILL"},
		{State{ExitCode: -1, Signal: "SIGKILL", OOMKilled: &no, Reason: evicted}, true, "ended by its place: " + evicted},
		{State{ExitCode: -1, Reason: "preempted"}, true, "ended by its place: preempted"},
		{
			State{ExitCode: 137, OOMKilled: &yes, Reason: evicted},
			false,
			"killed for want of memory: its memory limit was reached",
		},
		{State{Reason: ReasonRestarted + " twice"}, false, "ended by its place: it was started again twice"},
		{
			State{Reason: ReasonNotRun + ": no such file"},
			false,
			"ended by its place: it could not be run: no such file",
		},
		{State{Running: true, Reason: evicted}, false, "ended by its place: " + evicted},
	} {
		if got := c.s.Taken(); got != c.taken {
			t.Errorf("Taken(%+v) = %t, want %t", c.s, got, c.taken)
		}
		if got := c.s.End(); got != c.end {
			t.Errorf("End(%+v) = %q, want %q", c.s, got, c.end)
		}
	}
}
