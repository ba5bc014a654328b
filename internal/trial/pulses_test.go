package trial

import (
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
)

func TestPulsesOfALongTrial(t *testing.T) {
	began := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	at := func(i int) time.Time { return began.Add(time.Duration(i) * 100 * time.Millisecond) }
	for _, c := range []struct {
		total           time.Duration
		happens         []int // with which pulse
		pulses, written int
	}{
		{10 * time.Minute, nil, 6000, 6000},
		{time.Hour, nil, 36000, 36000},
		{10 * time.Hour, nil, 6000, 600},
		// 30 s before and after are 600 pulses, of which 60 are written anyway.
		{10 * time.Hour, []int{3000}, 6000, 600 + 540},
		// Two within half a minute: 45 s and 30 s.
		{10 * time.Hour, []int{3000, 3150}, 6000, 600 + 675},
		// Something happens all the time, for longer than is kept.
		{10 * time.Hour, every(50000, 100), 50000, 5000 + extra},
	} {
		times := map[time.Time]int{}
		p := newPulses(c.total, func(p record.Pulse) error { times[p.At]++; return nil })
		for i := range c.pulses {
			if err := p.add(record.Pulse{At: at(i)}); err != nil {
				t.Fatal(err)
			}
			for len(c.happens) > 0 && c.happens[0] == i {
				c.happens = c.happens[1:]
				if err := p.keep(at(i)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if off := len(times) - c.written; off < -2 || off > 2 {
			t.Errorf("%v: %d of %d pulses written, want about %d", c.total, len(times), c.pulses, c.written)
		}
		for at, n := range times {
			if n > 1 {
				t.Errorf("%v: the pulse of %v was written %d times", c.total, at, n)
			}
		}
	}
}

func every(n, step int) (all []int) {
	for i := 0; i < n; i += step {
		all = append(all, i)
	}
	return all
}
