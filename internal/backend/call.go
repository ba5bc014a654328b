package backend

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/odigos-io/odigos-stress/internal/h2"
	"github.com/odigos-io/odigos-stress/internal/otlp"
)

// handle takes a request that came whole, in the goroutine that reads its connection.
// Metrics and logs are not looked at.
func (s *grpcServer) handle(call *h2.ServerCall) {
	sig, size := services[call.Path], len(call.Message)
	mayWait := s.in.slots != nil
	handOver := call.Encoding != "" && size > inlineDecompression && s.compressed != nil
	if (mayWait || handOver) && !call.Keep() {
		return // refused, and counted as such
	}
	s.in.book.wire.Add(uint64(size))
	s.in.book.inFlight.Add(1)
	switch {
	case mayWait:
		s.wait(call, sig)
	case handOver:
		s.compressed <- s.pend(call, sig)
	default:
		delay, err := s.take(call, sig)
		if delay > 0 {
			s.pend(call, sig).after(delay, err)
			return
		}
		s.answer(call, sig, err)
	}
}

// take takes a request and returns its answer, and how long that is to wait.
func (s *grpcServer) take(call *h2.ServerCall, sig signal) (delay time.Duration, err error) {
	body, done, err := s.decompress(call)
	if err != nil {
		return 0, err
	}
	defer done()
	return s.in.take(sig, body, call.Arrived)
}

// decompress returns what a request says, to be used until done is called.
func (s *grpcServer) decompress(call *h2.ServerCall) (body []byte, done func(), err error) {
	if call.Encoding == "" {
		return call.Message, func() {}, nil
	}
	buf := s.plain.Get().(*[]byte)
	done = func() {
		if cap(*buf) <= keptPlain {
			s.plain.Put(buf)
		}
	}
	body, err = otlp.Decompress(call.Encoding, (*buf)[:0], call.Message, maxMessage)
	*buf = body
	switch {
	case errors.Is(err, otlp.ErrTooLong):
		err = tooLarge()
	case err != nil:
		err = status.Error(codes.InvalidArgument, err.Error())
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return body, done, nil
}

// answer counts and sends an answer. It is counted first, so that who has the answer
// finds it in the book.
func (s *grpcServer) answer(call *h2.ServerCall, sig signal, err error) {
	st := status.Convert(err)
	s.in.answered(err, call.Arrived)
	s.in.book.countCall(sig, st.Code())
	s.in.book.inFlight.Add(-1)
	call.Finish(st.Code(), st.Message())
}

// wait lets a request wait for its turn, and take it, in a goroutine of its own.
func (s *grpcServer) wait(call *h2.ServerCall, sig signal) {
	ctx, cancel := context.WithCancel(context.Background())
	if !call.Deadline.IsZero() {
		ctx, cancel = context.WithDeadline(context.Background(), call.Deadline)
	}
	call.Abandoned = cancel
	s.waiting.Go(func() {
		defer cancel()
		body, done, err := s.decompress(call)
		if err == nil {
			err = s.in.receive(ctx, sig, body, call.Arrived)
			done()
		}
		call.Release()
		s.answer(call, sig, err)
	})
}

// A pending is a request whose answer comes later: it is given once, or its sender leaves.
type pending struct {
	s        *grpcServer
	call     *h2.ServerCall
	signal   signal
	answered atomic.Bool
}

func (s *grpcServer) pend(call *h2.ServerCall, sig signal) *pending {
	p := &pending{s: s, call: call, signal: sig}
	call.Abandoned = func() { p.give(status.FromContextError(context.Canceled).Err()) }
	return p
}

func (p *pending) give(err error) {
	if p.answered.CompareAndSwap(false, true) {
		p.s.answer(p.call, p.signal, err)
	}
}

// after gives the answer after a delay; who waits less learns nothing.
func (p *pending) after(delay time.Duration, err error) {
	if delay <= 0 {
		p.give(err)
		return
	}
	if limit := p.call.Deadline; !limit.IsZero() {
		if left := time.Until(limit); left < delay {
			delay, err = left, status.FromContextError(context.DeadlineExceeded).Err()
		}
	}
	time.AfterFunc(delay, func() { p.give(err) })
}
