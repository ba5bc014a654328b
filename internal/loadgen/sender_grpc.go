package loadgen

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/odigos-io/odigos-stress/internal/h2"
	"github.com/odigos-io/odigos-stress/internal/scenario"
)

const exportMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// maxGRPCResponse is how long a response may be.
const maxGRPCResponse = 4 << 20

// maxSeen is how often a call is sent again, unseen from outside, after a server had
// it before it and said that it did not look at it. Those that never left are sent as
// often as their time allows.
const maxSeen = 8

// A grpcSender sends prepared bytes over gRPC (docs/adr/0006). A call goes to the next
// connection in turn. Where there is none it waits for one, unless all have failed:
// then it ends at once, as an exporter's does.
type grpcSender struct {
	call    h2.ClientConfig
	dialer  *dialer
	timeout time.Duration
	opened  atomic.Uint64
	over    context.Context
	cancel  context.CancelFunc
	work    sync.WaitGroup // lines and connections

	mu       sync.Mutex
	clients  []*h2.Client // those that take calls
	hopes    int          // addresses that may still be connected to
	failure  string       // of the last attempt that failed
	open     map[*h2.Client]struct{}
	turn     int
	waiting  []*flight
	canceled bool
	changed  chan struct{} // closed, and another, when a connection is added
}

func newGRPCSender(load scenario.Load, endpoints []string, d *dialer) (Sender, error) {
	var lines []*grpcLine
	for i := range max(load.Connections, len(endpoints)) {
		line, err := newGRPCLine(endpoints[i%len(endpoints)])
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return startGRPCSender(load, lines, d), nil
}

// startGRPCSender begins to connect the lines.
func startGRPCSender(load scenario.Load, lines []*grpcLine, d *dialer) *grpcSender {
	s := &grpcSender{
		dialer: d, timeout: time.Duration(load.Timeout), open: map[*h2.Client]struct{}{},
		changed: make(chan struct{}),
		call: h2.ClientConfig{
			Path: exportMethod, UserAgent: userAgent, Timeout: time.Duration(load.Timeout),
			MaxResponse: maxGRPCResponse,
		},
	}
	if load.Compression != scenario.CompressionNone {
		s.call.Encoding = string(load.Compression)
	}
	s.over, s.cancel = context.WithCancel(context.Background())
	s.hopes = len(lines)
	for _, line := range lines {
		s.work.Go(func() { s.keep(line) })
	}
	return s
}

func (s *grpcSender) Connections() uint64 { return s.opened.Load() }

func (s *grpcSender) Close() error {
	s.cancel()
	s.mu.Lock()
	for c := range s.open {
		_ = c.Close() // nothing is under way
	}
	s.mu.Unlock()
	s.work.Wait()
	return nil
}

// Cancel ends all calls, those that come later too.
func (s *grpcSender) Cancel() {
	s.mu.Lock()
	s.canceled = true
	waiting := s.takeWaiting()
	var open []*h2.Client
	for c := range s.open {
		open = append(open, c)
	}
	s.mu.Unlock()
	for _, f := range waiting {
		f.answered(unsentAnswer(codes.Canceled, "the load was canceled"))
	}
	for _, c := range open {
		c.Cancel()
	}
}

// unsentAnswer is the answer to a call that never had a connection.
func unsentAnswer(code codes.Code, text string) Answer {
	return grpcFailure(statusOf(&h2.Result{Status: uint32(code), Message: text}), false)
}

// Send begins a call.
func (s *grpcSender) Send(f *flight) {
	f.call.Deadline, f.seen = time.Now().Add(s.timeout), 0
	if f.call.Done == nil {
		f.call.Done, f.call.Sent = func() { s.done(f) }, f.sent
		f.call.Load = func() []byte { return f.load().Wire }
	}
	s.begin(f)
}

// begin gives a call to a connection, or to those who wait for one.
func (s *grpcSender) begin(f *flight) {
	if f.call.Message = nil; f.request != nil {
		f.call.Message = f.request.Wire
	}
	for {
		s.mu.Lock()
		if len(s.clients) == 0 || s.canceled {
			break
		}
		s.turn = (s.turn + 1) % len(s.clients)
		c := s.clients[s.turn]
		s.mu.Unlock()
		if c.Start(&f.call) == nil {
			return
		}
		s.drop(c)
	}
	defer s.mu.Unlock()
	switch {
	case s.canceled:
		defer f.answered(unsentAnswer(codes.Canceled, "the load was canceled"))
	case s.hopes == 0:
		defer f.answered(unsentAnswer(codes.Unavailable, s.failure))
	default:
		s.waiting = append(s.waiting, f)
		f.timer = time.AfterFunc(time.Until(f.call.Deadline), func() { s.expire(f) })
	}
}

// Busy is whether a call that is sent now would have to wait.
func (s *grpcSender) Busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.clients) == 0 || s.clients[(s.turn+1)%len(s.clients)].Busy()
}

// expire ends a call that waited for a connection until its time was up.
func (s *grpcSender) expire(f *flight) {
	s.mu.Lock()
	i := slices.Index(s.waiting, f)
	if i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	}
	s.mu.Unlock()
	if i >= 0 {
		f.answered(unsentAnswer(codes.DeadlineExceeded, "no connection within the call's time"))
	}
}

// takeWaiting returns the calls that wait; they are the caller's.
func (s *grpcSender) takeWaiting() []*flight {
	waiting := s.waiting
	s.waiting = nil
	for _, f := range waiting {
		f.timer.Stop()
	}
	return waiting
}

// done takes in the end of a call.
func (s *grpcSender) done(f *flight) {
	r := &f.call.Result
	if r.Unseen && r.Began {
		f.seen++
	}
	if r.Unseen && f.seen <= maxSeen && time.Now().Before(f.call.Deadline) {
		s.begin(f)
		return
	}
	f.answered(grpcAnswer(r, f.spans))
}

// add puts a connection to use.
func (s *grpcSender) add(c *h2.Client) {
	s.mu.Lock()
	s.clients = append(s.clients, c)
	waiting := s.takeWaiting()
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
	for _, f := range waiting {
		s.begin(f)
	}
}

// drop takes a connection out of use.
func (s *grpcSender) drop(c *h2.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.clients, c); i >= 0 {
		s.clients = slices.Delete(s.clients, i, i+1)
	}
}

// fail enters that an attempt to connect failed.
func (s *grpcSender) fail(p *grpcPeer, err error) {
	s.giveUp(p)
	s.mu.Lock()
	s.failure = err.Error()
	var waiting []*flight
	if s.hopes == 0 && len(s.clients) == 0 {
		waiting = s.takeWaiting()
	}
	s.mu.Unlock()
	for _, f := range waiting {
		f.answered(unsentAnswer(codes.Unavailable, err.Error()))
	}
}

// A grpcLine is one of the load's connections: to one of the addresses that a name stands
// for, or with dns:/// to each of them.
type grpcLine struct {
	target string // host:port
	// lookup resolves the host of a target of dns:///; nil for others, which the dialer
	// resolves.
	lookup func(ctx context.Context, host string) ([]string, error)
}

func newGRPCLine(endpoint string) (*grpcLine, error) {
	target, resolve := strings.CutPrefix(endpoint, "dns:///")
	if !resolve {
		target = strings.TrimPrefix(endpoint, "passthrough:///")
	}
	if _, _, err := net.SplitHostPort(target); err != nil || strings.Contains(target, "/") {
		return nil, fmt.Errorf("make sender: endpoint %s: want host:port or dns:///host:port", endpoint)
	}
	line := &grpcLine{target: target}
	if resolve {
		line.lookup = net.DefaultResolver.LookupHost
	}
	return line, nil
}
