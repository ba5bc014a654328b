package ledger

import "time"

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
}

type dueRun struct {
	nano uint64 // Unix time
	n    int
}

// Begin returns an empty request.
func (r *Receipts) Begin() *Request {
	q := r.pool.Get().(*Request)
	q.run = r.run.Load()
	return q
}

// Add enters one span.
func (q *Request) Add(traceID, spanID []byte, dueNano uint64) {
	if q.run == nil {
		q.foreign++
		return
	}
	n, ok := q.run.key.Number(traceID, spanID)
	if !ok {
		q.foreign++
		return
	}
	q.numbers = append(q.numbers, n)
	if last := len(q.dues) - 1; last >= 0 && q.dues[last].nano == dueNano {
		q.dues[last].n++
		return
	}
	q.dues = append(q.dues, dueRun{dueNano, 1})
}

// Spans is how many spans were added.
func (q *Request) Spans() int { return len(q.numbers) + int(q.foreign) }

// Discard forgets the request: it was malformed and none of it counts.
func (q *Request) Discard() {
	q.numbers, q.dues, q.foreign, q.run = q.numbers[:0], q.dues[:0], 0, nil
	q.r.pool.Put(q)
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
		q.accept(at)
	} else {
		q.fail(at)
	}
	limit := at.Add(-r.retire)
	for p := r.held.oldest; p != nil && (p.touched.Before(limit) || r.held.planes > r.maxHeld); {
		r.retireOldest()
		p = r.held.oldest
	}
}

func (q *Request) fail(at time.Time) {
	r := q.r
	for _, n := range q.numbers {
		r.held.page(pageOf(n), at).failed.add(uint16(n), r.held.newPlane)
	}
	r.counts.Failed += uint64(len(q.numbers))
}

func (q *Request) accept(at time.Time) {
	r, rest, all := q.r, q.numbers, uint64(0)
	for _, d := range q.dues {
		first := uint64(0)
		for _, n := range rest[:d.n] {
			p := r.held.page(pageOf(n), at)
			switch added := p.accepted.add(uint16(n), r.held.newPlane); {
			case !added:
				r.counts.Duplicate++
				continue
			case p.reopened:
				r.counts.AfterClose++ // first or not: Join knows
			default:
				first++
			}
			if Sampled(uint64(n)&MaxSequence, q.run.SampleEvery) {
				p.samples = append(p.samples, receivedSample{uint16(n), at.Sub(q.run.Start)})
			}
		}
		rest = rest[d.n:]
		if all += first; first > 0 {
			q.observe(at, d.nano, first)
		}
	}
	r.counts.Unique += all
	if r.marked {
		r.counts.AfterMark += all
	}
}

// observe enters the latency of n spans due at this Unix time.
func (q *Request) observe(at time.Time, due, n uint64) {
	latency := at.Sub(time.Unix(0, int64(due)))
	if q.r.Observe != nil {
		q.r.Observe(latency, n)
	}
	offset, w := time.Unix(0, int64(due)).Sub(q.run.Start), q.run.Window
	if w == (Window{}) || offset >= w.From && offset < w.To {
		q.r.counts.Latency.Record(latency, int64(n))
	}
}
