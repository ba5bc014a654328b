package h2

import (
	"time"

	"google.golang.org/grpc/codes"
)

// A ServerCall is one request that came whole, until it is answered.
type ServerCall struct {
	Path string
	// Encoding is how Message is compressed, empty if it is not.
	Encoding string
	// Message is what was sent. It is valid until Handle returns, or until Release where
	// Keep was called.
	Message []byte
	// Arrived is when the last of it was read.
	Arrived time.Time
	// Deadline is when the sender stops waiting for an answer; zero: never.
	Deadline time.Time
	// Abandoned may be set by Handle. It is called once, in the goroutine of Serve, if the
	// sender leaves before Finish.
	Abandoned func()

	conn   *serverConn
	stream uint32

	// Of the reading goroutine.
	begun      time.Time // when its headers came
	encoding   string    // said in the headers
	known      bool      // its path is served
	halfClosed bool      // the client has sent all
	window     int
	prefix     [5]byte
	prefixed   int    // bytes of it that have come
	buf        []byte // nil: Message lies in the buffer of the connection
	got, need  int
	kept       bool

	// Under the connection's mutex.
	credit  int64 // what the client's window for the answer is more than its settings say
	done    bool
	starved bool
}

// Keep makes Message stay until Release. It is false if the server holds too much: then
// the request has been answered.
func (call *ServerCall) Keep() bool {
	if call.buf == nil && len(call.Message) > 0 {
		b := call.conn.take(len(call.Message))
		if b == nil {
			call.conn.refuse(call, codes.Unavailable, heldTooMuch)
			return false
		}
		call.Message = b[:copy(b, call.Message)]
		call.buf = b
	}
	call.kept = true
	return true
}

// Release gives the memory of Message back after Keep. It is called once, from any
// goroutine, before or after Finish.
func (call *ServerCall) Release() {
	b := call.buf
	call.buf, call.Message = nil, nil
	call.conn.giveBack(b)
}

// Finish answers the request, with an empty message if c is OK, from any goroutine. It
// does nothing if the sender has gone. An answer after the deadline is not sent.
func (call *ServerCall) Finish(c codes.Code, message string) {
	k := call.conn
	k.mu.Lock()
	if k.open[call.stream] != call || call.done {
		k.mu.Unlock()
		return
	}
	call.done = true
	if !call.Deadline.IsZero() && time.Now().After(call.Deadline) {
		k.out = appendRST(k.out, call.stream, Cancel)
		delete(k.open, call.stream)
	} else {
		k.answer(call, c, message, nil)
	}
	last := k.leaving && len(k.open) == 0
	if k.blocked && !k.writing {
		// Who answers must not wait for a client that does not read.
		k.writers.Go(func() { _ = k.flush() }) // the reading goroutine learns of failure
	}
	k.mu.Unlock()
	if last {
		k.wake(&k.stopping)
	}
}

// newCall makes a call for a stream that is being opened.
func (c *serverConn) newCall(stream uint32, h *serverHeader) *ServerCall {
	var call *ServerCall
	if last := len(c.free) - 1; last >= 0 {
		call = c.free[last]
		c.free = c.free[:last]
	} else {
		call = new(ServerCall)
	}
	*call = ServerCall{
		Path: h.path, conn: c, stream: stream, begun: c.now, encoding: h.encoding,
		known: c.s.paths[h.path], window: c.streamWindow(),
	}
	if call.encoding == "identity" {
		call.encoding = ""
	}
	if h.timeout > 0 {
		call.Deadline = c.now.Add(h.timeout)
	}
	c.unfinished[stream] = call
	c.mu.Lock()
	c.open[stream] = call
	c.mu.Unlock()
	return call
}

// handle hands a whole request over.
func (c *serverConn) handle(call *ServerCall) {
	call.Arrived = c.now
	c.s.Handle(call)
	if call.kept {
		return
	}
	c.giveBack(call.buf)
	call.buf, call.Message = nil, nil
	c.mu.Lock()
	reusable := call.done && !call.starved
	c.mu.Unlock()
	if reusable && len(c.free) < c.s.MaxStreams {
		c.free = append(c.free, call)
	}
}

// refuse answers a request without asking Handle.
func (c *serverConn) refuse(call *ServerCall, code codes.Code, text string) {
	c.drop(call)
	c.refused(call, code)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[call.stream] == call && !call.done {
		call.done = true
		c.answer(call, code, text, nil)
	}
}

// refused tells that a request was refused or left.
func (c *serverConn) refused(call *ServerCall, code codes.Code) {
	if call.known && c.s.Refused != nil {
		c.s.Refused(call.Path, code)
	}
}

// drop forgets what has come of a request. What still comes is ignored.
func (c *serverConn) drop(call *ServerCall) {
	delete(c.unfinished, call.stream)
	if c.data.call == call {
		c.data.call = nil
	}
	c.giveBack(call.buf)
	call.buf, call.Message = nil, nil
}
