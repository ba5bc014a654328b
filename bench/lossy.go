package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/odigos-io/odigos-stress/internal/otlp"
)

// What the lossy gateway does to what passes it.
const (
	lossRate  = 0.01        // of the spans, each by itself
	heldRate  = 0.1         // of the requests
	heldUntil = time.Second // at most
	passing   = 128         // requests that may be under way to the backend
)

// A lossy is a gateway of nothing but faults: it acknowledges every request, drops some
// of the spans in it, and holds some requests back, so that later ones overtake them.
// Its gRPC is not the tool's own.
type lossy struct {
	conn    *grpc.ClientConn
	places  chan struct{}
	forward sync.WaitGroup
	buffers sync.Pool

	mu      sync.Mutex
	t       tally
	failure error
}

func serveLossy(ln net.Listener, o order, stop <-chan struct{}) (tally, error) {
	conn, err := grpc.NewClient("passthrough:///"+o.Toward,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy(),
		grpc.WithWriteBufferSize(buffer))
	if err != nil {
		return tally{}, err
	}
	l := &lossy{conn: conn, places: make(chan struct{}, passing)}
	l.buffers.New = func() any { return new(thinning) }
	err = serveUntil(newRawServer(l.export), ln, stop)
	l.forward.Wait()
	return l.t, errors.Join(err, l.failure, conn.Close())
}

func (l *lossy) export(_ any, _ context.Context, decode func(any) error,
	_ grpc.UnaryServerInterceptor,
) (any, error) {
	var frame otlp.Frame
	if err := decode(&frame); err != nil {
		return nil, err
	}
	body := frame.Data.MaterializeToBuffer(mem.DefaultBufferPool())
	frame.Free()
	t := l.buffers.Get().(*thinning)
	err := t.thin(body.ReadOnlyData())
	body.Free()
	if err != nil {
		return nil, err
	}
	l.places <- struct{}{}
	l.forward.Go(func() {
		if rand.Float64() < heldRate {
			time.Sleep(rand.N(heldUntil))
		}
		l.pass(t)
		l.buffers.Put(t)
		<-l.places
	})
	return &otlp.Frame{}, nil
}

func (l *lossy) pass(t *thinning) {
	// Once it is answered, gRPC holds on to none of the bytes; when it fails, so does all.
	var answer otlp.Frame
	err := l.conn.Invoke(context.Background(),
		"/"+traceService+"/Export",
		otlp.NewFrame(t.out), &answer, grpc.ForceCodecV2(otlp.RawCodec{}), grpc.StaticMethod(),
		grpc.WaitForReady(true))
	answer.Free()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.t.Spans += t.kept
	l.t.Dropped += t.dropped
	if err != nil && l.failure == nil {
		l.failure = fmt.Errorf("pass on a request: %w", err)
	}
}

// A thinning is a request without some of its spans.
type thinning struct {
	out           []byte
	inner         [2][]byte
	kept, dropped uint64 // spans
	until         int    // spans before the next one that is dropped
}

// thin makes out of an encoded request.
func (t *thinning) thin(request []byte) (err error) {
	t.kept, t.dropped, t.until = 0, 0, gap()
	t.out, err = t.copy(t.out[:0], request, 0)
	return err
}

// gap is how many spans are kept before one is dropped: geometrically distributed.
func gap() int { return int(math.Log(1-rand.Float64()) / math.Log(1-lossRate)) }

// nested are the fields that hold what is at the next level: ResourceSpans in a request,
// ScopeSpans in them, and the spans in those.
var nested = [...]protowire.Number{1, 2, 2}

// copy appends a message of this level to dst, without the spans that are dropped.
func (t *thinning) copy(dst, message []byte, level int) ([]byte, error) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return dst, protowire.ParseError(n)
		}
		m := protowire.ConsumeFieldValue(number, kind, message[n:])
		if m < 0 {
			return dst, protowire.ParseError(m)
		}
		field := message[:n+m]
		message = message[n+m:]
		switch {
		case kind != protowire.BytesType || number != nested[level]:
			dst = append(dst, field...)
		case level < len(t.inner):
			value, _ := protowire.ConsumeBytes(field[n:])
			in, err := t.copy(t.inner[level][:0], value, level+1)
			if err != nil {
				return dst, err
			}
			t.inner[level] = in
			dst = protowire.AppendTag(dst, number, kind)
			dst = protowire.AppendBytes(dst, in)
		case t.until == 0:
			t.dropped++
			t.until = gap()
		default:
			t.kept++
			t.until--
			dst = append(dst, field...)
		}
	}
	return dst, nil
}
