package ledger

import (
	"fmt"
	"io"
	"sort"
)

// A Stretch is the spans with the sequences [From, To) of every stream: as sequences are
// dense and rise with the schedule, those that were due between two moments.
type Stretch struct{ From, To uint64 }

// A Part is what became of the spans of one stretch. Attempts, rejected and impossible
// spans and traces are not told by stretch; they are of the whole run only.
type Part struct {
	Stretch
	Account Account
	// Predicted is of those of them whose traces were predicted to be dropped; zero where
	// no prediction was given or none could be applied.
	Predicted Account
}

// JoinStretches is JoinPredicted that tells of some stretches apart, in
// Joined.Stretches. They are in order and do not overlap; what lies in none of them is in
// the other accounts only. It holds one Part for each and nothing else more than Join; keeps
// may be nil.
func JoinStretches(
	dispatches, receipts []io.ReaderAt, keeps func(traceID [16]byte) bool, stretches []Stretch,
) (*Joined, error) {
	j := newJoin()
	j.keeps = keeps
	end := uint64(0)
	for i, s := range stretches {
		if s.From < end || s.To < s.From {
			return nil, fmt.Errorf("join: stretch %d is from %d to %d after one to %d: want them in "+
				"order, without overlap", i+1, s.From, s.To, end)
		}
		end = s.To
		j.joined.Stretches = append(j.joined.Stretches, Part{Stretch: s})
	}
	return j.join(dispatches, receipts)
}

// apart enters the items of a run, on the page that begins at first, into the stretches
// that they are in.
func (j *join) apart(first uint64, r run, account func(*Part) *Account) {
	parts := j.joined.Stretches
	from, to := first+uint64(r.from), first+uint64(r.to)
	for i := sort.Search(len(parts), func(i int) bool { return parts[i].To > from }); i < len(parts) &&
		parts[i].From < to; i++ {
		inside := run{
			from: max(r.from, part(parts[i].From, first)),
			to:   min(r.to, part(parts[i].To, first)), class: r.class,
		}
		if inside.from < inside.to {
			j.enter(account(&parts[i]), inside)
		}
	}
}

func (p *Part) whole() *Account   { return &p.Account }
func (p *Part) dropped() *Account { return &p.Predicted }
