package loadgen

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/odigos-io/odigos-stress/internal/admin"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// run is the run itself: a pacer hands slots to as many workers as may be in flight.
func (g *Generator) run(ctx context.Context, s admin.Start) (*ledger.Sent, error) {
	batch := g.cfg.Load.SpansPerRequest
	total := g.cfg.WarmUp + g.cfg.Measure
	header := ledger.Header{
		RunID: s.RunID, Stream: g.cfg.Stream, Start: s.At,
		MeasuredFrom: Slots(g.schedule, g.cfg.WarmUp) * uint64(batch),
		MeasuredTo:   Slots(g.schedule, total) * uint64(batch),
		SampleEvery:  g.cfg.SampleEvery,
	}
	if !g.cfg.Load.Split {
		header.TraceSpans = uint64(g.cfg.Load.Shape.Spans())
	}
	interval := time.Duration(0)
	if g.cfg.Load.Pattern == scenario.PatternConstant {
		interval = time.Duration(float64(batch) / g.schedule.Rate(0) * 1e9)
	}
	b, err := newBook(g.account, header, batch, interval)
	if err != nil {
		return nil, err
	}
	// Times from here on are on the monotonic clock, whatever becomes of the other.
	b.start = time.Now().Add(time.Until(s.At))
	g.engine.identify(ledger.NewKey(s.RunID), b)
	f := &figures{
		book: b, schedule: g.schedule, inFlight: &g.inFlight,
		connections: g.engine.connections,
	}
	if err := g.registry.Register(f); err != nil {
		return nil, err
	}

	slots := make(chan slot, g.cfg.Load.InFlight)
	var workers sync.WaitGroup
	for range g.cfg.Load.InFlight {
		workers.Go(func() {
			for s := range slots {
				g.engine.deliver(ctx, s)
				g.inFlight.Add(-1)
			}
		})
	}
	paced := make(chan error, 1)
	go func() { paced <- g.pace(ctx, b, slots) }()
	err = <-paced
	g.engine.lastCall()
	close(slots)
	workers.Wait()
	err = errors.Join(err, g.engine.finish(ctx))
	sent, closing := b.close(g.engine.connections())
	return sent, errors.Join(err, closing)
}

// pace hands out every slot at its time, to a free worker or, when every place in
// flight is taken, to nobody. It runs in a goroutine of its own, whose thread it may
// keep.
func (g *Generator) pace(ctx context.Context, b *book, slots chan<- slot) error {
	wait, err := g.wait()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var watch sync.WaitGroup
	defer watch.Wait()
	defer cancel()
	watch.Go(func() {
		select {
		case <-g.finish:
			cancel()
		case <-ctx.Done():
		}
	})
	for n := uint64(0); ; n++ {
		due, ok := g.schedule.Due(n)
		if !ok {
			return nil
		}
		wait(ctx, b.start.Add(due))
		if ctx.Err() != nil {
			g.abandon(b, n, time.Since(b.start))
			return nil
		}
		b.came()
		s := slot{n, due}
		if g.inFlight.Load() >= int64(g.cfg.Load.InFlight) {
			b.unsent(s)
			continue
		}
		g.inFlight.Add(1)
		slots <- s // never blocks: it has room for all that can be in flight
	}
}

// abandon settles, as unsent, the slots from n on that were due by the moment of the
// stop. Those after it never came.
func (g *Generator) abandon(b *book, n uint64, stop time.Duration) {
	for ; ; n++ {
		due, ok := g.schedule.Due(n)
		if !ok || due > stop {
			return
		}
		b.came()
		b.unsent(slot{n, due})
	}
}

// prepared is the engine that sends prepared payloads.
type prepared struct {
	Sender
	load     scenario.Load
	payloads *payloads
	book     *book
	ended    chan struct{} // closed when retries end
}

func (p *prepared) identify(key ledger.Key, b *book) {
	p.payloads.patcher.key = key
	p.book = b
}

func (p *prepared) connections() uint64 { return p.Connections() }

func (p *prepared) lastCall() { close(p.ended) }

func (p *prepared) finish(context.Context) error { return nil }

// deliver patches a request, sends it, tries again as configured, and settles it.
func (p *prepared) deliver(ctx context.Context, s slot) {
	b := p.book
	first := s.n * p.payloads.batch
	r := p.payloads.get(s.n, uint64(b.header.Start.UnixNano()+int64(s.due)))
	defer r.release()
	settlement := ledger.Settlement{
		First: first, Count: r.Spans, Due: s.due,
		Sent: time.Since(b.start),
	}
	b.began(s, settlement.Sent)
	again := retry{kind: p.load.Retry, began: b.start.Add(settlement.Sent)}
	var final *Answer
	for {
		a := p.Send(ctx, r)
		settlement.Answered = time.Since(b.start)
		b.attempted(first, a, len(r.Bytes))
		if a.Attempted {
			settlement.Attempts++
		}
		known := outcome(final, a)
		final = &known
		pause, ok := again.after(a, b.start.Add(settlement.Answered))
		if !ok || !p.pause(ctx, pause) {
			break
		}
	}
	settlement.Class, settlement.Rejected = final.Class, final.Rejected
	b.settle(settlement)
}

// pause waits before another attempt; it is false when there shall be none, because
// the load has ended. A collector that shuts down gives up its retries as well.
func (p *prepared) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.ended:
	case <-ctx.Done():
	}
	return false
}
