package ledger

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
			want.Traces = w.wantTraces()
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
			add(q, ids[:], uint64(epoch.UnixNano()))
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
