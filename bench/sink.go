package main

import (
	"context"
	"net"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"

	"github.com/odigos-io/odigos-stress/internal/otlp"
)

// Sizes of a server's messages, windows and buffers; see internal/backend.
const (
	maxMessage       = 128 << 20
	streamWindow     = 4 << 20
	connectionWindow = 16 << 20
)

// traceService is OTLP's service of traces.
const traceService = "opentelemetry.proto.collector.trace.v1.TraceService"

// newServer makes a gRPC server that is tuned for large requests.
func newServer(more ...grpc.ServerOption) *grpc.Server {
	otlp.RegisterCompressors()
	return grpc.NewServer(append(more,
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.ReadBufferSize(buffer),
		grpc.StaticStreamWindowSize(streamWindow),
		grpc.StaticConnWindowSize(connectionWindow),
		grpc.WaitForHandlers(true))...)
}

// newRawServer makes a server of traces that hands over requests as bytes.
func newRawServer(export grpc.MethodHandler) *grpc.Server {
	s := newServer(grpc.ForceServerCodecV2(otlp.RawCodec{}))
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: traceService,
		Methods:     []grpc.MethodDesc{{MethodName: "Export", Handler: export}},
	}, nil)
	return s
}

func serveUntil(s *grpc.Server, ln net.Listener, stop <-chan struct{}) error {
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	<-stop
	s.Stop()
	return <-served
}

// serveCount counts spans, and does nothing else with them: what it costs is what
// gRPC costs.
func serveCount(ln net.Listener, _ order, stop <-chan struct{}) (tally, error) {
	var spans, bytes atomic.Uint64
	export := func(_ any, _ context.Context, decode func(any) error,
		_ grpc.UnaryServerInterceptor,
	) (any, error) {
		var frame otlp.Frame
		if err := decode(&frame); err != nil {
			return nil, err
		}
		body := frame.Data.MaterializeToBuffer(mem.DefaultBufferPool())
		frame.Free()
		defer body.Free()
		n, err := countSpans(body.ReadOnlyData())
		spans.Add(uint64(n))
		bytes.Add(uint64(body.Len()))
		return &otlp.Frame{}, err
	}
	err := serveUntil(newRawServer(export), ln, stop)
	return tally{Spans: spans.Load(), Bytes: bytes.Load()}, err
}
