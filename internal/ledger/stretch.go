package ledger

import (
	"fmt"
	"io"
	"sort"
)

// A Stretch is the spans of one stream with the sequences [From, To): as sequences are
// dense and rise with the schedule, those that were due between two moments.
type Stretch struct{ From, To uint64 }

// Stretches are those of a stream that are told of apart: as many of every stream, so that
// the i-th of all streams together are one Part. They are in order and do not overlap.
type Stretches func(stream uint16) []Stretch

// A Part is what became of the spans of one stretch, of every stream. Attempts, rejected
// and impossible spans and traces are not told by stretch; they are of the whole run only.
type Part struct {
	Account Account
	// Predicted is of those of them whose traces were predicted to be dropped; zero where
	// no prediction was given or none could be applied.
	Predicted Account
}

// JoinStretches is JoinPredicted that tells of some stretches apart, in
// Joined.Stretches. What lies in none of them is in the other accounts only. It holds one
// Part for each and nothing else more than Join; keeps and stretches may be nil.
func JoinStretches(
	dispatches, receipts []io.ReaderAt, keeps func(traceID [16]byte) bool, stretches Stretches,
) (*Joined, error) {
	j := newJoin()
	j.keeps, j.stretches = keeps, stretches
	return j.join(dispatches, receipts)
}

// cut asks for the stretches of a sender's stream.
func (j *join) cut(s *sender) error {
	if j.stretches == nil {
		return nil
	}
	s.stretches = j.stretches(s.Stream)
	end := uint64(0)
	for i, of := range s.stretches {
		if of.From < end || of.To < of.From {
			return fmt.Errorf("stretch %d of stream %d is from %d to %d after one to %d: want them in "+
				"order, without overlap", i+1, s.Stream, of.From, of.To, end)
		}
		end = of.To
	}
	if len(j.senders) == 0 {
		j.joined.Stretches = make([]Part, len(s.stretches))
	}
	if n := len(j.joined.Stretches); n != len(s.stretches) {
		return fmt.Errorf("stream %d has %d stretches: want %d, as the streams before it have",
			s.Stream, len(s.stretches), n)
	}
	return nil
}

// apart enters the items of a run, on the page that begins at first, into the stretches
// that they are in.
func (j *join) apart(s *sender, first uint64, r run, account func(*Part) *Account) {
	cuts, parts := s.stretches, j.joined.Stretches
	from, to := first+uint64(r.from), first+uint64(r.to)
	for i := sort.Search(len(cuts), func(i int) bool { return cuts[i].To > from }); i < len(cuts) &&
		cuts[i].From < to; i++ {
		inside := run{
			from: max(r.from, part(cuts[i].From, first)),
			to:   min(r.to, part(cuts[i].To, first)), class: r.class,
		}
		if inside.from < inside.to {
			j.enter(account(&parts[i]), inside)
		}
	}
}

func (p *Part) whole() *Account   { return &p.Account }
func (p *Part) dropped() *Account { return &p.Predicted }
