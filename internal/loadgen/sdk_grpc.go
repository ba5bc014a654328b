package loadgen

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// grpcBuffer is the size of the write buffer: with gRPC's 32 KiB a request of
// 1,000 spans costs more than half as much again.
const grpcBuffer = 512 << 10

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
