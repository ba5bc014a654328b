package ledger

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// memory is a file in memory.
type memory struct{ bytes.Buffer }

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m.Bytes()).ReadAt(p, off)
}

// add enters a span with these ids, of 16 and of 8 bytes.
func add(q *Request, ids []byte, dueNano uint64) {
	q.Add(binary.BigEndian.Uint64(ids), binary.BigEndian.Uint64(ids[8:]),
		binary.BigEndian.Uint64(ids[16:]), dueNano)
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// A world is a run whose truth is kept in maps.
type world struct {
	rand      *rand.Rand
	every     uint64
	window    Window
	senders   []*Dispatch
	sent      []*memory
	headers   []Header
	receivers []*Receipts
	received  []*memory

	size     uint64 // of a trace
	class    map[Number]Class
	settled  map[Number]Settlement
	accepted map[Number]int
	failed   map[Number]int
	first    map[Number]time.Duration
	foreign  uint64
}

const batch = 50

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		rand:  rand.New(rand.NewPCG(seed, 1)),
		class: map[Number]Class{}, settled: map[Number]Settlement{},
		accepted: map[Number]int{}, failed: map[Number]int{}, first: map[Number]time.Duration{},
	}
	w.every = []uint64{0, 1, 7, 100}[w.rand.IntN(4)]
	w.size = []uint64{0, 2, 10, 25}[seed%4]
	w.window = Window{From: 3 * time.Second, To: 9 * time.Second}
	for i := range 1 + w.rand.IntN(3) {
		h := Header{
			RunID: "run", Stream: uint16(i * 5), Start: epoch, SampleEvery: w.every,
			MeasuredFrom: uint64(1000 + i), MeasuredTo: uint64(67_000 + i*1000),
			TraceSpans: w.size,
		}
		m := new(memory)
		d, err := NewDispatch(m, h)
		if err != nil {
			t.Fatal(err)
		}
		w.senders, w.sent, w.headers = append(w.senders, d), append(w.sent, m), append(w.headers, h)
	}
	for i := range 1 + w.rand.IntN(3) {
		m := new(memory)
		r := NewReceipts(m)
		// Pages are retired far too early, so that many spans come after it.
		r.maxHeld, r.retire = 1+w.rand.IntN(4), time.Duration(w.rand.IntN(int(time.Second)))
		run := Run{RunID: "run", Start: epoch.Add(time.Duration(i) * time.Millisecond), Window: w.window, SampleEvery: w.every}
		if err := r.Start(run); err != nil {
			t.Fatal(err)
		}
		w.receivers, w.received = append(w.receivers, r), append(w.received, m)
	}
	return w
}

// play sends, loses, repeats and disorders.
func (w *world) play(keep float64) {
	type parcel struct{ numbers []Number }
	var parcels []parcel
	for i, d := range w.senders {
		var settlements []Settlement
		for b := range uint64(1400 + w.rand.IntN(400)) {
			due := time.Duration(b) * 5 * time.Millisecond
			s := Settlement{
				First: b * batch, Count: batch, Class: Class(w.rand.IntN(int(numClasses))), Attempts: 1 + w.rand.IntN(2),
				Due: due, Sent: due + time.Millisecond, Answered: due + time.Duration(1+w.rand.IntN(1e7)),
			}
			if w.rand.IntN(3) > 0 {
				s.Class = Acknowledged
			}
			if s.Class == Unsent {
				s.Attempts = 0
			}
			if s.Class == RejectedInPart {
				s.Rejected = w.rand.IntN(batch)
			}
			settlements = append(settlements, s)
			var p parcel
			for k := range s.Count {
				n := Number(uint64(w.headers[i].Stream)<<48 | s.First + uint64(k))
				w.class[n], w.settled[n] = s.Class, s
				if s.Class != Unsent && w.rand.Float64() < keep || w.rand.IntN(100_000) == 0 {
					p.numbers = append(p.numbers, n)
				}
			}
			parcels = append(parcels, p)
			if w.rand.IntN(20) == 0 {
				parcels = append(parcels, p, p)
			}
		}
		w.disorder(len(settlements), func(a, b int) { settlements[a], settlements[b] = settlements[b], settlements[a] })
		for _, s := range settlements {
			d.Settle(s)
		}
	}
	w.disorder(len(parcels), func(a, b int) { parcels[a], parcels[b] = parcels[b], parcels[a] })
	at := epoch
	for _, p := range parcels {
		at = at.Add(time.Duration(w.rand.IntN(int(10 * time.Millisecond))))
		w.deliver(p.numbers, at)
	}
}

func (w *world) disorder(n int, swap func(a, b int)) {
	for i := range n {
		if w.rand.IntN(3) == 0 {
			swap(i, w.rand.IntN(n))
		}
	}
}

func (w *world) deliver(numbers []Number, at time.Time) {
	key := NewKey("run")
	q := w.receivers[w.rand.IntN(len(w.receivers))].Begin()
	ok := w.rand.IntN(5) > 0
	var ids [24]byte
	for _, n := range numbers {
		key.PutTraceID(ids[:], n-Number(min(uint64(n)&MaxSequence, uint64(w.rand.IntN(10)))))
		key.PutSpanID(ids[16:], n)
		add(q, ids[:], uint64(epoch.Add(w.settled[n].Due).UnixNano()))
		if !ok {
			w.failed[n]++
			continue
		}
		if w.accepted[n]++; w.accepted[n] == 1 || at.Sub(epoch) < w.first[n] {
			w.first[n] = at.Sub(epoch)
		}
	}
	if w.rand.IntN(10) == 0 {
		add(q, []byte("sixteen bytes...8 bytes."), 1)
		w.foreign++
	}
	q.Commit(at, ok)
}

// want is the account by the maps.
func (w *world) want(measured bool) (a Account) {
	counted := map[string]bool{}
	for n, class := range w.class {
		if measured && !w.measured(n) {
			continue
		}
		s := w.settled[n]
		a.Due++
		a.Attempts += uint64(s.Attempts)
		if class == Unsent {
			a.Unsent++
			if w.accepted[n] > 0 {
				a.Impossible++
			}
			continue
		}
		if class == RejectedInPart {
			if k := fmt.Sprint(n>>48, s.First); !counted[k] {
				counted[k] = true
				a.RejectedSpans += uint64(s.Rejected)
			}
		}
		a.Offered++
		f := a.fate(class)
		f.Items++
		switch c := w.accepted[n]; {
		case c == 1:
			f.Once++
		case c > 1:
			f.Repeatedly++
			f.Extra += uint64(c - 1)
		default:
			f.NotDelivered++
			if w.failed[n] > 0 {
				f.TurnedAway++
			}
		}
	}
	return a
}

func (w *world) measured(n Number) bool {
	i := slices.IndexFunc(w.headers, func(h Header) bool { return uint64(h.Stream) == uint64(n>>48) })
	seq := uint64(n & MaxSequence)
	return seq >= w.headers[i].MeasuredFrom && seq < w.headers[i].MeasuredTo
}

func (w *world) wantMissing() (missing []MissingRange) {
	for _, h := range w.headers {
		for seq := h.MeasuredFrom; seq < h.MeasuredTo; seq++ {
			n := Number(uint64(h.Stream)<<48 | seq)
			if class, ok := w.class[n]; !ok || class != Acknowledged || w.accepted[n] > 0 {
				continue
			}
			if k := len(missing) - 1; k >= 0 && missing[k].Stream == h.Stream && missing[k].First+missing[k].Count == seq {
				missing[k].Count++
				continue
			}
			missing = append(missing, MissingRange{Stream: h.Stream, First: seq, Count: 1})
		}
	}
	return missing[:min(len(missing), MaxMissing)]
}

// wantTraces is what became of whole traces, by the maps.
func (w *world) wantTraces() *Traces {
	type trace struct{ stream, index uint64 }
	acked, there := map[trace]uint64{}, map[trace]uint64{}
	for n, class := range w.class {
		if w.size == 0 || class != Acknowledged || !w.measured(n) {
			continue
		}
		id := trace{uint64(n) >> 48, uint64(n&MaxSequence) / w.size}
		acked[id]++
		if w.accepted[n] > 0 {
			there[id]++
		}
	}
	if len(acked) == 0 {
		return nil
	}
	t := new(Traces)
	for id, n := range acked {
		switch {
		case n < w.size:
		case there[id] == w.size:
			t.Whole++
		case there[id] == 0:
			t.Dropped++
			t.DroppedSpans += w.size
		default:
			t.InPart++
			t.MissingSpans += w.size - there[id]
		}
	}
	return t
}

func (w *world) wantFollowed() (answer, transit, total *Histogram) {
	answer, transit, total = NewHistogram(), NewHistogram(), NewHistogram()
	for n, s := range w.settled {
		if s.Class == Acknowledged && w.accepted[n] > 0 && w.measured(n) && Sampled(uint64(n&MaxSequence), w.every) {
			answer.Record(s.Answered-s.Due, 1)
			transit.Record(max(0, w.first[n]-s.Answered), 1)
			total.Record(w.first[n]-s.Due, 1)
		}
	}
	return answer, transit, total
}

func (w *world) join(t *testing.T) *Joined {
	t.Helper()
	var sent, received []io.ReaderAt
	for i, d := range w.senders {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, w.sent[i])
	}
	for i, r := range w.receivers {
		var whole bytes.Buffer
		if _, err := r.WriteTo(&whole); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(whole.Bytes(), w.received[i].Bytes()) && w.rand.IntN(2) == 0 {
			received = append(received, bytes.NewReader(whole.Bytes()))
			continue
		}
		received = append(received, w.received[i])
	}
	j, err := Join(sent, received)
	if err != nil {
		t.Fatal(err)
	}
	return j
}
