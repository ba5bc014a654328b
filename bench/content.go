package main

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/odigos-io/odigos-stress/internal/otlp"
)

// traceSpans is how many spans a trace of the shape has, and differentTraces how many
// different traces a peer sends in turn.
const (
	traceSpans      = 10
	differentTraces = 64
)

// A content is what peers send: the same resource and traces as the load generator's
// shape "simple", drawn before the time is taken. A peer builds its own structures from
// it for each request, as it must, and gives each span ids and times of its own.
type content struct {
	resource []otlp.Attribute
	traces   [][]otlp.Span
}

func newContent() (*content, error) {
	shape, err := otlp.NewShape("simple", nil, nil)
	if err != nil {
		return nil, err
	}
	if shape.Size != traceSpans {
		return nil, fmt.Errorf("a trace has %d spans, not %d", shape.Size, traceSpans)
	}
	r := rand.New(rand.NewPCG(1, 1))
	c := &content{resource: shape.Resource(r, 0)}
	for range differentTraces {
		c.traces = append(c.traces, shape.Trace(r))
	}
	return c, nil
}

// ids gives out random ids. It is not safe for concurrent use.
type ids struct{ r *rand.Rand }

func newIDs(worker int) ids { return ids{rand.New(rand.NewPCG(2, uint64(worker)))} }

func (i ids) put(b []byte) {
	for at := 0; at < len(b); at += 8 {
		v := i.r.Uint64() | 1
		for k := range 8 {
			b[at+k] = byte(v >> (8 * k))
		}
	}
}

// buffer is the write buffer of connections, as the load generator has it.
const buffer = 512 << 10

// dial makes a connection as fast as gRPC can be told to be.
func dial(to string) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+to,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithWriteBufferSize(buffer))
}

// together calls send again and again from as many goroutines as requests may be in
// flight, once at the least, until the time is over.
func together(o order, send func(worker int) error) error {
	end := time.Now().Add(o.Length)
	failed := make(chan error, o.InFlight)
	var all sync.WaitGroup
	for w := range o.InFlight {
		all.Go(func() {
			for first := true; first || time.Now().Before(end); first = false {
				if err := send(w); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}
