// Package admin is what an actor serves about itself, and how others ask for it:
// /metrics, /healthz, /readyz, /status, /start, /mark, /stop, /book and /account.
package admin

import (
	"io"
	"time"
)

// A Start is the common start of a run's actors, posted to /start as JSON.
type Start struct {
	RunID string `json:"run_id"`
	// At is by the clock of whoever posts it, and so are all times that the actors tell.
	At time.Time `json:"at"`
	// ClockAhead is how far the actor's own clock is ahead of that one.
	ClockAhead time.Duration `json:"clock_ahead_ns,omitempty"`
}

// Here is the start by the actor's own clock.
func (s Start) Here() time.Time { return s.At.Add(s.ClockAhead) }

// A Phase is how far an actor is.
type Phase string

// The phases, in order. The backend has no PhaseDone.
const (
	PhaseHeld    Phase = "held"    // ready, waits for its start
	PhaseRunning Phase = "running" // started
	PhaseDone    Phase = "done"    // all sent and answered; the account is closed
)

// A Status is served at /status as JSON.
type Status struct {
	Phase Phase `json:"phase"`
	// Now is the actor's clock while it answers.
	Now time.Time `json:"now,omitzero"`
	// LastArrival is when the backend last received something.
	LastArrival time.Time `json:"last_arrival,omitzero"`
	Error       string    `json:"error,omitempty"`
}

// An Actor is what stands behind the pages. Each method is called for one page and
// must be safe for concurrent use.
type Actor interface {
	Ready() error            // GET /readyz: nil is 200, an error 503 with its text
	Status() Status          // GET /status
	Start(s Start) error     // POST /start; 409 on error
	Mark() error             // POST /mark: the gateway is about to be stopped; 409 on error
	Finish() error           // POST /stop: send nothing more, settle what is under way
	Book() (any, error)      // GET /book: *ledger.Sent or *ledger.Received, as JSON
	Account(io.Writer) error // GET /account: the ledger file, whole
}
