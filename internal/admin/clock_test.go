package admin

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// far is an actor whose clock is ahead, behind a network in memory: n questions have taken
// so long there and back.
type far struct {
	ahead       time.Duration
	there, back []time.Duration
	n           int
	dumb        bool // it does not tell the time
}

func (f *far) RoundTrip(*http.Request) (*http.Response, error) {
	i := f.n % len(f.there)
	f.n++
	time.Sleep(f.there[i])
	s := Status{Phase: PhaseHeld, Now: time.Now().Add(f.ahead)}
	if f.dumb {
		s.Now = time.Time{}
	}
	body, err := json.Marshal(s)
	time.Sleep(f.back[i])
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(string(body)))}, err
}

// Whatever the ways take, the truth is within the uncertainty, which is half of the
// quickest round trip.
func TestClock(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		far
		roundTrip, sure time.Duration
	}{
		"even ways": {
			far{ahead: 7 * ms, there: []time.Duration{ms}, back: []time.Duration{ms}}, 2 * ms, 7 * ms,
		},
		"behind": {
			far{ahead: -90 * ms, there: []time.Duration{ms}, back: []time.Duration{ms}}, 2 * ms, -90 * ms,
		},
		"all of it on one way": {
			far{there: []time.Duration{0}, back: []time.Duration{20 * ms}}, 20 * ms, 0,
		},
		"one is quick": {
			far{
				ahead: 3 * ms, there: []time.Duration{50 * ms, 9 * ms, ms, 40 * ms},
				back: []time.Duration{0, 80 * ms, ms, 2 * ms},
			}, 2 * ms, 3 * ms,
		},
		"less than can be told": {
			far{ahead: ms, there: []time.Duration{2 * ms}, back: []time.Duration{2 * ms}}, 4 * ms, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, err := NewClient("http://far", &c.far).Clock(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if off := got.Ahead - c.ahead; off.Abs() > got.Uncertainty ||
					got.Uncertainty != c.roundTrip/2 || got.RoundTrip != c.roundTrip || got.Sure() != c.sure {
					t.Errorf("Clock() = %+v, sure of %v; want %v ahead, %v round trip, sure of %v", got,
						got.Sure(), c.ahead, c.roundTrip, c.sure)
				}
			})
		})
	}
}

func TestClockOfAnActorWithoutOne(t *testing.T) {
	f := &far{dumb: true, there: []time.Duration{0}, back: []time.Duration{0}}
	if _, err := NewClient("http://far", f).Clock(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "no now") {
		t.Errorf("Clock() = %v", err)
	}
}
