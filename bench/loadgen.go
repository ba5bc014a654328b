package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/odigos-io/odigos-stress/internal/ledger"
)

// A load is what the tool's load generator is asked for.
type load struct {
	shape       string
	batch       int // spans in a request
	connections int
	inFlight    int
	compression string
	cpu         int
	rate        float64 // spans/s; 0: as fast as it can
}

// of is a load that is as fast as it can be: 355-byte spans, no compression, one
// connection, on one core.
func of(batch int) load {
	return load{
		shape: "simple", batch: batch, connections: 1, inFlight: inFlight,
		compression: "none", cpu: noCPU,
	}
}

// over is a load of 1,000 spans a request over so many connections.
func over(connections int) load {
	l := of(1000)
	l.connections, l.inFlight = connections, max(inFlight, 2*connections)
	return l
}

// inFlight is how many requests the load generator may leave unanswered at once, as it
// does by default, and peersInFlight how many peers do: they wait for an answer before
// they send the next, so that more would not help them.
const (
	inFlight      = 16
	peersInFlight = 4
)

// loadgenProcs is GOMAXPROCS of the load generator: the thread that keeps the schedule
// sleeps in the kernel, and takes the place of a core in Go's eyes while it does.
const loadgenProcs = 2

// Saturation: the load generator keeps a schedule, so that "as fast as it can" is a rate
// that it can just not reach. It is asked for a little more than the most that it ever
// gave in this case; the first rates go up in steps until much of what is due stays
// unsent.
const (
	firstRate  = 250_000
	rateStep   = 4
	overloaded = 0.25 // share unsent: a busy machine alone does not do that
	reached    = 0.03 // share unsent of a rate that was too low
	overAsking = 1.1
	stepUp     = 1.5
	trialRun   = time.Second // the shortest that the tool takes
	maxRate    = 200e6
)

// A saturation is what is known of how much a case can take.
type saturation struct {
	best float64 // spans/s that were sent
	ask  float64
}

// learn takes what a run at a rate left unsent.
func (s *saturation) learn(rate, unsent float64) {
	s.best = max(s.best, rate*(1-unsent))
	s.ask = s.best * overAsking
	if unsent < reached {
		s.ask = max(s.ask, rate*stepUp)
	}
}

// A rated is what runs a load at its rate.
type rated func(l load) func(context.Context, *stage) (sample, error)

// saturating runs l at a rate that is a little more than it can do; what is learned of
// the rate is kept from round to round.
func saturating(l load, run rated) func(context.Context, *stage) (sample, error) {
	var known saturation
	return func(ctx context.Context, s *stage) (sample, error) {
		if known.ask == 0 {
			if err := known.find(ctx, s, l, run); err != nil {
				return sample{}, err
			}
		}
		l.rate = known.ask
		one, err := run(l)(ctx, s)
		if err == nil {
			known.learn(l.rate, *one.Unsent)
		}
		return one, err
	}
}

func (s *saturation) find(ctx context.Context, st *stage, l load, run rated) error {
	short := *st
	short.length = trialRun
	for l.rate = firstRate; l.rate < maxRate; l.rate *= rateStep {
		one, err := run(l)(ctx, &short)
		if err != nil {
			return err
		}
		s.learn(l.rate, *one.Unsent)
		if *one.Unsent > overloaded {
			return nil
		}
	}
	return errors.New("the load generator sent all of every rate: nothing is saturated")
}

// args are the arguments of the tool.
func (l load) args(to, admin string, length time.Duration) []string {
	args := []string{
		"loadgen", "--otlp-endpoint", to, "--admin", admin, "--run-id", runID,
		"--rate", strconv.FormatFloat(l.rate, 'f', 0, 64),
		"--duration", length.String(), "--warm-up", "0s",
	}
	for _, set := range []string{
		"shape=" + l.shape, "compression=" + l.compression,
		"spans_per_request=" + strconv.Itoa(l.batch),
		"connections=" + strconv.Itoa(l.connections), "in_flight=" + strconv.Itoa(l.inFlight),
	} {
		args = append(args, "--set", "load."+set)
	}
	return args
}

// send runs the load generator.
func (l load) send(length func(*stage) time.Duration) send {
	return func(ctx context.Context, s *stage, to string) (sent, error) {
		admin, err := freeAddress()
		if err != nil {
			return sent{}, err
		}
		c := command{
			path: s.tool, args: l.args(to, admin, length(s)), cpu: l.cpu, procs: loadgenProcs,
		}
		p, err := c.start(ctx)
		if err != nil {
			return sent{}, err
		}
		defer p.kill()
		if err := p.listens(ctx, admin); err != nil {
			return sent{}, err
		}
		watch := watchAllocations(ctx, admin, length(s))
		cpu, err := p.wait(ctx)
		allocated, mallocs := watch()
		if err != nil {
			return sent{}, err
		}
		out, err := readSent(p.out.text())
		out.usage = usage{cpu, allocated, mallocs}
		return out, err
	}
}

// throughout is the length of most cases.
func throughout(s *stage) time.Duration { return s.length }

// readSent reads the book that the load generator prints.
func readSent(text string) (sent, error) {
	var book ledger.Sent
	if err := json.Unmarshal([]byte(text), &book); err != nil {
		return sent{}, fmt.Errorf("read the load generator's book: %w", err)
	}
	if len(book.Errors) > 0 {
		return sent{}, fmt.Errorf("the load generator had errors: %v", book.Errors)
	}
	if book.All.Due == 0 || book.Lateness == nil {
		return sent{}, errors.New("read the load generator's book: nothing was due")
	}
	unsent := float64(book.All.Unsent) / float64(book.All.Due)
	out := sent{unsent: &unsent, pace: &pace{
		Slope: book.SlopeError,
		P50:   book.Lateness.Quantile(0.5).Seconds(), P99: book.Lateness.Quantile(0.99).Seconds(),
	}}
	if book.Measured.Attempts > 0 {
		out.bytes = float64(book.EncodedBytes) / float64(book.Measured.Attempts)
		out.wire = float64(book.WireBytes) / float64(book.Measured.Attempts)
	}
	out.acknowledged = book.All.Acknowledged
	return out, nil
}

// readReceived reads the book that the backend prints.
func readReceived(text string) (tally, error) {
	var book ledger.Received
	if err := json.Unmarshal([]byte(text), &book); err != nil {
		return tally{}, fmt.Errorf("read the backend's book: %w", err)
	}
	if book.Foreign > 0 || book.Duplicate > 0 {
		return tally{}, fmt.Errorf("the backend received %d foreign spans and %d twice: the account is not exact",
			book.Foreign, book.Duplicate)
	}
	return tally{Spans: book.Unique, Bytes: book.DecodedBytes}, nil
}
