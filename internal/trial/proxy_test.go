package trial_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"

	"github.com/odigos-io/odigos-stress/internal/admin"
	"github.com/odigos-io/odigos-stress/internal/backend"
	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/loadgen"
)

// A proxy takes OTLP in and hands on what the test's fates say, span by span and in
// another order, through protobuf's own types: it shares no code with either end but
// the key.
type proxy struct {
	collector.UnimplementedTraceServiceServer
	key ledger.Key
	// copies is how often a span is handed on.
	copies func(ledger.Number) int
	// answer is what a request is answered whose first span bears this number; nil is
	// success for all.
	answer func(ledger.Number) reply
	// rewrite changes all of a span but its identity and its end.
	rewrite bool
	random  *rand.Rand

	to collector.TraceServiceClient

	mu      sync.Mutex
	waiting []*trace.ResourceSpans // one span each
	came    map[ledger.Number]int
	turned  map[ledger.Number]int // handed on, and answered with failure
	foreign int
}

// A reply is how the proxy treats one request.
type reply struct {
	code     codes.Code
	rejected int  // of a partial success: the lowest so many are not handed on
	never    bool // answers when nobody waits any more
	withheld bool // nothing of it is handed on
}

// Export takes a request whole and answers it; what is handed on waits for flush.
func (p *proxy) Export(ctx context.Context, in *collector.ExportTraceServiceRequest,
) (*collector.ExportTraceServiceResponse, error) {
	spans, numbers := p.apart(in)
	r, out := reply{}, &collector.ExportTraceServiceResponse{}
	if p.answer != nil {
		r = p.answer(numbers[0])
	}
	p.mu.Lock()
	for i, n := range numbers { // in the order of the wire, which is not theirs
		p.came[n]++
		if r.withheld || int(n%wireBatch) < r.rejected {
			continue
		}
		for range p.copies(n) {
			p.waiting = append(p.waiting, spans[i])
		}
	}
	p.mu.Unlock()
	switch {
	case r.never:
		<-ctx.Done()
		return nil, ctx.Err()
	case r.rejected > 0:
		out.PartialSuccess = &collector.ExportTracePartialSuccess{
			RejectedSpans: int64(r.rejected), ErrorMessage: "as told",
		}
	}
	return out, status.Error(r.code, "as told") // nil for OK
}

// apart makes a request of each span, and says which they are.
func (p *proxy) apart(in *collector.ExportTraceServiceRequest,
) (spans []*trace.ResourceSpans, numbers []ledger.Number) {
	for _, resource := range in.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				n, ok := p.key.Number(span.TraceId, span.SpanId)
				if !ok {
					p.mu.Lock()
					p.foreign++
					p.mu.Unlock()
					continue
				}
				numbers = append(numbers, n)
				one := &trace.ResourceSpans{
					SchemaUrl: resource.SchemaUrl, Resource: resource.Resource,
					ScopeSpans: []*trace.ScopeSpans{{Scope: scope.Scope, Spans: []*trace.Span{span}}},
				}
				if p.rewrite {
					one.Resource, span.Attributes, span.Events = nil, nil, nil
					span.Name, span.ParentSpanId = "renamed", nil
					one.ScopeSpans = append([]*trace.ScopeSpans{{Scope: &common.InstrumentationScope{
						Name: "empty",
					}}}, one.ScopeSpans...)
				}
				spans = append(spans, one)
			}
		}
	}
	return spans, numbers
}

// flush hands on all that waits, shuffled, in requests of any size.
func (p *proxy) flush(t *testing.T) {
	t.Helper()
	p.random.Shuffle(len(p.waiting), func(i, j int) {
		p.waiting[i], p.waiting[j] = p.waiting[j], p.waiting[i]
	})
	for len(p.waiting) > 0 {
		n := min(1+p.random.IntN(300), len(p.waiting))
		batch := p.waiting[:n]
		p.waiting = p.waiting[n:]
		var options []grpc.CallOption
		if p.random.IntN(2) == 0 {
			options = append(options, grpc.UseCompressor(gzip.Name))
		}
		_, err := p.to.Export(t.Context(), &collector.ExportTraceServiceRequest{ResourceSpans: batch},
			options...)
		if status.Code(err) == codes.Unavailable {
			_, numbers := p.apart(&collector.ExportTraceServiceRequest{ResourceSpans: batch})
			for _, number := range numbers {
				p.turned[number]++
			}
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// A wire is a real load generator for each configuration, the proxy, and a real
// backend.
type wire struct {
	loads   []loadgen.Config
	backend backend.Config
	proxy   *proxy

	receipts io.ReaderAt // the backend's account, after run
}

const wireRun = "run-of-the-wire"

// run sends all that is due, hands it on, and joins what both ends say.
func (w *wire) run(t *testing.T) *ledger.Joined {
	t.Helper()
	w.backend.RunID, w.backend.SampleEvery = wireRun, wireFollow
	w.backend.GRPC, w.backend.HTTP = "127.0.0.1:0", "127.0.0.1:0"
	b, err := backend.Listen(w.backend, "127.0.0.1:0", "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	endpoint, stop := w.proxy.serve(t, b.GRPC())
	defer stop()

	var generators []*loadgen.Generator
	for _, cfg := range w.loads {
		cfg.Endpoints = []string{endpoint}
		g, err := loadgen.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		generators = append(generators, g)
	}
	var running sync.WaitGroup
	for _, g := range generators {
		running.Go(func() {
			if err := g.Run(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	w.proxy.flush(t)
	var accounts []io.ReaderAt
	for _, g := range generators {
		accounts = append(accounts, account(t, g))
	}
	w.receipts = account(t, b)
	joined, err := ledger.Join(accounts, []io.ReaderAt{w.receipts})
	if err != nil {
		t.Fatal(err)
	}
	return joined
}

func account(t *testing.T, a admin.Actor) io.ReaderAt {
	t.Helper()
	var b bytes.Buffer
	if err := a.Account(&b); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b.Bytes())
}

// serve serves OTLP and dials the backend.
func (p *proxy) serve(t *testing.T, to string) (endpoint string, stop func()) {
	t.Helper()
	p.key = ledger.NewKey(wireRun)
	p.came, p.turned = map[ledger.Number]int{}, map[ledger.Number]int{}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient("passthrough:///"+to, grpc.WithNoProxy(),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	p.to = collector.NewTraceServiceClient(conn)
	server := grpc.NewServer(grpc.WaitForHandlers(true))
	collector.RegisterTraceServiceServer(server, p)
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(ln) })
	return ln.Addr().String(), func() {
		server.Stop()
		_ = conn.Close()
		served.Wait()
	}
}
