package h2

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/odigos-io/odigos-stress/internal/otlp"
)

const serverTestPath = "/service/Export"

// serverTestConfig is a server of small bounds.
func serverTestConfig(handle func(*ServerCall)) ServerConfig {
	return ServerConfig{
		Handle: handle, Paths: []string{serverTestPath}, Encodings: []string{"gzip"},
		MaxStreams: 100, MaxMessage: 32 << 20, MaxHeld: 512 << 20, MaxHeldInAll: 1 << 30,
		BodyTimeout: time.Minute,
	}
}

// A serverRig is a server that listens for the length of a test.
type serverRig struct {
	*Server
	t    testing.TB
	addr string
	ctx  context.Context
	// stop ends it gracefully, and returns what the connections ended with.
	stop func() []error
}

func startServer(t testing.TB, cfg ServerConfig) *serverRig {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	serving, stop := context.WithCancel(ctx)
	r := &serverRig{Server: NewServer(cfg), t: t, addr: ln.Addr().String(), ctx: ctx}
	var served sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	served.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			served.Go(func() {
				err := r.Serve(serving, conn)
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			})
		}
	})
	r.stop = sync.OnceValue(func() []error {
		stop()
		_ = ln.Close()
		served.Wait()
		return errs
	})
	t.Cleanup(func() {
		r.stop()
		cancel()
		if n := r.held.Load(); n != 0 {
			t.Errorf("%d bytes are held at the end", n)
		}
	})
	return r
}

func (r *serverRig) dial(opts ...grpc.DialOption) *grpc.ClientConn {
	r.t.Helper()
	opts = append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(otlp.RawCodec{})),
	}, opts...)
	conn, err := grpc.NewClient("passthrough:///"+r.addr, opts...)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func invoke(ctx context.Context, conn *grpc.ClientConn, path string, b []byte) error {
	var reply otlp.Frame
	defer reply.Free()
	err := conn.Invoke(ctx, path, otlp.NewFrame(b), &reply)
	if err == nil && reply.Len() != 0 {
		return fmt.Errorf("an answer of %d bytes", reply.Len())
	}
	return err
}

// serverMessage is n bytes that tell n and a number.
func serverMessage(n, number int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8 + number)
	}
	return b
}

func TestServerServesGRPC(t *testing.T) {
	sizes := []int{0, 1, 11, 4096, 16379, 16384, 100_000, 262_139, 1 << 20, 5_000_000, 32 << 20}
	for _, opts := range [][]grpc.DialOption{
		nil,
		{grpc.WithInitialWindowSize(1 << 20), grpc.WithInitialConnWindowSize(1 << 24), grpc.WithWriteBufferSize(1 << 20)},
		{grpc.WithWriteBufferSize(100)},
	} {
		var mu sync.Mutex
		seen := map[string]int{}
		r := startServer(t, serverTestConfig(func(c *ServerCall) {
			mu.Lock()
			seen[fmt.Sprint(len(c.Message), bytes.Equal(c.Message, serverMessage(len(c.Message), 3)))]++
			mu.Unlock()
			c.Finish(codes.OK, "")
		}))
		conn := r.dial(opts...)
		var sent sync.WaitGroup
		for _, n := range sizes {
			b := serverMessage(n, 3)
			for range 3 {
				sent.Go(func() {
					if err := invoke(r.ctx, conn, serverTestPath, b); err != nil {
						t.Errorf("a message of %d bytes: %v", n, err)
					}
				})
			}
		}
		sent.Wait()
		for _, n := range sizes {
			if got := seen[fmt.Sprint(n, true)]; got != 3 {
				t.Errorf("%d messages of %d bytes arrived whole, want 3", got, n)
			}
		}
		_ = conn.Close()
		// A client that leaves with bytes unread, such as our last PING, resets: whether a
		// read or a write learns of it first is a matter of luck.
		errs := r.stop()
		if len(errs) != 1 || errs[0] != nil && !errors.Is(errs[0], syscall.ECONNRESET) && !errors.Is(errs[0], syscall.EPIPE) {
			t.Errorf("connections ended with %v", errs)
		}
	}
}

func TestServerRefusesGRPC(t *testing.T) {
	var refused []codes.Code
	cfg := serverTestConfig(func(c *ServerCall) { c.Finish(codes.Unavailable, "told so: 100 % ✓") })
	cfg.Refused = func(path string, c codes.Code) { refused = append(refused, c) }
	r := startServer(t, cfg)
	conn := r.dial()
	for _, tt := range []struct {
		path string
		size int
		code codes.Code
		text string
	}{
		{serverTestPath, 10, codes.Unavailable, "told so: 100 % ✓"},
		{"/another/Export", 10, codes.Unimplemented, "nothing is served at /another/Export"},
		{serverTestPath, 32<<20 + 1, codes.ResourceExhausted, "the message is of 33554433 bytes, more than the 33554432 that are accepted"},
		{serverTestPath, 10, codes.Unavailable, "told so: 100 % ✓"},
	} {
		err := invoke(r.ctx, conn, tt.path, make([]byte, tt.size))
		if s := status.Convert(err); s.Code() != tt.code || s.Message() != tt.text {
			t.Errorf("%d bytes to %s: %v, want %v %q", tt.size, tt.path, err, tt.code, tt.text)
		}
	}
	_ = conn.Close()
	r.stop()
	if len(refused) != 1 || refused[0] != codes.ResourceExhausted {
		t.Errorf("Refused heard of %v, want one ResourceExhausted", refused)
	}
}

func TestServerTellsThatTheSenderHasGone(t *testing.T) {
	calls := make(chan *ServerCall, 1)
	gone := make(chan bool, 1)
	r := startServer(t, serverTestConfig(func(c *ServerCall) {
		c.Abandoned = func() { gone <- true }
		c.Keep()
		calls <- c
	}))
	for _, how := range []string{"cancel", "deadline", "close"} {
		conn := r.dial()
		ctx, cancel := context.WithCancel(r.ctx)
		if how == "deadline" {
			ctx, cancel = context.WithTimeout(r.ctx, 50*time.Millisecond)
		}
		done := make(chan error, 1)
		go func() { done <- invoke(ctx, conn, serverTestPath, []byte("kept")) }()
		call := <-calls
		switch how {
		case "cancel":
			cancel()
		case "close":
			_ = conn.Close()
		}
		<-gone
		if string(call.Message) != "kept" {
			t.Errorf("%s: the message became %q", how, call.Message)
		}
		call.Finish(codes.OK, "") // too late
		call.Release()
		if err := <-done; err == nil {
			t.Errorf("%s: the call succeeded", how)
		}
		cancel()
	}
}

func TestServerLeavesGracefully(t *testing.T) {
	calls := make(chan *ServerCall, 2)
	r := startServer(t, serverTestConfig(func(c *ServerCall) { calls <- c }))
	conn := r.dial()
	done := make(chan error, 2)
	for range 2 {
		go func() { done <- invoke(r.ctx, conn, serverTestPath, []byte("x")) }()
	}
	first, second := <-calls, <-calls
	stopped := make(chan []error)
	go func() { stopped <- r.stop() }()
	first.Finish(codes.OK, "")
	if err := <-done; err != nil {
		t.Error(err)
	}
	select {
	case errs := <-stopped:
		t.Fatalf("it stopped before the second answer: %v", errs)
	default:
	}
	second.Finish(codes.OK, "")
	if err := <-done; err != nil {
		t.Error(err)
	}
	if errs := <-stopped; errors.Join(errs...) != nil {
		t.Errorf("connections ended with %v", errs)
	}
}

func TestServerAnswersManyFromManyGoroutines(t *testing.T) {
	r := startServer(t, serverTestConfig(func(c *ServerCall) {
		if !c.Keep() {
			return
		}
		go func() {
			c.Release()
			c.Finish(codes.OK, "")
		}()
	}))
	var sent sync.WaitGroup
	for range 3 {
		conn := r.dial()
		for range 50 {
			sent.Go(func() {
				for i := range 20 {
					if err := invoke(r.ctx, conn, serverTestPath, make([]byte, i*997)); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	sent.Wait()
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
