package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"time"
)

// runID is the identity of the spans at both ends.
const runID = "bench"

// A stage is where cases run: the programs, and what is known from earlier rounds.
type stage struct {
	self                          string
	tool, collector, telemetrygen string // paths of programs
	length, paceLength            time.Duration
	dir                           string             // for files
	rates                         map[string]float64 // spans/s to ask, by case
}

// A sample is one run of one case. CPU is in seconds, from when a process was ready.
type sample struct {
	Case  string  `json:"case"`
	Round int     `json:"round"`
	Spans uint64  `json:"spans"` // that the receiver counted
	Bytes float64 `json:"bytes_per_span,omitempty"`
	Wire  float64 `json:"wire_bytes_per_span,omitempty"` // after compression
	Wall  float64 `json:"wall_seconds"`                  // of the sender
	// Unsent is the share of the due spans that the load generator could not send.
	Unsent  *float64 `json:"unsent,omitempty"`
	Send    usage    `json:"send"`
	Receive usage    `json:"receive"`
	Gateway usage    `json:"gateway,omitzero"`
	Pace    *pace    `json:"pace,omitempty"`
}

// A usage is what one process used. Allocations are nil where they are not known.
type usage struct {
	CPU       float64  `json:"cpu_seconds"`
	Allocated *float64 `json:"allocated_bytes_per_span,omitempty"`
	Mallocs   *float64 `json:"mallocs_per_span,omitempty"`
}

// perMillion is CPU seconds per million spans.
func (s sample) perMillion(u usage) float64 { return u.CPU / float64(s.Spans) * 1e6 }

// A receiver is a server process that runs.
type receiver struct {
	*process
	to    string // host:port
	admin string // of the tool's own backend
	// end ends the process and says what came, and what it used.
	end func(ctx context.Context) (tally, float64, error)
}

// A sent is a sender process that has ended.
type sent struct {
	usage              usage
	allocated, mallocs uint64 // of its whole life; 0: not known
	unsent             *float64
	pace               *pace
	bytes, wire        float64 // a span, before and after compression; 0: not known
	acknowledged       uint64  // spans
}

// A pace is how well a schedule was kept.
type pace struct {
	// Slope is the error of the rate, as a share of it; nil where it is not known.
	Slope *float64 `json:"slope_error"`
	P50   float64  `json:"lateness_p50_seconds"`
	P99   float64  `json:"lateness_p99_seconds"`
}

type (
	receive func(ctx context.Context, s *stage) (*receiver, error)
	send    func(ctx context.Context, s *stage, to string) (sent, error)
)

// pair runs a sender against a receiver.
func pair(from send, at receive) func(context.Context, *stage) (sample, error) {
	return func(ctx context.Context, s *stage) (sample, error) {
		r, err := at(ctx, s)
		if err != nil {
			return sample{}, err
		}
		defer r.kill()
		began := time.Now()
		out, err := from(ctx, s, r.to)
		if err != nil {
			return sample{}, err
		}
		wall := time.Since(began)
		t, cpu, err := r.end(ctx)
		if err != nil {
			return sample{}, err
		}
		if t.Spans == 0 {
			return sample{}, errors.New("no span arrived")
		}
		one := sample{
			Spans: t.Spans, Wall: wall.Seconds(), Bytes: out.bytes, Wire: out.wire,
			Unsent: out.unsent, Pace: out.pace, Send: out.usage,
			Receive: usage{cpu, perSpan(t.Allocated, t.Spans), perSpan(t.Mallocs, t.Spans)},
		}
		if t.Bytes > 0 {
			one.Bytes = float64(t.Bytes) / float64(t.Spans)
		}
		if one.Send.Allocated == nil && out.allocated > 0 {
			one.Send.Allocated = perSpan(out.allocated, t.Spans)
			one.Send.Mallocs = perSpan(out.mallocs, t.Spans)
		}
		return one, nil
	}
}

// perSpan is nil when nothing is known.
func perSpan(n, spans uint64) *float64 {
	if n == 0 || spans == 0 {
		return nil
	}
	v := float64(n) / float64(spans)
	return &v
}

// child is a part of this program, played by a process of its own.
func (s *stage) child(o order) (command, error) {
	told, err := json.Marshal(o)
	if err != nil {
		return command{}, err
	}
	return command{
		path: s.self, args: []string{"-as", string(told)}, cpu: noCPU, procs: 1, stdin: true,
	}, nil
}

// playing is a server that this program plays.
func playing(o order) receive {
	return func(ctx context.Context, s *stage) (*receiver, error) {
		c, err := s.child(o)
		if err != nil {
			return nil, err
		}
		p, err := c.start(ctx)
		if err != nil {
			return nil, err
		}
		to, err := p.await(ctx, p.out, func(line string) (string, bool) {
			return strings.CutPrefix(line, listening)
		})
		if err != nil {
			p.kill()
			return nil, err
		}
		return &receiver{process: p, to: to, end: func(ctx context.Context) (tally, float64, error) {
			cpu, err := p.stop(ctx)
			if err != nil {
				return tally{}, 0, err
			}
			t, err := p.tally()
			return t, cpu, err
		}}, nil
	}
}

// peer is a sender that this program plays.
func peer(o order) send {
	return func(ctx context.Context, s *stage, to string) (sent, error) {
		o.To, o.Length = to, s.length
		c, err := s.child(o)
		if err != nil {
			return sent{}, err
		}
		c.stdin = false
		p, err := c.start(ctx)
		if err != nil {
			return sent{}, err
		}
		defer p.kill()
		if _, err := p.await(ctx, p.out, func(line string) (string, bool) { return "", line == begins }); err != nil {
			return sent{}, err
		}
		cpu, err := p.wait(ctx)
		if err != nil {
			return sent{}, err
		}
		t, err := p.tally()
		return sent{usage: usage{CPU: cpu}, allocated: t.Allocated, mallocs: t.Mallocs}, err
	}
}

// backend is the tool's own server with its full account, kept to a CPU, or to none with
// noCPU.
func backend(cpu int, more ...string) receive {
	return func(ctx context.Context, s *stage) (*receiver, error) {
		c := command{path: s.tool, cpu: cpu, procs: 1, args: append([]string{
			"backend", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0",
			"--run-id", runID,
		}, more...)}
		p, err := c.start(ctx)
		if err != nil {
			return nil, err
		}
		listens, err := p.await(ctx, p.err, func(line string) (string, bool) {
			return line, strings.Contains(line, "backend listens")
		})
		if err != nil {
			p.kill()
			return nil, err
		}
		to, admin := logged(listens, "grpc"), logged(listens, "admin")
		return &receiver{process: p, to: to, admin: admin, end: func(ctx context.Context) (tally, float64, error) {
			m, err := scrape(ctx, admin)
			if err != nil {
				return tally{}, 0, err
			}
			cpu, err := p.stop(ctx)
			if err != nil {
				return tally{}, 0, err
			}
			t, err := readReceived(p.out.text())
			t.Allocated, t.Mallocs = uint64(m.allocated), uint64(m.mallocs)
			return t, cpu, err
		}}, nil
	}
}

// logged is the value of a key in a line of structured log.
func logged(line, key string) string {
	found := regexp.MustCompile(`\b` + regexp.QuoteMeta(key) + `=(\S+)`).FindStringSubmatch(line)
	if found == nil {
		return ""
	}
	return strings.Trim(found[1], `"`)
}

// freeAddress is an address of this host that nobody listens on.
func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

// newStage makes a stage; the caller removes its directory.
func newStage(s *settings, p programs) (*stage, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "odigos-stress-bench-*")
	if err != nil {
		return nil, err
	}
	return &stage{
		self: self, tool: p.tool, collector: p.collector, telemetrygen: p.telemetrygen,
		length: s.length, paceLength: s.paceLength, dir: dir,
	}, nil
}
