package h2

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A ClientConfig is what all calls of a Client have in common.
type ClientConfig struct {
	Authority string // :authority, host:port
	Path      string // of the method: /package.Service/Method
	UserAgent string
	Encoding  string // of the messages, as grpc-encoding; empty for none
	// Timeout is what servers are told; what bounds a call is its own deadline.
	Timeout     time.Duration
	MaxResponse int // bytes of one response; 0 means 4 MiB
}

// A Client is the calling end of one connection. Run must be under way for calls to
// be answered; everything else may be called from any goroutine at any time.
type Client struct {
	conn        net.Conn
	socket      *clientSocket // nil where conn cannot be written to without blocking
	maxResponse int
	compressed  byte // the first of each message's prefix
	ready, away chan struct{}
	writable    chan struct{} // tells the writer that something was left for it
	look        chan struct{} // tells the watch of deadlines to look
	busy        atomic.Bool

	mu        sync.Mutex
	streams   map[uint32]*Call
	pending   callList // begun by Start, no stream yet
	sending   callList // have a stream and something that may be sent
	deadlines callList // all calls, in order of deadline
	ended     callList // Done is to be called
	lookAt    time.Time
	nextID    uint32
	maxCalls  int // streams that the server allows
	lastID    uint32
	leaving   bool  // takes no more calls
	dead      bool  // nothing can be written any more
	fault     error // what the server did wrong, or how writing failed
	isReady   bool

	// What is under way to the socket.
	batch    clientBatch
	blocked  bool   // the writer goroutine has the batch
	control  []byte // frames of the connection, to be sent before any of a call
	replies  int    // frames in control that the server made us send
	window   int64  // of the connection
	initial  int64  // window of a new stream
	maxFrame int
	request  clientRequestBlock

	// What comes in.
	received  int // since the last WINDOW_UPDATE of the connection
	headers   clientHeaderReader
	continued frameHeader // the HEADERS that CONTINUATION follows; no kind: none
	fragments int
}

// Bounds on what a server can make a client hold or do.
const (
	clientMaxHeaders   = 64 << 10 // of one list, encoded and decoded
	clientMaxFragments = 64       // CONTINUATION frames of one list
	clientMaxReplies   = 4096     // frames that a server made us send and does not take
	clientMaxResponse  = 4 << 20
	clientReadBuffer   = 32 << 10 // more than the largest frame that a server may send
	clientLinger       = time.Second
)

// errLeaving is why Start did not take a call.
var errLeaving = errors.New("start call: the connection takes no more calls")

// NewClient returns a Client over conn, which from now on is its own. What it sends
// first leaves with Run.
func NewClient(conn net.Conn, cfg ClientConfig) *Client {
	c := &Client{
		conn: conn, maxResponse: cfg.MaxResponse,
		ready: make(chan struct{}), away: make(chan struct{}),
		writable: make(chan struct{}, 1), look: make(chan struct{}, 1),
		streams: make(map[uint32]*Call), nextID: 1, maxCalls: 1 << 30, lastID: 1 << 31,
		window: defaultWindow, initial: defaultWindow, maxFrame: defaultMaxFrame,
		pending: byTurn(), sending: byTurn(), ended: byTurn(), deadlines: byDeadline(),
	}
	if cfg.Encoding != "" {
		c.compressed = 1
	}
	if c.maxResponse == 0 {
		c.maxResponse = clientMaxResponse
	}
	c.socket = newClientSocket(conn, c.drain)
	c.request.init(cfg)
	c.headers.init()
	c.control = append(c.control, preface...)
	c.control = frameHeader{length: 12, kind: frameSettings}.append(c.control)
	c.control = appendSetting(c.control, settingEnablePush, 0)
	c.control = appendSetting(c.control, settingMaxHeaderListSize, clientMaxHeaders)
	return c
}

func appendSetting(b []byte, id uint16, value uint32) []byte {
	return append(b, byte(id>>8), byte(id),
		byte(value>>24), byte(value>>16), byte(value>>8), byte(value))
}

// Ready is closed when the server has introduced itself: before that, whoever took
// the connection in may not be speaking HTTP/2, or may be frozen.
func (c *Client) Ready() <-chan struct{} { return c.ready }

// Away is closed when no more calls are taken: the server said GOAWAY, or the
// connection is over. Calls under way may still be answered.
func (c *Client) Away() <-chan struct{} { return c.away }

// Run serves the connection until it is over, which it is when the server has said
// GOAWAY and everything is answered (then the error is nil), when the connection
// breaks or the server breaks the protocol, or on Close. Every call has ended and the
// connection is closed when it returns.
func (c *Client) Run() error {
	over := make(chan struct{})
	var inner sync.WaitGroup
	inner.Go(func() { c.writeWhenWritable(over) })
	inner.Go(func() { c.watchDeadlines(over) })
	c.mu.Lock()
	c.flush()
	c.unlock()
	err := c.read()
	c.mu.Lock()
	c.dead = true
	c.leave()
	_ = c.conn.Close() // says nothing that matters now
	if c.fault != nil {
		err = c.fault
	}
	text := "the connection ended"
	if err != nil {
		text = err.Error()
	}
	c.batch.clear()
	for call := c.deadlines.head; call != nil; call = c.deadlines.head {
		call.Result.fail(statusUnavailable, text)
		call.Result.Unseen = call.id == 0
		c.end(call)
	}
	c.unlockAndTell()
	close(over)
	inner.Wait()
	return err
}

// Close ends the connection. Calls under way end in Run.
func (c *Client) Close() error { return c.conn.Close() }

// Start begins a call. It never waits for the network: what the socket and the
// server's windows do not take now follows when they do. An error means that nothing
// was begun: the caller takes another connection.
func (c *Client) Start(call *Call) error {
	c.mu.Lock()
	defer c.unlock()
	if c.leaving {
		return errLeaving
	}
	call.begin()
	c.pending.push(call)
	c.deadlines.insert(call)
	if c.lookAt.IsZero() || call.Deadline.Before(c.lookAt) {
		c.lookAt = call.Deadline
		signal(c.look)
	}
	c.flush()
	return nil
}

// Busy is whether a call that is started now would have to wait for the socket or for
// the server's window, as far as can be told without waiting oneself.
func (c *Client) Busy() bool { return c.busy.Load() }

// Cancel ends all calls under way as CANCELLED.
func (c *Client) Cancel() {
	c.mu.Lock()
	for call := c.deadlines.head; call != nil; call = c.deadlines.head {
		call.Result.fail(statusCanceled, "the call was canceled")
		c.reset(call, Cancel)
	}
	c.flush()
	c.closeIfServed()
	c.unlockAndTell()
}

// closeIfServed closes a connection that is only there for calls that have ended.
func (c *Client) closeIfServed() {
	if c.leaving && len(c.streams) == 0 {
		_ = c.conn.Close() // nothing is left that could be lost
	}
}

// watchDeadlines ends calls whose time is up. The watch is set to the first deadline
// there is when it looks, and not again for every call.
func (c *Client) watchDeadlines(over <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-over:
			return
		case <-c.look:
		case <-timer.C:
		}
		c.mu.Lock()
		now := time.Now()
		for call := c.deadlines.head; call != nil; call = c.deadlines.head {
			if call.Deadline.After(now) {
				break
			}
			call.Result.fail(statusDeadlineExceeded, "no answer within the call's time")
			c.reset(call, Cancel)
		}
		c.lookAt = time.Time{}
		if first := c.deadlines.head; first != nil {
			c.lookAt = first.Deadline
			timer.Reset(first.Deadline.Sub(now))
		}
		c.flush()
		c.closeIfServed()
		c.unlockAndTell()
	}
}

// leave lets no more calls in; those without a stream never had the server's eye.
func (c *Client) leave() {
	if !c.leaving {
		c.leaving = true
		close(c.away)
	}
	for call := c.pending.head; call != nil; call = c.pending.head {
		call.Result.fail(statusUnavailable, errLeaving.Error())
		call.Result.Unseen = true
		c.end(call)
	}
}

// reset ends a call, and its stream if it has one, before the server has.
func (c *Client) reset(call *Call, code Code) {
	if call.id > 0 && !c.dead {
		c.control = frameHeader{length: 4, kind: frameRSTStream, stream: call.id}.append(c.control)
		c.control = append(c.control, byte(code>>24), byte(code>>16), byte(code>>8), byte(code))
	}
	c.end(call)
}

// end takes a call out of everything; its Result is set. Done follows in
// unlockAndTell.
func (c *Client) end(call *Call) {
	if call.list != nil {
		call.list.remove(call)
	}
	c.deadlines.remove(call)
	if call.id > 0 {
		delete(c.streams, call.id)
	}
	if call.inBatch {
		c.batch.detach(call)
	}
	c.ended.push(call)
}

// unlockAndTell unlocks and calls Done of what has ended.
func (c *Client) unlockAndTell() {
	call := c.ended.takeAll()
	c.unlock()
	for call != nil {
		next := call.turn.next
		call.turn = callLinks{}
		call.Done() // may be in use again as soon as it is told
		call = next
	}
}

// A clientFault is what a server did that ends the connection.
type clientFault struct {
	code Code
	text string
}

func (f *clientFault) Error() string { return "read frame: " + f.text }

func clientFaultf(code Code, format string, args ...any) error {
	return &clientFault{code, fmt.Sprintf(format, args...)}
}

// read takes in frames until the connection is over.
func (c *Client) read() error {
	in := make([]byte, clientReadBuffer)
	have := 0
	for {
		n, err := c.conn.Read(in[have:])
		have += n
		c.mu.Lock()
		used, fault := c.takeIn(in[:have])
		if fault != nil {
			c.refuse(fault)
		}
		c.flush()
		served := c.leaving && len(c.streams) == 0
		c.unlockAndTell()
		switch {
		case fault != nil:
			return fault
		case served:
			return nil
		case errors.Is(err, io.EOF):
			return errors.New("read frame: the server closed the connection")
		case err != nil:
			return fmt.Errorf("read frame: %w", err)
		}
		have = copy(in, in[used:have])
	}
}

// refuse tells the server what it did wrong, if it can be told.
func (c *Client) refuse(fault error) {
	code := ProtocolError
	if f := new(clientFault); errors.As(fault, &f) {
		code = f.code
	}
	c.control = frameHeader{length: 8, kind: frameGoAway}.append(c.control)
	c.control = append(c.control, 0, 0, 0, 0,
		byte(code>>24), byte(code>>16), byte(code>>8), byte(code))
}

// takeIn takes in the whole frames at the beginning of b, and returns their length.
func (c *Client) takeIn(b []byte) (used int, err error) {
	for len(b)-used >= frameHeaderLen {
		h := readFrameHeader(b[used:])
		if h.length > defaultMaxFrame {
			return used, clientFaultf(FrameSizeError, "a frame of %d bytes, %d are allowed",
				h.length, defaultMaxFrame)
		}
		end := used + frameHeaderLen + h.length
		if end > len(b) {
			break
		}
		if err := c.takeFrame(h, b[used+frameHeaderLen:end]); err != nil {
			return used, err
		}
		used = end
	}
	return used, nil
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
