package backend

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/s2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/odigos-io/odigos-stress/internal/otlp"
)

// protobufType is the one encoding that is served over HTTP. OTLP's JSON is not: no
// collector sends it unless told to.
const protobufType = "application/x-protobuf"

// Limits of time and size against senders that are slow or hostile.
const (
	headerTimeout = 10 * time.Second
	bodyTimeout   = time.Minute
	idleTimeout   = 5 * time.Minute
	maxHeader     = 64 << 10
)

// newHTTP returns a server of OTLP over HTTP.
func newHTTP(in *intake, log *slog.Logger) *http.Server {
	mux := http.NewServeMux()
	for _, s := range signals {
		mux.Handle("/v1/"+string(s), &httpExport{in: in, signal: s})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, codes.Unimplemented,
			fmt.Sprintf("nothing is served at %s: want /v1/traces, /v1/metrics or /v1/logs", r.URL.Path))
	})
	return &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       bodyTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

type httpExport struct {
	in     *intake
	signal signal
}

var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// keptBody is the largest body whose buffer is kept for the next.
const keptBody = 16 << 20

// ServeHTTP answers an export. The empty body is an empty Export…ServiceResponse.
func (e *httpExport) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.in.book.inFlight.Add(1)
	defer e.in.book.inFlight.Add(-1)
	body := bodies.Get().(*bytes.Buffer)
	defer func() {
		if body.Cap() <= keptBody {
			body.Reset()
			bodies.Put(body)
		}
	}()
	code, grpcCode, text := e.answer(r, body)
	// Counted before the answer, so that who has the answer finds it in the book.
	e.in.book.count(e.signal, httpAnswer(code))
	if code != http.StatusOK {
		if code == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", http.MethodPost)
		}
		refuse(w, code, grpcCode, text)
		return
	}
	w.Header().Set("Content-Type", protobufType)
	w.WriteHeader(http.StatusOK)
}

// answer is the answer to a request.
func (e *httpExport) answer(r *http.Request, body *bytes.Buffer) (
	code int, c codes.Code, text string,
) {
	if r.Method != http.MethodPost {
		return http.StatusMethodNotAllowed, codes.Unimplemented, "found " + r.Method + ", want POST"
	}
	found := r.Header.Get("Content-Type")
	if t, _, err := mime.ParseMediaType(found); err != nil || t != protobufType {
		return http.StatusUnsupportedMediaType, codes.InvalidArgument,
			fmt.Sprintf("found content type %q, want %s", found, protobufType)
	}
	if r.ContentLength > maxMessage {
		return http.StatusRequestEntityTooLarge, codes.ResourceExhausted,
			status.Convert(tooLarge()).Message()
	}
	wire := &meter{r: r.Body}
	err := readBody(body, wire, r.Header.Get("Content-Encoding"))
	e.in.book.wire.Add(wire.n)
	if err == nil {
		arrived := time.Now()
		err = e.in.receive(r.Context(), e.signal, body.Bytes(), arrived)
		e.in.answered(err, arrived)
	}
	switch s := status.Convert(err); s.Code() {
	case codes.OK:
		return http.StatusOK, codes.OK, ""
	case codes.Unavailable, codes.Canceled, codes.DeadlineExceeded:
		return http.StatusServiceUnavailable, s.Code(), s.Message()
	case codes.ResourceExhausted:
		return http.StatusRequestEntityTooLarge, s.Code(), s.Message()
	case codes.Unimplemented:
		return http.StatusUnsupportedMediaType, s.Code(), s.Message()
	default:
		return http.StatusBadRequest, s.Code(), s.Message()
	}
}

// readBody reads and decompresses a request's body. Its errors are gRPC statuses.
func readBody(dst *bytes.Buffer, src io.Reader, encoding string) error {
	r := src
	switch encoding = strings.ToLower(encoding); encoding {
	case "", "identity":
	case "snappy", "x-snappy-framed":
		framed := bufio.NewReader(src)
		if start, _ := framed.Peek(len(snappyFrame)); string(start) != snappyFrame {
			return readSnappyBlock(dst, framed)
		}
		r, encoding = framed, "snappy"
		fallthrough
	default:
		decompress, ok := otlp.Decompressor(encoding)
		if !ok {
			return status.Errorf(codes.Unimplemented,
				"found content encoding %q, want gzip, zstd, snappy or none", encoding)
		}
		d, err := decompress(r)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return tooSlow()
		} else if err != nil {
			return status.Errorf(codes.InvalidArgument, "decompress %s: %v", encoding, err)
		}
		defer d.Close()
		r = d
	}
	n, err := dst.ReadFrom(io.LimitReader(r, maxMessage+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return tooSlow()
	case err != nil && encoding != "":
		return status.Errorf(codes.InvalidArgument, "decompress %s: %v", encoding, err)
	case err != nil:
		return status.Errorf(codes.InvalidArgument, "read body: %v", err)
	case n > maxMessage:
		return tooLarge()
	}
	return nil
}

// snappyFrame begins snappy's framed format; "snappy" in HTTP means either that or one
// block, depending on the collector's version.
const snappyFrame = "\xff\x06\x00\x00sNaPpY"

func readSnappyBlock(dst *bytes.Buffer, src io.Reader) error {
	block, err := io.ReadAll(io.LimitReader(src, maxMessage+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return tooSlow()
	case err != nil:
		return status.Errorf(codes.InvalidArgument, "read body: %v", err)
	}
	n, err := s2.DecodedLen(block)
	if err == nil && (n > maxMessage || len(block) > maxMessage) {
		return tooLarge()
	}
	if err == nil && n > maxSnappyRatio*len(block) {
		err = errors.New("it claims to be longer than snappy can make it")
	}
	if err == nil {
		dst.Grow(n)
		block, err = s2.Decode(dst.AvailableBuffer()[:n], block)
	}
	if err != nil {
		return status.Errorf(codes.InvalidArgument, "decompress snappy: %v", err)
	}
	_, _ = dst.Write(block) // in place
	return nil
}

// maxSnappyRatio is beyond what a block can be compressed: a copy of three bytes makes
// at most 64. Nothing is allocated on the word of a length that cannot be true.
const maxSnappyRatio = 64

func tooLarge() error {
	return status.Errorf(codes.ResourceExhausted, "the request is longer than %d bytes", maxMessage)
}

func tooSlow() error {
	return status.Error(codes.DeadlineExceeded, "the request was not whole in time")
}

// refuse answers with a google.rpc.Status, as OTLP asks.
func refuse(w http.ResponseWriter, code int, c codes.Code, text string) {
	b, _ := proto.Marshal(status.New(c, text).Proto()) // a status of ours can be encoded
	w.Header().Set("Content-Type", protobufType)
	w.WriteHeader(code)
	_, _ = w.Write(b)
}

// A meter counts what is read through it.
type meter struct {
	r io.Reader
	n uint64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.n += uint64(n)
	return n, err
}
