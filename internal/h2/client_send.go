package h2

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
)

// A clientBatch is what is being written: frames that were promised to the connection
// and go out before anything else. Messages are not copied into it.
type clientBatch struct {
	small    []byte   // what is not of messages
	segments [][]byte // in order, less what was written
	members  []*Call  // calls whose messages are in it
	room     [batchSegments + 2][]byte
}

// A batch is one call to the system where it can be: a request of 1,000 spans in
// frames of 16 KiB and with their headers.
const (
	batchBytes    = 1 << 20
	batchSegments = 96
	// batchEnough is what makes a batch worth its call to the system: what comes after
	// it is made ready when this is away, and finds its place in the caches.
	batchEnough = 128 << 10
	// largestFrame is how large frames are made where the server allows larger ones.
	largestFrame = 256 << 10
)

// written drops the first n bytes.
func (b *clientBatch) written(n int) {
	for n > 0 {
		first := b.segments[0]
		if n < len(first) {
			b.segments[0] = first[n:]
			return
		}
		n -= len(first)
		b.segments[0] = nil
		b.segments = b.segments[1:]
	}
}

// settle lets go of the members: nothing of theirs is referred to any more.
func (b *clientBatch) settle() {
	for i, call := range b.members {
		b.members[i] = nil
		call.inBatch = false
		if call.left() == 0 && call.Sent != nil {
			call.Sent()
		}
	}
	b.members = b.members[:0]
}

// detach makes the batch independent of all messages, so that a call can end before
// its frames are written: they must be, since the server counts on them. Sent is not
// called for the one that ends.
func (b *clientBatch) detach(ending *Call) {
	var rest []byte
	for _, s := range b.segments {
		rest = append(rest, s...)
	}
	b.small = b.small[:0]
	b.segments = [][]byte{rest}
	for i, call := range b.members {
		if call == ending {
			ending.inBatch = false
			b.members = append(b.members[:i], b.members[i+1:]...)
			break
		}
	}
	b.settle()
}

// clear drops everything: the connection is over.
func (b *clientBatch) clear() {
	for i, call := range b.members {
		b.members[i], call.inBatch = nil, false
	}
	b.members, b.segments = b.members[:0], nil
}

// flush writes what can be written now; the rest is left to the writer. The caller
// holds the lock, as for all that follows.
func (c *Client) flush() {
	if c.blocked || c.dead || !c.fill() {
		return
	}
	blocked, err := true, error(nil)
	if c.socket != nil {
		blocked, err = c.socket.try()
	}
	if err != nil {
		c.lost(err)
	} else if blocked {
		c.blocked = true
		signal(c.writable)
	}
}

// unlock unlocks, and says how it looks.
func (c *Client) unlock() {
	busy := c.blocked || c.pending.head != nil || c.sending.head != nil
	if c.busy.Load() != busy {
		c.busy.Store(busy)
	}
	c.mu.Unlock()
}

// lost enters that nothing can be written any more. What the server has said before
// may still be read, but not for long.
func (c *Client) lost(err error) {
	c.dead, c.blocked = true, false
	c.batch.clear()
	if c.fault == nil {
		c.fault = fmt.Errorf("write frame: %w", err)
	}
	c.leave()
	_ = c.conn.SetReadDeadline(time.Now().Add(clientLinger)) // else the reader has failed
}

// drain writes to the socket until there is nothing left, or it takes no more.
func (c *Client) drain(fd uintptr) (blocked bool, err error) {
	for c.fill() {
		for len(c.batch.segments) > 0 {
			n, err := c.socket.writev(fd, c.batch.segments)
			c.batch.written(n)
			if errors.Is(err, errWouldBlock) {
				return true, nil
			}
			if err != nil {
				return false, err
			}
		}
		c.batch.settle()
	}
	return false, nil
}

var errWouldBlock = errors.New("the socket takes no more now")

// writeWhenWritable is the writer: it goes on where flush could not.
func (c *Client) writeWhenWritable(over <-chan struct{}) {
	var copied []byte
	for {
		select {
		case <-over:
			return
		case <-c.writable:
		}
		if c.socket == nil {
			copied = c.writeCopies(copied)
			continue
		}
		err := c.socket.raw.Write(func(fd uintptr) (done bool) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.dead {
				return true
			}
			blocked, err := c.drain(fd)
			if c.blocked = blocked; err != nil {
				c.lost(err)
			}
			return !blocked
		})
		c.mu.Lock()
		if err != nil {
			c.lost(err)
		}
		c.unlockAndTell()
	}
}

// writeCopies writes all there is in ways that may block, without the lock and
// therefore from a copy.
func (c *Client) writeCopies(buffer []byte) []byte {
	for {
		c.mu.Lock()
		if c.dead || !c.fill() {
			c.blocked = false
			c.unlockAndTell()
			return buffer
		}
		buffer = buffer[:0]
		for _, s := range c.batch.segments {
			buffer = append(buffer, s...)
		}
		c.batch.segments = c.batch.segments[:0]
		c.batch.settle()
		c.unlock()
		n, err := c.conn.Write(buffer)
		if err == nil && n < len(buffer) {
			err = io.ErrShortWrite
		}
		if err != nil {
			c.mu.Lock()
			c.lost(err)
			c.unlockAndTell()
			return buffer
		}
	}
}

// fill makes a batch, unless one is under way; it is false when there is nothing to
// write.
func (c *Client) fill() bool {
	b := &c.batch
	if len(b.segments) > 0 {
		return true
	}
	b.small, b.segments = append(b.small[:0], c.control...), b.room[:0]
	c.control, c.replies = c.control[:0], 0
	mark := 0 // what is before it in small has its segment
	for size := 0; size < batchBytes && len(b.segments) < batchSegments; {
		call := c.sending.head
		if call == nil && size < batchEnough {
			call = c.open()
		}
		if call == nil || c.window <= 0 {
			break
		}
		if call.window <= 0 {
			c.sending.remove(call) // until the server gives more
			continue
		}
		piece := c.frame(call)
		if len(piece) > 0 {
			b.segments = append(b.segments, b.small[mark:], piece)
			mark = len(b.small)
		}
		size += len(piece)
		if call.left() == 0 {
			c.sending.remove(call)
		}
	}
	if mark < len(b.small) {
		b.segments = append(b.segments, b.small[mark:])
	}
	return len(b.segments) > 0
}

// open gives the first call that waits for one a stream; nil when there is none, or
// none can be had.
func (c *Client) open() *Call {
	call := c.pending.head
	if call == nil || c.leaving || len(c.streams) >= c.maxCalls || c.window <= 0 {
		return nil
	}
	if c.nextID > 1<<31-1 {
		c.leave()
		return nil
	}
	c.pending.remove(call)
	call.open(c.nextID, c.initial, c.compressed)
	c.nextID += 2
	c.streams[call.id] = call
	c.sending.push(call)
	block := c.request.block()
	h := frameHeader{kind: frameHeaders, flags: flagEndHeaders, stream: call.id}
	if h.length = len(block); h.length > defaultMaxFrame {
		c.longBlock(h, block)
		return call
	}
	c.batch.small = append(h.append(c.batch.small), block...)
	return call
}

// longBlock appends a block that does not fit into one frame.
func (c *Client) longBlock(h frameHeader, block []byte) {
	h.flags = 0
	for len(block) > 0 {
		h.length = min(len(block), defaultMaxFrame)
		if h.length == len(block) {
			h.flags = flagEndHeaders
		}
		c.batch.small = append(h.append(c.batch.small), block[:h.length]...)
		block, h.kind = block[h.length:], frameContinuation
	}
}

// frame appends the header of a call's next DATA frame, and as much of its message's
// prefix as is in it, and returns the part of the message.
func (c *Client) frame(call *Call) []byte {
	n := min(int64(call.left()), int64(c.maxFrame), call.window, c.window)
	call.window -= n
	c.window -= n
	h := frameHeader{length: int(n), kind: frameData, stream: call.id}
	if int(n) == call.left() {
		h.flags = flagEndStream
	}
	c.batch.small = h.append(c.batch.small)
	if p := min(int(n), len(call.prefix)-call.prefixed); p > 0 {
		c.batch.small = append(c.batch.small, call.prefix[call.prefixed:call.prefixed+p]...)
		call.prefixed += p
		n -= int64(p)
	}
	piece := call.rest[:n]
	call.rest = call.rest[n:]
	call.Result.SentBytes += len(piece)
	if !call.inBatch {
		call.inBatch = true
		c.batch.members = append(c.batch.members, call)
	}
	return piece
}

// A clientSocket is a connection that can be written to without waiting for it.
type clientSocket struct {
	raw     syscall.RawConn
	vectors clientVectors
	attempt func(fd uintptr) bool

	blocked bool
	err     error
}

// newClientSocket returns nil for a connection that has no file descriptor.
func newClientSocket(conn net.Conn, drain func(fd uintptr) (bool, error)) *clientSocket {
	c, ok := conn.(syscall.Conn)
	if !ok || !hasVectors {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	s := &clientSocket{raw: raw}
	s.attempt = func(fd uintptr) bool {
		s.blocked, s.err = drain(fd)
		return true // done for now, whatever came of it
	}
	return s
}

// try drains once. It never waits: the system's own lock of the socket is only held
// for long by the writer, and then nobody tries.
func (s *clientSocket) try() (blocked bool, err error) {
	if err := s.raw.Write(s.attempt); err != nil {
		return false, err
	}
	return s.blocked, s.err
}
