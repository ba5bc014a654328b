package local

import (
	"fmt"
	"net"
	"strconv"
)

// wellKnown are ports of a collector's defaults: one that a child listens on by
// mistake must not be somebody's.
var wellKnown = map[int]bool{
	4317: true, 4318: true, 8888: true, 8889: true, 13133: true, 55679: true,
}

// freePorts finds a port of 127.0.0.1 for each name, none of which was taken before,
// and adds them to taken. They are free when it looks: a child that comes too late
// is started again with others.
func freePorts(names []string, taken map[int]bool) (map[string]string, error) {
	addrs := map[string]string{}
	var open []net.Listener
	defer func() {
		for _, l := range open {
			_ = l.Close()
		}
	}()
	const tries = 200
	for i := 0; len(addrs) < len(names); i++ {
		if i == tries {
			return nil, fmt.Errorf("find %d free ports: not found in %d tries", len(names), tries)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		// Kept open until all are found, so that the next one is another.
		open = append(open, l)
		addr, ok := l.Addr().(*net.TCPAddr)
		if !ok || wellKnown[addr.Port] || taken[addr.Port] {
			continue
		}
		taken[addr.Port] = true
		addrs[names[len(addrs)]] = net.JoinHostPort("127.0.0.1", strconv.Itoa(addr.Port))
	}
	return addrs, nil
}
