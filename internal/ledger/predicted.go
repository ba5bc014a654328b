package ledger

import "io"

// A Predicted is the part of a Joined that is of traces predicted to be dropped.
type Predicted struct {
	// All is of the whole run, Measured of its measured spans.
	All, Measured Account
	// TraceSpans consecutive sequences are one trace.
	TraceSpans uint64
	// Came are the first ranges of spans that were delivered for all that, of the whole
	// run, at most MaxMissing.
	Came []MissingRange
}

// JoinPredicted is Join for a gateway that drops whole traces, of which keeps knows by
// trace id whether it keeps them. Joined.Missing then leaves out what was to be dropped,
// and Joined.Predicted tells of that, unless the senders' traces are not followed or not
// of one size.
func JoinPredicted(
	dispatches, receipts []io.ReaderAt, keeps func(traceID [16]byte) bool,
) (*Joined, error) {
	j := newJoin()
	j.keeps = keeps
	return j.join(dispatches, receipts)
}

// predicts sets up the prediction, if there is one that can be applied.
func (j *join) predicts() {
	size := uint64(0)
	for i, s := range j.senders {
		if s.TraceSpans == 0 || s.TraceSpans > pageSize || i > 0 && s.TraceSpans != size {
			j.keeps = nil
		}
		size = s.TraceSpans
	}
	if j.keeps != nil {
		j.key, j.joined.Predicted = NewKey(j.joined.RunID), &Predicted{TraceSpans: size}
	}
}

// predict enters what became of the items of a run whose traces were to be dropped, and
// of those of them that are inside the measured part.
func (j *join) predict(of *sender, first uint64, r, inside run) {
	if j.keeps == nil {
		return
	}
	p := j.joined.Predicted
	header := &of.Header
	j.split(header, first, r)
	for _, part := range j.dropped {
		j.enter(&p.All, part)
		j.apart(of, first, part, (*Part).dropped)
		if part.class != Unsent {
			j.ranges(&p.Came, header.Stream, first, part, true)
		}
		part.from, part.to = max(part.from, inside.from), min(part.to, inside.to)
		if part.from < part.to {
			j.enter(&p.Measured, part)
		}
	}
}

// missed names the items of an acknowledged run that did not come, but for those that
// the last predict has found.
func (j *join) missed(header *Header, first uint64, r run) {
	rest := r
	if j.keeps != nil {
		for _, part := range j.dropped {
			rest.to = min(part.from, r.to)
			j.ranges(&j.joined.Missing, header.Stream, first, rest, false)
			rest.from = max(part.to, r.from)
		}
	}
	rest.to = r.to
	j.ranges(&j.joined.Missing, header.Stream, first, rest, false)
}

// split finds the longest parts of a run whose traces are predicted to be dropped.
func (j *join) split(header *Header, first uint64, r run) {
	j.dropped = j.dropped[:0]
	size, from := header.TraceSpans, r.from
	end := func(to int) {
		if from < to {
			j.dropped = append(j.dropped, run{from: from, to: to, class: r.class})
		}
	}
	for at := r.from; at < r.to; {
		index := (first + uint64(at)) / size
		next := int(min(uint64(r.to), (index+1)*size-first))
		var id [16]byte
		j.key.PutTraceID(id[:], Number(uint64(header.Stream)<<48|index*size))
		if j.keeps(id) {
			end(at)
			from = next
		}
		at = next
	}
	end(r.to)
}
