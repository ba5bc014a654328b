package envtest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
)

// Ports are given out in a circle of these, which no system takes for a connection that
// goes out: one that is free when it is given is still free when the program listens.
const (
	lowestPort = 15000
	portCount  = 17000
)

// nextPort is where this process is in the circle; others began elsewhere.
var nextPort atomic.Uint32

func init() { nextPort.Store(rand.Uint32N(portCount)) }

// freeAddr is an address of 127.0.0.1 that nobody listens on.
func freeAddr() (string, error) {
	var last error
	for range portCount {
		addr := fmt.Sprintf("127.0.0.1:%d", lowestPort+nextPort.Add(1)%portCount)
		l, err := net.Listen("tcp", addr)
		if err == nil {
			return addr, l.Close()
		}
		last = err
	}
	return "", fmt.Errorf("find a free port: %w", last)
}
