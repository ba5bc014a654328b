package loadgen

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/odigos-io/odigos-stress/internal/ledger"
)

// maxErrors is how many distinct error texts are kept, and maxErrorText how much of
// each.
const (
	maxErrors    = 10
	maxErrorText = 300
)

// otherErrors counts those beyond the first distinct ones.
const otherErrors = "(further errors)"

// A book is what one run counts: the account, and the figures beside it.
type book struct {
	start    time.Time
	header   ledger.Header
	dispatch *ledger.Dispatch
	batch    uint64
	cpu      float64 // seconds used before the start

	due atomic.Uint64 // spans

	pace          sync.Mutex // of what the pacer enters
	slope         *slope     // nil where the rate is not constant
	lateness      *ledger.Histogram
	latenessMeter meter

	mu          sync.Mutex
	requests    map[string]uint64
	inMeasured  map[string]uint64
	all, part   traffic // of the run, of the measured time
	errors      map[string]uint64
	answer      *ledger.Histogram // of the measured time, for the book
	answerMeter meter             // of the run, for the monitor
	last        time.Duration
}

type traffic struct{ encoded, wire uint64 }

func newBook(w io.Writer, h ledger.Header, batch int, interval time.Duration) (*book, error) {
	dispatch, err := ledger.NewDispatch(w, h)
	if err != nil {
		return nil, err
	}
	b := &book{
		start: h.Start, header: h, dispatch: dispatch, batch: uint64(batch),
		cpu:      cpuSeconds(),
		requests: map[string]uint64{}, inMeasured: map[string]uint64{}, errors: map[string]uint64{},
		lateness: ledger.NewHistogram(), answer: ledger.NewHistogram(),
	}
	if interval > 0 {
		b.slope = &slope{interval: interval}
	}
	return b, nil
}

func (b *book) measured(first uint64) bool {
	return first >= b.header.MeasuredFrom && first < b.header.MeasuredTo
}

// came counts a slot whose time has come.
func (b *book) came() { b.due.Add(b.batch) }

// unsent settles a slot that found no place in flight, or came after the stop.
func (b *book) unsent(s slot) {
	b.dispatch.Settle(ledger.Settlement{
		First: s.n * b.batch, Count: int(b.batch),
		Class: ledger.Unsent, Due: s.due,
	})
}

// began enters that the sending of a slot begins, that long after the start.
func (b *book) began(s slot, at time.Duration) {
	b.pace.Lock()
	defer b.pace.Unlock()
	late := max(at-s.due, 0)
	b.latenessMeter.add(late, 1)
	if b.measured(s.n * b.batch) {
		b.lateness.Record(late, 1)
		if b.slope != nil {
			b.slope.add(s.n, at-s.due)
		}
	}
}

// attempted enters one attempt to send encoded bytes, whose first span is first.
func (b *book) attempted(first uint64, a Answer, encoded int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count(first, &a, encoded)
}

// count is attempted for a caller that holds the lock.
func (b *book) count(first uint64, a *Answer, encoded int) {
	t := traffic{uint64(encoded), uint64(a.WireBytes)}
	if !a.Attempted {
		t = traffic{}
	}
	b.requests[a.Code]++
	b.all = traffic{b.all.encoded + t.encoded, b.all.wire + t.wire}
	if b.measured(first) {
		b.inMeasured[a.Code]++
		b.part = traffic{b.part.encoded + t.encoded, b.part.wire + t.wire}
	}
	if a.Err != "" {
		b.failed(a.Err)
	}
}

// failed counts an error text; the caller holds the lock.
func (b *book) failed(text string) {
	text = text[:min(len(text), maxErrorText)]
	if _, known := b.errors[text]; !known && len(b.errors) >= maxErrors {
		text = otherErrors
	}
	b.errors[text]++
}

// settle enters what became of some items for good, and the last attempt to send them,
// of encoded bytes, unless that is nil.
func (b *book) settle(s ledger.Settlement, last *Answer, encoded int) {
	b.dispatch.Settle(s)
	b.mu.Lock()
	defer b.mu.Unlock()
	if last != nil {
		b.count(s.First, last, encoded)
	}
	b.last = max(b.last, s.Answered)
	if s.Class != ledger.Acknowledged {
		return
	}
	b.answerMeter.add(s.Answered-s.Due, uint64(s.Count))
	if b.measured(s.First) {
		b.answer.Record(s.Answered-s.Due, int64(s.Count))
	}
}

// close ends the account and returns the book.
func (b *book) close(connections uint64) (*ledger.Sent, error) {
	err := b.dispatch.Close()
	all, measured := b.dispatch.Counts()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pace.Lock()
	defer b.pace.Unlock()
	sent := &ledger.Sent{
		Stream: b.header.Stream, Start: b.header.Start, Finished: b.last,
		All: all, Measured: measured,
		Requests: b.inMeasured, EncodedBytes: b.part.encoded, WireBytes: b.part.wire,
		Lateness: b.lateness, Answer: b.answer,
		ConnectionsOpened: connections, Errors: b.errors,
		CPUSeconds: cpuSeconds() - b.cpu,
	}
	if b.slope != nil {
		sent.SlopeError = b.slope.error()
	}
	if due := b.due.Load(); err == nil && all.Due != due {
		err = fmt.Errorf("%d spans came due, %d are settled", due, all.Due)
	}
	return sent, err
}

// cpuSeconds is what this process has used so far, in user and system mode.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // cannot fail: both arguments are valid
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(u.Utime) + seconds(u.Stime)
}

// A slope is a running least-squares fit of how late slots are sent over their
// number. Its share of the schedule's interval is the error of the rate.
type slope struct {
	interval               time.Duration
	n                      float64
	meanX, meanY, sxx, sxy float64
	first                  uint64
}

// minSlots is how many slots a slope wants: with fewer, one late slot is all it says.
const minSlots = 10

func (s *slope) add(number uint64, late time.Duration) {
	if s.n == 0 {
		s.first = number
	}
	x, y := float64(int64(number-s.first)), float64(late)
	s.n++
	dx := x - s.meanX
	s.meanX += dx / s.n
	s.meanY += (y - s.meanY) / s.n
	s.sxx += dx * (x - s.meanX)
	s.sxy += dx * (y - s.meanY)
}

func (s *slope) error() *float64 {
	if s.n < minSlots || s.sxx == 0 {
		return nil
	}
	e := s.sxy / s.sxx / float64(s.interval)
	return &e
}
