package backend

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/odigos-io/odigos-stress/internal/otlp"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A signal is a kind of telemetry, as OTLP's paths and our metrics spell it.
type signal string

const (
	traces  signal = "traces"
	metrics signal = "metrics"
	logs    signal = "logs"
)

var signals = []signal{traces, metrics, logs}

// maxMessage is the longest request that is accepted, before and after decompression.
const maxMessage = 128 << 20

// An intake is what every request passes, however it came.
type intake struct {
	book  *book
	delay time.Duration
	slots chan struct{} // nil: no limit
	fail  func() bool
}

func newIntake(cfg scenario.Backend, seed uint64, b *book) *intake {
	in := &intake{book: b, delay: time.Duration(cfg.Delay), fail: failures(cfg.SuccessRate, seed)}
	if cfg.MaxConcurrent > 0 {
		in.slots = make(chan struct{}, cfg.MaxConcurrent)
	}
	return in
}

// failures returns the dice for each request's fate. The n-th request to arrive has
// the same fate for equal seeds.
func failures(success *scenario.Ratio, seed uint64) func() bool {
	if success == nil || *success >= 1 {
		return func() bool { return false }
	}
	var n atomic.Uint64
	return func() bool {
		// The first draw of a generator that is seeded with the number needs no lock.
		draw := rand.New(rand.NewPCG(seed, n.Add(1))).Uint64()
		return float64(draw) >= float64(*success)*math.MaxUint64
	}
}

// errToldToFail is the answer to the share of requests that is to fail.
var errToldToFail = status.Error(codes.Unavailable,
	"told to fail: the scenario's backend has a success rate below 1")

// receive takes a decoded request that arrived at this time and returns the answer: nil
// for success, else a gRPC status. It waits for its turn and for the delay, or until
// the sender leaves.
func (in *intake) receive(ctx context.Context, s signal, body []byte, at time.Time) error {
	if in.slots != nil {
		select {
		case in.slots <- struct{}{}:
			defer func() { <-in.slots }()
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
	delay, err := in.take(s, body, at)
	if delay > 0 {
		t := time.NewTimer(delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
	return err
}

// answered counts an answer that is late. One that waited for its turn was told to, and
// one that was not of our making (the sender left, its deadline passed) is none.
func (in *intake) answered(err error, arrived time.Time) {
	if in.slots == nil && (err == nil || errors.Is(err, errToldToFail)) {
		in.book.answered(arrived, in.delay)
	}
}

// take is receive for a request whose turn has come: it returns the answer, and how long
// that is to wait.
func (in *intake) take(s signal, body []byte, at time.Time) (delay time.Duration, err error) {
	fail := in.fail()
	if s == traces {
		if err := in.enter(body, at, !fail); err != nil {
			return 0, err
		}
	}
	in.book.decoded.Add(uint64(len(body)))
	if fail {
		err = errToldToFail
	}
	return in.delay, err
}

// enter puts the spans of a request into the account, all of them or none.
func (in *intake) enter(body []byte, at time.Time, accepted bool) error {
	q := in.book.receipts.Begin()
	err := otlp.Walk(body, func(spans []otlp.SpanView) {
		for i := range spans {
			s := &spans[i]
			q.Add(s.TraceHigh, s.TraceLow, s.SpanID, s.EndNano)
		}
	})
	if err != nil {
		q.Discard()
		return status.Errorf(codes.InvalidArgument, "decode ExportTraceServiceRequest: %v", err)
	}
	q.Commit(at.Add(-in.book.clockAhead()), accepted)
	return nil
}
