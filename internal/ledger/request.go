package ledger

import (
	"math"
	"math/bits"
	"sync"
	"time"
)

// A Request collects the spans of one request until its fate is known. It is taken
// from Begin and given back by Commit or Discard, after which it must not be used.
type Request struct {
	r       *Receipts
	run     *keyedRun
	numbers []Number
	// dues are the due times of numbers, run-length coded: a request of ours has
	// one, a batch of a collector one for each request in it.
	dues    []dueRun
	foreign uint64
	groups  dueGroups

	// The trace at hand, the number of its first span if it is ours, the last due time.
	key       Key
	high, low uint64
	first     Number
	ours      bool
	due       uint64
}

type dueRun struct {
	nano uint64 // Unix time
	from int    // in numbers
}

var requests = sync.Pool{New: func() any { return new(Request) }}

// keptNumbers is how many spans a request may have had for its memory to be kept.
const keptNumbers = 1 << 16

// Begin returns an empty request.
func (r *Receipts) Begin() *Request {
	q := requests.Get().(*Request)
	q.r = r
	if q.run = r.run.Load(); q.run != nil {
		q.key = q.run.key
	}
	q.turn(0, 0)
	return q
}

// Add enters one span: its ids, which are big endian on the wire and 0 where there are
// none, and its due time.
func (q *Request) Add(traceHigh, traceLow, spanID, dueNano uint64) {
	if traceHigh != q.high || traceLow != q.low {
		q.turn(traceHigh, traceLow)
	}
	n := q.key.number(spanID)
	if !q.ours || uint64(n-q.first) >= MaxTrace {
		q.foreign++
		return
	}
	if dueNano != q.due || len(q.dues) == 0 {
		q.due = dueNano
		q.dues = append(q.dues, dueRun{nano: dueNano, from: len(q.numbers)})
	}
	q.numbers = append(q.numbers, n)
}

// turn makes this the trace at hand: many a span is of the trace of the one before.
func (q *Request) turn(high, low uint64) {
	q.high, q.low = high, low
	q.first, q.ours = q.key.first(high, low)
	q.ours = q.ours && q.run != nil
}

// Spans is how many spans were added.
func (q *Request) Spans() int { return len(q.numbers) + int(q.foreign) }

// Discard forgets the request: it was malformed and none of it counts.
func (q *Request) Discard() {
	if cap(q.numbers) > keptNumbers {
		q.numbers, q.dues = nil, nil
	}
	q.numbers, q.dues, q.foreign, q.r, q.run = q.numbers[:0], q.dues[:0], 0, nil, nil
	requests.Put(q)
}

// Commit enters the request into the account: it arrived whole at this time and is
// answered with success, or with failure. Spans answered with failure are kept by
// identity too, apart from the others.
func (q *Request) Commit(at time.Time, accepted bool) {
	defer q.Discard()
	r := q.r
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &r.counts
	c.Foreign += q.foreign
	c.RequestSpans.RecordValue(int64(q.Spans()), 1)
	if at.After(c.LastArrival) {
		c.LastArrival = at
	}
	if r.closed || len(q.numbers) == 0 {
		return
	}
	r.ours = true
	if accepted {
		q.accept(at.UnixNano())
	} else {
		q.fail(at.UnixNano())
	}
	limit := at.UnixNano() - int64(r.retire)
	for p := r.held.oldest; p != nil && (p.touched < limit || r.held.planes > r.maxHeld); {
		r.retireOldest()
		p = r.held.oldest
	}
}

func (q *Request) fail(at int64) {
	r := q.r
	for _, n := range q.numbers {
		r.held.page(pageOf(n), at).failed.add(uint16(n), r.held.newPlane)
	}
	r.counts.Failed += uint64(len(q.numbers))
}

func (q *Request) accept(at int64) {
	r := q.r
	for i, d := range q.dues {
		end := len(q.numbers)
		if i+1 < len(q.dues) {
			end = q.dues[i+1].from
		}
		first := uint64(0)
		for from := d.from; from < end; {
			p := r.held.page(pageOf(q.numbers[from]), at)
			taken, added := q.enter(p, q.numbers[from:end], at)
			from += taken
			if r.counts.Duplicate += uint64(taken) - added; p.reopened {
				r.counts.AfterClose += added // first or not: Join knows
			} else {
				first += added
			}
		}
		if r.counts.Unique += first; r.marked {
			r.counts.AfterMark += first
		}
		if old := q.groups.add(d.nano, first); old.n > 0 {
			q.observe(at, old)
		}
	}
	for g := q.groups.take(); g.n > 0; g = q.groups.take() {
		q.observe(at, g)
	}
}

// enter puts as many of the numbers as are of p, the first ones, into it and returns how
// many they are and how many of them were not there before.
func (q *Request) enter(p *page, numbers []Number, at int64) (taken int, added uint64) {
	if len(p.accepted.planes) == 0 {
		p.accepted.planes = append(p.accepted.planes, q.r.held.newPlane())
	}
	lowest, id, sampling := p.accepted.planes[0], p.id, &q.run.sampling
	for taken < len(numbers) {
		n := numbers[taken]
		if pageOf(n) != id {
			break
		}
		taken++
		word, bit := &lowest[n>>6%pageWords], uint64(1)<<(n&63)
		if *word&bit == 0 && len(p.accepted.planes) == 1 {
			*word |= bit
		} else if !p.accepted.add(uint16(n), q.r.held.newPlane) {
			continue
		}
		added++
		if sampling.has(uint64(n) & MaxSequence) {
			p.samples = append(p.samples, receivedSample{uint16(n), time.Duration(at - q.run.start)})
		}
	}
	return taken, added
}

// observe enters the latency of spans with the same due time.
func (q *Request) observe(at int64, g dueGroup) {
	due := int64(min(g.nano, math.MaxInt64))
	latency := time.Duration(at - due)
	if q.r.Observe != nil {
		q.r.Observe(latency, g.n)
	}
	if due >= q.run.from && due < q.run.to {
		q.r.counts.Latency.Record(latency, int64(g.n))
	}
}

// dueGroups are the spans of one request by due time, as many times as there is place
// for: behind a sampler neighbours are of many requests, and to observe a latency costs
// more than to find its group.
type dueGroups struct {
	groups [64]dueGroup
	used   uint64
}

type dueGroup struct{ nano, n uint64 }

// add counts n spans and returns the group that had to make place for them.
func (d *dueGroups) add(nano, n uint64) (old dueGroup) {
	place := nano * golden >> 58
	g := &d.groups[place]
	if bit := uint64(1) << place; d.used&bit == 0 {
		d.used |= bit
		*g = dueGroup{nano: nano}
	} else if g.nano != nano {
		old, *g = *g, dueGroup{nano: nano}
	}
	g.n += n
	return old
}

// take removes a group that is not empty; an empty one when there is none.
func (d *dueGroups) take() dueGroup {
	for d.used != 0 {
		place := bits.TrailingZeros64(d.used)
		d.used &^= 1 << place
		if d.groups[place].n > 0 {
			return d.groups[place]
		}
	}
	return dueGroup{}
}
