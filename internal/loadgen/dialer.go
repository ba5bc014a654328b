package loadgen

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"
)

// A dialer makes the connections of one generator. Of the addresses that a name stands for,
// as that of a headless Service does for all pods that are ready, each new connection goes
// to the one that has the fewest, and stays there: gRPC sticks to a pod. The name is
// resolved for each, so that one made later reaches pods that came later.
type dialer struct {
	lookup func(ctx context.Context, host string) ([]string, error)
	// ahead is how many connections the generators before this one have: together they
	// begin where one would.
	ahead int

	mu   sync.Mutex
	open map[string]int // connections by address, those about to be made among them
}

func newDialer(ahead int) *dialer {
	return &dialer{lookup: net.DefaultResolver.LookupHost, ahead: ahead, open: map[string]int{}}
}

// leastAttempt is what one of several addresses gets at the least of the time there is.
const leastAttempt = 2 * time.Second

// reach tries the addresses of target, host:port, one after the other until one succeeds.
// It is taken then, until the caller gives it back. An error is that of the first.
func (d *dialer) reach(ctx context.Context, target string,
	try func(ctx context.Context, address string) error,
) (taken string, err error) {
	addresses, err := resolve(ctx, d.lookup, target)
	if err != nil {
		return "", &net.OpError{Op: "dial", Net: "tcp", Err: err} // as net's own Dialer tells it
	}
	slices.Sort(addresses) // name servers turn them round
	var first error
	for tried := []string{}; len(tried) < len(addresses); {
		address := d.take(addresses, tried)
		tried = append(tried, address)
		limited, cancel := partOf(ctx, len(addresses)-len(tried)+1)
		err := try(limited, address)
		cancel()
		if err == nil {
			return address, nil
		}
		d.giveBack(address)
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return "", first
}

// resolve finds what a target's host stands for. Lookups of addresses tell themselves.
func resolve(ctx context.Context, lookup func(context.Context, string) ([]string, error),
	target string,
) ([]string, error) {
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return nil, err
	}
	hosts, err := lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	addresses := make([]string, len(hosts))
	for i, h := range hosts {
		addresses[i] = net.JoinHostPort(h, port)
	}
	if len(addresses) == 0 {
		return nil, &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	return slices.Compact(addresses), nil
}

// partOf is an even part of the time that is left, for one of so many.
func partOf(ctx context.Context, of int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok || of <= 1 {
		return context.WithCancel(ctx)
	}
	part := max(time.Until(deadline)/time.Duration(of), leastAttempt)
	return context.WithTimeout(ctx, part)
}

// take takes the address with the fewest connections that was not tried; of several the
// first, counted from where the generators before this one end.
func (d *dialer) take(addresses, tried []string) (best string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range addresses {
		address := addresses[(d.ahead+i)%len(addresses)]
		if slices.Contains(tried, address) {
			continue
		}
		if best == "" || d.open[address] < d.open[best] {
			best = address
		}
	}
	d.open[best]++
	return best
}

func (d *dialer) giveBack(address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open[address]--; d.open[address] <= 0 {
		delete(d.open, address)
	}
}

// dial makes a connection that gives its address back when it is closed.
func (d *dialer) dial(ctx context.Context, network, target string) (net.Conn, error) {
	var conn net.Conn
	address, err := d.reach(ctx, target, func(ctx context.Context, address string) (err error) {
		conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &dialed{Conn: conn, giveBack: func() { d.giveBack(address) }}, nil
}

// A dialed connection gives its address back, once.
type dialed struct {
	net.Conn
	once     sync.Once
	giveBack func()
}

func (c *dialed) Close() error {
	c.once.Do(c.giveBack)
	return c.Conn.Close()
}
