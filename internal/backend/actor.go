package backend

import (
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/odigos-io/odigos-stress/internal/admin"
	"github.com/odigos-io/odigos-stress/internal/ledger"
)

var _ admin.Actor = (*Backend)(nil)

// Ready is nil: the ports are open before the admin pages are served.
func (b *Backend) Ready() error { return b.book.receipts.Err() }

// Status tells how far the backend is.
func (b *Backend) Status() admin.Status {
	s := admin.Status{Phase: admin.PhaseHeld, LastArrival: b.book.receipts.Counts().LastArrival}
	b.mu.Lock()
	if b.started {
		s.Phase = admin.PhaseRunning
	}
	b.mu.Unlock()
	if err := b.book.receipts.Err(); err != nil {
		s.Error = err.Error()
	}
	return s
}

// Start names the run and its start, once.
func (b *Backend) Start(s admin.Start) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.started {
		return errors.New("start: started before")
	}
	run := ledger.Run{RunID: s.RunID, Start: s.At, SampleEvery: b.cfg.SampleEvery}
	if b.cfg.Measure > 0 {
		run.Window = ledger.Window{From: b.cfg.WarmUp, To: b.cfg.WarmUp + b.cfg.Measure}
	}
	if err := b.book.receipts.Start(run); err != nil {
		return err
	}
	b.book.ahead.Store(int64(s.ClockAhead))
	b.started, b.cpu = true, cpuSeconds()
	return nil
}

// Mark notes that the gateway is about to be stopped.
func (b *Backend) Mark() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.started {
		return errors.New("mark: not started")
	}
	b.book.receipts.Mark()
	return nil
}

// Finish does nothing: a backend receives until it is ended.
func (b *Backend) Finish() error { return nil }

// Book is the *ledger.Received of this moment.
func (b *Backend) Book() (any, error) {
	received := b.book.received()
	b.mu.Lock()
	received.CPUSeconds = cpuSeconds() - b.cpu
	b.mu.Unlock()
	return &received, nil
}

// Account writes the account of this moment; more may come.
func (b *Backend) Account(w io.Writer) error {
	if _, err := b.book.receipts.WriteTo(w); err != nil {
		return fmt.Errorf("serve account: %w", err)
	}
	return nil
}

// cpuSeconds is what this process has used, user and system.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(u.Utime) + seconds(u.Stime)
}
