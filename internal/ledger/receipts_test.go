package ledger

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// However long the run and however many spans are lost or late, the pages held are
// those of the last minute.
func TestReceiptsHoldFewPages(t *testing.T) {
	for _, tt := range []struct {
		name  string
		every int           // one span in so many comes
		step  time.Duration // from page to page
		late  int           // one in so many requests has a span of an hour ago; 0 none
		want  int
	}{
		{"many spans", 1024, 66 * time.Millisecond, 0, 1000},
		{"sampled", 1 << 14, 66 * time.Millisecond, 0, 1000},
		{"late spans", 1 << 14, 66 * time.Millisecond, 2, 2000},
		{"faster than retirement", 1 << 14, time.Millisecond, 0, maxHeld + 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := NewReceipts(new(memory))
			_ = r.Start(Run{RunID: "run", Start: epoch})
			key, at, most := NewKey("run"), epoch, 0
			var ids [24]byte
			add := func(q *Request, n Number) {
				key.PutTraceID(ids[:16], n)
				key.PutSpanID(ids[16:], n)
				add(q, ids[:], uint64(epoch.UnixNano()))
			}
			for page := range 20_000 {
				at = at.Add(tt.step)
				q := r.Begin()
				for i := 0; i < 1<<16; i += tt.every {
					add(q, Number(page<<16+i))
				}
				if tt.late > 0 && page%tt.late == 0 {
					add(q, Number(max(0, page-10_000)<<16+1))
				}
				q.Commit(at, true)
				most = max(most, len(r.held.byID), r.held.planes)
			}
			if most > tt.want {
				t.Errorf("held up to %d pages, want at most %d", most, tt.want)
			}
			if n := len(r.held.spare); n > 64 {
				t.Errorf("keeps %d spare planes", n)
			}
		})
	}
}

func TestDispatchHoldsWhatIsUnderWay(t *testing.T) {
	d, err := NewDispatch(new(memory), Header{RunID: "run"})
	if err != nil {
		t.Fatal(err)
	}
	for b := range uint64(1_000_000) {
		if b == 3 {
			continue // an answer that takes the whole run
		}
		d.Settle(Settlement{First: b * 100, Count: 100, Class: Class(b % uint64(numClasses))})
		if len(d.open) > 3 {
			t.Fatalf("%d pages are open after %d batches, want the stuck one and at most two more", len(d.open), b)
		}
	}
	d.Settle(Settlement{First: 300, Count: 100, Class: Unknown})
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestDispatchTellsWhatIsWrong(t *testing.T) {
	settle := func(settlements ...Settlement) error {
		d, err := NewDispatch(new(memory), Header{RunID: "run"})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range settlements {
			d.Settle(s)
		}
		return d.Close()
	}
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"a gap", settle(Settlement{First: 10, Count: 5}), "10 of 15 items were never settled"},
		{"twice", settle(Settlement{Count: 10}, Settlement{First: 5, Count: 10}), "sequence 5 was settled twice"},
		{"class", settle(Settlement{Count: 1, Class: numClasses}), "out of range"},
		{"sequence", settle(Settlement{First: MaxSequence, Count: 2}), "out of range"},
	} {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%s: Close() = %v, want %q", tt.name, tt.err, tt.want)
		}
	}
	if _, err := NewDispatch(failing{}, Header{}); err == nil {
		t.Error("NewDispatch on a broken disk gave no error")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error)         { return 0, errors.New("disk full") }
func (failing) ReadAt([]byte, int64) (int, error) { return 0, errors.New("disk gone") }

func TestReceiptsTellThatTheDiskIsFull(t *testing.T) {
	r := NewReceipts(failing{})
	_ = r.Start(Run{RunID: "run"})
	if _, err := r.WriteTo(new(memory)); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("WriteTo() = %v, want disk full", err)
	}
	if r.Err() == nil {
		t.Error("Err() = nil on a full disk")
	}
}

func TestReceiptsCount(t *testing.T) {
	r := NewReceipts(new(memory))
	if _, err := r.WriteTo(new(memory)); err == nil {
		t.Error("WriteTo before Start gave no error")
	}
	key := NewKey("run")
	var ids [24]byte
	deliver := func(accepted bool, at time.Duration, numbers ...Number) {
		q := r.Begin()
		for _, n := range numbers {
			key.PutTraceID(ids[:16], n)
			key.PutSpanID(ids[16:], n)
			add(q, ids[:], uint64(epoch.Add(time.Second).UnixNano()))
		}
		q.Commit(epoch.Add(at), accepted)
	}
	deliver(true, 0, 1, 2, 3)
	run := Run{RunID: "run", Start: epoch, Window: Window{To: 2 * time.Second}}
	if err := r.Start(run); err != nil {
		t.Fatal(err)
	}
	var observed uint64
	r.Observe = func(_ time.Duration, n uint64) { observed += n }
	deliver(true, 2*time.Second, 1, 2, 3, 3)
	deliver(false, 3*time.Second, 1, 9)
	r.Mark()
	deliver(true, 4*time.Second, 9, 1)
	deliver(true, 10*time.Minute, 1<<20) // retires the page of the others
	deliver(true, 11*time.Minute, 2, 2)
	q := r.Begin()
	add(q, ids[:], 0)
	q.Discard()
	got := r.Received()
	if got.Unique != 5 || got.Duplicate != 3 || got.Failed != 2 || got.Foreign != 3 ||
		got.AfterMark != 2 || got.AfterClose != 1 || observed != 5 {
		t.Errorf("Received() = %+v, %d observed; want 5 unique (2 after mark), 3 duplicate, 2 failed, 3 foreign, 1 after close",
			got, observed)
	}
	if n := got.Latency.Count(); n != 5 {
		t.Errorf("latency of %d spans, want 5", n)
	}
	run.RunID = "another"
	if err := r.Start(run); err == nil {
		t.Error("Start of another run in the middle of this one gave no error")
	}
}

func TestReceiptsAllocateNothingPerSpan(t *testing.T) {
	r := NewReceipts(new(memory))
	_ = r.Start(Run{RunID: "run", Start: epoch})
	key := NewKey("run")
	ids := make([]byte, 24*1000)
	for i := range 1000 {
		key.PutTraceID(ids[24*i:], Number(i))
		key.PutSpanID(ids[24*i+16:], Number(i))
	}
	allocs := testing.AllocsPerRun(100, func() {
		q := r.Begin()
		for i := 0; i < len(ids); i += 24 {
			add(q, ids[i:i+24], 1)
		}
		q.Commit(epoch, true)
	})
	if allocs > 10 {
		t.Errorf("%.0f allocations a request of 1000 spans", allocs)
	}
}
