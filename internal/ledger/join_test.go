package ledger

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// memory is a file in memory.
type memory struct{ bytes.Buffer }

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m.Bytes()).ReadAt(p, off)
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
	w.window = Window{From: 3 * time.Second, To: 9 * time.Second}
	for i := range 1 + w.rand.IntN(3) {
		h := Header{
			RunID: "run", Stream: uint16(i * 5), Start: epoch, SampleEvery: w.every,
			MeasuredFrom: uint64(1000 + i), MeasuredTo: uint64(67_000 + i*1000),
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
	var trace [16]byte
	var span [8]byte
	for _, n := range numbers {
		key.PutTraceID(trace[:], n-Number(min(uint64(n)&MaxSequence, uint64(w.rand.IntN(10)))))
		key.PutSpanID(span[:], n)
		q.Add(trace[:], span[:], uint64(epoch.Add(w.settled[n].Due).UnixNano()))
		if !ok {
			w.failed[n]++
			continue
		}
		if w.accepted[n]++; w.accepted[n] == 1 || at.Sub(epoch) < w.first[n] {
			w.first[n] = at.Sub(epoch)
		}
	}
	if w.rand.IntN(10) == 0 {
		q.Add([]byte("sixteen bytes...")[:16], []byte("8 bytes."), 1)
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

// Whatever is lost, sampled, repeated, refused, disordered or late: Join tells what the
// maps tell.
func TestJoinTellsWhatBecameOfEverySpan(t *testing.T) {
	for seed, keep := range []float64{1, 1, 0.99, 0.5, 0.1, 0.01, 0, 0.9} {
		t.Run(fmt.Sprintf("seed=%d,keep=%v", seed, keep), func(t *testing.T) {
			w := newWorld(t, uint64(seed))
			w.play(keep)
			j := w.join(t)
			if diff := cmp.Diff(w.want(false), j.All); diff != "" {
				t.Errorf("All (-maps +join):\n%s", diff)
			}
			want := w.want(true)
			// Of a request that lies across the edge of the measured time it is not
			// known which of its spans were rejected.
			want.RejectedSpans = j.Measured.RejectedSpans
			if diff := cmp.Diff(want, j.Measured); diff != "" {
				t.Errorf("Measured (-maps +join):\n%s", diff)
			}
			if diff := cmp.Diff(w.wantMissing(), j.Missing); diff != "" {
				t.Errorf("Missing (-maps +join):\n%s", diff)
			}
			if j.Foreign != w.foreign {
				t.Errorf("Foreign = %d, want %d", j.Foreign, w.foreign)
			}
			answer, transit, total := w.wantFollowed()
			for _, h := range []struct {
				name      string
				got, want *Histogram
			}{{"Answer", j.Answer, answer}, {"Transit", j.Transit, transit}, {"Total", j.Total, total}} {
				if !h.got.HDR().Equals(h.want.HDR()) {
					t.Errorf("%s has %d entries, p50 %v; want %d, %v", h.name,
						h.got.Count(), h.got.Quantile(0.5), h.want.Count(), h.want.Quantile(0.5))
				}
			}
		})
	}
}

// small is a little run of one sender and one receiver.
func small(t testing.TB) (sent, received []byte) {
	t.Helper()
	var m memory
	d, err := NewDispatch(&m, Header{RunID: "run", Stream: 1, Start: epoch, MeasuredTo: 1000, SampleEvery: 10})
	if err != nil {
		t.Fatal(err)
	}
	d.Settle(Settlement{First: 0, Count: 900, Class: Acknowledged, Attempts: 1, Answered: time.Millisecond})
	d.Settle(Settlement{First: 900, Count: 100, Class: Unknown, Attempts: 1, Answered: time.Second})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	var f memory
	r := NewReceipts(&f)
	if err := r.Start(Run{RunID: "run", Start: epoch, SampleEvery: 10}); err != nil {
		t.Fatal(err)
	}
	key, q := NewKey("run"), r.Begin()
	var ids [24]byte
	for i := range Number(950) {
		n := Number(1)<<48 | i
		key.PutTraceID(ids[:16], n)
		key.PutSpanID(ids[16:], n)
		if i%100 != 7 {
			q.Add(ids[:16], ids[16:], uint64(epoch.UnixNano()))
		}
	}
	q.Commit(epoch.Add(time.Second), true)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return m.Bytes(), f.Bytes()
}

func TestJoinRefusesDamagedAccounts(t *testing.T) {
	sent, received := small(t)
	join := func(sent, received []byte) error {
		_, err := Join([]io.ReaderAt{bytes.NewReader(sent)}, []io.ReaderAt{bytes.NewReader(received)})
		return err
	}
	if err := join(sent, received); err != nil {
		t.Fatal(err)
	}
	for _, whole := range [][]byte{sent, received} {
		for n := range len(whole) {
			cut := whole[:n]
			flipped := bytes.Clone(whole)
			flipped[n] ^= 0x10
			for what, bad := range map[string][]byte{"cut off at": cut, "with a bit flipped at": flipped} {
				err := join(bad, received)
				if len(whole) == len(received) {
					err = join(sent, bad)
				}
				if err == nil {
					t.Errorf("Join of an account %s %d gave no error", what, n)
				}
			}
		}
	}
	for _, bad := range []struct {
		sent, received []byte
		want           string
	}{
		{received, received, `sender 1: read account: at byte 24: found a header 'R', want 'D'`},
		{sent, sent, `receiver 1: read account: at byte 24: found a header 'D', want 'R'`},
		{append(bytes.Clone(sent), 0), received, "something follows the trailer"},
		{sent[:len(sent)-5], received, "the file ends within a chunk"},
		{[]byte("PK"), received, `found "PK", an account begins with`},
	} {
		if err := join(bad.sent, bad.received); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("Join gave %v, want %q", err, bad.want)
		}
	}
}

func TestJoinRefusesAccountsThatDoNotBelongTogether(t *testing.T) {
	sent, received := small(t)
	at := func(b []byte) io.ReaderAt { return bytes.NewReader(b) }
	if _, err := Join([]io.ReaderAt{at(sent), at(sent)}, []io.ReaderAt{at(received)}); err == nil {
		t.Error("Join took two accounts of one stream")
	}
	var m memory
	d, _ := NewDispatch(&m, Header{RunID: "other", Stream: 2})
	_ = d.Close()
	if _, err := Join([]io.ReaderAt{at(sent), &m}, []io.ReaderAt{at(received)}); err == nil {
		t.Error("Join took accounts of two runs")
	}
}

// FuzzJoin: an account that is not ours never panics, and what is accepted sums to zero.
func FuzzJoin(f *testing.F) {
	sent, received := small(f)
	f.Add(sent, received)
	f.Add(sent[:len(sent)/2], received)
	f.Add(sent, received[:len(received)/2])
	f.Add([]byte(magic), []byte(magic+"R\xff\xff\xff\x03"))
	f.Fuzz(func(t *testing.T, sent, received []byte) {
		j, err := Join([]io.ReaderAt{bytes.NewReader(resum(sent))}, []io.ReaderAt{bytes.NewReader(resum(received))})
		if err != nil {
			return
		}
		if err := j.All.Check(); err != nil {
			t.Error(err)
		}
	})
}

// resum makes the checksums of an account fit again, so that a fuzzer gets past them.
func resum(b []byte) []byte {
	if !bytes.HasPrefix(b, []byte(magic)) {
		return b
	}
	out, rest := []byte(magic), b[len(magic):]
	for len(rest) > 1 {
		c := cursor{b: rest[1:]}
		n := int(c.uvarint(maxPayload))
		if len(c.b) < n+4 {
			break
		}
		out = appendChunk(out, rest[0], c.b[:n])
		rest = c.b[n+4:]
	}
	return append(out, rest...)
}
