package ledger

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var sameHistogram = cmp.Comparer(func(a, b *Histogram) bool {
	return (a == nil) == (b == nil) && (a == nil || a.h.Equals(b.h))
})

// A sending is what one request leaves in a sender's book.
type sending struct {
	class          Class
	measured       bool
	code, err      string
	late, answered time.Duration
}

func randomSending(r *rand.Rand) sending {
	s := sending{
		class: Class(r.IntN(int(numClasses))), measured: r.IntN(4) > 0,
		code: []string{"OK", "UNAVAILABLE", "HTTP 503"}[r.IntN(3)],
		late: time.Duration(r.IntN(1e7)), answered: time.Duration(r.IntN(1e9)),
	}
	if r.IntN(10) == 0 {
		s.err = fmt.Sprintf("error %d", r.IntN(3))
	}
	return s
}

// bookOf is the book of a sender that sent these, of 10 spans each.
func bookOf(all []sending) *Sent {
	b := &Sent{
		Start: epoch, Requests: map[string]uint64{}, Lateness: NewHistogram(), Answer: NewHistogram(),
	}
	for _, s := range all {
		for _, c := range []*Classes{&b.All, &b.Measured} {
			if c == &b.All || s.measured {
				c.Due += 10
				*c.of(s.class) += 10
				c.Attempts += 10
			}
		}
		b.Finished = max(b.Finished, s.answered)
		b.ConnectionsOpened++
		b.CPUSeconds += 0.25
		if s.err != "" {
			addCounts(&b.Errors, map[string]uint64{s.err: 1})
		}
		if s.measured {
			b.Requests[s.code]++
			b.EncodedBytes += 1000
			b.WireBytes += 300
			b.Lateness.Record(s.late, 1)
			b.Answer.Record(s.answered, 10)
		}
	}
	return b
}

// However a load is dealt out, the books of its senders are together the book of one that
// sent it all.
func TestSentTogetherIsTheBookOfOne(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 2))
		parts := make([][]sending, 1+r.IntN(7))
		var whole []sending
		for range r.IntN(500) {
			s, i := randomSending(r), r.IntN(len(parts))
			whole, parts[i] = append(whole, s), append(parts[i], s)
		}
		var books []*Sent
		for i, part := range parts {
			b := bookOf(part)
			b.Stream = uint16(i)
			books = append(books, b)
		}
		if diff := cmp.Diff(bookOf(whole), SentTogether(books), sameHistogram); diff != "" {
			t.Errorf("seed %d, %d senders (-one +together):\n%s", seed, len(parts), diff)
		}
	}
}

// What cannot be summed says what it is.
func TestSentTogetherTellsTheWorst(t *testing.T) {
	of := func(slope *float64, start time.Time) *Sent {
		return &Sent{
			SlopeError: slope, Start: start, Lateness: NewHistogram(), Answer: NewHistogram(),
			Requests: map[string]uint64{},
		}
	}
	later := epoch.Add(time.Second)
	got := SentTogether([]*Sent{of(new(0.1), later), of(nil, epoch), of(new(-0.3), later)})
	if got.SlopeError == nil || *got.SlopeError != -0.3 || !got.Start.Equal(epoch) {
		t.Errorf("SlopeError %v, Start %s: want -0.3 and %s", got.SlopeError, got.Start, epoch)
	}
	none := of(nil, epoch)
	none.Answer = nil
	if got := SentTogether([]*Sent{of(nil, epoch), none}); got.Answer != nil || got.SlopeError != nil {
		t.Errorf("Answer %v, SlopeError %v: want neither, one of them has none", got.Answer,
			got.SlopeError)
	}
	if alone := of(nil, epoch); SentTogether([]*Sent{alone}) != alone {
		t.Error("the book of one sender is another one")
	}
}

// deal hands each copy of a request to one receiver that takes all, and to the one of
// several that to chooses.
func deal(t *testing.T, r *rand.Rand, n int, to func(n Number, copy int) int) (
	one *Receipts, several []*Receipts, files []io.ReaderAt,
) {
	t.Helper()
	run := Run{
		RunID: "run", Start: epoch, SampleEvery: 7,
		Window: Window{From: 100 * time.Millisecond, To: 900 * time.Millisecond},
	}
	begin := func() *Receipts {
		m := new(memory)
		receipts := NewReceipts(m)
		if err := receipts.Start(run); err != nil {
			t.Fatal(err)
		}
		files = append(files, m)
		return receipts
	}
	one = begin()
	files = nil
	for range n {
		several = append(several, begin())
	}
	key := NewKey("run")
	for slot := range 100 {
		due := epoch.Add(time.Duration(slot) * 10 * time.Millisecond)
		for copy := range 1 + r.IntN(2) {
			first := Number(10 * slot)
			at, good := due.Add(time.Duration(r.IntN(1e9))), r.IntN(10) > 0
			for _, receipts := range []*Receipts{one, several[to(first, copy)]} {
				q := receipts.Begin()
				for i := range Number(10) {
					var ids [24]byte
					key.PutTraceID(ids[:16], first)
					key.PutSpanID(ids[16:], first+i)
					add(q, ids[:], uint64(due.UnixNano()))
				}
				q.Add(1, 2, 3, 4) // somebody else's
				q.Commit(at, good)
			}
			if slot == 90 && copy == 0 {
				one.Mark()
				for _, r := range several {
					r.Mark()
				}
			}
		}
	}
	return one, several, files
}

func booksOf(all []*Receipts) (books []*Received) {
	for _, r := range all {
		b := r.Received()
		books = append(books, &b)
	}
	return books
}

// Where each span has its receiver, the books of all are the book of one that received it
// all.
func TestReceivedTogetherIsTheBookOfOne(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 3))
		n := 1 + r.IntN(5)
		one, several, _ := deal(t, r, n, func(first Number, _ int) int { return int(first/10) % n })
		want := one.Received()
		got := ReceivedTogether(booksOf(several))
		got.Requests = nil // the receiver's own to count
		if diff := cmp.Diff(&want, got, sameHistogram); diff != "" {
			t.Errorf("seed %d, %d receivers (-one +together):\n%s", seed, n, diff)
		}
	}
}

// A span that came to two receivers is unique to both until the accounts are joined.
func TestReceivedIsCorrectedByTheJoin(t *testing.T) {
	twice := false
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 4))
		n := 2 + r.IntN(3)
		one, several, files := deal(t, r, n, func(Number, int) int { return r.IntN(n) })
		got := ReceivedTogether(booksOf(several))
		for _, receipts := range several {
			if err := receipts.Close(); err != nil {
				t.Fatal(err)
			}
		}
		var m memory
		d, err := NewDispatch(&m, Header{RunID: "run", Start: epoch})
		if err != nil {
			t.Fatal(err)
		}
		d.Settle(Settlement{First: 0, Count: 1000, Class: Acknowledged, Attempts: 1})
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		j, err := Join([]io.ReaderAt{&m}, files)
		if err != nil {
			t.Fatal(err)
		}
		want := one.Received()
		twice = twice || got.Unique > want.Unique
		got.Correct(j)
		if got.Unique != want.Unique || got.Duplicate != want.Duplicate {
			t.Errorf("seed %d: %d unique and %d more of %d receivers, want %d and %d", seed, got.Unique,
				got.Duplicate, n, want.Unique, want.Duplicate)
		}
	}
	if !twice {
		t.Error("no span came to two receivers: nothing was tested")
	}
}
