package loadgen

import (
	"time"

	"github.com/odigos-io/odigos-stress/internal/h2"
	"github.com/odigos-io/odigos-stress/internal/ledger"
)

// A flight is one slot on its way: it has a place in flight from its due time until it
// is settled, through all of its attempts.
type flight struct {
	engine *prepared
	slot   slot
	spans  int
	// request is nil when nothing needs its bytes: they are made again from the number
	// of the slot for another attempt, so that what waits for an answer takes no memory.
	request *Request
	encoded int // length of Bytes

	retry      retry
	settlement ledger.Settlement
	tried      bool
	final      Answer // what the attempts so far say

	// The sender's own.
	call  h2.Call
	timer *time.Timer
	seen  int // times that a server had the call before it and did not look at it
}

// load returns the request, patched for the flight's slot. It stays the flight's.
func (f *flight) load() *Request {
	if f.request == nil {
		b := f.engine.book
		f.request = f.engine.payloads.get(f.slot.n,
			uint64(b.header.Start.UnixNano()+int64(f.slot.due)))
		f.encoded = len(f.request.Bytes)
	}
	return f.request
}

// sent says that the bytes are not needed any more.
func (f *flight) sent() {
	if f.request != nil {
		f.request.release()
		f.request = nil
	}
}

// begin sets out for the first attempt.
func (f *flight) begin() {
	p := f.engine
	sent := time.Since(p.book.start)
	f.settlement = ledger.Settlement{
		First: f.slot.n * p.payloads.batch, Count: f.spans, Due: f.slot.due, Sent: sent,
	}
	f.retry = retry{kind: p.load.Retry, began: p.book.start.Add(sent)}
	f.tried, f.final, f.encoded = false, Answer{}, 0
	if f.request != nil {
		f.encoded = len(f.request.Bytes)
	}
	p.sender.Send(f)
	p.book.began(f.slot, sent)
}

// answered takes in what became of an attempt: another one follows, or the slot is
// settled.
func (f *flight) answered(a Answer) {
	f.sent()
	b, s := f.engine.book, &f.settlement
	s.Answered = time.Since(b.start)
	if a.Attempted {
		s.Attempts++
	}
	if !f.tried {
		f.tried, f.final = true, a
	} else {
		f.final = outcome(f.final, a)
	}
	first, encoded := s.First, f.encoded
	if pause, ok := f.retry.after(a, b.start.Add(s.Answered)); ok && f.engine.pause(f, pause) {
		b.attempted(first, a, encoded) // f may be under way again by now
		return
	}
	f.conclude(&a)
}

// conclude settles the slot and gives its place back; last is its last attempt, unless
// that was entered before.
func (f *flight) conclude(last *Answer) {
	f.settlement.Class, f.settlement.Rejected = f.final.Class, f.final.Rejected
	f.engine.book.settle(f.settlement, last, f.encoded)
	f.engine.land(f)
}
