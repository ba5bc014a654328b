package backend

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/odigos-io/odigos-stress/internal/admin"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/otlp"
)

var begin = time.Now().UTC().Truncate(time.Second)

// A rig is a backend that runs for the length of a test, and a way to talk to it.
type rig struct {
	*Backend
	t    *testing.T
	ctx  context.Context
	conn *grpc.ClientConn
	http *http.Client
	stop func() error
}

func start(t *testing.T, cfg Config, dir string) *rig {
	t.Helper()
	otlp.RegisterCompressors() // for the clients
	cfg.GRPC, cfg.HTTP = "127.0.0.1:0", "127.0.0.1:0"
	b, err := Listen(cfg, "127.0.0.1:0", dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- b.Run(running) }()
	conn, err := grpc.NewClient("passthrough:///"+b.GRPC(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(otlp.RawCodec{})))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	r := &rig{Backend: b, t: t, ctx: ctx, conn: conn, http: &http.Client{Transport: transport}}
	r.stop = sync.OnceValue(func() error {
		stop()
		return <-ended
	})
	t.Cleanup(func() {
		_ = conn.Close()
		transport.CloseIdleConnections()
		if err := r.stop(); err != nil {
			t.Errorf("Run() = %v", err)
		}
		cancel()
	})
	return r
}

func (r *rig) startRun() {
	r.t.Helper()
	if err := r.Start(admin.Start{RunID: "run", At: begin}); err != nil {
		r.t.Fatal(err)
	}
}

const exportTraces = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

func (r *rig) send(method string, body []byte, opts ...grpc.CallOption) error {
	var reply otlp.Frame
	defer reply.Free()
	return r.conn.Invoke(r.ctx, method, otlp.NewFrame(body), &reply, opts...)
}

// post sends a request over HTTP and returns its answer, with the text of its Status.
func (r *rig) post(method, path, contentType, encoding string, body []byte) (code int, text string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.ctx, method, "http://"+r.HTTP()+path, bytes.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	resp, err := r.http.Do(req)
	if err != nil {
		r.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.StatusCode, string(b)
	}
	p := status.New(codes.OK, "").Proto()
	if err := proto.Unmarshal(b, p); err != nil {
		r.t.Errorf("%s %s: the answer %q is no Status: %v", method, path, b, err)
	}
	return resp.StatusCode, p.GetMessage()
}

func (r *rig) received() ledger.Received {
	r.t.Helper()
	book, err := r.Book()
	if err != nil {
		r.t.Fatal(err)
	}
	return *book.(*ledger.Received)
}

// request is an encoded request of our spans from up to to, due a second after begin.
func request(t testing.TB, run string, from, to ledger.Number) []byte {
	t.Helper()
	key, s := ledger.NewKey(run), &trace.ScopeSpans{}
	for n := from; n < to; n++ {
		span := &trace.Span{
			TraceId: make([]byte, 16), SpanId: make([]byte, 8), Name: "GET /",
			EndTimeUnixNano: uint64(begin.Add(time.Second).UnixNano()),
		}
		key.PutTraceID(span.TraceId, n)
		key.PutSpanID(span.SpanId, n)
		s.Spans = append(s.Spans, span)
	}
	b, err := proto.Marshal(&coltrace.ExportTraceServiceRequest{
		ResourceSpans: []*trace.ResourceSpans{{ScopeSpans: []*trace.ScopeSpans{s}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func compressed(t testing.TB, encoding string, b []byte) []byte {
	t.Helper()
	compress, ok := otlp.Compress(encoding)
	if !ok {
		t.Fatalf("no compressor %s", encoding)
	}
	var out bytes.Buffer
	w, err := compress(&out)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(b)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (r *rig) metrics() string {
	r.t.Helper()
	text, err := admin.NewClient("http://" + r.Admin(), nil).Metrics(r.ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}
