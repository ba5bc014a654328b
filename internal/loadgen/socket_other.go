//go:build !linux

package loadgen

import "net"

// tune leaves a connection as it is.
func tune(net.Conn) {}
