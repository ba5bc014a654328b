package ledger

import "fmt"

// settle enters what became of the page at hand; of is nil when no sender knows of it.
func (j *join) settle(of *sender) {
	all, measured := &j.joined.All, &j.joined.Measured
	came, offered, offeredMeasured := j.any.ones(0, pageSize), uint64(0), uint64(0)
	if of == nil {
		all.Impossible += came
		return
	}
	header := &of.Header
	first := j.of & (1<<32 - 1) << 16
	from, to := part(header.MeasuredFrom, first), part(header.MeasuredTo, first)
	for _, r := range j.sent.runs {
		offered += j.enter(all, r)
		j.apart(of, first, r, (*Part).whole)
		inside := run{from: max(r.from, from), to: min(r.to, to), class: r.class}
		j.predict(of, first, r, inside)
		if inside.from >= inside.to {
			continue
		}
		offeredMeasured += j.enter(measured, inside)
		if r.class == Acknowledged {
			j.missed(header, first, inside)
			j.follows(header, first, inside)
		}
	}
	all.Impossible += came - offered
	measured.Impossible += j.any.ones(from, to) - offeredMeasured
	j.follow(header, from, to)
}

// part is a sequence as a place in the page that begins at first.
func part(sequence, first uint64) int {
	if sequence <= first {
		return 0
	}
	return int(min(sequence-first, pageSize))
}

// enter adds the items of a run to an account and returns how many offered ones of
// them came.
func (j *join) enter(a *Account, r run) (came uint64) {
	n := uint64(r.to - r.from)
	a.Due += n
	if r.class == Unsent {
		a.Unsent += n
		return 0
	}
	a.Offered += n
	came = j.any.ones(r.from, r.to)
	several := j.several.ones(r.from, r.to)
	f := a.fate(r.class)
	f.Items += n
	f.Once += came - several
	f.Repeatedly += several
	f.NotDelivered += n - came
	f.Extra += j.accepted.sum(r.from, r.to) - came
	f.TurnedAway += j.refused.ones(r.from, r.to)
	return came
}

// ranges names the items of a run that came, or that did not.
func (j *join) ranges(missing *[]MissingRange, stream uint16, first uint64, r run, came bool) {
	for i := j.any.next(r.from, r.to, came); i < r.to; {
		end := j.any.next(i, r.to, !came)
		at, n := first+uint64(i), uint64(end-i)
		last := len(*missing) - 1
		switch {
		case last >= 0 && (*missing)[last].goesOn(stream, at):
			(*missing)[last].Count += n
		case len(*missing) == MaxMissing:
			return
		default:
			*missing = append(*missing, MissingRange{Stream: stream, First: at, Count: n})
		}
		i = j.any.next(end, r.to, came)
	}
}

// A someTrace is a trace of which a part may lie on another page.
type someTrace struct {
	stream       uint16
	index        uint64
	size         uint64
	acked, there uint64
}

// follows enters the traces of a run of acknowledged, measured items.
func (j *join) follows(header *Header, first uint64, r run) {
	size := header.TraceSpans
	if size == 0 || size > pageSize {
		return
	}
	for at := r.from; at < r.to; {
		index := (first + uint64(at)) / size
		end := int(min(uint64(r.to), (index+1)*size-first))
		if t := &j.trace; t.size == 0 || t.stream != header.Stream || t.index != index {
			j.endTrace()
			j.trace = someTrace{stream: header.Stream, index: index, size: size}
		}
		j.trace.acked += uint64(end - at)
		j.trace.there += j.any.ones(at, end)
		at = end
	}
}

// endTrace enters the trace at hand, of which nothing more follows.
func (j *join) endTrace() {
	t := j.trace
	j.trace = someTrace{}
	if t.size == 0 {
		return
	}
	if j.joined.Measured.Traces == nil {
		j.joined.Measured.Traces = new(Traces)
	}
	sum := j.joined.Measured.Traces
	switch {
	case t.acked < t.size: // not all of it measured and acknowledged
	case t.there == t.size:
		sum.Whole++
	case t.there > 0:
		sum.InPart++
		sum.MissingSpans += t.size - t.there
	default:
		sum.Dropped++
		sum.DroppedSpans += t.size
	}
}

// goesOn tells whether the range ends where this sequence begins.
func (m MissingRange) goesOn(stream uint16, at uint64) bool {
	return m.Stream == stream && m.First+m.Count == at
}

// follow enters the times of the followed spans between these places.
func (j *join) follow(header *Header, from, to int) {
	runs := j.sent.runs
	for _, s := range j.sent.samples {
		low := int(s.low)
		for len(runs) > 0 && runs[0].to <= low {
			runs = runs[1:]
		}
		receipt, came := j.receipts[s.low]
		if !came || low < from || low >= to || len(runs) == 0 || runs[0].from > low ||
			runs[0].class != Acknowledged {
			continue
		}
		at := receipt.since(header.Start)
		j.joined.Answer.Record(s.answered-s.due, 1)
		j.joined.Transit.Record(max(0, at-s.answered), 1)
		j.joined.Total.Record(at-s.due, 1)
	}
}

// agrees holds the account, made of pages, against the sender's own sums.
func (a *Account) agrees(c Classes) error {
	if a.Due != c.Due || a.Unsent != c.Unsent {
		return fmt.Errorf("its pages hold %d due and %d unsent, its trailer %d and %d",
			a.Due, a.Unsent, c.Due, c.Unsent)
	}
	for class := Acknowledged; class < numClasses; class++ {
		if items, want := a.fate(class).Items, *c.of(class); items != want {
			return fmt.Errorf("its pages hold %d %s, its trailer %d", items, class, want)
		}
	}
	return nil
}
