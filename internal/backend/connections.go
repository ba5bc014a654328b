package backend

import (
	"net"
	"sync"
)

// connections are those that both OTLP ports serve.
type connections struct {
	most int // 0: no limit
	mu   sync.Mutex
	open map[*servedConn]struct{}
}

func newConnections(most int) *connections {
	return &connections{most: most, open: make(map[*servedConn]struct{})}
}

// listener limits a listener of TCP.
func (c *connections) listener(ln net.Listener) net.Listener {
	return &servedListener{ln.(*net.TCPListener), c}
}

// number is how many are open.
func (c *connections) number() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

// add takes a connection in; nil if there are as many as are allowed.
func (c *connections) add(conn *net.TCPConn) *servedConn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.most > 0 && len(c.open) >= c.most {
		return nil
	}
	served := &servedConn{TCPConn: conn, all: c}
	c.open[served] = struct{}{}
	return served
}

func (c *connections) remove(conn *servedConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, conn)
}

// cut closes every connection at once, whatever is under way on it, as if the machine
// at this end were gone: the peers see a reset.
func (c *connections) cut() (n int) {
	c.mu.Lock()
	all := make([]*servedConn, 0, len(c.open))
	for conn := range c.open {
		all = append(all, conn)
	}
	c.mu.Unlock()
	for _, conn := range all {
		_ = conn.SetLinger(0)
		_ = conn.Close()
	}
	return len(all)
}

// A servedListener accepts the connections of one port. One beyond the limit is
// accepted and closed at once, so that its sender learns of it: left in the kernel's
// queue it would look like a slow network.
type servedListener struct {
	*net.TCPListener
	all *connections
}

// Accept waits for the next connection within the limit.
func (l *servedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.AcceptTCP()
		if err != nil {
			return nil, err
		}
		if served := l.all.add(conn); served != nil {
			return served, nil
		}
		_ = conn.Close()
	}
}

// A servedConn is a connection until it is closed.
type servedConn struct {
	*net.TCPConn
	all *connections
}

// Close makes room for another.
func (c *servedConn) Close() error {
	c.all.remove(c)
	return c.TCPConn.Close()
}
