package env

import "fmt"

// A StartError is an actor that never was ready, with the last that it said.
type StartError struct {
	Actor string
	// State is how it ended, by itself or after it was given up.
	State State
	// Tail is the last lines of its output.
	Tail string
	Err  error
}

// Error says what was waited for, how the actor ended, and what it said last.
func (e *StartError) Error() string {
	text := e.Err.Error()
	if !e.State.Stopped {
		text += " (" + e.State.End() + ")"
	}
	if e.Tail == "" {
		return text + "; it wrote nothing"
	}
	return text + "; its last lines:\n" + e.Tail
}

// Unwrap gives the reason.
func (e *StartError) Unwrap() error { return e.Err }

// End says in words how a process ended.
func (s State) End() string {
	switch {
	case s.OOMKilled != nil && *s.OOMKilled:
		return "killed for want of memory: its memory limit was reached"
	case s.Reason != "":
		return "ended by its place: " + s.Reason
	case s.Signal != "":
		return "killed by " + s.Signal
	}
	return fmt.Sprintf("exited with code %d", s.ExitCode)
}
