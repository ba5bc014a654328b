package ledger

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// A Header begins a sender's account.
type Header struct {
	RunID  string    `json:"run_id"`
	Stream uint16    `json:"stream"`
	Start  time.Time `json:"start"`
	// Measured spans have the sequences [MeasuredFrom, MeasuredTo).
	MeasuredFrom uint64 `json:"measured_from"`
	MeasuredTo   uint64 `json:"measured_to"`
	// SampleEvery spans one is followed from due to receipt, see Sampled.
	SampleEvery uint64 `json:"sample_every"`
	// TraceSpans consecutive sequences are one trace; 0 where traces are not to be
	// followed, as when one may reach over two requests.
	TraceSpans uint64 `json:"trace_spans,omitempty"`
}

// A Settlement is the end of Count items with consecutive sequences: what the sender
// knows of them for good.
type Settlement struct {
	First    uint64 // sequence
	Count    int
	Class    Class
	Rejected int // of Count, by a partial success
	Attempts int // requests on the wire that carried them; 0 for Unsent
	// Due, Sent (first attempt) and Answered (last answer) count from the start.
	Due, Sent, Answered time.Duration
}

// A Dispatch is a sender's account while it is written. Settlements come from any
// goroutine in any order; a page of 65,536 sequences is written, as intervals by
// class, when all of it is settled. What it holds is therefore the pages in which
// something is under way, however long the run.
type Dispatch struct {
	header Header

	mu            sync.Mutex
	w             io.Writer
	open          map[uint64]*dispatchPage // by sequence >> 16
	free          []*dispatchPage
	out           []byte
	pages         uint64
	all, measured sums
	end           uint64 // the highest sequence settled, and 1
	err           error
	closed        bool
}

// sums are what a trailer tells beside the pages.
type sums struct {
	Classes
	RejectedSpans uint64 `json:"rejected_spans"`
}

type dispatchTrailer struct {
	Pages    uint64 `json:"pages"`
	All      sums   `json:"all"`
	Measured sums   `json:"measured"`
}

// A dispatchPage is a page under way: runs in the order in which they were settled.
type dispatchPage struct {
	settled int
	runs    []run
	samples []sentSample
}

// A run is consecutive items of one class within a page.
type run struct {
	from, to int // low bits, to not included
	class    Class
}

type sentSample struct {
	low                 uint16
	due, sent, answered time.Duration
}

// NewDispatch begins an account and writes its header.
func NewDispatch(w io.Writer, h Header) (*Dispatch, error) {
	switch {
	case h.Stream > MaxStream:
		return nil, fmt.Errorf("begin account: stream %d is above %d", h.Stream, MaxStream)
	case h.SampleEvery > MaxSequence:
		return nil, fmt.Errorf("begin account: one span in %d followed, at most one in %d can be",
			h.SampleEvery, uint64(MaxSequence))
	case h.MeasuredFrom > h.MeasuredTo:
		return nil, fmt.Errorf("begin account: measured sequences from %d to %d",
			h.MeasuredFrom, h.MeasuredTo)
	}
	d := &Dispatch{header: h, w: w, open: make(map[uint64]*dispatchPage)}
	d.out = appendJSON([]byte(magic), kindDispatch, h)
	if d.flush(); d.err != nil {
		return nil, fmt.Errorf("begin account: %w", d.err)
	}
	return d, nil
}

// Settle enters what became of some items. What is wrong with a settlement is told by
// Close.
func (d *Dispatch) Settle(s Settlement) {
	d.mu.Lock()
	defer d.mu.Unlock()
	end := s.First + uint64(max(s.Count, 0))
	switch {
	case s.Count <= 0 || d.err != nil:
		return
	case d.closed:
		d.err = errors.New("settled after the account was closed")
		return
	case s.Class >= numClasses || s.First > MaxSequence || end > MaxSequence+1:
		d.err = fmt.Errorf("settle %d items from %d as class %d: out of range",
			s.Count, s.First, s.Class)
		return
	}
	d.end = max(d.end, end)
	d.all.settle(s, uint64(s.Count))
	from, to := max(s.First, d.header.MeasuredFrom), min(end, d.header.MeasuredTo)
	if from < to {
		d.measured.settle(s, to-from)
	}
	for from := s.First; from < end; {
		to := min(end, (from>>16+1)<<16)
		d.enter(from, to, &s)
		from = to
	}
}

// Counts is what has been settled up to now, of the run and of the measured time.
func (d *Dispatch) Counts() (all, measured Classes) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all.Classes, d.measured.Classes
}

// Close writes what is still under way and the trailer. An error says that the
// account cannot be relied on: it could not be written, or items were settled twice
// or never.
func (d *Dispatch) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return errors.New("close account: closed before")
	}
	d.closed = true
	for _, page := range slices.Sorted(maps.Keys(d.open)) {
		d.write(page, d.open[page])
	}
	t := dispatchTrailer{Pages: d.pages, All: d.all, Measured: d.measured}
	d.out = appendJSON(d.out, kindTrailer, t)
	d.flush()
	if d.err == nil && d.all.Due != d.end {
		d.err = fmt.Errorf("%d of %d items were never settled", int64(d.end-d.all.Due), d.end)
	}
	if d.err != nil {
		return fmt.Errorf("close account: %w", d.err)
	}
	return nil
}

// enter puts the items from up to to, all of one page, into it.
func (d *Dispatch) enter(from, to uint64, s *Settlement) {
	index := from >> 16
	p := d.open[index]
	if p == nil {
		p = d.newPage()
		d.open[index] = p
	}
	base := index << 16
	r := run{from: int(from - base), to: int(to - base), class: s.Class}
	if n := len(p.runs); n > 0 && p.runs[n-1].to == r.from && p.runs[n-1].class == r.class {
		p.runs[n-1].to = r.to
	} else {
		p.runs = append(p.runs, r)
	}
	if every := d.header.SampleEvery; every > 0 {
		for n := (from + every - 1) / every * every; n < to; n += every {
			p.samples = append(p.samples,
				sentSample{low: uint16(n), due: s.Due, sent: s.Sent, answered: s.Answered})
		}
	}
	if p.settled += int(to - from); p.settled >= pageSize {
		delete(d.open, index)
		d.write(index, p)
		d.flush()
	}
}

func (d *Dispatch) newPage() *dispatchPage {
	n := len(d.free)
	if n == 0 {
		return new(dispatchPage)
	}
	p := d.free[n-1]
	d.free = d.free[:n-1]
	*p = dispatchPage{runs: p.runs[:0], samples: p.samples[:0]}
	return p
}

// write appends a page to out.
func (d *Dispatch) write(index uint64, p *dispatchPage) {
	slices.SortFunc(p.runs, func(a, b run) int { return cmp.Compare(a.from, b.from) })
	slices.SortFunc(p.samples, func(a, b sentSample) int { return cmp.Compare(a.low, b.low) })
	merged := p.runs[:0]
	for _, r := range p.runs {
		n := len(merged)
		switch {
		case n > 0 && merged[n-1].to > r.from:
			twice := index<<16 | uint64(r.from)
			d.err = cmp.Or(d.err, fmt.Errorf("sequence %d was settled twice", twice))
			return
		case n > 0 && merged[n-1].to == r.from && merged[n-1].class == r.class:
			merged[n-1].to = r.to
		default:
			merged = append(merged, r)
		}
	}
	payload := appendDispatchPage(nil, uint64(d.header.Stream)<<32|index, merged, p.samples)
	d.out = appendChunk(d.out, kindDispatchPage, payload)
	d.pages++
	if len(d.free) < 8 {
		d.free = append(d.free, p)
	}
}

func (d *Dispatch) flush() {
	if d.err == nil {
		_, d.err = d.w.Write(d.out)
	}
	d.out = d.out[:0]
}

// settle counts n items of a settlement.
func (c *sums) settle(s Settlement, n uint64) {
	c.Due += n
	c.Attempts += n * uint64(max(s.Attempts, 0))
	if s.Class == RejectedInPart {
		c.RejectedSpans += min(n, uint64(max(s.Rejected, 0)))
	}
	*c.of(s.Class) += n
}

// of is the counter of a class.
func (c *Classes) of(class Class) *uint64 {
	return [numClasses]*uint64{
		Unsent: &c.Unsent, Acknowledged: &c.Acknowledged, RefusedRetryable: &c.RefusedRetryable,
		RefusedPermanent: &c.RefusedPermanent, RejectedInPart: &c.RejectedInPart,
		Unknown: &c.Unknown, Dropped: &c.Dropped,
	}[class]
}

func appendDispatchPage(dst []byte, page uint64, runs []run, samples []sentSample) []byte {
	dst = binary.AppendUvarint(dst, page)
	dst = binary.AppendUvarint(dst, uint64(len(runs)))
	last := 0
	for _, r := range runs {
		dst = binary.AppendUvarint(dst, uint64(r.from-last))
		dst = binary.AppendUvarint(dst, uint64(r.to-r.from-1))
		dst = append(dst, byte(r.class))
		last = r.to
	}
	dst = binary.AppendUvarint(dst, uint64(len(samples)))
	low := uint16(0)
	for _, s := range samples {
		dst = binary.AppendUvarint(dst, uint64(s.low-low))
		dst = binary.AppendVarint(dst, int64(s.due))
		dst = binary.AppendVarint(dst, int64(s.sent-s.due))
		dst = binary.AppendVarint(dst, int64(s.answered-s.sent))
		low = s.low
	}
	return dst
}

// readDispatchPage reads what follows the page's name.
func readDispatchPage(c *cursor, p *dispatchPage) {
	at := 0
	for n := c.uvarint(pageSize); n > 0 && !c.failed; n-- {
		r := run{from: at + int(c.uvarint(pageSize))}
		r.to = r.from + int(c.uvarint(pageSize)) + 1
		r.class = Class(c.uvarint(uint64(numClasses) - 1))
		if at = r.to; at > pageSize {
			c.failed = true
			return
		}
		p.runs = append(p.runs, r)
	}
	low := uint64(0)
	for n := c.uvarint(pageSize); n > 0 && !c.failed; n-- {
		low += c.uvarint(pageSize)
		s := sentSample{low: uint16(low), due: time.Duration(c.varint())}
		s.sent = s.due + time.Duration(c.varint())
		s.answered = s.sent + time.Duration(c.varint())
		if low >= pageSize {
			c.failed = true
			return
		}
		p.samples = append(p.samples, s)
	}
}
