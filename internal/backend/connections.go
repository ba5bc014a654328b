package backend

import (
	"net"
	"sync"
)

// A connectionLimit is how many connections both OTLP ports serve together. A further
// one is accepted and closed at once, so that its sender learns of it: left in the
// kernel's queue it would look like a slow network.
type connectionLimit struct{ slots chan struct{} } // nil: no limit

func newConnectionLimit(n int) *connectionLimit {
	if n <= 0 {
		return &connectionLimit{}
	}
	return &connectionLimit{slots: make(chan struct{}, n)}
}

func (l *connectionLimit) limit(ln net.Listener) net.Listener {
	if l.slots == nil {
		return ln
	}
	return &limitedListener{ln, l.slots}
}

type limitedListener struct {
	net.Listener
	slots chan struct{}
}

func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.slots <- struct{}{}:
			return &limitedConn{Conn: c, free: sync.OnceFunc(func() { <-l.slots })}, nil
		default:
			_ = c.Close()
		}
	}
}

type limitedConn struct {
	net.Conn
	free func()
}

func (c *limitedConn) Close() error {
	defer c.free()
	return c.Conn.Close()
}
