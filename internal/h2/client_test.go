package h2

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // so that the server can
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A handler answers a call in the real server.
type handler func(ctx context.Context, request []byte) ([]byte, error)

// serve starts gRPC's own server with a handler for everything.
func serve(t testing.TB, handle handler, options ...grpc.ServerOption) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	options = append(options, grpc.MaxRecvMsgSize(64<<20),
		grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
			var in wrapperspb.BytesValue
			if err := stream.RecvMsg(&in); err != nil {
				return err
			}
			out, err := handle(stream.Context(), in.Value)
			if err != nil {
				return err
			}
			return stream.SendMsg(wrapperspb.Bytes(out))
		}))
	server := grpc.NewServer(options...)
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// A running is a client whose Run is under way.
type running struct {
	*Client
	ran chan error
}

func dial(t testing.TB, addr string) *running {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{NewClient(conn, ClientConfig{
		Authority: addr, Path: "/service/Method", UserAgent: "test/1", Timeout: time.Minute,
	}), make(chan error, 1)}
	go func() { r.ran <- r.Run(); close(r.ran) }()
	t.Cleanup(func() {
		_ = r.Close()
		<-r.ran
	})
	return r
}

func bytesValue(t testing.TB, b []byte) []byte {
	t.Helper()
	out, err := proto.Marshal(wrapperspb.Bytes(b))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// call makes a call and waits for its end.
func (r *running) call(t testing.TB, b []byte, timeout time.Duration) Result {
	t.Helper()
	done := make(chan struct{})
	c := &Call{
		Message: bytesValue(t, b), Deadline: time.Now().Add(timeout), Done: func() { close(done) },
	}
	if err := r.Start(c); err != nil {
		t.Fatal(err)
	}
	<-done
	return c.Result
}

// Every status of a real server comes as it was said, with its text and its details.
func TestClientHearsEveryStatus(t *testing.T) {
	say := func(code codes.Code) *status.Status {
		s, err := status.New(code, "100 % schön\n").WithDetails(durationpb.New(time.Second))
		if err != nil { // of OK
			s = status.New(code, "")
		}
		return s
	}
	c := dial(t, serve(t, func(_ context.Context, b []byte) ([]byte, error) {
		return b, say(codes.Code(b[0])).Err()
	}))
	for code := range codes.Code(20) {
		s := say(code)
		got := c.call(t, []byte{byte(code)}, time.Minute)
		if got.Status != uint32(code) || got.Message != s.Message() || !got.Answered || got.Unseen {
			t.Errorf("%v: %+v", code, got)
		}
		want, err := proto.Marshal(s.Proto())
		if err != nil {
			t.Fatal(err)
		}
		if code != codes.OK && !bytes.Equal(got.Details, want) {
			t.Errorf("%v: details %x, want %x", code, got.Details, want)
		}
	}
}

// Through windows of every size, with few streams at once, what is sent is what
// arrives, and what is answered is what comes back.
func TestClientCarriesWhatIsGiven(t *testing.T) {
	echo := func(_ context.Context, b []byte) ([]byte, error) { return b, nil }
	for name, options := range map[string][]grpc.ServerOption{
		"default": nil,
		"narrow":  {grpc.StaticStreamWindowSize(64 << 10), grpc.StaticConnWindowSize(64 << 10)},
		"wide":    {grpc.StaticStreamWindowSize(8 << 20), grpc.StaticConnWindowSize(16 << 20)},
		"single":  {grpc.MaxConcurrentStreams(1)},
		"table":   {grpc.HeaderTableSize(0)},
		"writes":  {grpc.WriteBufferSize(0), grpc.ReadBufferSize(0)},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, serve(t, echo, options...))
			<-c.Ready()
			var all sync.WaitGroup
			for i := range 60 {
				size := []int{0, 1, 100, 16379, 70_000, 300_000}[i%6]
				want := bytes.Repeat([]byte{byte(i)}, size)
				call := &Call{Message: bytesValue(t, want), Deadline: time.Now().Add(time.Minute)}
				all.Add(1)
				call.Done = func() {
					defer all.Done()
					var got wrapperspb.BytesValue
					r := call.Result
					if err := proto.Unmarshal(r.Response, &got); err != nil || r.Status != 0 ||
						!bytes.Equal(got.Value, want) || r.SentBytes != len(call.Message) {
						t.Errorf("%d bytes: status %d %s, %d came back, %v", size, r.Status, r.Message,
							len(got.Value), err)
					}
				}
				if err := c.Start(call); err != nil {
					t.Fatal(err)
				}
			}
			all.Wait()
		})
	}
}

// A server that ends its connections leaves no call half seen: each is answered, or
// was never looked at.
func TestClientAndTheAgeOfConnections(t *testing.T) {
	var seen atomic.Int64
	addr := serve(t, func(context.Context, []byte) ([]byte, error) { seen.Add(1); return nil, nil },
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge: 10 * time.Millisecond, MaxConnectionAgeGrace: time.Minute,
		}))
	var answered, unseen atomic.Int64
	body := bytesValue(t, make([]byte, 1000))
	for range 3 {
		c := dial(t, addr)
		var all sync.WaitGroup
		slots := make(chan struct{}, 16)
		for {
			slots <- struct{}{}
			call := &Call{Message: body, Deadline: time.Now().Add(time.Minute)}
			all.Add(1)
			call.Done = func() {
				switch r := call.Result; {
				case r.Answered && r.Status == 0:
					answered.Add(1)
				case r.Unseen:
					unseen.Add(1)
				default:
					t.Errorf("%+v", r)
				}
				<-slots
				all.Done()
			}
			if c.Start(call) != nil {
				all.Done()
				break
			}
		}
		all.Wait()
		if err := <-c.ran; err != nil {
			t.Errorf("Run() = %v", err)
		}
	}
	if answered.Load() != seen.Load() {
		t.Errorf("the server saw %d calls, %d were answered, %d unseen", seen.Load(), answered.Load(),
			unseen.Load())
	}
}

// A deadline ends a call on both sides; the connection goes on.
func TestClientDeadlineReachesTheServer(t *testing.T) {
	ended := make(chan error, 1)
	c := dial(t, serve(t, func(ctx context.Context, b []byte) ([]byte, error) {
		if len(b) > 0 {
			<-ctx.Done()
			ended <- ctx.Err()
		}
		return nil, nil
	}))
	got := c.call(t, []byte("wait"), 20*time.Millisecond)
	if got.Status != statusDeadlineExceeded || got.Answered || !got.Began {
		t.Errorf("%+v", got)
	}
	if err := <-ended; err == nil {
		t.Error("the server's call goes on")
	}
	if got := c.call(t, nil, time.Minute); got.Status != 0 {
		t.Errorf("the next call: %+v", got)
	}
}

// A peer that reads nothing blocks nobody: calls are started, and end in time with
// their bytes free, though some of them are half written.
func TestClientAndAFrozenPeer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c := dial(t, ln.Addr().String())
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	// It lets in more than the socket holds, and then reads no more.
	s := newScript()
	_ = s.WriteSettings()
	_ = s.WriteWindowUpdate(0, 1<<30)
	s.settings(4, 1<<30)
	if _, err := peer.Write(s.Bytes()); err != nil {
		t.Fatal(err)
	}
	<-c.Ready()
	var all sync.WaitGroup
	body := make([]byte, 1<<20)
	for range 64 {
		call := &Call{Message: body, Deadline: time.Now().Add(100 * time.Millisecond)}
		all.Add(1)
		call.Done = func() {
			defer all.Done()
			if r := call.Result; r.Status != statusDeadlineExceeded || r.Answered {
				t.Errorf("%+v", r)
			}
		}
		if err := c.Start(call); err != nil {
			t.Fatal(err)
		}
	}
	all.Wait()
	if !c.Busy() {
		t.Error("the connection is not busy: the peer took everything in")
	}
	clear(body) // ours again; the race detector watches
}

func (s *script) settings(id, value uint32) {
	b := appendSetting(nil, uint16(id), value)
	_ = s.WriteRawFrame(4, 0, 0, b)
}

// A connection that is cut leaves open what became of the calls on it.
func TestClientAndACutConnection(t *testing.T) {
	entered := make(chan struct{})
	addr := serve(t, func(ctx context.Context, _ []byte) ([]byte, error) {
		close(entered)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	c := dial(t, addr)
	go func() {
		<-entered
		_ = c.Close()
	}()
	got := c.call(t, nil, time.Minute)
	if got.Status != statusUnavailable || got.Answered || got.Unseen || !got.Began {
		t.Errorf("%+v", got)
	}
	if c.Start(new(Call)) == nil {
		t.Error("a call was taken although the connection is over")
	}
}

// Cancel ends everything, and the connection goes on.
func TestClientCancel(t *testing.T) {
	entered := make(chan struct{}, 1)
	c := dial(t, serve(t, func(ctx context.Context, b []byte) ([]byte, error) {
		if len(b) > 0 {
			entered <- struct{}{}
			<-ctx.Done()
		}
		return nil, nil
	}))
	go func() {
		<-entered
		c.Cancel()
	}()
	if got := c.call(t, []byte("wait"), time.Minute); got.Status != statusCanceled || got.Answered {
		t.Errorf("%+v", got)
	}
	if got := c.call(t, nil, time.Minute); got.Status != 0 {
		t.Errorf("the next call: %+v", got)
	}
}

func TestTimeoutValue(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Nanosecond: "1n", 10 * time.Second: "10000000u", time.Hour: "3600000m",
		1001 * time.Hour: "3603600S", 100_000*time.Second + 1: "100001S", 2e6 * time.Hour: "2000000H",
	} {
		if got := timeoutValue(d); got != want {
			t.Errorf("timeoutValue(%v) = %q, want %q", d, got, want)
		}
	}
}

// A call allocates nothing once the connection is warm.
func BenchmarkClient(b *testing.B) {
	for _, size := range []int{3500, 35_000, 355_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			c := dial(b, serve(b, func(context.Context, []byte) ([]byte, error) { return nil, nil },
				grpc.StaticStreamWindowSize(4<<20), grpc.StaticConnWindowSize(16<<20)))
			done := make(chan struct{}, 1)
			call := &Call{Message: bytesValue(b, make([]byte, size)), Done: func() { done <- struct{}{} }}
			for b.Loop() {
				call.Deadline = time.Now().Add(time.Minute)
				if err := c.Start(call); err != nil {
					b.Fatal(err)
				}
				<-done
			}
		})
	}
}
