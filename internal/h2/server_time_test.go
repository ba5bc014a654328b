package h2

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
)

// bubble serves one raw client where time passes only when all wait. ended is what Serve
// returned.
func bubble(t *testing.T, cfg func(*ServerConfig), do func(t *testing.T, c *rawClient, ended <-chan error)) {
	synctest.Test(t, func(t *testing.T) {
		config := oddConfig(t)
		if cfg != nil {
			cfg(&config)
		}
		s := NewServer(config)
		near, far := net.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(context.Background(), far) }()
		c := newRaw(t, near)
		do(t, c, ended)
		_ = near.Close()
		synctest.Wait()
		if n := s.held.Load(); n != 0 {
			t.Errorf("%d bytes are held at the end", n)
		}
	})
}

// TestServerEndsFloods has what a client repeats without end.
func TestServerEndsFloods(t *testing.T) {
	for _, tt := range []struct {
		name string
		next func(c *rawClient, i int) error
	}{
		{"settings flood", func(c *rawClient, i int) error {
			return c.WriteSettings()
		}},
		{"rapid reset", func(c *rawClient, i int) error {
			c.headers(uint32(2*i+1), false)
			return c.WriteRSTStream(uint32(2*i+1), http2.ErrCodeCancel)
		}},
		{"empty frames", func(c *rawClient, i int) error {
			if i == 0 {
				c.headers(1, false)
			}
			return c.WriteData(1, false, nil)
		}},
		{"tiny frames", func(c *rawClient, i int) error {
			if i == 0 {
				c.headers(1, false)
				return c.WriteData(1, false, []byte{0, 1, 0, 0, 0})
			}
			return c.WriteData(1, false, []byte{1})
		}},
		{"too many streams", func(c *rawClient, i int) error {
			c.headers(uint32(2*i+1), false)
			return c.WritePriority(1, http2.PriorityParam{StreamDep: 5})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, c *rawClient, ended <-chan error) {
				go func() { // beside the reading: neither end may block the other
					c.greet()
					for i := 0; tt.next(c, i) == nil; i++ {
					}
				}()
				got := c.outcome(1 << 30)
				if want := "GOAWAY ENHANCE_YOUR_CALM more than 10000 frames to no purpose in a second"; got != want {
					t.Errorf("the connection ended with %q, want %q", got, want)
				}
				_ = c.conn.Close()
				<-ended
			})
		})
	}
}

func TestServerBearsWhatIsNoFlood(t *testing.T) {
	bubble(t, nil, func(t *testing.T, c *rawClient, _ <-chan error) {
		go func() {
			c.greet()
			for range 5 {
				for range 9000 {
					_ = c.WritePriority(1, http2.PriorityParam{StreamDep: 5})
				}
				_ = c.WritePing(false, [8]byte{})
				time.Sleep(time.Second)
			}
			for i := range uint32(4000) { // a request may bring four such frames with it
				c.headers(2*i+1, false)
				_ = c.WriteData(2*i+1, false, message(0, "whole"))
				_ = c.WriteData(2*i+1, true, nil)
				_ = c.WriteWindowUpdate(0, 5)
				_ = c.WriteWindowUpdate(0, 5)
				_ = c.WriteWindowUpdate(0, 5)
				_ = c.WritePing(false, [8]byte{})
			}
		}()
		for i := range uint32(4000) {
			if got := c.outcome(2*i + 1); got != "OK" {
				t.Fatalf("request %d ended with %q", i, got)
			}
		}
	})
}

// TestServerGivesSlowRequestsUp has requests that stop coming, and how they end.
func TestServerGivesSlowRequestsUp(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(c *rawClient)
		want string
		over bool // the connection is
	}{
		{"no body", func(c *rawClient) { c.headers(1, false) }, "DeadlineExceeded the request was not whole after 1m0s", false},
		{"part of a body", func(c *rawClient) {
			c.headers(1, false)
			_ = c.WriteData(1, false, message(0, strings.Repeat("x", 9999))[:999])
		}, "DeadlineExceeded the request was not whole after 1m0s", false},
		{"a drop now and then", func(c *rawClient) {
			c.headers(1, false)
			for _, b := range message(0, strings.Repeat("x", 9999))[:59] {
				_ = c.WriteData(1, false, []byte{b})
				time.Sleep(time.Second)
			}
		}, "DeadlineExceeded the request was not whole after 1m0s", false},
		{"a frame that stops", func(c *rawClient) {
			c.headers(1, false)
			_, _ = c.conn.Write([]byte{0, 0, 99, 0, 1, 0, 0, 0, 1, 0})
		}, "DeadlineExceeded the request was not whole after 1m0s", true},
		{"a header block that stops", func(c *rawClient) {
			_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.block(usualFields...)})
		}, "GOAWAY ENHANCE_YOUR_CALM a frame has been coming for more than 1m0s", true},
		{"a header frame that stops", func(c *rawClient) {
			_, _ = c.conn.Write([]byte{0, 0, 99, 1, 4, 0, 0, 0, 1, 0x88})
		}, "GOAWAY ENHANCE_YOUR_CALM a frame has been coming for more than 1m0s", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, c *rawClient, _ <-chan error) {
				begin := time.Now()
				said := make(chan struct{})
				go func() {
					defer close(said)
					c.greet()
					tt.do(c)
				}()
				if got := c.outcome(1); got != tt.want {
					t.Fatalf("the request ended with %q, want %q", got, tt.want)
				}
				if after := time.Since(begin); after < time.Minute || after > time.Minute+3*time.Second {
					t.Errorf("it ended after %v, want a minute", after)
				}
				<-said
				if tt.over {
					return
				}
				go func() {
					c.headers(21, false)
					_ = c.WriteData(21, true, message(0, "whole"))
				}()
				if got := c.outcome(21); got != "OK" {
					t.Errorf("a further request ended with %q", got)
				}
			})
		})
	}
}

func TestServerDoesNotWaitForAGreeting(t *testing.T) {
	for name, says := range map[string]string{"nothing": "", "half a preface": preface[:9], "no settings": preface} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, c *rawClient, ended <-chan error) {
				begin := time.Now()
				go func() { _, _ = io.WriteString(c.conn, says) }()
				if got := c.outcome(1); got != "closed" {
					t.Errorf("the connection ended with %q", got)
				}
				if err := <-ended; err == nil || time.Since(begin) != serverGreeting {
					t.Errorf("Serve() = %v after %v, want an error after %v", err, time.Since(begin), serverGreeting)
				}
			})
		})
	}
}

func TestServerDoesNotWaitForAClientThatDoesNotRead(t *testing.T) {
	bubble(t, nil, func(t *testing.T, c *rawClient, ended <-chan error) {
		begin := time.Now()
		go c.greet()
		_, _ = io.ReadFull(c.conn, make([]byte, 9)) // and no more
		if err := <-ended; err == nil || time.Since(begin) > serverWriting+time.Second {
			t.Errorf("Serve() = %v after %v, want an error after %v", err, time.Since(begin), serverWriting)
		}
	})
}

// TestServerIdles has a connection on which nothing happens for a day.
func TestServerIdles(t *testing.T) {
	bubble(t, nil, func(t *testing.T, c *rawClient, _ <-chan error) {
		for stream := uint32(1); stream < 5; stream += 2 {
			said := make(chan struct{})
			go func() {
				defer close(said)
				if stream == 1 {
					c.greet()
				}
				time.Sleep(24 * time.Hour)
				c.headers(stream, false)
				_ = c.WriteData(stream, true, message(0, "whole"))
			}()
			if got := c.outcome(stream); got != "OK" {
				t.Errorf("request %d ended with %q", stream, got)
			}
			<-said
		}
	})
}

// TestServerHeadersRememberedAreTheSame decodes blocks with one decoder that remembers
// and one that does not.
func TestServerHeadersRememberedAreTheSame(t *testing.T) {
	c := newRaw(t, nil)
	long := strings.Repeat("long", 40)
	spelled := []byte("\x83\x86\x04\x02/x\x0f\x10\x10application/grpc\x00\x01a\x01b")
	var blocks [][]byte
	for _, fields := range [][]string{
		usualFields, usualFields, usualFields, with("grpc-timeout", "1S"), usualFields,
		with("grpc-timeout", "1S"), with(long, long), usualFields, with(long, long),
	} {
		blocks = append(blocks, c.block(fields...))
	}
	blocks = append(blocks, spelled, spelled, blocks[1], spelled)
	var one serverBlock
	one.init()
	remembered := 0
	for i, b := range blocks {
		if one.valid && bytes.Equal(b, one.seen) {
			remembered++
		}
		got, err := one.decode(b)
		if err != nil {
			t.Fatal(err)
		}
		var other serverBlock
		other.init()
		for _, before := range blocks[:i] {
			if _, err := other.decoder.Write(before); err != nil {
				t.Fatal(err)
			}
		}
		other.found = serverHeader{}
		if _, err := other.decoder.Write(b); err != nil {
			t.Fatal(err)
		}
		if *got != other.found {
			t.Errorf("block %d: %+v, want %+v", i, *got, other.found)
		}
	}
	if remembered < 2 {
		t.Errorf("%d blocks were remembered, want some", remembered)
	}
}

// TestServerHandlesLateAnswers has answers that come when their sender may have gone.
func TestServerHandlesLateAnswers(t *testing.T) {
	for timeout, want := range map[string]string{"2S": "OK", "999m": "RST CANCEL"} {
		var calls chan *ServerCall
		slow := func(cfg *ServerConfig) {
			calls = make(chan *ServerCall, 1)
			cfg.Handle = func(c *ServerCall) { calls <- c }
		}
		bubble(t, slow, func(t *testing.T, c *rawClient, _ <-chan error) {
			go func() {
				c.greet()
				c.headers(1, false, with("grpc-timeout", timeout)...)
				_ = c.WriteData(1, true, message(0, "whole"))
				time.Sleep(time.Second)
				(<-calls).Finish(codes.OK, "")
			}()
			if got := c.outcome(1); got != want {
				t.Errorf("with a timeout of %s it ended with %q, want %q", timeout, got, want)
			}
		})
	}
}
