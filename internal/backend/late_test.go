package backend

import (
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// An answer is late by what it took beyond the delay that was told. One that was told to
// wait for its turn, or that the backend did not make, never is.
func TestLateAnswers(t *testing.T) {
	const delay = 200 * time.Millisecond
	for _, c := range []struct {
		name   string
		turns  int // MaxConcurrent
		err    error
		passed time.Duration
		late   uint64
	}{
		{"late", 0, nil, delay + scenario.LateAnswer, 1},
		{"late with a failure that was told", 0, errToldToFail, time.Minute, 1},
		{"in time", 0, nil, delay, 0},
		{"waited for its turn", 1, nil, time.Minute, 0},
		{"too long to take", 0, tooLarge(), time.Minute, 0},
	} {
		b := newBook(ledger.NewReceipts(nil))
		in := newIntake(scenario.Backend{Delay: scenario.Duration(delay), MaxConcurrent: c.turns}, 1, b)
		in.answered(c.err, time.Now().Add(-c.passed))
		if got := b.late.Load(); got != c.late {
			t.Errorf("%s: %d late answers, want %d", c.name, got, c.late)
		}
	}
}
