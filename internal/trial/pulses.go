package trial

import (
	"sync"
	"time"

	"github.com/odigos-io/odigos-stress/internal/record"
)

const (
	// fullTime is for how long a trial's pulses are all kept. Of a longer one only so many
	// are, evenly, and beside them all that are near something that happened: an hour of
	// pulses is some 20 MB.
	fullTime = time.Hour
	// around is how much is kept before and after what happened.
	around = 30 * time.Second
	// extra is how many pulses at most are kept for what happened.
	extra = int(fullTime / (100 * time.Millisecond))
)

// pulses writes the close looks of a trial, and of a long one those that matter.
type pulses struct {
	write func(record.Pulse) error
	every int // one of so many is written, whatever happens

	mu    sync.Mutex
	seen  int
	held  []record.Pulse // the last that were not written
	until time.Time      // all are written
	extra int            // that may yet be written beyond the even ones
}

func newPulses(total time.Duration, write func(record.Pulse) error) *pulses {
	return &pulses{
		write: write, extra: extra, every: max(1, int((total+fullTime-1)/fullTime)),
	}
}

// add takes the next pulse.
func (p *pulses) add(pulse record.Pulse) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	due := p.seen%p.every == 0
	p.seen++
	if !due && pulse.At.Before(p.until) && p.extra > 0 {
		p.extra--
		due = true
	}
	if due {
		return p.write(pulse)
	}
	for len(p.held) > 0 && pulse.At.Sub(p.held[0].At) > around {
		p.held = p.held[1:]
	}
	p.held = append(p.held, pulse)
	return nil
}

// keep has all pulses written that are around this moment. Those of before come late, and
// out of order.
func (p *pulses) keep(now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = now.Add(around)
	held := p.held
	p.held = nil
	for _, pulse := range held {
		if p.extra == 0 {
			break
		}
		p.extra--
		if err := p.write(pulse); err != nil {
			return err
		}
	}
	return nil
}
