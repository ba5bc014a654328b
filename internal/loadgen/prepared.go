package loadgen

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/otlp"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// prepared is the engine that sends prepared payloads: from the thread that keeps the
// schedule, as far as the network takes them at once.
type prepared struct {
	sender   Sender
	load     scenario.Load
	payloads *payloads
	book     *book
	landed   func()
	next     *flight // the pacer's own: made ready before it is due

	mu      sync.Mutex
	idle    []*flight
	pausing map[*flight]*time.Timer // before another attempt
	over    bool                    // no more attempts
}

func newPrepared(cfg Config) (engine, error) {
	shape, err := otlp.NewShape(string(cfg.Load.Shape), cfg.Load.ResourceAttributes,
		cfg.Load.SpanAttributes)
	if err != nil {
		return nil, err
	}
	if cfg.Load.SpansPerRequest%shape.Size != 0 && !cfg.Load.Split {
		return nil, fmt.Errorf("%d spans a request: want whole traces, a multiple of %d, or split",
			cfg.Load.SpansPerRequest, shape.Size)
	}
	payloads, err := newPayloads(shape, &cfg.Load, cfg.Stream)
	if err != nil {
		return nil, err
	}
	sender, err := newSender(cfg.Load, cfg.Endpoints, newDialer(cfg.ahead))
	if err != nil {
		return nil, err
	}
	return preparedOf(cfg, payloads, sender), nil
}

func preparedOf(cfg Config, payloads *payloads, sender Sender) *prepared {
	return &prepared{
		sender: sender, load: cfg.Load, payloads: payloads, pausing: map[*flight]*time.Timer{},
	}
}

func (p *prepared) begin(_ context.Context, key ledger.Key, b *book, landed func()) {
	p.payloads.patcher.key = key
	p.book, p.landed = b, landed
}

func (p *prepared) connections() uint64 { return p.sender.Connections() }

func (p *prepared) Close() error { return p.sender.Close() }

// prepare patches the payload, unless it would have to wait before it leaves.
func (p *prepared) prepare(s slot) {
	p.next = p.take(s)
	if !p.sender.Busy() {
		p.next.load()
	}
}

func (p *prepared) deliver(s slot) {
	f := p.next
	if p.next = nil; f == nil {
		f = p.take(s) // there was no place before
	}
	f.begin()
}

// take returns a flight for a slot.
func (p *prepared) take(s slot) *flight {
	p.mu.Lock()
	defer p.mu.Unlock()
	var f *flight
	if n := len(p.idle); n > 0 {
		f = p.idle[n-1]
		p.idle = p.idle[:n-1]
	} else {
		f = &flight{engine: p}
	}
	f.slot, f.spans = s, int(p.payloads.batch)
	return f
}

// land gives back a flight and its place.
func (p *prepared) land(f *flight) {
	p.mu.Lock()
	p.idle = append(p.idle, f)
	p.mu.Unlock()
	p.landed()
}

// pause waits before another attempt; it is false when there shall be none, because
// the load has ended. A collector that shuts down gives up its retries as well.
func (p *prepared) pause(f *flight, d time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return false
	}
	p.pausing[f] = time.AfterFunc(d, func() {
		p.mu.Lock()
		_, waits := p.pausing[f]
		delete(p.pausing, f)
		p.mu.Unlock()
		if waits {
			p.sender.Send(f)
		}
	})
	return true
}

func (p *prepared) lastCall() {
	p.mu.Lock()
	p.over = true
	given := p.pausing
	p.pausing = nil
	for _, timer := range given {
		timer.Stop()
	}
	p.mu.Unlock()
	for f := range given {
		f.conclude(nil)
	}
}

func (p *prepared) cancel() {
	p.lastCall()
	p.sender.Cancel()
}

func (p *prepared) finish(context.Context) error {
	if p.next != nil { // its time never came
		p.next.sent()
		p.next = nil
	}
	return nil
}
