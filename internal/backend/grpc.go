package backend

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"github.com/odigos-io/odigos-stress/internal/otlp"
)

// Sizes of gRPC's buffers and windows. Collectors send requests of a few hundred
// kilobytes to a few megabytes: windows of that size keep the sender from waiting, and
// large reads cost half of what the default's small ones do.
const (
	readBuffer       = 512 << 10
	streamWindow     = 4 << 20
	connectionWindow = 16 << 20
	maxStreams       = 1024 // requests under way on a connection
)

var services = map[string]signal{
	"opentelemetry.proto.collector.trace.v1.TraceService":     traces,
	"opentelemetry.proto.collector.metrics.v1.MetricsService": metrics,
	"opentelemetry.proto.collector.logs.v1.LogsService":       logs,
}

// newGRPC returns a server of OTLP over gRPC. With a bound on concurrency a connection
// has no more streams than that, so that what waits, waits at the sender.
func newGRPC(in *intake, maxConcurrent int) *grpc.Server {
	otlp.RegisterCompressors()
	streams := maxStreams
	if maxConcurrent > 0 {
		streams = min(streams, maxConcurrent)
	}
	s := grpc.NewServer(
		grpc.ForceServerCodecV2(otlp.RawCodec{}),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxConcurrentStreams(uint32(streams)),
		grpc.ReadBufferSize(readBuffer),
		grpc.StaticStreamWindowSize(streamWindow),
		grpc.StaticConnWindowSize(connectionWindow),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime: time.Second, PermitWithoutStream: true, // a sender's keepalive is not under test
		}),
		grpc.StatsHandler(&watcher{in.book}),
		grpc.WaitForHandlers(true),
	)
	for name, sig := range services {
		s.RegisterService(&grpc.ServiceDesc{
			ServiceName: name,
			Methods:     []grpc.MethodDesc{{MethodName: "Export", Handler: export(in, sig)}},
		}, nil)
	}
	return s
}

// export answers an Export call. The empty frame is an empty Export…ServiceResponse.
func export(in *intake, s signal) grpc.MethodHandler {
	return func(_ any, ctx context.Context, decode func(any) error,
		_ grpc.UnaryServerInterceptor,
	) (any, error) {
		at := time.Now()
		in.book.inFlight.Add(1)
		defer in.book.inFlight.Add(-1)
		var frame otlp.Frame
		if err := decode(&frame); err != nil {
			return nil, err
		}
		body := frame.Data.MaterializeToBuffer(mem.DefaultBufferPool())
		frame.Free()
		err := in.receive(ctx, s, body.ReadOnlyData(), at)
		body.Free()
		if call, ok := ctx.Value(callKey{}).(*call); ok {
			call.counted = true
			in.book.count(s, grpcAnswer(status.Code(err)))
		}
		return &otlp.Frame{}, err
	}
}

// A watcher counts what the handlers do not see: connections, the bytes of a message
// as it came, and calls that gRPC itself refuses.
type watcher struct{ book *book }

type callKey struct{}

type call struct {
	signal  signal
	counted bool
}

// TagRPC notes which signal a call is of.
func (w *watcher) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	for name, s := range services {
		if info.FullMethodName == "/"+name+"/Export" {
			return context.WithValue(ctx, callKey{}, &call{signal: s})
		}
	}
	return ctx
}

// HandleRPC counts bytes, and calls that ended before their handler was asked.
func (w *watcher) HandleRPC(ctx context.Context, s stats.RPCStats) {
	switch s := s.(type) {
	case *stats.InPayload:
		w.book.wire.Add(uint64(s.CompressedLength))
	case *stats.End:
		if call, ok := ctx.Value(callKey{}).(*call); ok && !call.counted {
			w.book.count(call.signal, grpcAnswer(status.Code(s.Error)))
		}
	}
}

// TagConn does nothing.
func (w *watcher) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn counts connections.
func (w *watcher) HandleConn(_ context.Context, s stats.ConnStats) {
	switch s.(type) {
	case *stats.ConnBegin:
		w.book.connections.Add(1)
	case *stats.ConnEnd:
		w.book.connections.Add(-1)
	}
}
