package loadgen

import (
	"context"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/otlp"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// A receiver is the other end: it answers as told and knows which spans it accepted.
type receiver struct {
	collector.UnimplementedTraceServiceServer
	key    ledger.Key
	answer func(context.Context) (*collector.ExportTraceServiceResponse, error)

	mu    sync.Mutex
	spans map[ledger.Number]int
	ends  map[ledger.Number]uint64 // when they ended, by the Unix nanosecond
}

func (r *receiver) Export(ctx context.Context, in *collector.ExportTraceServiceRequest,
) (*collector.ExportTraceServiceResponse, error) {
	response, err := &collector.ExportTraceServiceResponse{}, error(nil)
	if r.answer != nil {
		response, err = r.answer(ctx)
	}
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rs := range in.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				n, _ := r.key.Number(s.TraceId, s.SpanId)
				r.spans[n]++
				r.ends[n] = s.EndTimeUnixNano
			}
		}
	}
	return response, nil
}

// serve starts r as a gRPC server and returns its address.
func (r *receiver) serve(t *testing.T, options ...grpc.ServerOption) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return r.serveOn(t, ln, options...)
}

// serveOn is serve on a listener, which is closed with the server.
func (r *receiver) serveOn(t *testing.T, ln net.Listener, options ...grpc.ServerOption) string {
	t.Helper()
	otlp.RegisterCompressors()
	r.key, r.spans = ledger.NewKey("run"), map[ledger.Number]int{}
	r.ends = map[ledger.Number]uint64{}
	server := grpc.NewServer(options...)
	collector.RegisterTraceServiceServer(server, r)
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// A rig is an engine without a schedule.
type rig struct {
	*prepared
	ended chan struct{}
}

// rigOf makes a rig that sends a load to endpoints.
func rigOf(t testing.TB, load scenario.Load, endpoints ...string) *rig {
	t.Helper()
	s, err := NewSender(load, endpoints)
	if err != nil {
		t.Fatal(err)
	}
	return rigWith(t, load, s)
}

// rigWith is rigOf with a sender that was made.
func rigWith(t testing.TB, load scenario.Load, s Sender) *rig {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	b, err := newBook(io.Discard, ledger.Header{RunID: "run", Start: time.Now()}, load.SpansPerRequest, 0)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{
		preparedOf(Config{Load: load}, payloadsFor(t, &load, "run", 0), s),
		make(chan struct{}, 1000),
	}
	r.begin(t.Context(), ledger.NewKey("run"), b, func() { r.ended <- struct{}{} })
	return r
}

// send sends a slot and returns its answer and the length of its request.
func (r *rig) send(n uint64) (Answer, int) {
	r.deliver(slot{n: n})
	<-r.ended
	f := r.idle[len(r.idle)-1]
	return f.final, f.encoded
}

// connected waits until that many connections are in use.
func (r *rig) connected(n int) {
	s := r.sender.(*grpcSender)
	for {
		s.mu.Lock()
		got, changed := len(s.clients), s.changed
		s.mu.Unlock()
		if got >= n {
			return
		}
		<-changed
	}
}

func withInfo(code codes.Code, wait time.Duration) error {
	s, err := status.New(code, "slow down").WithDetails(
		&errdetails.RetryInfo{RetryDelay: durationpb.New(wait)})
	if err != nil {
		panic(err)
	}
	return s.Err()
}

func TestGRPCAnswers(t *testing.T) {
	load := config(1000, 20, 0, time.Second).Load
	refused, permanent := ledger.RefusedRetryable, ledger.RefusedPermanent
	for name, test := range map[string]struct {
		answer   *collector.ExportTraceServiceResponse
		err      error
		class    ledger.Class
		code     string
		retry    bool
		wait     time.Duration
		rejected int
	}{
		"ok":      {answer: &collector.ExportTraceServiceResponse{}, class: ledger.Acknowledged, code: "OK"},
		"in part": {answer: partial(3, "too old"), class: ledger.RejectedInPart, code: "OK", rejected: 3},
		"more than there are": {
			answer: partial(99, ""), class: ledger.RejectedInPart, code: "OK",
			rejected: 20,
		},
		"warning":  {answer: partial(0, "deprecated"), class: ledger.Acknowledged, code: "OK"},
		"full":     {err: status.Error(codes.ResourceExhausted, ""), class: permanent, code: "RESOURCE_EXHAUSTED"},
		"busy":     {err: withInfo(codes.ResourceExhausted, time.Minute), class: refused, code: "RESOURCE_EXHAUSTED", retry: true, wait: time.Minute},
		"away":     {err: status.Error(codes.Unavailable, ""), class: refused, code: "UNAVAILABLE", retry: true},
		"later":    {err: withInfo(codes.Unavailable, time.Second), class: refused, code: "UNAVAILABLE", retry: true, wait: time.Second},
		"canceled": {err: status.Error(codes.Canceled, ""), class: refused, code: "CANCELLED", retry: true},
		"aborted":  {err: status.Error(codes.Aborted, ""), class: refused, code: "ABORTED", retry: true},
		"range":    {err: status.Error(codes.OutOfRange, ""), class: refused, code: "OUT_OF_RANGE", retry: true},
		"lost":     {err: status.Error(codes.DataLoss, ""), class: refused, code: "DATA_LOSS", retry: true},
		"deadline": {err: status.Error(codes.DeadlineExceeded, ""), class: ledger.Unknown, code: "no answer (DEADLINE_EXCEEDED)", retry: true},
		"invalid":  {err: status.Error(codes.InvalidArgument, ""), class: permanent, code: "INVALID_ARGUMENT"},
		"internal": {err: status.Error(codes.Internal, ""), class: permanent, code: "INTERNAL"},
		"who":      {err: status.Error(codes.Unauthenticated, ""), class: permanent, code: "UNAUTHENTICATED"},
		"odd":      {err: status.Error(77, ""), class: permanent, code: "CODE 77"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &receiver{answer: func(context.Context) (*collector.ExportTraceServiceResponse, error) {
				return test.answer, test.err
			}}
			got, length := rigOf(t, load, r.serve(t)).send(0)
			want := Answer{
				Code: test.code, Class: test.class, Rejected: test.rejected,
				Retry: test.retry, Wait: test.wait, Attempted: true, WireBytes: length,
				Err: got.Err,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if (got.Err == "") != (name == "ok") {
				t.Errorf("error text %q", got.Err)
			}
		})
	}
}

func partial(rejected int64, message string) *collector.ExportTraceServiceResponse {
	return &collector.ExportTraceServiceResponse{PartialSuccess: &collector.ExportTracePartialSuccess{
		RejectedSpans: rejected, ErrorMessage: message,
	}}
}

// A connection that is cut under a request leaves it open what became of it; one that
// was never made, too, but nothing was attempted.
func TestGRPCWithoutAnAnswer(t *testing.T) {
	load := config(1000, 20, 0, time.Second).Load
	cut := make(chan func(), 1)
	r := &receiver{answer: func(ctx context.Context) (*collector.ExportTraceServiceResponse, error) {
		(<-cut)()
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	var conn atomic.Value
	proxy := forward(t, r.serve(t), &conn)
	cut <- func() { _ = conn.Load().(net.Conn).Close() }
	got, _ := rigOf(t, load, proxy).send(0)
	if got.Class != ledger.Unknown || got.Code != "no answer (UNAVAILABLE)" || !got.Attempted || !got.Retry {
		t.Errorf("cut: %+v", got)
	}

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	got, _ = rigOf(t, load, ln.Addr().String()).send(0)
	if got.Class != ledger.Unknown || got.Attempted || !got.Retry {
		t.Errorf("nobody there: %+v", got)
	}

	canceled := rigOf(t, load, proxy)
	cut <- canceled.cancel
	got, _ = canceled.send(0)
	if got.Class != ledger.Unknown || got.Code != "no answer (CANCELLED)" || !got.Attempted {
		t.Errorf("canceled: %+v", got)
	}
}

// forward passes bytes on to addr; conn is the last connection taken in.
func forward(t *testing.T, addr string, conn *atomic.Value) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	all.Go(func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			conn.Store(in)
			mu.Lock()
			open = append(open, in, out)
			mu.Unlock()
			all.Go(func() { _, _ = io.Copy(out, in); _ = out.Close() })
			all.Go(func() { _, _ = io.Copy(in, out); _ = in.Close() })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return ln.Addr().String()
}

// Compression changes what is on the wire and nothing of what arrives.
func TestCompression(t *testing.T) {
	for _, protocol := range []scenario.Protocol{scenario.ProtocolGRPC, scenario.ProtocolHTTP} {
		for _, c := range []scenario.Compression{"none", "gzip", "zstd", "snappy"} {
			load := config(1000, 100, 0, time.Second).Load
			load.Protocol, load.Compression = protocol, c
			r := &receiver{}
			endpoint := r.serve(t)
			if protocol == scenario.ProtocolHTTP {
				endpoint = r.serveHTTP(t)
			}
			a, full := rigOf(t, load, endpoint).send(0)
			if a.Class != ledger.Acknowledged || len(r.spans) != 100 {
				t.Errorf("%s %s: %+v, %d spans arrived", protocol, c, a, len(r.spans))
			}
			if (c == "none") != (a.WireBytes == full) || a.WireBytes > full {
				t.Errorf("%s %s: %d bytes on the wire, %d encoded", protocol, c, a.WireBytes, full)
			}
		}
	}
}

// A server that ends every connection after a few milliseconds, as gateways do to
// spread load, makes neither errors nor losses nor duplicates.
func TestConnectionsThatEndAreNeitherErrorsNorLosses(t *testing.T) {
	r := &receiver{}
	addr := r.serve(t, grpc.KeepaliveParams(keepalive.ServerParameters{
		MaxConnectionAge: 20 * time.Millisecond, MaxConnectionAgeGrace: time.Minute,
	}))
	cfg := config(100_000, 20, 0, time.Second)
	cfg.Load.Connections, cfg.Load.InFlight, cfg.Endpoints = 2, 1000, []string{addr}
	g, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}()
	sent := ran(t, g)
	if sent.All.Due != 100_000 || sent.All.Acknowledged+sent.All.Unsent != sent.All.Due ||
		len(sent.Errors) > 0 {
		t.Errorf("%+v, %v", sent.All, sent.Errors)
	}
	if sent.ConnectionsOpened < 4 {
		t.Errorf("%d connections were opened: none was cut", sent.ConnectionsOpened)
	}
	if got := uint64(len(r.spans)); got != sent.All.Acknowledged {
		t.Errorf("%d spans arrived, %d were acknowledged", got, sent.All.Acknowledged)
	}
	for n, times := range r.spans {
		if times != 1 || n>>48 != 2 {
			t.Errorf("span %x arrived %d times", n, times)
		}
	}
}

// A call waits for a connection that may still come: until the server speaks, which one
// that is frozen does not, or until its time is up. Nothing was attempted then.
func TestCallsWaitForAConnection(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	load := config(1000, 20, 0, time.Second).Load
	load.Timeout = scenario.Duration(20 * time.Millisecond)
	got, _ := rigOf(t, load, ln.Addr().String()).send(0)
	if got.Class != ledger.Unknown || got.Code != "no answer (DEADLINE_EXCEEDED)" || got.Attempted {
		t.Errorf("frozen: %+v", got)
	}
	load.Timeout = scenario.Duration(time.Minute)
	late := rigOf(t, load, ln.Addr().String())
	late.deliver(slot{n: 1})
	r := &receiver{}
	r.serveOn(t, ln)
	<-late.ended
	if got := late.idle[0].final; got.Class != ledger.Acknowledged || len(r.spans) != 20 {
		t.Errorf("late: %+v, %d spans", got, len(r.spans))
	}
}

// Several endpoints share the connections; a name that stands for several addresses
// is resolved.
func TestEndpointsShareTheConnections(t *testing.T) {
	a, b := &receiver{}, &receiver{}
	load := config(1000, 20, 0, time.Second).Load
	load.Connections = 4
	s := rigOf(t, load, a.serve(t), "dns:///"+b.serve(t))
	s.connected(4)
	for n := range uint64(8) {
		if got, _ := s.send(n); got.Class != ledger.Acknowledged {
			t.Errorf("%+v", got)
		}
	}
	if got := []int{len(a.spans), len(b.spans)}; !slices.Equal(got, []int{80, 80}) {
		t.Errorf("spans by endpoint: %v, want 80 each", got)
	}
	if got := s.connections(); got != 4 {
		t.Errorf("%d connections, want 4", got)
	}
}

func FuzzPartialSuccess(f *testing.F) {
	for _, r := range []*collector.ExportTraceServiceResponse{{}, partial(3, "no"), partial(-1, "")} {
		b, err := proto.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{0x0a, 0x05, 0x08})
	f.Fuzz(func(t *testing.T, b []byte) {
		var want collector.ExportTraceServiceResponse
		if proto.Unmarshal(b, &want) != nil {
			return
		}
		rejected, message, err := partialSuccess(b)
		p := want.GetPartialSuccess()
		if err != nil || rejected != max(p.GetRejectedSpans(), 0) || message != p.GetErrorMessage() {
			t.Errorf("partialSuccess(%x) = %d, %q, %v, want %v", b, rejected, message, err, p)
		}
	})
}
