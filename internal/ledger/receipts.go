package ledger

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// A Run is what a receiver must know to tell our spans from others.
type Run struct {
	RunID string    `json:"run_id"`
	Start time.Time `json:"start"`
	// Window says which spans are measured, by their due time. The zero Window
	// measures all.
	Window      Window `json:"window"`
	SampleEvery uint64 `json:"sample_every"`
}

// A File keeps an account while it is written: appended to, and read again when the
// account is asked for.
type File interface {
	io.Writer
	io.ReaderAt
}

// Limits on the pages that are held in memory. A page is retired to the file when
// nothing came for it for retireAfter, or when more planes of 8 KiB are held than
// maxHeld. A span that comes later begins its page anew; Join adds such pages up, so
// that nothing but the live counters depends on these figures.
const (
	retireAfter = time.Minute
	maxHeld     = 8192
)

// Receipts is a receiver's account while it is written. It takes requests from any
// goroutine, each whole or not at all. The pages it holds are bounded however long
// the run and however many spans are lost, sampled or late, see retireAfter.
type Receipts struct {
	// Observe, set before the first request, hears the latency of every span of ours
	// that is accepted for the first time, n at a time. It must be quick.
	Observe func(latency time.Duration, n uint64)

	run atomic.Pointer[keyedRun]

	mu      sync.Mutex
	file    File
	w       *bufio.Writer
	out     []byte
	written int64
	pages   uint64 // written
	err     error
	closed  bool
	marked  bool
	ours    bool // a span of ours has come
	held    pages
	counts  Received
	retire  time.Duration
	maxHeld int
}

type keyedRun struct {
	Run
	key      Key
	sampling sampling
	// In nanoseconds of Unix time; measured are the due times in [from, to).
	start, from, to int64
}

func newKeyedRun(run Run) *keyedRun {
	k := &keyedRun{Run: run, key: NewKey(run.RunID), sampling: newSampling(run.SampleEvery)}
	k.start = run.Start.UnixNano()
	k.from, k.to = math.MinInt64, math.MaxInt64
	if run.Window != (Window{}) {
		k.from, k.to = k.start+int64(run.Window.From), k.start+int64(run.Window.To)
	}
	return k
}

type receiptsTrailer struct {
	Pages   uint64 `json:"pages"`
	Foreign uint64 `json:"foreign_spans"`
}

// NewReceipts returns an account that is kept in file. Until Start every span is
// foreign.
func NewReceipts(file File) *Receipts {
	r := &Receipts{file: file, held: newPages(), retire: retireAfter, maxHeld: maxHeld}
	r.w = bufio.NewWriterSize(file, 64<<10)
	r.counts = Received{RequestSpans: NewHistogram(), Latency: NewHistogram()}
	return r
}

// Start says which run the spans are of. A later call replaces the run as long as no
// span of the earlier one has come.
func (r *Receipts) Start(run Run) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if old := r.run.Load(); r.ours && old != nil && old.RunID != run.RunID {
		return fmt.Errorf("start run %s: spans of run %s have come already", run.RunID, old.RunID)
	}
	if r.written > 0 {
		return fmt.Errorf("start run %s: the account of run %s is being written",
			run.RunID, r.run.Load().RunID)
	}
	r.run.Store(newKeyedRun(run))
	return nil
}

// Mark says that the gateway is about to be stopped: what comes from now on for the
// first time counts as Received.AfterMark too.
func (r *Receipts) Mark() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.marked = true
}

// Received is what has come up to now; the account of requests and bytes is left to
// the caller. Unique and Duplicate are exact but for the spans in AfterClose, of
// which only Join can tell whether they came before.
func (r *Receipts) Received() Received {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.counts
	c.RequestSpans, c.Latency = NewHistogram(), NewHistogram()
	c.RequestSpans.Merge(r.counts.RequestSpans)
	c.Latency.Merge(r.counts.Latency)
	return c
}

// Counts is Received without its distributions, which take a while to copy.
func (r *Receipts) Counts() Received {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.counts
	c.RequestSpans, c.Latency = nil, nil
	return c
}

// Err is the first failure to write the file; the account is worth nothing then.
func (r *Receipts) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// WriteTo writes the whole account as it is now, trailer included. Spans may come
// while it does so and are of the next one.
func (r *Receipts) WriteTo(w io.Writer) (int64, error) {
	size, tail, err := r.snapshot()
	if err != nil {
		return 0, fmt.Errorf("write account: %w", err)
	}
	n, err := io.Copy(w, io.NewSectionReader(r.file, 0, size))
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return n, fmt.Errorf("write account: %w", err)
	}
	m, err := w.Write(tail)
	if err != nil {
		return n + int64(m), fmt.Errorf("write account: %w", err)
	}
	return n + int64(m), nil
}

// snapshot returns how much of the file is to be taken and what follows it.
func (r *Receipts) snapshot() (size int64, tail []byte, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.begin(); err != nil {
		return 0, nil, err
	}
	if r.err == nil {
		r.err = r.w.Flush()
	}
	if r.closed || r.err != nil {
		return r.written, nil, r.err
	}
	n := r.pages
	for p := r.held.oldest; p != nil; p = p.newer {
		tail = p.append(tail)
		n++
	}
	t := receiptsTrailer{Pages: n, Foreign: r.counts.Foreign}
	return r.written, appendJSON(tail, kindTrailer, t), nil
}

// Close retires all pages and writes the trailer; the file is then the account.
func (r *Receipts) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errors.New("close account: closed before")
	}
	if err := r.begin(); err != nil {
		return fmt.Errorf("close account: %w", err)
	}
	for r.held.oldest != nil {
		r.retireOldest()
	}
	t := receiptsTrailer{Pages: r.pages, Foreign: r.counts.Foreign}
	r.put(appendJSON(r.out[:0], kindTrailer, t))
	if r.err == nil {
		r.err = r.w.Flush()
	}
	r.closed = true
	if r.err != nil {
		return fmt.Errorf("close account: %w", r.err)
	}
	return nil
}

// begin writes the header, once a run is known.
func (r *Receipts) begin() error {
	if r.written > 0 {
		return nil
	}
	run := r.run.Load()
	if run == nil {
		return errors.New("no run was started")
	}
	r.put(appendJSON(append(r.out[:0], magic...), kindReceipts, run.Run))
	return nil
}

func (r *Receipts) put(b []byte) {
	r.out = b
	if r.err == nil {
		_, r.err = r.w.Write(b)
		r.written += int64(len(b))
	}
}

func (r *Receipts) retireOldest() {
	p := r.held.oldest
	_ = r.begin() // cannot fail: there are pages, so there is a run
	r.put(p.append(r.out[:0]))
	r.pages++
	r.held.retire(p)
}
