package admin

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Clock is how an actor's clock stands to ours, as the quickest of a few questions tells.
// The answer was made at some moment of the round trip: half of it is how far the middle
// can be wrong (Cristian: Probabilistic Clock Synchronization, 1989).
type Clock struct {
	Ahead       time.Duration
	Uncertainty time.Duration
	RoundTrip   time.Duration
}

// Sure is how far the clock is ahead for certain enough to be told apart from none.
func (c Clock) Sure() time.Duration {
	if c.Ahead.Abs() <= c.Uncertainty {
		return 0
	}
	return c.Ahead
}

// clockQuestions is how often a clock is asked for.
const clockQuestions = 5

// Clock asks the actor for its time.
func (c *Client) Clock(ctx context.Context) (Clock, error) {
	var best Clock
	for i := range clockQuestions {
		asked := time.Now()
		s, err := c.Status(ctx)
		took := time.Since(asked)
		if err == nil && s.Now.IsZero() {
			err = errors.New("its status has no now")
		}
		if err != nil {
			return Clock{}, fmt.Errorf("ask for clock: %w", err)
		}
		if i == 0 || took < best.RoundTrip {
			best = Clock{
				Ahead: s.Now.Sub(asked.Add(took / 2)), Uncertainty: took / 2, RoundTrip: took,
			}
		}
	}
	return best, nil
}
