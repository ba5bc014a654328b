package h2

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strconv"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
)

// A rawClient says whatever it is told to.
type rawClient struct {
	*http2.Framer
	t    testing.TB
	conn net.Conn
	enc  *hpack.Encoder
	out  bytes.Buffer
	dec  *hpack.Decoder
	got  map[string]string
}

func newRaw(t testing.TB, conn net.Conn) *rawClient {
	c := &rawClient{Framer: http2.NewFramer(conn, conn), t: t, conn: conn}
	c.AllowIllegalWrites = true
	c.SetMaxReadFrameSize(1 << 20)
	c.enc = hpack.NewEncoder(&c.out)
	c.dec = hpack.NewDecoder(4096, func(f hpack.HeaderField) { c.got[f.Name] = f.Value })
	return c
}

func (r *serverRig) raw() *rawClient {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	deadline, _ := r.ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	r.t.Cleanup(func() { _ = conn.Close() })
	return newRaw(r.t, conn)
}

// greet sends the preface and settings.
func (c *rawClient) greet(settings ...http2.Setting) {
	_, _ = io.WriteString(c.conn, http2.ClientPreface)
	_ = c.WriteSettings(settings...)
}

// block encodes a header: pairs of names and values.
func (c *rawClient) block(fields ...string) []byte {
	c.out.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = c.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return bytes.Clone(c.out.Bytes())
}

var usualFields = []string{
	":method", "POST", ":scheme", "http", ":path", serverTestPath, ":authority", "a",
	"content-type", "application/grpc", "te", "trailers",
}

// with is the usual fields, some of them with another value.
func with(changes ...string) []string {
	out := append([]string(nil), usualFields...)
	for i := 0; i < len(changes); i += 2 {
		found := false
		for j := 0; j < len(out); j += 2 {
			if out[j] == changes[i] {
				out[j+1], found = changes[i+1], true
			}
		}
		if !found {
			out = append(out, changes[i], changes[i+1])
		}
	}
	return out
}

// headers begins a request.
func (c *rawClient) headers(stream uint32, end bool, fields ...string) {
	if fields == nil {
		fields = usualFields
	}
	_ = c.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: c.block(fields...), EndHeaders: true, EndStream: end,
	})
}

// message is a gRPC message with its prefix.
func message(flag byte, content string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(content))), content...)
}

// outcome reads until a stream or the connection is over, and tells how.
func (c *rawClient) outcome(stream uint32) string {
	for {
		f, err := c.ReadFrame()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return "closed"
			}
			return err.Error()
		}
		switch f := f.(type) {
		case *http2.GoAwayFrame:
			if f.ErrCode == http2.ErrCodeNo {
				continue
			}
			return "GOAWAY " + f.ErrCode.String() + " " + string(f.DebugData())
		case *http2.RSTStreamFrame:
			if f.StreamID == stream {
				return "RST " + f.ErrCode.String()
			}
		case *http2.HeadersFrame:
			c.got = map[string]string{}
			if _, err := c.dec.Write(f.HeaderBlockFragment()); err != nil {
				return err.Error()
			}
			if f.StreamID != stream || !f.StreamEnded() {
				continue
			}
			n, _ := strconv.Atoi(c.got["grpc-status"])
			out := codes.Code(n).String()
			if text := c.got["grpc-message"]; text != "" {
				out += " " + text
			}
			if s := c.got[":status"]; s != "" && s != "200" {
				out = s + " " + out
			}
			return out
		}
	}
}
