package h2

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// serverBuffers are buffers for messages that are used again and again: memory that was
// touched before costs no page faults. The smallest are of 4 KiB, each further class is
// twice as large.
type serverBuffers struct {
	kept    atomic.Int64 // bytes
	classes [20]struct {
		sync.Mutex
		free [][]byte
	}
}

const (
	serverLeastBuffer = 12 // its bits
	serverMostKept    = 256 << 20
)

// serverClass is the class of buffers that can hold n bytes, and their size.
func serverClass(n int) (class, size int) {
	class = max(bits.Len(uint(max(n, 1)-1)), serverLeastBuffer) - serverLeastBuffer
	return class, 1 << (class + serverLeastBuffer)
}

// get returns a buffer of at least n bytes, with anything in it.
func (p *serverBuffers) get(n int) []byte {
	class, size := serverClass(n)
	k := &p.classes[class]
	k.Lock()
	defer k.Unlock()
	if last := len(k.free) - 1; last >= 0 {
		b := k.free[last]
		k.free[last] = nil
		k.free = k.free[:last]
		p.kept.Add(-int64(size))
		return b
	}
	return make([]byte, size)
}

// put takes a buffer of get back.
func (p *serverBuffers) put(b []byte) {
	class, size := serverClass(len(b))
	if p.kept.Add(int64(size)) > serverMostKept {
		p.kept.Add(-int64(size))
		return
	}
	k := &p.classes[class]
	k.Lock()
	k.free = append(k.free, b)
	k.Unlock()
}

// take returns a buffer of at least n bytes, or nil when the connection or the server
// holds too much.
func (c *serverConn) take(n int) []byte {
	_, size := serverClass(n)
	if c.held.Add(int64(size)) > c.s.MaxHeld {
		c.held.Add(-int64(size))
		return nil
	}
	if c.s.held.Add(int64(size)) > c.s.MaxHeldInAll {
		c.held.Add(-int64(size))
		c.s.held.Add(-int64(size))
		return nil
	}
	return c.s.buffers.get(n)
}

// giveBack takes a buffer of take back.
func (c *serverConn) giveBack(b []byte) {
	if b == nil {
		return
	}
	c.held.Add(-int64(len(b)))
	c.s.held.Add(-int64(len(b)))
	c.s.buffers.put(b)
}
