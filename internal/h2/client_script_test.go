package h2

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A script is what a server sends, frame by frame.
type script struct {
	*http2.Framer
	*bytes.Buffer
	block  bytes.Buffer
	header *hpack.Encoder
}

func newScript() *script {
	s := &script{Buffer: new(bytes.Buffer)}
	s.Framer, s.header = http2.NewFramer(s.Buffer, nil), hpack.NewEncoder(&s.block)
	s.AllowIllegalWrites = true
	return s
}

// list encodes a header list: names and values in turn.
func (s *script) list(fields ...string) []byte {
	s.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = s.header.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return bytes.Clone(s.block.Bytes())
}

func (s *script) headers(stream uint32, end bool, fields ...string) {
	_ = s.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: s.list(fields...), EndHeaders: true, EndStream: end,
	})
}

func (s *script) begin(stream uint32, more ...string) {
	s.headers(stream, false, append([]string{":status", "200", "content-type", "application/grpc"},
		more...)...)
}

// answer is a whole answer without error.
func (s *script) answer(stream uint32, message string) {
	s.begin(stream)
	_ = s.WriteData(stream, false, append([]byte{0, 0, 0, 0, byte(len(message))}, message...))
	s.headers(stream, true, "grpc-status", "0")
}

// An outcome is how a call ended in a test.
type outcome struct {
	Status           uint32
	Text             string // that the message contains
	Response         string
	Answered, Unseen bool
}

// A party is a client over a pipe whose other end reads everything, and writes what it
// is told.
type party struct {
	*Client
	server net.Conn
	ran    chan error
	sent   chan []byte // all that the client sent, once the pipe is closed
	calls  []*Call
	done   []int
}

func newParty(calls int) *party {
	near, far := net.Pipe()
	p := &party{
		Client: NewClient(near, ClientConfig{Authority: "a:1", Path: "/s/m", MaxResponse: 1 << 16}),
		server: far, ran: make(chan error, 1), sent: make(chan []byte, 1), done: make([]int, calls),
	}
	go func() {
		b, _ := io.ReadAll(far)
		p.sent <- b
	}()
	go func() { p.ran <- p.Run() }()
	for i := range calls {
		c := &Call{
			Message: []byte("hello"), Deadline: time.Now().Add(time.Minute),
			Done: func() { p.done[i]++ },
		}
		p.calls = append(p.calls, c)
	}
	return p
}

// play starts the calls, one after the other, plays the script and hangs up.
func (p *party) play(script []byte) (result []outcome, err error) {
	for _, c := range p.calls {
		if p.Start(c) != nil {
			c.Result.Unseen = true
			c.Done()
		}
	}
	synctest.Wait() // what the calls send is sent
	_, _ = p.server.Write(script)
	synctest.Wait()
	_ = p.server.Close()
	err = <-p.ran
	<-p.sent
	for _, c := range p.calls {
		r := c.Result
		result = append(result, outcome{r.Status, r.Message, string(r.Response), r.Answered, r.Unseen})
	}
	return result, err
}

// What a server may say in one call, and what it means.
func TestClientTakesAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		say  func(s *script)
		want outcome
		ends string // what Run says; empty: that the connection was closed
	}{
		"ok": {
			say:  func(s *script) { s.answer(1, "hi") },
			want: outcome{Response: "hi", Answered: true},
		},
		"in pieces, padded, with a priority": {
			say: func(s *script) {
				list := s.list(":status", "200", "content-type", "application/grpc+proto")
				_ = s.WriteHeaders(http2.HeadersFrameParam{
					StreamID: 1, BlockFragment: list[:1], PadLength: 7,
					Priority: http2.PriorityParam{Weight: 3, StreamDep: 5},
				})
				_ = s.WriteContinuation(1, false, list[1:2])
				_ = s.WriteContinuation(1, true, list[2:])
				_ = s.WriteDataPadded(1, false, []byte{0, 0}, make([]byte, 9))
				_ = s.WriteData(1, false, nil)
				_ = s.WriteDataPadded(1, false, []byte{0, 0, 2, 'h'}, nil)
				_ = s.WriteData(1, false, []byte{'i'})
				s.headers(1, true, "grpc-status", "0")
			},
			want: outcome{Response: "hi", Answered: true},
		},
		"informational headers first": {
			say: func(s *script) {
				s.headers(1, false, ":status", "103")
				s.answer(1, "hi")
			},
			want: outcome{Response: "hi", Answered: true},
		},
		"unknown frames and settings": {
			say: func(s *script) {
				_ = s.WriteRawFrame(0xbe, 0, 1, []byte("extension"))
				_ = s.WriteSettings(http2.Setting{ID: 0x99, Val: 1})
				_ = s.WritePriority(1, http2.PriorityParam{Weight: 1})
				s.answer(1, "")
			},
			want: outcome{Answered: true},
		},
		"trailers only": {
			say: func(s *script) {
				s.headers(1, true, ":status", "200", "content-type", "application/grpc",
					"grpc-status", "9", "grpc-message", "50%25 of %c3%bc %zz%")
			},
			want: outcome{Status: 9, Text: "50% of ü %zz%", Answered: true},
		},
		"a status that is no number": {
			say:  func(s *script) { s.headers(1, true, ":status", "200", "grpc-status", "-1") },
			want: outcome{Status: statusUnknown, Answered: true},
		},
		"ok without a response": {
			say:  func(s *script) { s.begin(1); s.headers(1, true, "grpc-status", "0") },
			want: outcome{Status: statusInternal, Text: "OK without a response", Answered: true},
		},
		"ok with half a response": {
			say: func(s *script) {
				s.begin(1)
				_ = s.WriteData(1, false, []byte{0, 0, 0, 0, 9, 'h'})
				s.headers(1, true, "grpc-status", "0")
			},
			want: outcome{Status: statusInternal, Text: "OK with a response that is not one message", Answered: true},
		},
		"proxy's 503":  {say: http(503), want: outcome{Status: statusUnavailable, Text: "the response has HTTP status 503"}},
		"proxy's 404":  {say: http(404), want: outcome{Status: statusUnimplemented, Text: "the response has HTTP status 404"}},
		"proxy's 418":  {say: http(418), want: outcome{Status: statusUnknown, Text: "the response has HTTP status 418"}},
		"a web page":   {say: func(s *script) { s.headers(1, false, ":status", "200", "content-type", "text/html") }, want: outcome{Status: statusUnknown, Text: "the response is not gRPC"}},
		"no status":    {say: func(s *script) { s.begin(1); s.headers(1, true, "x", "y") }, want: outcome{Status: statusUnknown, Text: "the trailers have no status"}},
		"no trailers":  {say: func(s *script) { s.begin(1); _ = s.WriteData(1, true, nil) }, want: outcome{Status: statusInternal, Text: "the stream ended without trailers"}},
		"headers more": {say: func(s *script) { s.begin(1); s.begin(1) }, want: outcome{Status: statusInternal, Text: "HEADERS came twice"}},
		"data first":   {say: func(s *script) { _ = s.WriteData(1, false, []byte("x")) }, want: outcome{Status: statusInternal, Text: "DATA came before HEADERS"}},
		"long headers": {
			say: func(s *script) {
				for range 17 {
					s.header.SetMaxDynamicTableSize(4096)
				}
				fields := []string{":status", "200"}
				for range 30 {
					fields = append(fields, "x", strings.Repeat("y", 3000))
				}
				s.headers(1, false, fields...)
			},
			want: outcome{Status: statusResourceExhausted, Text: "the headers are longer than is accepted"},
		},
		"long response": {
			say: func(s *script) {
				s.begin(1)
				for range 5 {
					_ = s.WriteData(1, false, make([]byte, 16384))
				}
			},
			want: outcome{Status: statusResourceExhausted, Text: "the response is longer than is accepted"},
		},
		"refused": {say: reset(http2.ErrCodeRefusedStream), want: outcome{Status: statusUnavailable, Text: "the server reset the stream: REFUSED_STREAM", Unseen: true}},
		"calm":    {say: reset(http2.ErrCodeEnhanceYourCalm), want: outcome{Status: statusResourceExhausted, Text: "the server reset the stream: ENHANCE_YOUR_CALM"}},
		"reset":   {say: reset(77), want: outcome{Status: statusInternal, Text: "the server reset the stream: code 77"}},
		"away before the call": {
			say:  func(s *script) { _ = s.WriteGoAway(0, http2.ErrCodeNo, []byte("bye")) },
			want: outcome{Status: statusUnavailable, Text: "the server is going away: NO_ERROR", Unseen: true},
			ends: "nil",
		},
		"away after the call": {
			say:  func(s *script) { _ = s.WriteGoAway(1, http2.ErrCodeNo, nil); s.answer(1, "hi") },
			want: outcome{Response: "hi", Answered: true},
			ends: "nil",
		},
		"cut":               {say: func(*script) {}, want: outcome{Status: statusUnavailable, Text: "read frame: the server closed the connection"}},
		"window of nothing": {say: func(s *script) { _ = s.WriteWindowUpdate(1, 0) }, want: outcome{Status: statusInternal, Text: "WINDOW_UPDATE is out of range"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript()
				_ = s.WriteSettings()
				test.say(s)
				got, err := newParty(1).play(s.Bytes())
				if diff := cmp.Diff([]outcome{test.want}, got); diff != "" {
					t.Errorf("outcome (-want +got):\n%s", diff)
				}
				if test.ends == "nil" != (err == nil) {
					t.Errorf("Run() = %v", err)
				}
			})
		})
	}
}

func http(status int) func(*script) {
	return func(s *script) { s.headers(1, false, ":status", itoa(status), "content-type", "text/plain") }
}

func itoa(n int) string {
	return string([]byte{byte('0' + n/100), byte('0' + n/10%10), byte('0' + n%10)})
}

func reset(code http2.ErrCode) func(*script) {
	return func(s *script) { _ = s.WriteRSTStream(1, code) }
}

// What no server may say ends the connection, with the code that RFC 9113 asks for;
// what became of the call is then unknown.
func TestClientEndsWhatBreaksTheProtocol(t *testing.T) {
	for name, test := range map[string]struct {
		say  func(s *script)
		code Code
	}{
		"a frame too long":        {func(s *script) { _ = s.WriteRawFrame(0, 0, 1, make([]byte, 16385)) }, FrameSizeError},
		"a stream that never was": {func(s *script) { _ = s.WriteRSTStream(3, 0) }, ProtocolError},
		"a stream of the server":  {func(s *script) { s.begin(2) }, ProtocolError},
		"data on no stream":       {func(s *script) { _ = s.WriteData(0, false, nil) }, ProtocolError},
		"a push":                  {func(s *script) { _ = s.WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: 2}) }, ProtocolError},
		"padding only":            {func(s *script) { _ = s.WriteRawFrame(http2.FrameData, http2.FlagDataPadded, 1, []byte{1}) }, ProtocolError},
		"no padding":              {func(s *script) { _ = s.WriteRawFrame(http2.FrameData, http2.FlagDataPadded, 1, nil) }, ProtocolError},
		"settings on a stream":    {func(s *script) { _ = s.WriteRawFrame(http2.FrameSettings, 0, 1, nil) }, ProtocolError},
		"odd settings":            {func(s *script) { _ = s.WriteRawFrame(http2.FrameSettings, 0, 0, make([]byte, 5)) }, FrameSizeError},
		"a large window":          {func(s *script) { _ = s.WriteSettings(http2.Setting{ID: 4, Val: 1 << 31}) }, FlowControlError},
		"a small frame":           {func(s *script) { _ = s.WriteSettings(http2.Setting{ID: 5, Val: 1}) }, ProtocolError},
		"an overflow":             {func(s *script) { _ = s.WriteWindowUpdate(0, 1<<31-1) }, FlowControlError},
		"an odd ping":             {func(s *script) { _ = s.WriteRawFrame(http2.FramePing, 0, 0, nil) }, FrameSizeError},
		"a short goaway":          {func(s *script) { _ = s.WriteRawFrame(http2.FrameGoAway, 0, 0, nil) }, FrameSizeError},
		"continuation of nothing": {func(s *script) { _ = s.WriteContinuation(1, true, nil) }, ProtocolError},
		"something among headers": {func(s *script) { open(s); _ = s.WritePing(false, [8]byte{}) }, ProtocolError},
		"headers without end": {func(s *script) {
			open(s)
			for range 70 {
				_ = s.WriteContinuation(1, false, nil)
			}
		}, EnhanceYourCalm},
		"headers that are too long": {func(s *script) {
			open(s)
			for range 5 {
				_ = s.WriteContinuation(1, false, make([]byte, 16384))
			}
		}, EnhanceYourCalm},
		"headers that are no headers": {func(s *script) {
			_ = s.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0xff, 0xff}, EndHeaders: true})
		}, CompressionError},
		"a flood": {func(s *script) {
			for range clientMaxReplies + 100 {
				_ = s.WritePing(false, [8]byte{})
			}
		}, EnhanceYourCalm},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newParty(1)
				s := newScript()
				_ = s.WriteSettings()
				test.say(s)
				if name == "a flood" {
					synctest.Wait() // its writer has written the preface, and unblocks it no more
					p.mu.Lock()     // nothing is read, so that nothing is answered
					p.blocked = true
					p.mu.Unlock()
				}
				got, err := p.play(s.Bytes())
				fault := new(clientFault)
				if !errors.As(err, &fault) || fault.code != test.code {
					t.Fatalf("Run() = %v, want a fault of code %v", err, test.code)
				}
				if name == "a flood" {
					return // the call waited behind it
				}
				if got[0].Answered || got[0].Status != statusUnavailable || got[0].Text != err.Error() {
					t.Errorf("the call ended as %+v", got[0])
				}
			})
		})
	}
}

func open(s *script) {
	_ = s.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: s.list("a", "b")})
}
