package loadgen

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/otlp"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

const exportMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// grpcBuffer is the size of the write buffer: with gRPC's 32 KiB a request of
// 1,000 spans costs more than half as much again.
const grpcBuffer = 512 << 10

// A grpcSender sends prepared bytes over gRPC. Connections that the server ends with
// GOAWAY are replaced by gRPC itself: new calls wait for the next connection, and
// those that the server never looked at are sent again, unseen from here.
type grpcSender struct {
	conns   []*grpc.ClientConn
	turns   turns
	timeout time.Duration
	options []grpc.CallOption
	watch   grpcWatch
}

func newGRPCSender(load scenario.Load, endpoints []string) (Sender, error) {
	otlp.RegisterCompressors()
	s := &grpcSender{timeout: time.Duration(load.Timeout)}
	s.options = []grpc.CallOption{grpc.ForceCodecV2(otlp.RawCodec{}), grpc.StaticMethod()}
	if load.Compression != scenario.CompressionNone {
		s.options = append(s.options, grpc.UseCompressor(string(load.Compression)))
	}
	for i := range max(load.Connections, len(endpoints)) {
		conn, err := dialGRPC(endpoints[i%len(endpoints)], &s.watch)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		conn.Connect() // before the first slot, not in it
		s.conns = append(s.conns, conn)
	}
	s.turns.n = uint64(len(s.conns))
	return s, nil
}

// dialGRPC makes a connection that nothing in the environment has a say in.
func dialGRPC(target string, watch *grpcWatch, more ...grpc.DialOption) (*grpc.ClientConn, error) {
	if !strings.Contains(target, "://") {
		target = "passthrough:///" + target
	}
	conn, err := grpc.NewClient(target, append(more,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithNoProxy(),
		grpc.WithUserAgent(userAgent),
		grpc.WithWriteBufferSize(grpcBuffer),
		grpc.WithDisableServiceConfig(), // none from DNS; ours follows
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
		grpc.WithStatsHandler(watch))...)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", target, err)
	}
	return conn, nil
}

func (s *grpcSender) Connections() uint64 { return s.watch.opened.Load() }

func (s *grpcSender) Close() error {
	var all error
	for _, c := range s.conns {
		all = errors.Join(all, c.Close())
	}
	return all
}

func (s *grpcSender) Send(ctx context.Context, r *Request) Answer {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	c := &call{Context: ctx}
	var response otlp.Frame
	defer response.Free()
	err := s.conns[s.turns.next()].Invoke(c, exportMethod, &r.frame, &response, s.options...)
	if err != nil {
		return c.failed(err)
	}
	var body []byte
	if response.Len() > 0 {
		body = response.Data.Materialize()
	}
	return c.measured(success("OK", r.Spans, body))
}

// grpcFailure reads a status as OTLP's specification does. answered tells whether
// the server sent it: gRPC gives the same UNAVAILABLE to a connection that was cut
// under a request, which may or may not have been taken in by then.
func grpcFailure(s *status.Status, answered bool) Answer {
	a := Answer{Code: grpcCode(s.Code()), Err: s.Code().String() + ": " + s.Message()}
	hint := false
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			hint, a.Wait = true, max(info.GetRetryDelay().AsDuration(), 0)
		}
	}
	switch s.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange,
		codes.Unavailable, codes.DataLoss:
		a.Retry = true
	case codes.ResourceExhausted:
		a.Retry = hint
	}
	switch {
	case !answered || s.Code() == codes.DeadlineExceeded:
		// A deadline is never an answer about the spans, whichever end saw it first.
		a.Code, a.Class = "no answer ("+a.Code+")", ledger.Unknown
	case a.Retry:
		a.Class = ledger.RefusedRetryable
	default:
		a.Class = ledger.RefusedPermanent
	}
	return a
}

// grpcCode is a code as the specification spells it.
func grpcCode(c codes.Code) string {
	if name, ok := grpcCodes[c]; ok {
		return name
	}
	return fmt.Sprintf("CODE %d", c)
}

var grpcCodes = map[codes.Code]string{
	codes.OK: "OK", codes.Canceled: "CANCELLED", codes.Unknown: "UNKNOWN",
	codes.InvalidArgument: "INVALID_ARGUMENT", codes.DeadlineExceeded: "DEADLINE_EXCEEDED",
	codes.NotFound: "NOT_FOUND", codes.AlreadyExists: "ALREADY_EXISTS",
	codes.PermissionDenied: "PERMISSION_DENIED", codes.ResourceExhausted: "RESOURCE_EXHAUSTED",
	codes.FailedPrecondition: "FAILED_PRECONDITION", codes.Aborted: "ABORTED",
	codes.OutOfRange: "OUT_OF_RANGE", codes.Unimplemented: "UNIMPLEMENTED",
	codes.Internal: "INTERNAL", codes.Unavailable: "UNAVAILABLE", codes.DataLoss: "DATA_LOSS",
	codes.Unauthenticated: "UNAUTHENTICATED",
}

// A call is the context of one RPC, and what is seen of it on the wire.
type call struct {
	context.Context
	answered      atomic.Bool
	encoded, wire atomic.Int64
}

type callKey struct{}

func (c *call) Value(key any) any {
	if key == (callKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// failed is the answer to a call that returned an error.
func (c *call) failed(err error) Answer {
	return c.measured(grpcFailure(status.Convert(err), c.answered.Load()))
}

func (c *call) measured(a Answer) Answer {
	a.WireBytes = int(c.wire.Load())
	a.Attempted = a.WireBytes > 0
	return a
}

// A grpcWatch sees what a status does not tell: whether trailers came from the server
// (a status without them was made up by our own end), how long the message was on
// the wire, and each new connection.
type grpcWatch struct{ opened atomic.Uint64 }

// TagRPC is there for the interface.
func (w *grpcWatch) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC sees the events of an attempt; those of a transparent retry replace what
// was seen before.
func (w *grpcWatch) HandleRPC(ctx context.Context, event stats.RPCStats) {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok {
		return
	}
	switch e := event.(type) {
	case *stats.OutPayload:
		c.encoded.Store(int64(e.Length))
		c.wire.Store(int64(e.CompressedLength))
	case *stats.InTrailer:
		c.answered.Store(true)
	}
}

// TagConn is there for the interface.
func (w *grpcWatch) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return ctx
}

// HandleConn counts connections.
func (w *grpcWatch) HandleConn(_ context.Context, event stats.ConnStats) {
	if _, ok := event.(*stats.ConnBegin); ok {
		w.opened.Add(1)
	}
}
