package kube

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/odigos-io/odigos-stress/internal/env"
)

// A poll asks for what each incarnation used, in a goroutine of its own: the answer may take
// longer than a look has time. Who cannot wait is told what was read last.
type poll struct {
	every time.Duration // at most
	life  context.Context
	runs  *sync.WaitGroup
	// ask is told what it told before: the usage of the last answer, zero before the first.
	// A usage without a time is none yet.
	ask func(ctx context.Context, namespace string, life incarnation, before env.Usage) (
		env.Usage, error)
	none error // where there is none yet

	mu   sync.Mutex
	told map[string]*polled // by the id of the container
}

type polled struct {
	mu      sync.Mutex
	reading chan struct{} // closed when it has been read; nil while nobody does
	asked   time.Time
	usage   env.Usage
	err     error
}

func (p *poll) of(ctx context.Context, namespace string, life incarnation) (env.Usage, error) {
	one := p.one(life)
	if reading := p.read(one, namespace, life); reading != nil {
		select {
		case <-reading:
		case <-ctx.Done():
		}
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	switch {
	case one.err != nil:
		return env.Usage{}, one.err
	case one.usage.At.IsZero():
		return env.Usage{}, p.none
	}
	return one.usage, nil
}

func (p *poll) one(life incarnation) *polled {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told == nil {
		p.told = map[string]*polled{}
	}
	one := p.told[life.id]
	if one == nil {
		one = &polled{}
		p.told[life.id] = one
	}
	return one
}

// read has it read, unless that was a moment ago, and returns what is closed at its end;
// nil: nobody reads.
func (p *poll) read(one *polled, namespace string, life incarnation) <-chan struct{} {
	one.mu.Lock()
	defer one.mu.Unlock()
	every := p.every
	if apierrors.IsForbidden(one.err) {
		every = askDenied
	}
	// A look comes every second, and not to the microsecond.
	soon := !one.asked.IsZero() && time.Since(one.asked) < every-askEvery/10
	if one.reading != nil || soon || p.life.Err() != nil {
		return one.reading
	}
	done := make(chan struct{})
	before := one.usage
	one.reading, one.asked = done, time.Now()
	p.runs.Go(func() {
		ctx, cancel := context.WithTimeout(p.life, figureTime)
		defer cancel()
		usage, err := p.ask(ctx, namespace, life, before)
		one.mu.Lock()
		if one.err = err; err == nil {
			one.usage = usage
		}
		one.reading = nil
		one.mu.Unlock()
		close(done)
	})
	return done
}
