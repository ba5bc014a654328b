package ledger

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Wherever the run is cut: each stretch is what the maps tell of its spans, and all of
// them and the rest are the whole.
func TestStretchesAreWhatBecameOfTheirSpans(t *testing.T) {
	for seed, keep := range []float64{1, 0.9, 0.5, 0, 0.99, 0.7, 0.2, 0.1} {
		t.Run(fmt.Sprintf("seed=%d,keep=%v", seed, keep), func(t *testing.T) {
			w := newWorld(t, uint64(seed))
			w.play(keep)
			sent, received := w.files(t)
			asked := w.cuts()
			j, err := JoinStretches(sent, received, keepsSome, alike(asked))
			if err != nil {
				t.Fatal(err)
			}
			var all, dropped Account
			for i, p := range j.Stretches {
				want := w.within(asked[i], w.want)
				want.Attempts, want.RejectedSpans, want.Impossible = 0, 0, 0
				if diff := cmp.Diff(want, p.Account); diff != "" {
					t.Errorf("%v (-maps +join):\n%s", asked[i], diff)
				}
				if w.size > 0 {
					want = w.within(asked[i], w.wantDropped)
				} else {
					want = Account{}
				}
				if diff := cmp.Diff(want, p.Predicted); diff != "" {
					t.Errorf("predicted of %v (-maps +join):\n%s", asked[i], diff)
				}
				for _, a := range []*Account{&p.Account, &p.Predicted} {
					if err := a.Check(); err != nil {
						t.Errorf("%v: %v", asked[i], err)
					}
				}
				all.plus(&p.Account)
				dropped.plus(&p.Predicted)
			}
			whole := j.All
			whole.Attempts, whole.RejectedSpans, whole.Impossible = 0, 0, 0
			if diff := cmp.Diff(whole, all); diff != "" {
				t.Errorf("the sum of all stretches (-whole +sum):\n%s", diff)
			}
			if j.Predicted != nil {
				if diff := cmp.Diff(j.Predicted.All, dropped); diff != "" {
					t.Errorf("the sum of what was predicted (-whole +sum):\n%s", diff)
				}
			}
		})
	}
}

// cuts are stretches from the first sequence to the last there can be: at random, at the
// edges of pages, one of no spans, one of one span.
func (w *world) cuts() (all []Stretch) {
	edges := []uint64{0, pageSize, pageSize, pageSize + 1, MaxSequence + 1}
	for range w.rand.IntN(20) {
		edges = append(edges, w.rand.Uint64N(100_000))
	}
	slices.Sort(edges)
	for i := range edges[1:] {
		all = append(all, Stretch{From: edges[i], To: edges[i+1]})
	}
	return all
}

// within is what a function of the maps says of the spans in a stretch.
func (w *world) within(s Stretch, of func(measured bool) Account) Account {
	return w.where(func(n Number) bool {
		sequence := uint64(n & MaxSequence)
		return sequence >= s.From && sequence < s.To
	}, of)
}

// where is what a function of the maps says of some of the spans.
func (w *world) where(is func(Number) bool, of func(measured bool) Account) Account {
	class := w.class
	defer func() { w.class = class }()
	w.class = maps.Clone(class)
	maps.DeleteFunc(w.class, func(n Number, _ Class) bool { return !is(n) })
	return of(false)
}

// plus adds what is told by stretch.
func (a *Account) plus(b *Account) {
	a.Due, a.Unsent, a.Offered = a.Due+b.Due, a.Unsent+b.Unsent, a.Offered+b.Offered
	for class := Acknowledged; class < numClasses; class++ {
		x, y := a.fate(class), b.fate(class)
		x.Items, x.Once, x.Repeatedly = x.Items+y.Items, x.Once+y.Once, x.Repeatedly+y.Repeatedly
		x.NotDelivered, x.Extra = x.NotDelivered+y.NotDelivered, x.Extra+y.Extra
		x.TurnedAway += y.TurnedAway
	}
}

// What is in no stretch is in none, and all else is as without stretches.
func TestStretchesLeaveTheRest(t *testing.T) {
	w := newWorld(t, 3)
	w.play(0.9)
	sent, received := w.files(t)
	plain, err := Join(sent, received)
	if err != nil {
		t.Fatal(err)
	}
	j, err := JoinStretches(sent, received, nil, alike([]Stretch{{100, 250}, {70_000, 70_001}}))
	if err != nil {
		t.Fatal(err)
	}
	due := j.Stretches[0].Account.Due + j.Stretches[1].Account.Due
	if want := uint64(151 * len(w.senders)); due != want {
		t.Errorf("%d due in both stretches, want %d", due, want)
	}
	if diff := cmp.Diff([2]Account{plain.All, plain.Measured}, [2]Account{j.All, j.Measured}); diff != "" {
		t.Errorf("All and Measured (-Join +JoinStretches):\n%s", diff)
	}
}

func TestStretchesAreInOrder(t *testing.T) {
	w := severalSenders(t)
	w.play(0.9)
	sent, received := w.files(t)
	for _, wrong := range [][]Stretch{{{5, 4}}, {{0, 5}, {4, 6}}, {{10, 20}, {0, 5}}} {
		if _, err := JoinStretches(sent, received, nil, alike(wrong)); err == nil ||
			!strings.Contains(err.Error(), "want them in order") {
			t.Errorf("JoinStretches(%v) = %v", wrong, err)
		}
	}
	more := []Stretch{{0, 1}}
	_, err := JoinStretches(sent, received, nil, func(uint16) []Stretch {
		more = append(more, Stretch{more[len(more)-1].To, more[len(more)-1].To + 1})
		return more
	})
	if err == nil || !strings.Contains(err.Error(), "3 stretches: want 2") {
		t.Errorf("JoinStretches with more of each stream = %v", err)
	}
}

// severalSenders is a world that has them.
func severalSenders(t *testing.T) *world {
	for seed := uint64(0); ; seed++ {
		if w := newWorld(t, seed); len(w.senders) > 1 {
			return w
		}
	}
}

func alike(all []Stretch) Stretches { return func(uint16) []Stretch { return all } }

// Each stream is cut where it says: the same moment is another sequence in each.
func TestStretchesAreOfTheirStream(t *testing.T) {
	w := severalSenders(t)
	w.play(0.8)
	sent, received := w.files(t)
	edge := func(stream uint16) uint64 { return 1000 + 7*uint64(stream) }
	j, err := JoinStretches(sent, received, nil, func(stream uint16) []Stretch {
		return []Stretch{{0, edge(stream)}, {edge(stream), MaxSequence + 1}}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := w.where(func(n Number) bool { return uint64(n&MaxSequence) < edge(uint16(n>>48)) }, w.want)
	want.Attempts, want.RejectedSpans, want.Impossible = 0, 0, 0
	if diff := cmp.Diff(want, j.Stretches[0].Account); diff != "" {
		t.Errorf("the first stretch (-maps +join):\n%s", diff)
	}
	both := j.Stretches[0].Account
	both.plus(&j.Stretches[1].Account)
	whole := j.All
	whole.Attempts, whole.RejectedSpans, whole.Impossible = 0, 0, 0
	if diff := cmp.Diff(whole, both); diff != "" {
		t.Errorf("both stretches (-whole +sum):\n%s", diff)
	}
}

// files closes all accounts and returns what is in them.
func (w *world) files(t *testing.T) (sent, received []io.ReaderAt) {
	t.Helper()
	for i, d := range w.senders {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, w.sent[i])
	}
	for i, r := range w.receivers {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		received = append(received, w.received[i])
	}
	return sent, received
}
