package ledger

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// A Joined is what both ends of a run know together.
type Joined struct {
	RunID string
	// All is of the whole run, Measured of its measured spans.
	All, Measured Account
	// Answer, Transit and Total are of the followed, measured spans that were
	// acknowledged and delivered: due to answer, answer to first receipt (0 where the
	// receipt came first), due to first receipt.
	Answer, Transit, Total *Histogram
	// Missing are the first ranges of measured spans that were acknowledged and not
	// delivered, at most MaxMissing, in order of stream and sequence.
	Missing []MissingRange
	// Predicted is nil unless a prediction was given and could be applied.
	Predicted *Predicted
	// Stretches are those that were asked for, in order.
	Stretches []Part
	// Foreign is how many spans came that are not of this run.
	Foreign uint64
}

// MaxMissing is how many ranges Joined.Missing names.
const MaxMissing = 1000

// A MissingRange is consecutive spans that were acknowledged and did not arrive.
type MissingRange struct {
	Stream uint16
	First  uint64
	Count  uint64
}

// Join brings the accounts of a run's senders and receivers together, by identity.
// It reads every file twice and holds an index of 16 bytes for every page in it; the
// pages themselves are held one at a time. An error says which file is damaged, or
// that the accounts are not of one run.
func Join(dispatches, receipts []io.ReaderAt) (*Joined, error) {
	return newJoin().join(dispatches, receipts)
}

func newJoin() *join {
	return &join{joined: &Joined{
		Answer: NewHistogram(), Transit: NewHistogram(), Total: NewHistogram(),
	}}
}

func (j *join) join(dispatches, receipts []io.ReaderAt) (*Joined, error) {
	for i, r := range dispatches {
		if err := j.addSender(r); err != nil {
			return nil, fmt.Errorf("join: sender %d: %w", i+1, err)
		}
	}
	for i, r := range receipts {
		if err := j.addReceiver(r); err != nil {
			return nil, fmt.Errorf("join: receiver %d: %w", i+1, err)
		}
	}
	j.predicts()
	for {
		page, ok := j.next()
		if !ok {
			break
		}
		if err := j.page(page); err != nil {
			return nil, fmt.Errorf("join: %w", err)
		}
	}
	j.endTrace()
	if err := j.finish(); err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	return j.joined, nil
}

type sender struct {
	*index
	Header
	dispatchTrailer
	stretches []Stretch
}

type receiver struct {
	*index
	Run
	receiptsTrailer
}

type join struct {
	joined    *Joined
	senders   []*sender
	receivers []*receiver

	// Of the page at hand.
	of                    uint64
	sent                  dispatchPage
	accepted, failed      tally
	any, several, refused plane
	receipts              map[uint16]receipt
	spare                 []*plane

	trace someTrace // the last, which may go on

	// keeps is the prediction, nil where there is none; key makes the ids it is asked, and
	// dropped are the parts of the run at hand that it does not keep.
	keeps   func(traceID [16]byte) bool
	key     Key
	dropped []run

	stretches Stretches // nil where none were asked for
}

type receipt struct {
	at    time.Duration
	start time.Time
}

func (j *join) sameRun(runID string) error {
	if j.joined.RunID == "" {
		j.joined.RunID = runID
	}
	if j.joined.RunID != runID || runID == "" {
		return fmt.Errorf("account of run %q among those of run %q", runID, j.joined.RunID)
	}
	return nil
}

func (j *join) addSender(r io.ReaderAt) (err error) {
	s := new(sender)
	s.index, err = readIndex(r, &s.Header, &s.dispatchTrailer, kindDispatch, kindDispatchPage)
	if err != nil {
		return err
	}
	for _, other := range j.senders {
		if other.Stream == s.Stream {
			return fmt.Errorf("a second account of stream %d", s.Stream)
		}
	}
	if uint64(len(s.entries)) != s.Pages {
		return fmt.Errorf("%d pages, its trailer says %d", len(s.entries), s.Pages)
	}
	for i, e := range s.entries {
		if e.page>>32 != uint64(s.Stream) {
			return &corrupt{e.offset, fmt.Sprintf("a page of stream %d in the account of stream %d",
				e.page>>32, s.Stream)}
		}
		if i > 0 && e.page == s.entries[i-1].page {
			return &corrupt{e.offset, fmt.Sprintf("sequences from %d on were settled twice",
				e.page&(1<<32-1)<<16)}
		}
	}
	if err := j.cut(s); err != nil {
		return err
	}
	j.senders = append(j.senders, s)
	return j.sameRun(s.RunID)
}

func (j *join) addReceiver(r io.ReaderAt) (err error) {
	s := new(receiver)
	s.index, err = readIndex(r, &s.Run, &s.receiptsTrailer, kindReceipts, kindReceiptsPage)
	if err != nil {
		return err
	}
	if uint64(len(s.entries)) != s.Pages {
		return fmt.Errorf("%d pages, its trailer says %d", len(s.entries), s.Pages)
	}
	j.joined.Foreign += s.Foreign
	j.receivers = append(j.receivers, s)
	return j.sameRun(s.RunID)
}

// next is the lowest page that is left in any file.
func (j *join) next() (page uint64, ok bool) {
	consider := func(x *index) {
		if len(x.entries) > 0 && (!ok || x.entries[0].page < page) {
			page, ok = x.entries[0].page, true
		}
	}
	for _, s := range j.senders {
		consider(s.index)
	}
	for _, r := range j.receivers {
		consider(r.index)
	}
	return page, ok
}

// page joins one page of all files.
func (j *join) page(page uint64) error {
	j.reset(page)
	for _, r := range j.receivers {
		for _, e := range r.take(page) {
			if err := j.readReceipts(r, e); err != nil {
				return err
			}
		}
	}
	j.accepted.any(&j.any, &j.several)
	var ignored plane
	j.failed.any(&j.refused, &ignored)
	for w, v := range j.any {
		j.refused[w] &^= v
	}
	var of *sender
	for _, s := range j.senders {
		for _, e := range s.take(page) {
			c, err := s.read(e)
			if err != nil {
				return err
			}
			if readDispatchPage(c, &j.sent); c.failed || len(c.b) > 0 {
				return &corrupt{e.offset, "a page that cannot be read"}
			}
			of = s
		}
	}
	j.settle(of)
	return nil
}

func (j *join) reset(page uint64) {
	j.of = page
	j.spare = append(append(j.spare, j.accepted.planes...), j.failed.planes...)
	j.accepted.planes, j.failed.planes = j.accepted.planes[:0], j.failed.planes[:0]
	j.sent = dispatchPage{runs: j.sent.runs[:0], samples: j.sent.samples[:0]}
	if j.receipts == nil {
		j.receipts = make(map[uint16]receipt)
	}
	clear(j.receipts)
}

func (j *join) newPlane() *plane {
	n := len(j.spare)
	if n == 0 {
		return new(plane)
	}
	p := j.spare[n-1]
	j.spare = j.spare[:n-1]
	*p = plane{}
	return p
}

func (j *join) readReceipts(r *receiver, e entry) error {
	c, err := r.read(e)
	if err != nil {
		return err
	}
	mergeTally(c, &j.accepted, j.newPlane)
	mergeTally(c, &j.failed, j.newPlane)
	for n := c.uvarint(pageSize); n > 0 && !c.failed; n-- {
		low := uint16(c.uvarint(pageSize - 1))
		at := receipt{at: time.Duration(c.varint()), start: r.Start}
		old, ok := j.receipts[low]
		if !ok || at.since(old.start) < old.at {
			j.receipts[low] = at
		}
	}
	if c.failed || len(c.b) > 0 {
		return &corrupt{e.offset, "a page that cannot be read"}
	}
	return nil
}

// since is when the receipt was, from another start than its own.
func (r receipt) since(start time.Time) time.Duration { return r.at + r.start.Sub(start) }

// finish holds the pages against the trailers.
func (j *join) finish() error {
	for _, s := range j.senders {
		j.joined.All.Attempts += s.All.Attempts
		j.joined.All.RejectedSpans += s.All.RejectedSpans
		j.joined.Measured.Attempts += s.Measured.Attempts
		j.joined.Measured.RejectedSpans += s.Measured.RejectedSpans
	}
	for _, pair := range []struct {
		of      string
		account *Account
		sum     func(*sender) Classes
	}{
		{"all", &j.joined.All, func(s *sender) Classes { return s.All.Classes }},
		{"measured", &j.joined.Measured, func(s *sender) Classes { return s.Measured.Classes }},
	} {
		var want Classes
		for _, s := range j.senders {
			c := pair.sum(s)
			want.Due += c.Due
			for class := range numClasses {
				*want.of(class) += *c.of(class)
			}
		}
		if err := errors.Join(pair.account.Check(), pair.account.agrees(want)); err != nil {
			return fmt.Errorf("%s spans: %w", pair.of, err)
		}
	}
	return nil
}
