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

// run is the run itself.
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
	b.start = time.Now().Add(time.Until(s.Here()))
	g.engine.begin(ctx, ledger.NewKey(s.RunID), b, func() {
		g.inFlight.Add(-1)
		g.flying.Done()
	})
	f := &figures{
		book: b, schedule: g.schedule, inFlight: &g.inFlight,
		connections: g.engine.connections,
	}
	if err := g.registry.Register(f); err != nil {
		return nil, err
	}

	defer context.AfterFunc(ctx, g.engine.cancel)()
	paced := make(chan error, 1)
	go func() { paced <- g.pace(ctx, b) }()
	err = <-paced
	g.engine.lastCall()
	g.flying.Wait()
	err = errors.Join(err, g.engine.finish(ctx))
	sent, closing := b.close(g.engine.connections())
	return sent, errors.Join(err, closing)
}

// pace delivers every slot at its time, unless every place in flight is taken. It runs
// in a goroutine of its own, whose thread it may keep: what is sent is sent from there.
func (g *Generator) pace(ctx context.Context, b *book) error {
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
		s := slot{n, due}
		if g.hasRoom() {
			g.engine.prepare(s)
		}
		wait(ctx, b.start.Add(due))
		if ctx.Err() != nil {
			g.abandon(b, n, time.Since(b.start))
			return nil
		}
		b.came()
		if !g.hasRoom() {
			b.unsent(s)
			continue
		}
		g.inFlight.Add(1)
		g.flying.Add(1)
		g.engine.deliver(s)
	}
}

// hasRoom is whether a place in flight is free. Only the pacer takes places.
func (g *Generator) hasRoom() bool { return g.inFlight.Load() < int64(g.cfg.Load.InFlight) }

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
