package loadgen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// maxResponse is how much of a response's body is read.
const maxResponse = 64 << 10

// An httpSender sends prepared bytes over HTTP/1.1. A connection carries one request
// at a time, so that the load's connections are pools here: each opens as many as
// are needed for what is in flight on it, and keeps them. They go to all addresses that
// the name stands for.
type httpSender struct {
	clients     []*http.Client
	urls        []string
	turns       turns
	timeout     time.Duration
	compression string // "" for none
	opened      atomic.Uint64
	over        context.Context // ends with Cancel
	cancel      context.CancelFunc
	work        sync.WaitGroup // requests
}

func newHTTPSender(load scenario.Load, endpoints []string, d *dialer) (Sender, error) {
	s := &httpSender{timeout: time.Duration(load.Timeout)}
	if load.Compression != scenario.CompressionNone {
		s.compression = string(load.Compression)
	}
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, s.timeout)
		defer cancel()
		conn, err := d.dial(ctx, network, addr)
		if err == nil {
			s.opened.Add(1)
		}
		return conn, err
	}
	for i := range max(load.Connections, len(endpoints)) {
		to, err := tracesURL(endpoints[i%len(endpoints)])
		if err != nil {
			return nil, err
		}
		s.urls = append(s.urls, to)
		s.clients = append(s.clients, &http.Client{
			Transport: &http.Transport{ // no Proxy: the environment's is not asked
				DialContext:         dial,
				MaxIdleConnsPerHost: max(load.InFlight, 1),
				DisableCompression:  true,
				WriteBufferSize:     64 << 10,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		})
	}
	s.turns.n = uint64(len(s.clients))
	s.over, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// tracesURL completes an endpoint: host:port, or a URL with or without a path.
func tracesURL(endpoint string) (string, error) {
	if !strings.Contains(endpoint, "://") {
		endpoint = "http://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", fmt.Errorf("make sender: %w", err)
	}
	if u.Scheme != "http" || u.Host == "" {
		return "", fmt.Errorf("make sender: endpoint %s: want http://host:port", endpoint)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	return u.String(), nil
}

func (s *httpSender) Connections() uint64 { return s.opened.Load() }

// Busy is unknown here.
func (s *httpSender) Busy() bool { return false }

// Cancel cuts off what is under way.
func (s *httpSender) Cancel() { s.cancel() }

func (s *httpSender) Close() error {
	s.cancel()
	s.work.Wait()
	for _, c := range s.clients {
		c.CloseIdleConnections()
	}
	return nil
}

// Send leaves the request to a goroutine of its own: net/http waits for answers.
func (s *httpSender) Send(f *flight) {
	r := f.load()
	s.work.Go(func() { f.answered(s.request(r)) })
}

// request makes one attempt.
func (s *httpSender) request(r *Request) Answer {
	ctx, cancel := context.WithTimeout(s.over, s.timeout)
	defer cancel()
	r.hold()
	body, length := &body{reader: bytes.NewReader(r.Wire), request: r}, len(r.Wire)
	turn := s.turns.next()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.urls[turn], body)
	if err != nil {
		_ = body.Close() // only gives references back
		return Answer{Code: "not sent", Class: ledger.Unknown, Err: err.Error()}
	}
	request.ContentLength = int64(length)
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("User-Agent", userAgent)
	if s.compression != "" {
		request.Header.Set("Content-Encoding", s.compression)
	}
	response, err := s.clients[turn].Do(request)
	if err != nil {
		a := httpSilence(err)
		a.WireBytes = length
		return a
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxResponse))
	if err != nil {
		// The status came, what it says of the spans did not: as good as no answer.
		a := httpSilence(err)
		a.WireBytes = length
		return a
	}
	a := httpAnswer(response.StatusCode, response.Header.Get("Retry-After"), text, r.Spans)
	a.Attempted, a.WireBytes = true, length
	return a
}

// httpSilence is for a request without an answer.
func httpSilence(err error) Answer {
	a := Answer{
		Code: "no answer (cut)", Class: ledger.Unknown, Retry: true, Attempted: true,
		Err: err.Error(),
	}
	var op *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		a.Code = "no answer (deadline)"
	case errors.As(err, &op) && op.Op == "dial":
		a.Code, a.Attempted = "no answer (no connection)", false
	}
	return a
}

// httpAnswer reads a response as OTLP's specification does.
func httpAnswer(code int, retryAfter string, body []byte, spans int) Answer {
	name := fmt.Sprintf("HTTP %d", code)
	if code >= 200 && code < 300 {
		return success("OK", spans, body)
	}
	a := Answer{Code: name, Class: ledger.RefusedPermanent, Err: name}
	switch code {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout:
		a.Class, a.Retry = ledger.RefusedRetryable, true
		if seconds, err := strconv.Atoi(retryAfter); err == nil && seconds > 0 {
			a.Wait = time.Duration(seconds) * time.Second
		} else if at, err := http.ParseTime(retryAfter); err == nil {
			a.Wait = max(time.Until(at), 0)
		}
	}
	return a
}

// A body is read by one goroutine of net/http and may be closed by another, both after
// the request has returned; the Request is held until it is closed.
type body struct {
	mu      sync.Mutex
	reader  *bytes.Reader // nil once closed
	request *Request
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reader == nil {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.reader.Read(p)
}

func (b *body) WriteTo(w io.Writer) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reader == nil {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.reader.WriteTo(w)
}

func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reader == nil {
		return nil
	}
	b.reader = nil
	b.request.release()
	return nil
}
