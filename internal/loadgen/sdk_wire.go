package loadgen

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/otlp"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// An sdkWire is the SDK's exporter, watched: what each attempt was answered is seen
// on the connection below it, since an exporter returns one error for all of them.
type sdkWire struct {
	exporter *otlptrace.Exporter
	engine   *sdk
	opened   func() uint64
	closing  func() error

	over   context.Context // ends with stop
	cancel context.CancelFunc
	busy   sync.Mutex // held while an export is under way
}

func newSDKWire(s *sdk, endpoint string) (*sdkWire, error) {
	w := &sdkWire{engine: s}
	var err error
	switch s.cfg.Load.Protocol {
	case scenario.ProtocolGRPC:
		err = w.overGRPC(s.cfg.Load, endpoint)
	case scenario.ProtocolHTTP:
		err = w.overHTTP(s.cfg.Load, endpoint)
	default:
		err = fmt.Errorf("unknown protocol %q", s.cfg.Load.Protocol)
	}
	if err != nil {
		return nil, err
	}
	w.over, w.cancel = context.WithCancel(context.Background())
	return w, nil
}

func (w *sdkWire) overGRPC(load scenario.Load, endpoint string) error {
	otlp.RegisterCompressors()
	var calls []grpc.CallOption
	if load.Compression != scenario.CompressionNone {
		calls = append(calls, grpc.UseCompressor(string(load.Compression)))
	}
	watch := new(grpcWatch)
	conn, err := dialGRPC(endpoint, watch, grpc.WithDefaultCallOptions(calls...),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			return w.engine.dialer.dial(ctx, "tcp", addr)
		}),
		grpc.WithUnaryInterceptor(interceptAttempt))
	if err != nil {
		return err
	}
	conn.Connect()
	w.exporter, err = otlptracegrpc.New(context.Background(),
		otlptracegrpc.WithGRPCConn(conn),
		otlptracegrpc.WithTimeout(retryGiveUp+time.Duration(load.Timeout)),
		otlptracegrpc.WithHeaders(map[string]string{}),
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{
			Enabled: load.Retry == scenario.RetryExporter, InitialInterval: retryInitial,
			MaxInterval: retryLongest, MaxElapsedTime: retryGiveUp,
		}))
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	w.opened, w.closing = watch.opened.Load, conn.Close
	return nil
}

// interceptAttempt notes what one RPC was answered.
func interceptAttempt(ctx context.Context, method string, in, out any, conn *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	all := attemptsOf(ctx)
	ctx, cancel := context.WithTimeout(ctx, all.timeout)
	defer cancel()
	c := &call{Context: ctx}
	err := invoke(c, method, in, out, conn, options...)
	var a Answer
	if err != nil {
		a = c.failed(err)
	} else {
		partial := out.(*collector.ExportTraceServiceResponse).GetPartialSuccess()
		a = c.measured(accepted("OK", all.spans, partial.GetRejectedSpans(), partial.GetErrorMessage()))
	}
	all.add(a, int(c.encoded.Load()))
	return err
}

func (w *sdkWire) overHTTP(load scenario.Load, endpoint string) error {
	to, err := tracesURL(endpoint)
	if err != nil {
		return err
	}
	compression := otlptracehttp.NoCompression
	switch load.Compression {
	case scenario.CompressionNone:
	case scenario.CompressionGzip:
		compression = otlptracehttp.GzipCompression
	default:
		return fmt.Errorf("compression %s: the SDK has only gzip over HTTP", load.Compression)
	}
	var opened atomic.Uint64
	transport := &http.Transport{
		DisableCompression: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, time.Duration(load.Timeout))
			defer cancel()
			conn, err := w.engine.dialer.dial(ctx, network, addr)
			if err == nil {
				opened.Add(1)
			}
			return conn, err
		},
	}
	w.exporter, err = otlptracehttp.New(context.Background(),
		otlptracehttp.WithEndpointURL(to), otlptracehttp.WithCompression(compression),
		otlptracehttp.WithHeaders(map[string]string{}),
		otlptracehttp.WithTimeout(retryGiveUp+time.Duration(load.Timeout)),
		otlptracehttp.WithHTTPClient(&http.Client{Transport: watchedTransport{transport}}),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
			Enabled: load.Retry == scenario.RetryExporter, InitialInterval: retryInitial,
			MaxInterval: retryLongest, MaxElapsedTime: retryGiveUp,
		}))
	if err != nil {
		return err
	}
	w.opened = opened.Load
	w.closing = func() error { transport.CloseIdleConnections(); return nil }
	return nil
}

// A watchedTransport notes what each request was answered.
type watchedTransport struct{ inner *http.Transport }

// RoundTrip reads the whole answer while it still may: its time is bounded here.
func (t watchedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	all := attemptsOf(r.Context())
	ctx, cancel := context.WithTimeout(r.Context(), all.timeout)
	defer cancel()
	sent, err := io.ReadAll(r.Body)
	if err = errors.Join(err, r.Body.Close()); err != nil {
		return nil, err
	}
	r = r.Clone(ctx)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(sent)), int64(len(sent))
	encoded := len(sent)
	if r.Header.Get("Content-Encoding") == "gzip" && encoded > 4 {
		// A gzip stream ends with the length of what is in it.
		encoded = int(binary.LittleEndian.Uint32(sent[len(sent)-4:]))
	}
	var body []byte
	response, err := t.inner.RoundTrip(r)
	if err == nil {
		body, err = io.ReadAll(io.LimitReader(response.Body, maxResponse))
		err = errors.Join(err, response.Body.Close())
	}
	if err != nil {
		a := httpSilence(err)
		a.WireBytes = len(sent)
		all.add(a, encoded)
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	a := httpAnswer(response.StatusCode, response.Header.Get("Retry-After"), body, all.spans)
	a.Attempted, a.WireBytes = true, len(sent)
	all.add(a, encoded)
	return response, nil
}

// attempts are those of one export, in its context.
type attempts struct {
	timeout time.Duration // of each
	spans   int
	answers []Answer
	encoded []int
}

type attemptsKey struct{}

// attemptsOf is never nil for a request that an export made.
func attemptsOf(ctx context.Context) *attempts {
	a, _ := ctx.Value(attemptsKey{}).(*attempts)
	return a
}

func (a *attempts) add(answer Answer, encoded int) {
	a.answers = append(a.answers, answer)
	a.encoded = append(a.encoded, encoded)
}

// ExportSpans exports and settles. It tells the processor of no error: that would
// only log it, and the book has it.
func (w *sdkWire) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	w.busy.Lock()
	defer w.busy.Unlock()
	if w.over.Err() != nil {
		return nil // given up: settled as dropped
	}
	numbers := make([]ledger.Number, 0, len(spans))
	for _, s := range spans {
		traceID, spanID := s.SpanContext().TraceID(), s.SpanContext().SpanID()
		n, _ := w.engine.key.Number(traceID[:], spanID[:]) // ours: it has our generator
		numbers = append(numbers, n)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(w.over, cancel)()
	all := &attempts{timeout: time.Duration(w.engine.cfg.Load.Timeout), spans: len(spans)}
	sent := time.Now()
	err := w.exporter.ExportSpans(context.WithValue(ctx, attemptsKey{}, all), spans)
	w.engine.exported(numbers, sent, time.Now(), all, err)
	return nil
}

// Shutdown is called by the processor when all is exported.
func (w *sdkWire) Shutdown(ctx context.Context) error { return w.exporter.Shutdown(ctx) }

// stop cuts off the export that is under way, waits until it is settled, and lets no
// further one begin.
func (w *sdkWire) stop() {
	w.cancel()
	w.busy.Lock()
	defer w.busy.Unlock()
}

func (w *sdkWire) close() error { return w.closing() }
