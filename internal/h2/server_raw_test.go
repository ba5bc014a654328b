package h2

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
)

// TestServerAgainstOddClients has what a client does, and how its request ends. Where it
// is not the whole connection that ends, a further request is served on it.
func TestServerAgainstOddClients(t *testing.T) {
	whole := message(0, "whole")
	r := startServer(t, oddConfig(t))
	for _, tt := range []struct {
		name string
		do   func(c *rawClient)
		want string
	}{
		{"usual", func(c *rawClient) { c.headers(1, false); _ = c.WriteData(1, true, whole) }, "OK"},
		{"end in a frame of its own", func(c *rawClient) {
			c.headers(1, false)
			_ = c.WriteData(1, false, whole)
			_ = c.WriteData(1, true, nil)
		}, "OK"},
		{"end in trailers", func(c *rawClient) {
			c.headers(1, false)
			_ = c.WriteData(1, false, whole)
			c.headers(1, true, "x", "y")
		}, "OK"},
		{"padded", func(c *rawClient) {
			_ = c.WriteHeaders(http2.HeadersFrameParam{
				StreamID: 1, BlockFragment: c.block(usualFields...), EndHeaders: true, PadLength: 7,
				Priority: http2.PriorityParam{StreamDep: 3, Weight: 2},
			})
			_ = c.WriteDataPadded(1, false, whole[:3], make([]byte, 255))
			_ = c.WriteDataPadded(1, false, whole[3:], make([]byte, 9))
			_ = c.WriteDataPadded(1, true, nil, make([]byte, 1))
		}, "OK"},
		{"padded and whole", func(c *rawClient) {
			c.headers(1, false)
			_ = c.WriteDataPadded(1, true, whole, make([]byte, 33))
		}, "OK"},
		{"byte by byte", func(c *rawClient) {
			c.headers(1, false)
			for i := range whole {
				_ = c.WriteData(1, i == len(whole)-1, whole[i:i+1])
			}
		}, "OK"},
		{"continued header", func(c *rawClient) {
			b := c.block(usualFields...)
			_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: b[:3]})
			_ = c.WriteContinuation(1, false, b[3:9])
			_ = c.WriteContinuation(1, true, b[9:])
			_ = c.WriteData(1, true, whole)
		}, "OK"},
		{"priority, unknown frames, GOAWAY", func(c *rawClient) {
			_ = c.WritePriority(1, http2.PriorityParam{StreamDep: 5})
			_ = c.WriteRawFrame(99, 0, 7, make([]byte, 100_000))
			_ = c.WriteGoAway(0, http2.ErrCodeNo, []byte("bye"))
			c.headers(1, false)
			_ = c.WriteData(1, true, whole)
		}, "OK"},
		{"no window for answers", func(c *rawClient) {
			_ = c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
			c.headers(1, false)
			_ = c.WriteData(1, true, whole)
			_ = c.WriteWindowUpdate(1, 4)
			_ = c.WriteWindowUpdate(1, 1)
		}, "OK"},
		{"no dynamic table", func(c *rawClient) {
			_ = c.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: 0})
			c.dec.SetAllowedMaxDynamicTableSize(0)
			c.headers(1, false)
			_ = c.WriteData(1, true, whole)
		}, "OK"},
		{"no message", func(c *rawClient) { c.headers(1, true) }, "InvalidArgument a unary call without a message"},
		{"no message, empty frame", func(c *rawClient) { c.headers(1, false); _ = c.WriteData(1, true, nil) }, "InvalidArgument a unary call without a message"},
		{"two messages", func(c *rawClient) {
			c.headers(1, false)
			_ = c.WriteData(1, true, append(message(0, "one"), whole...))
		}, "InvalidArgument more than one message in a unary call"},
		{"short message", func(c *rawClient) { c.headers(1, false); _ = c.WriteData(1, true, whole[:8]) }, "InvalidArgument the request ends within its message"},
		{"short prefix", func(c *rawClient) { c.headers(1, false); _ = c.WriteData(1, true, whole[:3]) }, "InvalidArgument the request ends within its message"},
		{"announced too long", func(c *rawClient) {
			c.headers(1, false)
			_ = c.WriteData(1, false, []byte{0, 0xff, 0xff, 0xff, 0xff, 1})
		}, "ResourceExhausted the message is of 4294967295 bytes, more than the 33554432 that are accepted"},
		{"flag", func(c *rawClient) { c.headers(1, false); _ = c.WriteData(1, true, message(2, "x")) }, "Internal a message with flags 0x2"},
		{"compressed by nothing", func(c *rawClient) { c.headers(1, false); _ = c.WriteData(1, true, message(1, "x")) }, "Internal a compressed message without grpc-encoding"},
		{"unknown encoding", func(c *rawClient) {
			c.headers(1, false, with("grpc-encoding", "br")...)
			_ = c.WriteData(1, true, message(1, "x"))
		}, `Unimplemented found grpc-encoding "br", want gzip or none`},
		{"unknown encoding, unused", func(c *rawClient) {
			c.headers(1, false, with("grpc-encoding", "br")...)
			_ = c.WriteData(1, true, whole)
		}, "OK"},
		{"another path", func(c *rawClient) { c.headers(1, false, with(":path", "/x%y")...) }, "Unimplemented nothing is served at /x%25y"},
		{"GET", func(c *rawClient) { c.headers(1, true, with(":method", "GET")...) }, "405 InvalidArgument want POST"},
		{"content type", func(c *rawClient) { c.headers(1, false, with("content-type", "application/grpc-web")...) }, "415 InvalidArgument want content type application/grpc"},
		{"content type with codec", func(c *rawClient) {
			c.headers(1, false, with("content-type", "application/grpc+proto; x=y")...)
			_ = c.WriteData(1, true, whole)
		}, "OK"},
		{"long headers", func(c *rawClient) {
			c.headers(1, false, with("x", strings.Repeat("a", 3000))...)
			_ = c.WriteRSTStream(1, http2.ErrCodeCancel)
			bomb := []string{}
			for range 30 {
				bomb = append(bomb, "x", strings.Repeat("a", 3000))
			}
			c.headers(3, false, with(bomb...)...)
			b := bytes.Repeat([]byte{0x80 | 62}, 100) // the newest entry of the table, again and again
			_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 5, BlockFragment: b, EndHeaders: true})
			if got := c.outcome(5); got != "ResourceExhausted the headers are longer than 65536 bytes" {
				c.t.Errorf("headers that become long: %s", got)
			}
			c.headers(7, false)
			_ = c.WriteData(7, true, whole)
			if got := c.outcome(7); got != "OK" {
				c.t.Errorf("after them: %s", got)
			}
			c.headers(9, true, with(":path", "")...)
			_ = c.WriteRSTStream(9, http2.ErrCodeCancel)
			c.headers(11, true, "te", "gzip")
			c.conn.(*net.TCPConn).CloseWrite()
		}, "closed"},
		{"timeout", func(c *rawClient) { c.headers(1, false, with("grpc-timeout", "1x")...) }, "RST PROTOCOL_ERROR"},
		{"late answer", func(c *rawClient) {
			c.headers(1, false, with("grpc-timeout", "1n")...)
			_ = c.WriteData(1, true, whole)
		}, "RST CANCEL"},
		{"no path", func(c *rawClient) { c.headers(1, false, ":method", "POST", ":scheme", "http") }, "RST PROTOCOL_ERROR"},
		{"connection header", func(c *rawClient) { c.headers(1, false, with("connection", "close")...) }, "RST PROTOCOL_ERROR"},
		{"upper case", func(c *rawClient) { c.headers(1, false, with("X", "y")...) }, "RST PROTOCOL_ERROR"},
		{"pseudo header last", func(c *rawClient) { c.headers(1, false, append(with(), ":scheme", "http")...) }, "RST PROTOCOL_ERROR"},
		{"trailers that do not end", func(c *rawClient) { c.headers(1, false); c.headers(1, false, "x", "y") }, "RST PROTOCOL_ERROR"},
		{"answer's window of 2³¹", func(c *rawClient) { c.headers(1, false); _ = c.WriteWindowUpdate(1, 1<<31-1) }, "RST FLOW_CONTROL_ERROR"},
		{"answer's window and 0", func(c *rawClient) { c.headers(1, false); _ = c.WriteRawFrame(8, 0, 1, make([]byte, 4)) }, "RST PROTOCOL_ERROR"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := r.raw()
			c.t = t
			c.greet()
			tt.do(c)
			if got := c.outcome(1); got != tt.want {
				t.Fatalf("the request ended with %q, want %q", got, tt.want)
			}
			if tt.want == "closed" {
				return
			}
			if strings.Contains(tt.name, "no window") {
				_ = c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 100})
			}
			c.headers(21, false)
			_ = c.WriteData(21, true, whole)
			if got := c.outcome(21); got != "OK" {
				t.Errorf("a further request ended with %q", got)
			}
		})
	}
}

func oddConfig(t testing.TB) ServerConfig {
	return serverTestConfig(func(c *ServerCall) {
		if s := string(c.Message); s != "whole" {
			t.Errorf("a message %q was handed over", s)
		}
		c.Finish(codes.OK, "")
	})
}

// TestServerAgainstHostileClients has what ends a connection, with which code.
func TestServerAgainstHostileClients(t *testing.T) {
	whole := message(0, "whole")
	r := startServer(t, oddConfig(t))
	for _, tt := range []struct {
		name string
		do   func(c *rawClient)
		want string
	}{
		{"HTTP/1", func(c *rawClient) { _, _ = io.WriteString(c.conn, "GET / HTTP/1.1\r\n\r\n") }, "GOAWAY PROTOCOL_ERROR read preface"},
		{"no settings", func(c *rawClient) {
			_, _ = io.WriteString(c.conn, http2.ClientPreface)
			c.headers(1, false)
		}, "GOAWAY PROTOCOL_ERROR the first frame is of type 1"},
		{"long frame", func(c *rawClient) { c.greet(); _ = c.WriteRawFrame(0, 0, 1, make([]byte, 1<<20+1)) }, "GOAWAY FRAME_SIZE_ERROR a frame of 1048577 bytes"},
		{"long control frame", func(c *rawClient) { c.greet(); _ = c.WriteRawFrame(4, 0, 0, make([]byte, 6*12000)) }, "GOAWAY ENHANCE_YOUR_CALM a frame of type 4 of 72000 bytes"},
		{"even stream", func(c *rawClient) { c.greet(); c.headers(2, false) }, "GOAWAY PROTOCOL_ERROR HEADERS of stream 2"},
		{"stream 0", func(c *rawClient) { c.greet(); _ = c.WriteData(0, true, whole) }, "GOAWAY PROTOCOL_ERROR DATA of stream 0"},
		{"idle stream", func(c *rawClient) { c.greet(); _ = c.WriteData(7, true, whole) }, "GOAWAY PROTOCOL_ERROR DATA of stream 7"},
		{"reset of an idle stream", func(c *rawClient) { c.greet(); _ = c.WriteRSTStream(7, 8) }, "GOAWAY PROTOCOL_ERROR RST_STREAM of stream 7"},
		{"window of an idle stream", func(c *rawClient) { c.greet(); _ = c.WriteWindowUpdate(7, 8) }, "GOAWAY PROTOCOL_ERROR WINDOW_UPDATE of stream 7"},
		{"window of 2³¹", func(c *rawClient) { c.greet(); _ = c.WriteWindowUpdate(0, 1<<31-1) }, "GOAWAY FLOW_CONTROL_ERROR a window beyond"},
		{"window and 0", func(c *rawClient) { c.greet(); _ = c.WriteRawFrame(8, 0, 0, make([]byte, 4)) }, "GOAWAY PROTOCOL_ERROR WINDOW_UPDATE of 0"},
		{"initial window of 2³¹", func(c *rawClient) { c.greet(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 31}) }, "GOAWAY FLOW_CONTROL_ERROR a window of 2147483648"},
		{"frame size", func(c *rawClient) { c.greet(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1}) }, "GOAWAY PROTOCOL_ERROR a frame size of 1"},
		{"push", func(c *rawClient) { c.greet(); _ = c.WriteRawFrame(5, 4, 1, make([]byte, 8)) }, "GOAWAY PROTOCOL_ERROR a client sent PUSH_PROMISE"},
		{"short ping", func(c *rawClient) { c.greet(); _ = c.WriteRawFrame(6, 0, 0, make([]byte, 7)) }, "GOAWAY FRAME_SIZE_ERROR PING of 7 bytes"},
		{"padding", func(c *rawClient) { c.greet(); c.headers(1, false); _ = c.WriteRawFrame(0, 8, 1, []byte{5, 1, 2}) }, "GOAWAY PROTOCOL_ERROR more padding than frame"},
		{"compression", func(c *rawClient) {
			c.greet()
			_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0xff, 0xff, 0xff}, EndHeaders: true})
		}, "GOAWAY COMPRESSION_ERROR decode header"},
		{"continuation of nothing", func(c *rawClient) { c.greet(); _ = c.WriteContinuation(1, true, nil) }, "GOAWAY PROTOCOL_ERROR CONTINUATION of nothing"},
		{"interrupted header", func(c *rawClient) {
			c.greet()
			_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.block(usualFields...)})
			_ = c.WriteData(1, true, whole)
		}, "GOAWAY PROTOCOL_ERROR a header block is interrupted"},
		{"many continuations", func(c *rawClient) {
			c.greet()
			_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1})
			for range 64 {
				_ = c.WriteContinuation(1, false, nil)
			}
		}, "GOAWAY ENHANCE_YOUR_CALM a header block in more than 64 frames"},
		{"long continuations", func(c *rawClient) {
			c.greet()
			_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1})
			for range 5 {
				_ = c.WriteContinuation(1, false, make([]byte, 16000))
			}
		}, "GOAWAY ENHANCE_YOUR_CALM a header block longer than 65536 bytes"},
		{"pings", func(c *rawClient) {
			c.greet()
			for range 4 {
				_ = c.WritePing(false, [8]byte{})
			}
		}, "GOAWAY ENHANCE_YOUR_CALM too_many_pings"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := r.raw()
			tt.do(c)
			if got := c.outcome(1 << 30); !strings.HasPrefix(got, tt.want) {
				t.Errorf("the connection ended with %q, want %q", got, tt.want)
			}
			_ = c.conn.Close()
		})
	}
	if err := invoke(r.ctx, r.dial(), serverTestPath, []byte("whole")); err != nil {
		t.Errorf("another client afterwards: %v", err)
	}
}

// TestServerRefusesStreamsBeyondItsLimit and serves those within it.
func TestServerRefusesStreamsBeyondItsLimit(t *testing.T) {
	cfg := oddConfig(t)
	cfg.MaxStreams = 2
	r := startServer(t, cfg)
	c := r.raw()
	c.greet()
	for _, stream := range []uint32{1, 3, 5} {
		c.headers(stream, false)
	}
	if got := c.outcome(5); got != "RST REFUSED_STREAM" {
		t.Errorf("the third request ended with %q", got)
	}
	for _, stream := range []uint32{1, 3} {
		_ = c.WriteData(stream, true, message(0, "whole"))
		if got := c.outcome(stream); got != "OK" {
			t.Errorf("request %d ended with %q", stream, got)
		}
	}
}

// TestServerHoldsNoMoreThanItMay has requests that never end on many streams.
func TestServerHoldsNoMoreThanItMay(t *testing.T) {
	cfg := oddConfig(t)
	cfg.MaxHeld, cfg.MaxHeldInAll = 8<<20, 12<<20
	r := startServer(t, cfg)
	outcomes := map[string]int{}
	for range 2 {
		c := r.raw()
		c.greet()
		for i := range uint32(10) {
			c.headers(2*i+1, false)
			_ = c.WriteData(2*i+1, false, message(0, strings.Repeat("x", 1<<20))[:16384])
		}
		_ = c.WritePing(false, [8]byte{1})
		for {
			f, err := c.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			if f.Header().Type == http2.FrameRSTStream {
				outcomes[fmt.Sprint(f.(*http2.RSTStreamFrame).ErrCode)]++
			}
			if f.Header().Type == http2.FramePing {
				break
			}
		}
		if n := r.held.Load(); n > cfg.MaxHeldInAll {
			t.Errorf("%d bytes are held, want at most %d", n, cfg.MaxHeldInAll)
		}
	}
	if outcomes["NO_ERROR"] != 8 { // 2 of the first, 6 of the second
		t.Errorf("requests were refused: %v, want 8", outcomes)
	}
}

// TestServerTrustsNoLength has a client that announces much and sends little of it.
func TestServerTrustsNoLength(t *testing.T) {
	r := startServer(t, oddConfig(t))
	c := r.raw()
	c.greet()
	c.headers(1, false)
	_ = c.WriteData(1, false, []byte{0, 1, 0xff, 0xff, 0xff, 'x'})
	c.headers(3, false)
	_ = c.WriteData(3, true, message(0, "whole"))
	if got := c.outcome(3); got != "OK" {
		t.Errorf("another request ended with %q", got)
	}
	if n := r.held.Load(); n > serverTrust {
		t.Errorf("%d bytes are held for one that came", n)
	}
}

// TestServerGivesPaddingBack has a message of little in frames of much padding.
func TestServerGivesPaddingBack(t *testing.T) {
	cfg := oddConfig(t)
	cfg.Handle = func(c *ServerCall) { c.Finish(codes.OK, "") }
	cfg.MaxMessage = 1000
	r := startServer(t, cfg)
	c := r.raw()
	c.greet()
	c.headers(1, false)
	b := message(0, strings.Repeat("x", 600))
	for i := range b {
		_ = c.WriteDataPadded(1, i == len(b)-1, b[i:i+1], make([]byte, 255))
	}
	if got := c.outcome(1); got != "OK" {
		t.Errorf("the request ended with %q", got)
	}
}

// TestServerKeepsMessages has a kept message while a further one takes its place in the
// buffer of the connection.
func TestServerKeepsMessages(t *testing.T) {
	kept := make(chan *ServerCall, 2)
	r := startServer(t, serverTestConfig(func(c *ServerCall) {
		c.Keep()
		kept <- c
	}))
	c := r.raw()
	c.greet()
	var calls []*ServerCall
	for i, text := range []string{"first", "other"} {
		c.headers(uint32(2*i+1), false)
		_ = c.WriteData(uint32(2*i+1), true, message(0, text))
		calls = append(calls, <-kept)
	}
	for i, text := range []string{"first", "other"} {
		if got := string(calls[i].Message); got != text {
			t.Errorf("message %d became %q, want %q", i, got, text)
		}
		calls[i].Finish(codes.OK, "")
		calls[i].Release()
	}
}
