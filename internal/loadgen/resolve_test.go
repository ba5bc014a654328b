package loadgen

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/odigos-io/odigos-stress/internal/ledger"
)

// listenOn listens on one port of several addresses, where loopback has several.
func listenOn(t *testing.T, addresses []string) (all []net.Listener, port string) {
	t.Helper()
	port = "0"
	for _, a := range addresses {
		ln, err := net.Listen("tcp", net.JoinHostPort(a, port))
		if err != nil {
			t.Skipf("listen: %v", err) // loopback is one address, or the port is taken
		}
		_, port, _ = net.SplitHostPort(ln.Addr().String())
		all = append(all, ln)
	}
	return all, port
}

// A name that stands for several addresses, as a headless service's does, gets a
// connection to each, and requests go to them in turn.
func TestRequestsGoRoundAllAddressesOfAName(t *testing.T) {
	addresses := []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"}
	receivers := make([]*receiver, len(addresses))
	listeners, port := listenOn(t, addresses)
	for i, ln := range listeners {
		receivers[i] = &receiver{}
		receivers[i].serveOn(t, ln)
	}
	load := config(1000, 10, 0, time.Second).Load
	s := startGRPCSender(load, []*grpcLine{{
		target: net.JoinHostPort("gateway", port),
		lookup: func(_ context.Context, host string) ([]string, error) {
			if host != "gateway" {
				t.Errorf("lookup(%q), want gateway", host)
			}
			return addresses, nil
		},
	}}, newDialer(0))
	r := rigWith(t, load, s)
	for connected := 0; connected < len(addresses); {
		s.mu.Lock()
		changed := s.changed
		connected = len(s.clients)
		s.mu.Unlock()
		if connected < len(addresses) {
			<-changed
		}
	}
	for n := range uint64(30) {
		if a, _ := r.send(n); a.Class != ledger.Acknowledged {
			t.Fatalf("request %d: %+v", n, a)
		}
	}
	for i, got := range receivers {
		if len(got.spans) != 100 {
			t.Errorf("%s received %d spans, want 100", addresses[i], len(got.spans))
		}
	}
}
