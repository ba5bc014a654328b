package otlp

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// batch is a request of many, as a collector's batch processor puts them together, with
// random ids.
func batch(t testing.TB, name string, requests, spans int) []byte {
	var b []byte
	r := source(9)
	for range requests {
		b = append(b, filled(NewTemplate(shape(t, name), 0, spans, r), r)...)
	}
	return b
}

// filled is a copy of a template with random holes; those that always have the same
// content have the same.
func filled(tmpl *Template, r *rand.Rand) []byte {
	b := bytes.Clone(tmpl.Bytes)
	put := map[uint32]uint32{}
	due := uint64(1_700_000_000_000_000_000) + r.Uint64N(1<<50)
	for _, h := range tmpl.holes() {
		if first, ok := put[h.key]; ok {
			copy(b[h.from:h.end], b[first:])
			continue
		}
		put[h.key] = h.from
		for i := h.from; i < h.end; i++ {
			b[i] = byte(r.Uint32())
		}
	}
	for _, h := range tmpl.Times {
		binary.LittleEndian.PutUint64(b[h.At:], due-uint64(h.Before))
	}
	for _, h := range tmpl.Varying {
		copy(b[h.At:h.At+VaryBytes], values{rand.New(rand.NewPCG(due, uint64(h.Sequence)))}.hex(VaryBytes))
	}
	return b
}

func compressed(t testing.TB, encoding string, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch encoding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zstd":
		w, err = zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
	case "snappy":
		w = s2.NewWriter(&b, s2.WriterSnappyCompat(), s2.WriterConcurrency(1))
	}
	if err == nil {
		_, err = w.Write(plain)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var encodings = []string{"gzip", "zstd", "snappy"}

// plainTexts are messages of all kinds: empty, of one byte, runs, noise, real.
func plainTexts(t testing.TB) map[string][]byte {
	noise := make([]byte, 100_000)
	for i, r := 0, source(2); i < len(noise); i++ {
		noise[i] = byte(r.Uint32())
	}
	return map[string][]byte{
		"empty": {}, "one byte": {7}, "a run": bytes.Repeat([]byte{1}, 200_000),
		"pairs": bytes.Repeat([]byte{1, 2}, 70_000), "noise": noise,
		"simple": batch(t, "simple", 10, 100), "odigos-docs": batch(t, "odigos-docs", 3, 100),
		"complex": batch(t, "complex", 10, 100),
	}
}

func TestDecompressUndoesEveryEncoding(t *testing.T) {
	for name, plain := range plainTexts(t) {
		for _, encoding := range encodings {
			src := compressed(t, encoding, plain)
			for _, dst := range [][]byte{nil, []byte("before"), make([]byte, 0, 1<<20)} {
				got, err := Decompress(encoding, dst, src, len(plain))
				if err != nil || !bytes.Equal(got, append(bytes.Clone(dst), plain...)) {
					t.Errorf("Decompress(%s, %d B, %s): %d bytes, %v; want %d", encoding, len(dst),
						name, len(got), err, len(dst)+len(plain))
				}
			}
		}
	}
	if _, err := Decompress("br", nil, nil, 10); err == nil {
		t.Error("Decompress(br) gave no error")
	}
}

// A message that is one byte longer than the limit is refused, whatever room there is.
func TestDecompressKeepsToItsLimit(t *testing.T) {
	for name, plain := range plainTexts(t) {
		for _, encoding := range encodings {
			if len(plain) == 0 {
				continue
			}
			src := compressed(t, encoding, plain)
			for _, limit := range []int{0, 1, len(plain) / 2, len(plain) - 1} {
				for _, dst := range [][]byte{nil, make([]byte, 3, 1<<20)} {
					got, err := Decompress(encoding, dst, src, min(limit, len(plain)-1))
					if !errors.Is(err, ErrTooLong) || len(got) != len(dst) {
						t.Errorf("Decompress(%s, %d B, %s, %d): %d bytes, %v; want ErrTooLong", encoding,
							len(dst), name, limit, len(got), err)
					}
				}
			}
		}
	}
}

// A small message that would become an enormous one costs what it decodes, not what it
// says: of 64 MiB of zeros a limit of 1 MiB allows no more than a few to be allocated.
func TestBombsAreCheap(t *testing.T) {
	zeros := make([]byte, 64<<20)
	for _, encoding := range encodings {
		src := compressed(t, encoding, zeros)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decompress(encoding, nil, src, 1<<20)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrTooLong) {
			t.Errorf("Decompress(%s, %d B, 1 MiB): %v, want ErrTooLong", encoding, len(src), err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 24<<20 {
			t.Errorf("Decompress(%s, %d B, 1 MiB) allocated %d bytes", encoding, len(src), n)
		}
	}
}

// A message that is cut off, or in which a bit is another, is an error or (where the bit
// says nothing) the same message, never another one.
func TestBrokenMessagesAreErrors(t *testing.T) {
	plain := batch(t, "simple", 1, 7)
	for _, encoding := range encodings {
		src := compressed(t, encoding, plain)
		for n := range len(src) {
			if encoding == "snappy" && n == len(snappyMagic) {
				continue // an empty message
			}
			if _, err := Decompress(encoding, nil, src[:n:n], 1<<20); err == nil && n > 0 {
				t.Errorf("Decompress(%s, %d of %d bytes) gave no error", encoding, n, len(src))
			}
		}
		for bit := range 8 * len(src) {
			broken := bytes.Clone(src)
			broken[bit/8] ^= 1 << (bit % 8)
			if encoding == "snappy" && broken[len(snappyMagic)] >= 0x80 {
				continue // a chunk that may be skipped
			}
			got, err := Decompress(encoding, nil, broken, 1<<20)
			if err == nil && !bytes.Equal(got, plain) {
				t.Errorf("Decompress(%s) with bit %d inverted: another message", encoding, bit)
			}
		}
	}
}

func TestGzipHeaders(t *testing.T) {
	plain := []byte("telemetry")
	body := compressed(t, "gzip", plain)[10:]
	header := func(flags byte, more ...byte) []byte {
		return append([]byte{0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 0}, more...)
	}
	withSum := func(h []byte) []byte {
		return binary.LittleEndian.AppendUint16(h, uint16(crc32.ChecksumIEEE(h)))
	}
	for _, test := range []struct {
		name   string
		header []byte
		fails  bool
	}{
		{"plain", header(0), false},
		{"text", header(1), false},
		{"extra", header(4, 3, 0, 1, 2, 3), false},
		{"name", header(8, []byte("a.txt\x00")...), false},
		{"comment", header(16, []byte("why\x00")...), false},
		{"sum", withSum(header(2)), false},
		{"all", withSum(header(2|4|8|16, []byte("\x01\x00xname\x00why\x00")...)), false},
		{"wrong sum", append(header(2), 1, 2), true},
		{"extra beyond the end", header(4, 255, 255), true},
		{"name without end", header(8, []byte("a")...)[:11], true},
		{"other method", append([]byte{0x1f, 0x8b, 7}, header(0)[3:]...), true},
		{"no magic", append([]byte{0x1f, 0x8c}, header(0)[2:]...), true},
	} {
		src := append(slices.Clip(test.header), body...)
		if test.name == "name without end" {
			src = test.header
		}
		got, err := Decompress("gzip", nil, src, 100)
		if (err != nil) != test.fails || (err == nil && !bytes.Equal(got, plain)) {
			t.Errorf("Decompress(gzip, %s) = %q, %v", test.name, got, err)
		}
	}
	member := append(header(0), body...)
	got, err := Decompress("gzip", nil, bytes.Repeat(member, 3), 100)
	if diff := cmp.Diff("telemetrytelemetrytelemetry", string(got)); diff != "" || err != nil {
		t.Errorf("Decompress(gzip, three members): %v (-want +got)\n%s", err, diff)
	}
	if _, err := Decompress("gzip", nil, bytes.Repeat(member, 3), 26); !errors.Is(err, ErrTooLong) {
		t.Errorf("Decompress(gzip, three members, 26): %v", err)
	}
}

// fixed is a block of fixed codes: a literal, then a match of three bytes with that code
// of a distance, then many literals, so that it is not the end that is looked at.
func fixed(distance uint) []byte {
	var hold uint64
	var n int
	var b []byte
	write := func(code uint64, bits int, reversed bool) {
		for i := range bits {
			v := code >> i
			if reversed {
				v = code >> (bits - 1 - i)
			}
			hold |= v & 1 << (n % 8)
			if n++; n%8 == 0 {
				b, hold = append(b, byte(hold)), 0
			}
		}
	}
	write(1|1<<1, 3, false)
	write(0x30+'a', 8, true)
	write(1, 7, true)
	write(uint64(distance), 5, true)
	for range 2000 {
		write(0x30+'b', 8, true)
	}
	write(0, 7, true)
	write(0, 7, true)
	return b
}

func TestInflateRefusesWhatIsNoDistance(t *testing.T) {
	for distance, fails := range map[uint]bool{0: false, 1: true, 30: true, 31: true} {
		for _, end := range []int{0, 1990} {
			src := fixed(distance)
			got, _, err := new(inflater).inflate(nil, src[:len(src)-end], 1<<20)
			if fails != errors.Is(err, errCorrupt) || (end == 0 && !fails && err != nil) {
				t.Errorf("inflate(distance %d, %d bytes) = %d bytes, %v", distance, len(src)-end, len(got),
					err)
			}
		}
	}
}

// Whatever comes, the inflater and compress/flate agree on the bytes or on that there is
// an error, and no more is written than the limit allows.
func FuzzInflate(f *testing.F) {
	for _, plain := range plainTexts(f) {
		for _, level := range []int{flate.HuffmanOnly, 0, 1, 6, 9} {
			var b bytes.Buffer
			w, _ := flate.NewWriter(&b, level) // a valid level
			w.Write(plain[:min(len(plain), 10_000)])
			w.Close()
			f.Add(b.Bytes())
		}
	}
	for distance := range uint(32) {
		f.Add(fixed(distance))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		const limit = 1 << 20
		r := flate.NewReader(bytes.NewReader(src))
		want, failed := io.ReadAll(io.LimitReader(r, limit+1))
		got, n, err := new(inflater).inflate([]byte("12345"), src, 5+limit)
		switch {
		case len(got) > 5+limit:
			t.Errorf("%d bytes of at most %d", len(got)-5, limit)
		case len(want) > limit:
			if !errors.Is(err, ErrTooLong) && failed == nil && err == nil {
				t.Errorf("no error for %d bytes", len(want))
			}
		case (err != nil) != (failed != nil):
			t.Errorf("error %v, compress/flate %v", err, failed)
		case err == nil && (!bytes.Equal(got[5:], want) || n > len(src)):
			t.Errorf("%d bytes of %d, compress/flate %d", len(got)-5, n, len(want))
		}
	})
}
