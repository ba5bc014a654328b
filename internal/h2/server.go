package h2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
)

// A ServerConfig is what a Server does with the requests of its connections.
type ServerConfig struct {
	// Handle answers a request that came whole. It is called in the goroutine of Serve and
	// must not wait for long: nothing else of its connection is read meanwhile.
	Handle func(*ServerCall)
	// Refused, if set, hears of a request to one of Paths that was refused, or left by
	// its sender, before it was whole.
	Refused func(path string, c codes.Code)
	// Paths are those that are served; a request to any other is answered UNIMPLEMENTED.
	Paths []string
	// Encodings are those in which a message may be compressed.
	Encodings []string
	// MaxStreams is how many requests a connection may have under way.
	MaxStreams int
	// MaxMessage is the longest message that is accepted, in bytes, as it comes.
	MaxMessage int
	// MaxHeld is how many bytes of messages a connection may make the server hold at once,
	// and MaxHeldInAll all of them together. Beyond it a request is answered UNAVAILABLE.
	MaxHeld, MaxHeldInAll int64
	// BodyTimeout is how long after its headers a request must be whole.
	BodyTimeout time.Duration
}

// A Server serves connections of which each may carry many unary gRPC calls.
type Server struct {
	ServerConfig
	paths   map[string]bool
	buffers serverBuffers
	held    atomic.Int64 // bytes of buffers in use
}

// NewServer returns a server. Nothing in cfg may be zero but what is said to be.
func NewServer(cfg ServerConfig) *Server {
	s := &Server{ServerConfig: cfg, paths: make(map[string]bool, len(cfg.Paths))}
	for _, p := range cfg.Paths {
		s.paths[p] = true
	}
	return s
}

// Limits of time. They are far beyond what a sender takes that is only slow.
const (
	serverGreeting = 10 * time.Second // until a client has sent its preface and settings
	serverWriting  = 15 * time.Second // until a client has read what was written to it
	serverLinger   = time.Second      // until a client hangs up that was told good-bye
	serverTick     = time.Second      // how often unfinished requests are looked at
)

// Sizes of the buffer that a connection is read through. It is small until the
// connection has carried something, so that a crowd of idle ones is cheap.
const (
	serverSmallBuffer = 16 << 10
	serverLargeBuffer = 256 << 10
	// serverDirect is how much of a frame must be missing for it to be read past the
	// buffer, into its message.
	serverDirect = 64 << 10
)

// What the server's settings say.
const (
	serverMaxFrame     = 1 << 20
	serverMaxHeaders   = 64 << 10 // of a header list, as RFC 9113 counts it, and of its block
	serverConnWindow   = 1 << 30
	serverWindowExcess = 64 << 10 // of a stream's window over MaxMessage
)

// A serverFault is why a connection cannot go on. The client is told.
type serverFault struct {
	code Code
	text string
}

func (f *serverFault) Error() string { return fmt.Sprintf("%s (HTTP/2 code %d)", f.text, f.code) }

func faultf(code Code, format string, args ...any) error {
	return &serverFault{code, fmt.Sprintf(format, args...)}
}

// A serverConn is one connection. What stands above mu belongs to the goroutine of
// Serve; all that the protocol does is done there, answers excepted.
type serverConn struct {
	s    *Server
	conn net.Conn
	now  time.Time // when the last bytes came

	buf    []byte
	r, w   int // what of buf has come and was not taken yet
	want   int // how much must come before the next frame can be taken; 0: anything
	passed int // bytes that came, until the buffer has become large

	settled    bool // the client's first SETTINGS have come
	lastStream uint32
	window     int // what the client may still send, on the connection
	data       serverData
	block      serverBlock
	calm       serverCalm
	unfinished map[uint32]*ServerCall // requests that are not whole
	trust      int                    // see collect
	free       []*ServerCall
	progress   time.Time // when a frame was taken
	timer      *time.Timer
	armed      bool

	// ticked and stopping wake the reading goroutine, see wake.
	ticked, stopping atomic.Bool
	writers          sync.WaitGroup // see Finish
	held             atomic.Int64

	mu      sync.Mutex
	blocked bool // the reading goroutine waits for bytes: whoever answers must flush
	writing bool // somebody is writing; it takes what is appended meanwhile
	leaving bool // GOAWAY was sent
	ended   bool
	err     error // of writing
	open    map[uint32]*ServerCall
	starved []*ServerCall // answered, but the client's window is too small for it
	out     []byte
	spare   []byte
	limit   time.Time // of writing
	peer    serverPeer
}

// Serve serves a connection until its client leaves, breaks the protocol, or ctx ends:
// then no further request is taken and it returns when those under way are answered.
// Close conn to end it at once. Serve closes it in any case; the error is nil if the
// client left between requests.
func (s *Server) Serve(ctx context.Context, conn net.Conn) error {
	c := &serverConn{
		s: s, conn: conn, now: time.Now(), buf: make([]byte, serverSmallBuffer),
		window: serverConnWindow, trust: serverTrust,
		open: make(map[uint32]*ServerCall), unfinished: make(map[uint32]*ServerCall),
		peer: serverPeer{window: defaultWindow, initial: defaultWindow},
	}
	c.block.init()
	defer func() {
		_ = conn.Close()
		c.writers.Wait()
	}()
	c.timer = time.AfterFunc(serverTick, func() { c.wake(&c.ticked) })
	c.timer.Stop()
	defer c.timer.Stop()
	defer context.AfterFunc(ctx, func() { c.wake(&c.stopping) })()
	err := c.greet()
	if err == nil {
		err = c.run()
	}
	return c.end(err)
}

// wake makes the reading goroutine look at a flag. A deadline that has passed is the
// one thing that ends a Read and leaves the connection as it was.
func (c *serverConn) wake(flag *atomic.Bool) {
	flag.Store(true)
	_ = c.conn.SetReadDeadline(time.Unix(1, 0))
}

// errServed is the end of a connection that was drained.
var errServed = errors.New("drained")

// greet exchanges prefaces.
func (c *serverConn) greet() error {
	c.out = c.appendGreeting(c.out)
	if err := c.flush(); err != nil {
		return err
	}
	if c.stopping.Load() {
		return errServed
	}
	_ = c.conn.SetReadDeadline(c.now.Add(serverGreeting))
	for c.w < len(preface) {
		if err := c.read(); err != nil {
			return err
		}
		if n := min(c.w, len(preface)); string(c.buf[:n]) != preface[:n] {
			return faultf(ProtocolError, "read preface: want that of HTTP/2, found %q", c.buf[:n])
		}
	}
	c.r = len(preface)
	for !c.settled { // the first frame
		more, err := c.step()
		if err == nil && !more {
			err = c.read()
		}
		if err != nil {
			return err
		}
	}
	_ = c.conn.SetReadDeadline(time.Time{})
	return nil
}

// run takes frames for as long as they come.
func (c *serverConn) run() error {
	for {
		more, err := c.step()
		if err != nil {
			return err
		}
		if more {
			continue
		}
		if err := c.await(); err != nil {
			return err
		}
	}
}

// await sends what is to be sent and waits for more bytes.
func (c *serverConn) await() error {
	_ = c.direct() // which may refuse a request: before the flush
	if err := c.flush(); err != nil {
		return err
	}
	if len(c.unfinished) > 0 || c.w > c.r || c.block.stream != 0 {
		c.watch()
	}
	c.mu.Lock()
	if c.leaving && len(c.open) == 0 {
		c.mu.Unlock()
		return errServed
	}
	if len(c.out) > 0 && !c.writing { // answered since the flush
		c.mu.Unlock()
		return nil
	}
	c.blocked = true
	c.mu.Unlock()
	err := c.read()
	c.mu.Lock()
	c.blocked = false
	c.mu.Unlock()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return c.look()
	}
	return err
}

// look does what the reading goroutine was woken for.
func (c *serverConn) look() error {
	_ = c.conn.SetReadDeadline(time.Time{}) // before the flags: who sets one wakes again
	c.now = time.Now()
	if c.ticked.Swap(false) {
		c.armed = false
		if err := c.expire(); err != nil {
			return err
		}
	}
	if c.stopping.Swap(false) {
		c.leave()
	}
	return nil
}

// read reads what has come, at least a byte.
func (c *serverConn) read() error {
	if dst := c.direct(); dst != nil {
		n, err := c.conn.Read(dst)
		c.now = time.Now()
		if n > 0 {
			c.collected(n)
			return nil
		}
		return err
	}
	c.makeRoom()
	n, err := c.conn.Read(c.buf[c.w:])
	c.now = time.Now()
	c.w += n
	c.passed += n
	if n > 0 {
		return nil
	}
	return err
}

// makeRoom makes sure that the buffer has room for what is wanted.
func (c *serverConn) makeRoom() {
	if c.r == c.w {
		c.r, c.w = 0, 0
	}
	size := max(c.want, serverSmallBuffer)
	if c.passed > 2*serverSmallBuffer {
		size = max(size, serverLargeBuffer)
	}
	switch {
	case size > len(c.buf):
		old := c.buf[c.r:c.w]
		c.buf = make([]byte, size)
		c.r, c.w = 0, copy(c.buf, old)
	case c.r > 0 && (c.want > len(c.buf)-c.r || len(c.buf)-c.w < len(c.buf)/4):
		c.r, c.w = 0, copy(c.buf, c.buf[c.r:c.w])
	}
}

// flush writes what is to be written, unless somebody else is writing.
func (c *serverConn) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.out) > 0 && !c.writing && c.err == nil {
		b := c.out
		c.out, c.writing = c.spare[:0], true
		if now := time.Now(); c.limit.Sub(now) < serverWriting-time.Second {
			c.limit = now.Add(serverWriting)
			_ = c.conn.SetWriteDeadline(c.limit)
		}
		c.mu.Unlock()
		_, err := c.conn.Write(b)
		c.mu.Lock()
		c.writing, c.spare = false, b
		if err != nil {
			c.err = fmt.Errorf("write answers: %w", err)
			_ = c.conn.Close() // the reading goroutine learns of it
		}
	}
	return c.err
}

// leave tells the client to send no further request, once.
func (c *serverConn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.leaving {
		c.leaving = true
		c.out = appendGoAway(c.out, c.lastStream, NoError, "")
	}
}

// end says good-bye as far as that is possible, and gives everything back.
func (c *serverConn) end(err error) error {
	if fault := (*serverFault)(nil); errors.As(err, &fault) {
		c.mu.Lock()
		c.out = appendGoAway(c.out, c.lastStream, fault.code, fault.text)
		c.mu.Unlock()
	}
	c.mu.Lock()
	left := c.open
	c.ended, c.open, c.starved = true, nil, nil
	c.mu.Unlock()
	for _, call := range left {
		c.abandon(call)
	}
	if fault := (*serverFault)(nil); errors.As(err, &fault) || errors.Is(err, errServed) {
		err := c.flush()
		c.writers.Wait() // one of them may be writing in its place
		if err == nil {
			c.linger()
		}
	}
	switch {
	case errors.Is(err, errServed):
		return nil
	case errors.Is(err, io.EOF) && len(left) == 0:
		return nil
	}
	return err
}

// linger waits until the client hangs up. A connection that is closed while bytes come
// is reset, and a client may never see what was written last.
func (c *serverConn) linger() {
	if half, ok := c.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	limit := time.Now().Add(serverLinger)
	_ = c.conn.SetReadDeadline(limit)
	for {
		if _, err := c.conn.Read(c.buf); err != nil && (!errors.Is(err, os.ErrDeadlineExceeded) ||
			!time.Now().Before(limit)) {
			return
		} else if err != nil { // woken: too late for that
			_ = c.conn.SetReadDeadline(limit)
		}
	}
}
