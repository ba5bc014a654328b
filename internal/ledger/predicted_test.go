package ledger

import (
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// keepsSome is a sampler that keeps two thirds of the traces.
func keepsSome(id [16]byte) bool { return id[15]%3 > 0 }

// The account of what a sampler was to drop is what the maps tell of those traces alone;
// missing is named of the others only, and nothing else changes.
func TestJoinPredicted(t *testing.T) {
	for seed, keep := range []float64{1, 0.9, 0.99, 0.5} {
		t.Run(fmt.Sprintf("seed=%d,keep=%v", seed, keep), func(t *testing.T) {
			w := newWorld(t, uint64(seed))
			w.play(keep)
			var sent, received []io.ReaderAt
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
			plain, err := Join(sent, received)
			if err != nil {
				t.Fatal(err)
			}
			j, err := JoinPredicted(sent, received, keepsSome)
			if err != nil {
				t.Fatal(err)
			}
			if w.size == 0 {
				if j.Predicted != nil {
					t.Error("Predicted, though traces were not followed")
				}
				return
			}
			for _, c := range []struct {
				name       string
				want, got  Account
				wantPlain  Account
				isMeasured bool
			}{
				{"All", w.wantDropped(false), j.Predicted.All, plain.All, false},
				{"Measured", w.wantDropped(true), j.Predicted.Measured, plain.Measured, true},
			} {
				if diff := cmp.Diff(c.want, c.got); diff != "" {
					t.Errorf("Predicted.%s (-maps +join):\n%s", c.name, diff)
				}
				if err := c.got.Check(); err != nil {
					t.Errorf("Predicted.%s: %v", c.name, err)
				}
			}
			if diff := cmp.Diff([2]Account{plain.All, plain.Measured}, [2]Account{j.All, j.Measured}); diff != "" {
				t.Errorf("All and Measured (-Join +JoinPredicted):\n%s", diff)
			}
			missing, came := w.wantRanges()
			if diff := cmp.Diff(missing, j.Missing); diff != "" {
				t.Errorf("Missing (-maps +join):\n%s", diff)
			}
			if diff := cmp.Diff(came, j.Predicted.Came); diff != "" {
				t.Errorf("Predicted.Came (-maps +join):\n%s", diff)
			}
		})
	}
}

func (w *world) keeps(n Number) bool {
	var id [16]byte
	sequence := uint64(n & MaxSequence)
	NewKey("run").PutTraceID(id[:], n-Number(sequence%w.size))
	return keepsSome(id)
}

// wantDropped is want of the traces that the sampler drops, without what is known of
// requests only.
func (w *world) wantDropped(measured bool) Account {
	class := w.class
	defer func() { w.class = class }()
	w.class = map[Number]Class{}
	for n, c := range class {
		if !w.keeps(n) {
			w.class[n] = c
		}
	}
	a := w.want(measured)
	a.Attempts, a.RejectedSpans, a.Impossible = 0, 0, 0
	return a
}

// wantRanges are the acknowledged, measured spans that were to come and did not, and
// the offered ones that came and were not to.
func (w *world) wantRanges() (missing, came []MissingRange) {
	add := func(to []MissingRange, stream uint16, at uint64) []MissingRange {
		if k := len(to) - 1; k >= 0 && to[k].goesOn(stream, at) {
			to[k].Count++
			return to
		}
		return append(to, MissingRange{Stream: stream, First: at, Count: 1})
	}
	var numbers []Number
	for n := range w.class {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		stream, at := uint16(n>>48), uint64(n&MaxSequence)
		switch {
		case w.class[n] == Unsent:
		case w.accepted[n] > 0 && !w.keeps(n):
			came = add(came, stream, at)
		case w.accepted[n] == 0 && w.class[n] == Acknowledged && w.measured(n) && w.keeps(n):
			missing = add(missing, stream, at)
		}
	}
	return missing[:min(len(missing), MaxMissing)], came[:min(len(came), MaxMissing)]
}
