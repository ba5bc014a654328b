package main

import (
	"net"
	"testing"
	"time"
)

// Every sender sends whole requests that the counting server counts, and each server
// counts what the others do.
func TestSendersAndServers(t *testing.T) {
	const batch = 20
	for _, c := range []struct{ sender, server string }{
		{"floor", "floor"},
		{"pdata", "count"},
		{"generated", "count"},
		{"sdk", "count"},
		{"pdata", "pdata"},
	} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		type end struct {
			t   tally
			err error
		}
		ended := make(chan end, 1)
		o := order{
			To: ln.Addr().String(), Length: time.Millisecond, Batch: batch, InFlight: 2,
			Message: batch * spanBytes,
		}
		go func() {
			got, err := servers[c.server](ln, o, stop)
			ended <- end{got, err}
		}()
		begun := 0
		err = senders[c.sender](t.Context(), o, func() { begun++ })
		close(stop)
		got := <-ended
		if err != nil || got.err != nil || begun != 1 {
			t.Errorf("%s to %s: %v, %v; it began %d times", c.sender, c.server, err, got.err, begun)
		}
		if got.t.Spans == 0 || got.t.Spans%traceSpans != 0 {
			t.Errorf("%s to %s: %d spans, want whole traces of %d", c.sender, c.server, got.t.Spans, traceSpans)
		}
	}
}
