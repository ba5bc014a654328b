package env

import "fmt"

// A StartError tells that an actor ended, or stayed silent, before it was ready.
type StartError struct {
	Actor string
	// State is how it ended; State.Running when it was silent and was then stopped.
	State State
	// Tail is the last lines of its output.
	Tail string
	Err  error
}

// Error says what was waited for and what the actor said last.
func (e *StartError) Error() string {
	text := fmt.Sprintf("wait for %s: %v", e.Actor, e.Err)
	if e.Tail != "" {
		text += "; its last words:\n" + e.Tail
	}
	return text
}

// Unwrap gives the reason.
func (e *StartError) Unwrap() error { return e.Err }
