package trial

import (
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
)

// A look of hang's tests: a second after the one before it.
type hangLook struct {
	due, answered, arrived float64
	silent                 bool // no metrics
	gone                   bool
	blind                  bool // the backend did not answer either
}

func TestHang(t *testing.T) {
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	steady := func(n int, l hangLook) (all []hangLook) {
		for range n {
			l.due += 100
			all = append(all, l)
		}
		return all
	}
	before := hangLook{due: 100, answered: 50, arrived: 50}
	hung := hangLook{due: 200, answered: 50, arrived: 50, silent: true}
	for name, c := range map[string]struct {
		looks        []hangLook
		began, ended int // the look with which it did; 0: never
	}{
		"no progress for ten seconds": {append([]hangLook{before}, steady(15, hung)...), 10, 0},
		"and again":                   {append(append([]hangLook{before}, steady(12, hung)...), before), 10, 13},
		"nine seconds":                {append(append([]hangLook{before}, steady(9, hung)...), before), 0, 0},
		"it answers for its metrics": {
			append([]hangLook{before}, steady(20, hangLook{due: 200, answered: 50, arrived: 50})...), 0, 0,
		},
		"nothing is due": {
			append([]hangLook{before}, make([]hangLook, 20)...), 0, 0,
		},
		"it died": {
			append([]hangLook{before}, steady(20, hangLook{answered: 50, arrived: 50, gone: true})...), 0, 0,
		},
		"nobody answers": {
			append([]hangLook{before}, steady(20, hangLook{silent: true, blind: true})...), 0, 0,
		},
	} {
		if name == "nothing is due" {
			for i := range c.looks[1:] {
				c.looks[i+1] = hangLook{due: 100, answered: 50, arrived: 50, silent: true}
			}
		}
		h := hangWatch{after: 10 * time.Second}
		var beganAt, endedAt int
		for n, l := range c.looks {
			began, ended := h.add(l.sample(begin.Add(time.Duration(n) * time.Second)))
			if began {
				beganAt = n
			}
			if ended {
				endedAt = n
			}
		}
		if beganAt != c.began || endedAt != c.ended {
			t.Errorf("%s: began with look %d, ended with %d; want %d, %d", name, beganAt, endedAt,
				c.began, c.ended)
		}
	}
	// Each sign of life by itself is one.
	for name, alive := range map[string]func(n float64, l *hangLook){
		"answers":  func(n float64, l *hangLook) { l.answered = n },
		"arrivals": func(n float64, l *hangLook) { l.arrived = n },
		"metrics":  func(_ float64, l *hangLook) { l.silent = false },
	} {
		h := hangWatch{after: 10 * time.Second}
		for n := range 30 {
			l := hangLook{due: 100 * float64(n), silent: true}
			alive(float64(n), &l)
			if began, _ := h.add(l.sample(begin.Add(time.Duration(n) * time.Second))); began {
				t.Errorf("it hangs though there are %s", name)
			}
		}
	}
}

func (l hangLook) sample(at time.Time) record.Sample {
	s := record.Sample{At: at, Actors: map[string]record.ActorSample{
		record.Gateway: {Running: !l.gone},
		record.Loadgen: {Running: true, Metrics: map[record.Metric]float64{
			record.LoadDue: l.due, record.LoadAcknowledged: l.answered,
		}},
		record.Backend: {Running: true, Metrics: map[record.Metric]float64{
			record.BackendUnique: l.arrived,
		}},
	}}
	if l.silent {
		s.Actors[record.Gateway] = record.ActorSample{Running: !l.gone, ScrapeError: "no answer"}
	}
	if l.blind {
		s.Actors[record.Backend] = record.ActorSample{Running: true, ScrapeError: "no answer"}
	}
	return s
}
