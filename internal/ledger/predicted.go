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

// predict enters what became of the items of a run whose traces were to be dropped.
func (j *join) predict(header *Header, first uint64, r, inside run) {
	if j.keeps == nil {
		return
	}
	p := j.joined.Predicted
	j.split(header, first, r, false, func(part run) {
		j.enter(&p.All, part)
		if part.class != Unsent {
			j.ranges(&p.Came, header.Stream, first, part, true)
		}
	})
	j.split(header, first, inside, false, func(part run) { j.enter(&p.Measured, part) })
}

// missed names the items of an acknowledged run that did not come and were to.
func (j *join) missed(header *Header, first uint64, r run) {
	if j.keeps == nil {
		j.ranges(&j.joined.Missing, header.Stream, first, r, false)
		return
	}
	j.split(header, first, r, true, func(part run) {
		j.ranges(&j.joined.Missing, header.Stream, first, part, false)
	})
}

// split visits the longest parts of a run whose traces are all predicted to be kept, or
// all to be dropped.
func (j *join) split(header *Header, first uint64, r run, kept bool, visit func(run)) {
	size, from := header.TraceSpans, r.from
	for at := r.from; at < r.to; {
		index := (first + uint64(at)) / size
		end := int(min(uint64(r.to), (index+1)*size-first))
		var id [16]byte
		j.key.PutTraceID(id[:], Number(uint64(header.Stream)<<48|index*size))
		if j.keeps(id) != kept {
			if from < at {
				visit(run{from: from, to: at, class: r.class})
			}
			from = end
		}
		at = end
	}
	if from < r.to {
		visit(run{from: from, to: r.to, class: r.class})
	}
}
