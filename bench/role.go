package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"runtime"
	"time"
)

// An order is what a child process is told.
type order struct {
	Role string `json:"role"`
	// Of senders.
	To       string        `json:"to,omitempty"` // host:port
	Length   time.Duration `json:"length_ns,omitempty"`
	Batch    int           `json:"batch,omitempty"` // spans in a request
	InFlight int           `json:"in_flight,omitempty"`
	// Message is the size of a message of the raw floor, in bytes.
	Message int `json:"message,omitempty"`
	// Toward is where the lossy gateway passes on what it keeps, host:port.
	Toward string `json:"toward,omitempty"`
}

// A tally is what a child process says of itself when it ends. Allocations are those
// of the whole process.
type tally struct {
	Spans     uint64 `json:"spans"`
	Bytes     uint64 `json:"bytes"` // of the messages, before compression
	Allocated uint64 `json:"allocated_bytes"`
	Mallocs   uint64 `json:"mallocs"`
	Dropped   uint64 `json:"dropped_spans,omitempty"` // by the lossy gateway, on purpose
}

// A sender sends until its time is over and all is answered. It calls begin when all is
// prepared.
type sender func(ctx context.Context, o order, begin func()) error

// A server receives on ln until stop is closed, and says how much came.
type server func(ln net.Listener, o order, stop <-chan struct{}) (tally, error)

var senders = map[string]sender{
	"floor":     sendFloor,
	"pdata":     sendPdata,
	"generated": sendGenerated,
	"sdk":       sendSDK,
}

var servers = map[string]server{
	"floor": serveFloor,
	"count": serveCount,
	"pdata": servePdata,
	"lossy": serveLossy,
}

// listening is how a server's first line begins; its address follows. begins is the
// first line of a sender.
const (
	listening = "listening on "
	begins    = "sending"
)

// play is the whole life of a child process. A server ends when its standard input
// does, which it does with its parent at the latest.
func play(ctx context.Context, told string, in io.Reader, out io.Writer) error {
	var o order
	if err := json.Unmarshal([]byte(told), &o); err != nil {
		return fmt.Errorf("read order: %w", err)
	}
	var t tally
	if o.To != "" {
		send, ok := senders[o.Role]
		if !ok {
			return fmt.Errorf("read order: no sender %q", o.Role)
		}
		ctx, cancel := context.WithTimeout(ctx, o.Length+time.Minute)
		defer cancel()
		if err := send(ctx, o, func() { fmt.Fprintln(out, begins) }); err != nil {
			return fmt.Errorf("send %s: %w", o.Role, err)
		}
	} else {
		serve, ok := servers[o.Role]
		if !ok {
			return fmt.Errorf("read order: no server %q", o.Role)
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		stop := make(chan struct{})
		go func() {
			_, _ = io.Copy(io.Discard, in)
			close(stop)
		}()
		fmt.Fprintln(out, listening+ln.Addr().String())
		if t, err = serve(ln, o, stop); err != nil {
			return fmt.Errorf("serve %s: %w", o.Role, err)
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Allocated, t.Mallocs = m.TotalAlloc, m.Mallocs
	return json.NewEncoder(out).Encode(t)
}
