package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// spanBytes is what a span takes in a message of the floor.
const spanBytes = 355

// outstanding is how many messages of the floor may be unanswered.
const outstanding = 2

// sendFloor writes messages of equal size to a plain TCP connection; each is answered
// by one byte. No protocol can be cheaper than that.
func sendFloor(ctx context.Context, o order, begin func()) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", o.To)
	if err != nil {
		return err
	}
	defer conn.Close()
	message, reply := make([]byte, o.Message), make([]byte, 1)
	for i := range message {
		message[i] = byte(i) // memory that was never written is one page again and again
	}
	begin()
	end := time.Now().Add(o.Length)
	sent, answered := 0, 0
	for {
		over := sent > 0 && time.Now().After(end)
		if over && answered == sent {
			return nil
		}
		if over || sent-answered == outstanding {
			if _, err := io.ReadFull(conn, reply); err != nil {
				return fmt.Errorf("read reply %d: %w", answered, err)
			}
			answered++
			continue
		}
		if _, err := conn.Write(message); err != nil {
			return fmt.Errorf("write message %d: %w", sent, err)
		}
		sent++
	}
}

// serveFloor reads what sendFloor sends, from any number of connections.
func serveFloor(ln net.Listener, o order, stop <-chan struct{}) (tally, error) {
	var t tally
	var mu sync.Mutex
	var served sync.WaitGroup
	var failure error
	served.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return // closed, below
			}
			served.Go(func() {
				defer conn.Close()
				n, err := receiveFloor(conn, o.Message)
				mu.Lock()
				defer mu.Unlock()
				t.Spans += n * uint64(o.Message/spanBytes)
				t.Bytes += n * uint64(o.Message)
				failure = errors.Join(failure, err)
			})
		}
	})
	<-stop
	_ = ln.Close()
	served.Wait()
	return t, failure
}

// receiveFloor answers messages until the sender leaves.
func receiveFloor(conn net.Conn, size int) (n uint64, err error) {
	message, reply := make([]byte, size), []byte{1}
	for {
		if _, err := io.ReadFull(conn, message); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return n, err
		}
		n++
		if _, err := conn.Write(reply); err != nil {
			return n, err
		}
	}
}
