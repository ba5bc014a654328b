package loadgen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/odigos-io/odigos-stress/internal/h2"
)

// Between two attempts to connect to an address is redialAfter at the least, so that a
// server that ends connections as fast as they come does not make a storm, and after
// failures twice as long each time, up to redialAtMost.
const (
	redialAfter  = 10 * time.Millisecond
	redialAtMost = time.Second
)

// connectTimeout is how long a server has to introduce itself, as gRPC has it.
const connectTimeout = 20 * time.Second

// A grpcPeer is one address of a line.
type grpcPeer struct {
	address string
	busy    bool // connected, or about to be
	pause   time.Duration
	// hopeful is set until an attempt fails, and again once one succeeds. The sender's
	// lock guards it.
	hopeful bool
}

// An ended is the end of a connection; ok is whether it ever took calls.
type ended struct {
	peer *grpcPeer
	ok   bool
}

// keep keeps a line connected to each of its addresses until the sender is closed. A
// name is resolved again whenever one of its connections ended.
func (s *grpcSender) keep(line *grpcLine) {
	ends := make(chan ended)
	peers := map[string]*grpcPeer{}
	resolving := &grpcPeer{pause: redialAfter, hopeful: true}
	for s.over.Err() == nil {
		addresses, err := line.addresses(s.over)
		if err != nil {
			s.fail(resolving, fmt.Errorf("resolve %s: %w", line.target, err))
			s.pause(resolving.pause)
			resolving.pause = min(2*resolving.pause, redialAtMost)
			if len(peers) == 0 {
				continue
			}
		} else {
			resolving.pause = redialAfter
			s.know(peers, addresses)
		}
		s.giveUp(resolving) // from here on the addresses have the hope
		for _, p := range peers {
			if p.busy {
				continue
			}
			p.busy = true
			s.work.Go(func() {
				e := ended{p, s.connection(line, p)}
				select {
				case ends <- e:
				case <-s.over.Done():
				}
			})
		}
		select {
		case e := <-ends:
			e.peer.busy, e.peer.pause = false, min(2*e.peer.pause, redialAtMost)
			if e.ok {
				e.peer.pause = redialAfter
			}
		case <-s.over.Done():
		}
	}
}

// know makes peers those of the addresses; one that is connected stays until it ends.
func (s *grpcSender) know(peers map[string]*grpcPeer, addresses []string) {
	for address, p := range peers {
		if !p.busy && !slices.Contains(addresses, address) {
			s.giveUp(p)
			delete(peers, address)
		}
	}
	for _, address := range addresses {
		if peers[address] == nil {
			peers[address] = &grpcPeer{address: address, pause: redialAfter}
			s.hopeAgain(peers[address])
		}
	}
}

func (s *grpcSender) hopeAgain(p *grpcPeer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.hopeful {
		p.hopeful = true
		s.hopes++
	}
}

func (s *grpcSender) giveUp(p *grpcPeer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.hopeful {
		p.hopeful = false
		s.hopes--
	}
}

// addresses are what the line connects to.
func (l *grpcLine) addresses(ctx context.Context) ([]string, error) {
	if l.lookup == nil {
		return []string{l.target}, nil
	}
	return resolve(ctx, l.lookup, l.target)
}

// pause waits, unless the sender is closed.
func (s *grpcSender) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.over.Done():
	}
}

// connection makes one connection and returns when it takes no more calls, and not
// before the pause is over; ok is whether it ever did take any.
func (s *grpcSender) connection(line *grpcLine, p *grpcPeer) (ok bool) {
	began := time.Now()
	client, taken, err := s.reach(line, p)
	pause := p.pause
	if err == nil {
		s.hopeAgain(p)
		s.add(client)
		select {
		case <-client.Away():
		case <-s.over.Done():
			_ = client.Close() // nothing is under way
		}
		s.drop(client)
		if taken != "" {
			s.dialer.giveBack(taken)
		}
		pause = redialAfter
	} else if s.over.Err() == nil {
		s.fail(p, fmt.Errorf("connect to %s: %w", p.address, err))
	}
	s.pause(pause - time.Since(began))
	return err == nil
}

// reach connects a line to a peer: to the address that it is, or to one of those that it
// stands for, which is taken then.
func (s *grpcSender) reach(line *grpcLine, p *grpcPeer) (c *h2.Client, taken string, err error) {
	ctx, cancel := context.WithTimeout(s.over, connectTimeout)
	defer cancel()
	if line.lookup != nil {
		c, err = s.connect(ctx, line, p.address)
		return c, "", err
	}
	taken, err = s.dialer.reach(ctx, p.address, func(ctx context.Context, address string) (err error) {
		c, err = s.connect(ctx, line, address)
		return err
	})
	return c, taken, err
}

// connect makes a connection whose server has introduced itself.
func (s *grpcSender) connect(ctx context.Context, line *grpcLine, address string) (
	*h2.Client, error,
) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	tune(conn)
	s.opened.Add(1)
	cfg := s.call
	cfg.Authority = line.target
	client := h2.NewClient(conn, cfg)
	s.mu.Lock()
	s.open[client] = struct{}{}
	s.mu.Unlock()
	s.work.Go(func() {
		_ = client.Run() // each call was told how it ended
		s.mu.Lock()
		delete(s.open, client)
		s.mu.Unlock()
	})
	select {
	case <-client.Ready():
		return client, nil
	case <-client.Away():
		err = errors.New("the connection ended before the server's SETTINGS")
	case <-ctx.Done():
		err = errors.New("no SETTINGS from the server")
		_ = client.Close() // told by err
	}
	return nil, err
}
