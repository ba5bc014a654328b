package ledger

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A day is a long run at a million spans a second, of which one span in every step is
// considered and the others are lost. What becomes of a span follows from its number, so
// that the truth needs no memory.
type day struct {
	pages, step int
	dispatch    *Dispatch
	receipts    *Receipts
}

const (
	pageTime  = pageSize * time.Microsecond
	lateAfter = int(2 * time.Minute / pageTime) // pages
)

// The ends of a considered span, by a hash of its number, of a thousand.
const (
	dayLost   = 10
	dayTwice  = dayLost + 2
	dayLate   = dayTwice + 2 // comes when its page was retired long ago
	dayFailed = dayLate + 2
)

func endOf(n Number) uint64 { return mix64(uint64(n)+1) % 1000 }

func newDay(tb testing.TB, pages, step int) (d *day, sent, received *os.File) {
	tb.Helper()
	file := func() *os.File {
		f, err := os.CreateTemp(tb.TempDir(), "account")
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { f.Close() })
		return f
	}
	d, sent, received = &day{pages: pages, step: step}, file(), file()
	var err error
	h := Header{RunID: "run", Start: epoch, MeasuredTo: MaxSequence, SampleEvery: 100_000}
	if d.dispatch, err = NewDispatch(sent, h); err != nil {
		tb.Fatal(err)
	}
	d.receipts = NewReceipts(received)
	if err := d.receipts.Start(Run{RunID: "run", Start: epoch, SampleEvery: 100_000}); err != nil {
		tb.Fatal(err)
	}
	return d, sent, received
}

// play plays the run and returns how much more heap is in use at the end of each tenth
// of it, once both accounts are under way for long enough to retire pages.
func (d *day) play(tb testing.TB) (grown []int64) {
	tb.Helper()
	base := int64(0)
	for p := range d.pages + lateAfter {
		at := epoch.Add(time.Duration(p+1) * pageTime)
		if p < d.pages {
			d.send(uint64(p), at)
			d.deliver(p, at, true, func(end uint64) bool { return end >= dayLost && (end < dayTwice || end >= dayFailed) })
			d.deliver(p, at, true, func(end uint64) bool { return end >= dayLost && end < dayTwice })
			d.deliver(p, at, false, func(end uint64) bool { return end >= dayLate && end < dayFailed })
		}
		d.deliver(p-lateAfter, at, true, func(end uint64) bool { return end >= dayTwice && end < dayLate })
		if tenth := d.pages / 10; p%tenth == tenth-1 && p >= 2*lateAfter {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			if base == 0 {
				base = int64(m.HeapAlloc)
			}
			grown = append(grown, int64(m.HeapAlloc)-base)
		}
	}
	return grown
}

// send settles a page in 64 parts, two of them in the wrong order.
func (d *day) send(page uint64, at time.Time) {
	const part = pageSize / 64
	for i := range uint64(64) {
		if i == 5 || i == 6 {
			i = 11 - i
		}
		d.dispatch.Settle(Settlement{
			First: page<<16 + i*part, Count: part, Class: Acknowledged, Attempts: 1,
			Due: at.Sub(epoch) - pageTime, Sent: at.Sub(epoch), Answered: at.Sub(epoch),
		})
	}
}

// deliver brings the spans of a page that have one of these ends.
func (d *day) deliver(page int, at time.Time, accepted bool, which func(end uint64) bool) {
	if page < 0 || page >= d.pages {
		return
	}
	q := d.receipts.Begin()
	q.dues = append(q.dues, dueRun{nano: uint64(at.Add(-pageTime).UnixNano())})
	for n := Number(page) << 16; n < Number(page+1)<<16; n += Number(d.step) {
		if which(endOf(n)) {
			q.numbers = append(q.numbers, n)
		}
	}
	q.Commit(at, accepted)
}

// truth is what became of all spans.
func (d *day) truth() (f Fate) {
	f.Items = uint64(d.pages) << 16
	for n := Number(0); n < Number(f.Items); n += Number(d.step) {
		switch end := endOf(n); {
		case end < dayLost:
		case end < dayTwice:
			f.Repeatedly++
			f.Extra++
		case end >= dayLate && end < dayFailed:
			f.TurnedAway++
		default:
			f.Once++
		}
	}
	f.NotDelivered = f.Items - f.Once - f.Repeatedly
	return f
}

func (d *day) check(tb testing.TB, sent, received *os.File) {
	tb.Helper()
	if err := d.dispatch.Close(); err != nil {
		tb.Fatal(err)
	}
	if err := d.receipts.Close(); err != nil {
		tb.Fatal(err)
	}
	j, err := Join([]io.ReaderAt{sent}, []io.ReaderAt{received})
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(d.truth(), j.All.Acknowledged); diff != "" {
		tb.Errorf("account (-truth +join):\n%s", diff)
	}
}

// maxGrowth is what the heap may grow by in a day: a bit for each page retired, in a map.
const maxGrowth = 2 << 20

func TestADayStaysInMemoryAndExact(t *testing.T) {
	for _, tt := range []struct{ pages, step int }{{40_000, 4096}, {10_000, 256}} {
		t.Run(fmt.Sprintf("%d pages, 1 in %d", tt.pages, tt.step), func(t *testing.T) {
			d, sent, received := newDay(t, tt.pages, tt.step)
			grown := d.play(t)
			for i, n := range grown {
				if n > maxGrowth {
					t.Errorf("the heap has grown by %d bytes at mark %d of %d", n, i+1, len(grown))
				}
			}
			if len(grown) < 2 {
				t.Errorf("the heap was measured %d times", len(grown))
			}
			d.check(t, sent, received)
		})
	}
}

// BenchmarkDay is a whole day at a million spans a second, by one span in 2048, and a
// billion spans, all of them.
func BenchmarkDay(b *testing.B) {
	for _, bb := range []struct {
		name        string
		pages, step int
	}{
		{"24h", int(24 * time.Hour / pageTime), 2048},
		{"billion", 1_000_000_000 / pageSize, 1},
	} {
		b.Run(bb.name, func(b *testing.B) {
			for b.Loop() {
				d, sent, received := newDay(b, bb.pages, bb.step)
				grown := d.play(b)
				most := int64(0)
				for _, n := range grown {
					most = max(most, n)
				}
				info, _ := received.Stat()
				b.ReportMetric(float64(most)/(1<<20), "MiB-grown")
				b.ReportMetric(float64(len(grown)), "marks")
				b.ReportMetric(float64(info.Size())/(1<<20), "MiB-file")
				d.check(b, sent, received)
			}
		})
	}
}
