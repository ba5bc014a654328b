package h2

import (
	"bytes"
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
)

// record is what a client says, as bytes.
func record(t testing.TB, say func(c *rawClient)) []byte {
	near, far := net.Pipe()
	var said bytes.Buffer
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = said.ReadFrom(far)
	}()
	say(newRaw(t, near))
	_ = near.Close()
	<-read
	return said.Bytes()
}

// FuzzServer lets a client say anything, in pieces of a length, after a proper greeting or
// without. It ends, holds no more than it may, leaves nothing behind, and a request on
// another connection is served.
func FuzzServer(f *testing.F) {
	whole := message(0, "whole")
	for _, say := range []func(c *rawClient){
		func(c *rawClient) {
			c.greet()
			c.headers(1, false)
			_ = c.WriteData(1, true, whole)
			c.headers(3, false)
			_ = c.WriteDataPadded(3, false, whole[:7], make([]byte, 9))
			c.headers(3, true, "x", "y")
		},
		func(c *rawClient) {
			c.greet(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 3}, http2.Setting{ID: http2.SettingHeaderTableSize})
			c.headers(1, false, with("grpc-timeout", "1S", "grpc-encoding", "gzip")...)
			_ = c.WriteData(1, true, message(1, "x"))
			_ = c.WriteWindowUpdate(1, 9)
			_ = c.WritePing(false, [8]byte{})
			_ = c.WriteRSTStream(1, 8)
		},
		func(c *rawClient) {
			c.greet()
			b := c.block(usualFields...)
			_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: b[:5]})
			_ = c.WriteContinuation(1, true, b[5:])
			_ = c.WriteData(1, false, message(0, string(make([]byte, 70_000)))[:16000])
			_ = c.WriteGoAway(1, 0, nil)
		},
	} {
		b := record(f, say)
		f.Add(b, uint16(len(b)), false)
		f.Add(b[len(preface):], uint16(1), true)
	}
	greeting := record(f, func(c *rawClient) { c.greet() })
	f.Fuzz(func(t *testing.T, said []byte, piece uint16, greeted bool) {
		if greeted {
			said = append(bytes.Clone(greeting), said...)
		}
		synctest.Test(t, func(t *testing.T) { fuzzServer(t, said, max(int(piece), 1)) })
	})
}

func fuzzServer(t *testing.T, said []byte, piece int) {
	cfg := serverTestConfig(func(c *ServerCall) {
		if len(c.Message)%2 == 1 {
			c.Finish(codes.OK, "")
			return
		}
		if c.Keep() { // answered late, or never
			go func() {
				time.Sleep(time.Second)
				c.Finish(codes.OK, "")
				c.Release()
			}()
		}
	})
	cfg.MaxStreams, cfg.MaxMessage, cfg.MaxHeld, cfg.MaxHeldInAll = 4, 1<<20, 2<<20, 3<<20
	s := NewServer(cfg)
	connect := func() (*rawClient, <-chan struct{}) {
		near, far := net.Pipe()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = s.Serve(context.Background(), far)
		}()
		return newRaw(t, near), ended
	}
	odd, oddEnded := connect()
	go func() { // read whatever comes
		b := make([]byte, 4096)
		for {
			if _, err := odd.conn.Read(b); err != nil {
				return
			}
		}
	}()
	for rest := said; len(rest) > 0; {
		n, err := odd.conn.Write(rest[:min(piece, len(rest))])
		if rest = rest[n:]; err != nil {
			break
		}
	}
	if held := s.held.Load(); held > cfg.MaxHeldInAll {
		t.Errorf("%d bytes are held, want at most %d", held, cfg.MaxHeldInAll)
	}
	other, otherEnded := connect()
	go func() {
		other.greet()
		other.headers(1, false)
		_ = other.WriteData(1, true, message(0, "whole"))
	}()
	if got := other.outcome(1); got != "OK" {
		t.Errorf("a request on another connection ended with %q", got)
	}
	_, _ = odd.conn.Close(), other.conn.Close()
	<-oddEnded
	<-otherEnded
	time.Sleep(2 * time.Second) // of the bubble: late answers
	if held := s.held.Load(); held != 0 {
		t.Errorf("%d bytes are held at the end", held)
	}
}
