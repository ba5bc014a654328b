package loadgen

import (
	"net"

	"golang.org/x/sys/unix"
)

// tune takes congestion control off a connection within this machine, where there is
// nothing to control: BBR, the default of many, paces it with timers, which makes sends
// late and costs more than a tenth of the CPU (docs/adr/0006). What cannot be set stays.
func tune(conn net.Conn) {
	c, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	if peer, ok := c.RemoteAddr().(*net.TCPAddr); !ok || !peer.IP.IsLoopback() {
		return
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, "reno")
	})
}
