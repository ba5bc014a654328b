package backend

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/otlp"
)

// A preparedClient is a client whose bytes were prepared before the measuring.
type preparedClient struct {
	conn     net.Conn
	answers  *bufio.Reader
	template *otlp.Template
	key      ledger.Key
	n        ledger.Number
	stream   uint32
	request  []byte // HEADERS and DATA of a request, to be patched
	streams  []int  // where in it the number of the stream stands
	bodies   []int  // where in it the parts of the message begin
	frame    int    // how long these are
}

// newPrepared connects to addr. Its frames are of so many bytes, as those of grpc-go are
// of 16384.
func newPrepared(b *testing.B, addr string, spans, frame int) *preparedClient {
	b.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	shape, err := otlp.NewShape("simple", nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	c := &preparedClient{
		conn: conn, answers: bufio.NewReaderSize(conn, 64<<10), key: ledger.NewKey("run"), stream: 1, frame: frame,
		template: otlp.NewTemplate(shape, 0, spans, rand.New(rand.NewPCG(1, 1))),
	}
	_, _ = io.WriteString(conn, http2.ClientPreface)
	f := http2.NewFramer(conn, c.answers)
	_ = f.WriteSettings()
	_ = f.WriteWindowUpdate(0, 1<<30)
	block := &headerBlock{}
	e := hpack.NewEncoder(block)
	for range 2 { // the second refers to the first
		block.b = block.b[:0]
		for _, h := range [][2]string{
			{":method", "POST"},
			{":scheme", "http"},
			{":path", exportTraces},
			{":authority", addr},
			{"content-type", "application/grpc"},
			{"user-agent", "prepared"},
			{"te", "trailers"},
		} {
			_ = e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
		}
		if c.stream == 1 {
			_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.b, EndHeaders: true})
			_ = f.WriteRSTStream(1, http2.ErrCodeCancel)
			c.stream = 3
		}
	}
	c.prepare(block.b)
	return c
}

type headerBlock struct{ b []byte }

func (h *headerBlock) Write(p []byte) (int, error) {
	h.b = append(h.b, p...)
	return len(p), nil
}

func (c *preparedClient) prepare(block []byte) {
	add := func(kind, flags byte, payload ...[]byte) {
		n := 0
		for _, p := range payload {
			n += len(p)
		}
		c.streams = append(c.streams, len(c.request)+5)
		c.request = append(c.request, byte(n>>16), byte(n>>8), byte(n), kind, flags, 0, 0, 0, 0)
		for _, p := range payload {
			c.request = append(c.request, p...)
		}
	}
	add(1, 4, block)
	rest := c.template.Bytes
	prefix := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(rest)))
	for {
		n, flags := min(len(rest), c.frame-len(prefix)), byte(0)
		if n == len(rest) {
			flags = 1
		}
		c.bodies = append(c.bodies, len(c.request)+9+len(prefix))
		add(0, flags, prefix, rest[:n])
		if rest, prefix = rest[n:], nil; len(rest) == 0 {
			return
		}
	}
}

// patch makes the next request.
func (c *preparedClient) patch(due time.Time) {
	for _, at := range c.streams {
		binary.BigEndian.PutUint32(c.request[at:], c.stream)
	}
	put := func(at uint32, b []byte) {
		for i, v := range b { // a hole may lie across two frames
			pos := int(at) + i
			part, from := 0, 0
			if pos >= c.frame-5 {
				part = 1 + (pos-(c.frame-5))/c.frame
				from = c.frame - 5 + (part-1)*c.frame
			}
			c.request[c.bodies[part]+pos-from] = v
		}
	}
	var id [16]byte
	for _, h := range c.template.TraceIDs {
		c.key.PutTraceID(id[:], c.n+ledger.Number(h.Sequence))
		put(h.At, id[:])
	}
	for _, h := range c.template.SpanIDs {
		c.key.PutSpanID(id[:8], c.n+ledger.Number(h.Sequence))
		put(h.At, id[:8])
	}
	for _, h := range c.template.Times {
		binary.LittleEndian.PutUint64(id[:], uint64(due.UnixNano())-uint64(h.Before))
		put(h.At, id[:8])
	}
	c.n += ledger.Number(c.template.Spans)
	c.stream += 2
}

// BenchmarkServe is a request over loopback, its sending included: what the server
// costs is seen in a profile (-cpuprofile, then -focus 'h2.*Server').
func BenchmarkServe(b *testing.B) {
	for _, bb := range []struct{ spans, frame int }{
		{10, 1 << 20}, {100, 1 << 20}, {1000, 1 << 20}, {1000, 16384}, {8190, 16384},
	} {
		b.Run(fmt.Sprintf("%d spans in frames of %d KiB", bb.spans, bb.frame>>10), func(b *testing.B) {
			serveBench(b, bb.spans, bb.frame)
		})
	}
}

func serveBench(b *testing.B, spans, frame int) {
	backend, err := Listen(Config{GRPC: "127.0.0.1:0", HTTP: "127.0.0.1:0", RunID: "run"}, "127.0.0.1:0", "",
		slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(b.Context())
	go func() { ended <- backend.Run(ctx) }()
	c := newPrepared(b, backend.GRPC(), spans, frame)
	answered := make(chan struct{}, 1<<16)
	go func() {
		defer close(answered)
		for {
			h, err := http2.ReadFrameHeader(c.answers)
			if err != nil {
				return
			}
			_, _ = c.answers.Discard(int(h.Length))
			if h.Type == http2.FrameHeaders && h.Flags.Has(http2.FlagHeadersEndStream) {
				answered <- struct{}{}
			}
		}
	}()
	b.ReportAllocs()
	now := time.Now()
	underWay := 0
	for b.Loop() {
		if underWay == 2 {
			<-answered
			underWay--
		}
		c.patch(now)
		if _, err := c.conn.Write(c.request); err != nil {
			b.Fatal(err)
		}
		underWay++
	}
	for ; underWay > 0; underWay-- {
		<-answered
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(spans), "ns/span")
	if got := backend.book.receipts.Counts().Unique; got != uint64(c.n) {
		b.Errorf("%d spans are in the book, want %d", got, c.n)
	}
	_ = c.conn.Close()
	stop()
	if err := <-ended; err != nil {
		b.Error(err)
	}
}
