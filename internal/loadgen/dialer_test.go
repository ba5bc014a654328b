package loadgen

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/odigos-io/odigos-stress/internal/ledger"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

// dialerTo is a dialer for whom every name stands for addresses.
func dialerTo(ahead int, addresses ...string) *dialer {
	d := newDialer(ahead)
	d.lookup = func(context.Context, string) ([]string, error) { return slices.Clone(addresses), nil }
	return d
}

// reached takes n connections, of which those to broken fail.
func reached(t *testing.T, d *dialer, n int, broken ...string) (taken []string) {
	t.Helper()
	for range n {
		address, err := d.reach(t.Context(), "gateway:1", func(_ context.Context, a string) error {
			if slices.Contains(broken, a) {
				return errors.New(a + " is broken")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, address)
	}
	return taken
}

func TestConnectionsGoToTheAddressWithTheFewest(t *testing.T) {
	d := dialerTo(0, "c", "a", "b")
	if diff := cmp.Diff([]string{"a:1", "b:1", "c:1", "a:1", "b:1"}, reached(t, d, 5)); diff != "" {
		t.Errorf("five connections (-want +got):\n%s", diff)
	}
	d.giveBack("b:1")
	d.giveBack("b:1")
	if diff := cmp.Diff([]string{"b:1", "b:1"}, reached(t, d, 2)); diff != "" {
		t.Errorf("two more, after both to b ended (-want +got):\n%s", diff)
	}
	d.lookup = func(context.Context, string) ([]string, error) { return []string{"a", "d"}, nil }
	if diff := cmp.Diff([]string{"d:1", "d:1", "a:1"}, reached(t, d, 3)); diff != "" {
		t.Errorf("three more, after d came (-want +got):\n%s", diff)
	}
}

// Whatever number of generators there is, together they spread as one would.
func TestGeneratorsSpreadTogether(t *testing.T) {
	for _, c := range []struct{ generators, connections, addresses int }{
		{1, 4, 2}, {2, 4, 4}, {3, 5, 5}, {4, 10, 3}, {3, 9, 4}, {2, 3, 8},
	} {
		var addresses []string
		for i := range c.addresses {
			addresses = append(addresses, string(rune('a'+i)))
		}
		got := map[string]int{}
		for i := range c.generators {
			s := Segment{Index: i, Of: c.generators}
			d := dialerTo(s.before(c.connections), addresses...)
			for _, address := range reached(t, d, s.share(c.connections)) {
				got[address]++
			}
		}
		for i, a := range addresses {
			want := c.connections / c.addresses
			if i < c.connections%c.addresses {
				want++
			}
			if got[a+":1"] != want {
				t.Errorf("%+v: %s has %d connections, want %d", c, a, got[a+":1"], want)
			}
		}
	}
}

// An address that cannot be reached is passed over; only when none can be, it is an error.
func TestBrokenAddressesArePassedOver(t *testing.T) {
	d := dialerTo(0, "a", "b", "c")
	if diff := cmp.Diff([]string{"b:1", "c:1", "b:1"}, reached(t, d, 3, "a:1")); diff != "" {
		t.Errorf("with a broken (-want +got):\n%s", diff)
	}
	d = dialerTo(1, "a", "b")
	_, err := d.reach(t.Context(), "gateway:1", func(_ context.Context, a string) error {
		return errors.New(a + " is broken")
	})
	if err == nil || err.Error() != "b:1 is broken" {
		t.Errorf("with all broken: %v, want the first one's error", err)
	}
	if len(d.open) != 0 {
		t.Errorf("open is %v after that, want none", d.open)
	}
}

// A name that is not known is no connection to HTTP's answers, as before.
func TestUnknownNames(t *testing.T) {
	d := newDialer(0)
	d.lookup = func(context.Context, string) ([]string, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "gateway", IsNotFound: true}
	}
	_, err := d.dial(t.Context(), "tcp", "gateway:1")
	if a := httpSilence(err); a.Code != "no answer (no connection)" || a.Attempted {
		t.Errorf("dial: %v, whose answer is %+v", err, a)
	}
	d.lookup = func(context.Context, string) ([]string, error) { return nil, nil }
	if _, err := d.dial(t.Context(), "tcp", "gateway:1"); err == nil {
		t.Error("dial of a name without addresses succeeded")
	}
}

// Four gRPC connections to a name of three addresses: each of them gets its requests.
func TestGRPCConnectionsSpread(t *testing.T) {
	addresses := []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"}
	receivers := make([]*receiver, len(addresses))
	listeners, port := listenOn(t, addresses)
	for i, ln := range listeners {
		receivers[i] = &receiver{}
		receivers[i].serveOn(t, ln)
	}
	load := config(1000, 10, 0, time.Second).Load
	load.Connections = 4
	s, err := newSender(load, []string{net.JoinHostPort("gateway", port)}, dialerTo(0, addresses...))
	if err != nil {
		t.Fatal(err)
	}
	r := rigWith(t, load, s)
	r.connected(4)
	for n := range uint64(40) {
		if a, _ := r.send(n); a.Class != ledger.Acknowledged {
			t.Fatalf("request %d: %+v", n, a)
		}
	}
	for i, want := range []int{200, 100, 100} {
		if got := len(receivers[i].spans); got != want {
			t.Errorf("%s received %d spans, want %d", addresses[i], got, want)
		}
	}
}

// A connection that ends gives its address back, however often it is made again.
func TestEndedConnectionsAreGivenBack(t *testing.T) {
	r := &receiver{}
	address := r.serve(t, grpc.KeepaliveParams(keepalive.ServerParameters{
		MaxConnectionAge: 10 * time.Millisecond, MaxConnectionAgeGrace: time.Millisecond,
	}))
	load := config(1000, 10, 0, time.Second).Load
	load.Connections = 2
	d := newDialer(0)
	sender, err := newSender(load, []string{address}, d)
	if err != nil {
		t.Fatal(err)
	}
	s := sender.(*grpcSender)
	for s.Connections() < 10 {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if s.Connections() < 10 {
			<-changed
		}
	}
	d.mu.Lock()
	open := d.open[address]
	d.mu.Unlock()
	if open > 2 {
		t.Errorf("%d connections are taken to be open after %d, want 2 at most", open, s.Connections())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// The pools of HTTP reach all addresses of a name as soon as several requests are under way.
func TestHTTPConnectionsSpread(t *testing.T) {
	addresses := []string{"127.0.0.1", "127.0.0.2"}
	listeners, port := listenOn(t, addresses)
	var came [2]atomic.Int64
	both := make(chan struct{}) // closed when each has a request
	var once sync.Once
	for i, ln := range listeners {
		server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
			_, _ = io.Copy(io.Discard, q.Body)
			if came[i].Add(1); came[1-i].Load() > 0 {
				once.Do(func() { close(both) })
			}
			<-both
		})}
		done := make(chan error, 1)
		go func() { done <- server.Serve(ln) }()
		t.Cleanup(func() { _ = server.Close(); <-done })
	}
	load := config(1000, 10, 0, time.Second).Load
	load.Protocol = scenario.ProtocolHTTP
	s, err := newSender(load, []string{net.JoinHostPort("gateway", port)}, dialerTo(0, addresses...))
	if err != nil {
		t.Fatal(err)
	}
	r := rigWith(t, load, s)
	for n := range uint64(2) {
		r.deliver(slot{n: n})
	}
	for range 2 {
		<-r.ended
	}
	if a, b := came[0].Load(), came[1].Load(); a != 1 || b != 1 {
		t.Errorf("the addresses got %d and %d requests, want 1 each", a, b)
	}
}
