package otlp

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// decoders are what receivers have.
var decoders = map[string]map[string]func(io.Reader) (io.Reader, error){
	"gzip": {
		"compress/gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"klauspost":     func(r io.Reader) (io.Reader, error) { return kgzip.NewReader(r) },
		"one member": func(r io.Reader) (io.Reader, error) {
			z, err := gzip.NewReader(r)
			if err == nil {
				z.Multistream(false)
			}
			return z, err
		},
	},
	"zstd": {
		"stream": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
		"at once": func(r io.Reader) (io.Reader, error) {
			b, err1 := io.ReadAll(r)
			d, err2 := zstd.NewReader(nil)
			if err := errors.Join(err1, err2); err != nil {
				return nil, err
			}
			defer d.Close()
			b, err := d.DecodeAll(b, nil)
			return bytes.NewReader(b), err
		},
	},
	"snappy": {
		"s2":     func(r io.Reader) (io.Reader, error) { return s2.NewReader(r), nil },
		"snappy": func(r io.Reader) (io.Reader, error) { return snappy.NewReader(r), nil },
	},
}

// templatesOfAllKinds has those of all shapes and sizes, one that begins within a trace,
// and one in whose text every value of a byte occurs.
func templatesOfAllKinds(t testing.TB) map[string]*Template {
	all := map[string]*Template{}
	for _, name := range []string{"odigos-docs", "simple", "complex"} {
		for _, spans := range []int{1, 2, 100, 700} {
			all[fmt.Sprint(name, spans)] = NewTemplate(shape(t, name), 0, spans, source(1))
		}
		all[name+" split"] = NewTemplate(shape(t, name), 1, 33, source(1))
	}
	noise := make([]byte, 3000)
	for i, r := 0, source(2); i < len(noise); i++ {
		noise[i] = byte(r.Uint32())
	}
	s, err := NewShape("complex", nil, map[string]string{"noise": string(noise)})
	if err != nil {
		t.Fatal(err)
	}
	all["noise"] = NewTemplate(s, 0, 60, source(1))
	return all
}

// A packing that is filled again and again says each time what the plain request says, to
// every decoder, and what the ones before said is gone.
func TestFilledPackingsDecompress(t *testing.T) {
	for name, tmpl := range templatesOfAllKinds(t) {
		for encoding, readers := range decoders {
			p, err := Pack(tmpl, encoding)
			if err != nil {
				t.Errorf("Pack(%s, %s): %v", name, encoding, err)
				continue
			}
			before, dst := bytes.Clone(p.Bytes), bytes.Clone(p.Bytes)
			for fill := range uint64(3) {
				plain := filled(tmpl, source(20+fill))
				p.Fill(dst, plain)
				for reader, open := range readers {
					var got []byte
					r, err := open(bytes.NewReader(dst))
					if err == nil {
						got, err = io.ReadAll(r)
					}
					if err != nil || !bytes.Equal(got, plain) {
						t.Errorf("Fill %d of Pack(%s, %s) read by %s: %d bytes, %v; want %d", fill, name,
							encoding, reader, len(got), err, len(plain))
					}
				}
				if got, err := Decompress(encoding, nil, dst, len(plain)); err != nil ||
					!bytes.Equal(got, plain) {
					t.Errorf("Decompress(Fill %d of Pack(%s, %s)): %d bytes, %v", fill, name, encoding,
						len(got), err)
				}
			}
			if !bytes.Equal(before, p.Bytes) {
				t.Errorf("Fill of Pack(%s, %s) wrote into Bytes", name, encoding)
			}
		}
	}
}

// A packing is not much longer than what a collector would have made of the same bytes.
func TestPackingsAreShort(t *testing.T) {
	for _, test := range []struct {
		shape, encoding string
		most            float64 // times as long
	}{
		{"odigos-docs", "gzip", 1.1},
		{"odigos-docs", "zstd", 1.35},
		{"odigos-docs", "snappy", 1.02},
		{"simple", "gzip", 2.2},
		{"simple", "zstd", 1.35},
		{"simple", "snappy", 1.02},
	} {
		tmpl := NewTemplate(shape(t, test.shape), 0, 100, source(1))
		p, err := Pack(tmpl, test.encoding)
		if err != nil {
			t.Fatal(err)
		}
		online := len(compressed(t, test.encoding, filled(tmpl, source(4))))
		if got := float64(len(p.Bytes)) / float64(online); got > test.most {
			t.Errorf("Pack(%s, %s): %d bytes, %.2f times %d; want at most %.2f", test.shape,
				test.encoding, len(p.Bytes), got, online, test.most)
		}
	}
}

func TestFillAllocatesNothing(t *testing.T) {
	tmpl := NewTemplate(shape(t, "simple"), 0, 100, source(1))
	for encoding := range decoders {
		p, err := Pack(tmpl, encoding)
		if err != nil {
			t.Fatal(err)
		}
		dst, plain := bytes.Clone(p.Bytes), filled(tmpl, source(4))
		if n := testing.AllocsPerRun(10, func() { p.Fill(dst, plain) }); n > 0 {
			t.Errorf("Fill of Pack(simple, %s): %v allocations", encoding, n)
		}
	}
}

// What only looks right while the holes hold what they held at first is found out.
func TestVerifyFindsWrongPackings(t *testing.T) {
	tmpl := NewTemplate(shape(t, "simple"), 0, 20, source(1))
	c := newCast(tmpl, 0)
	for _, test := range []struct {
		name  string
		spoil func(*Packing)
	}{
		{"a hole is not filled", func(p *Packing) { p.moves = p.moves[1:] }},
		{"a hole is elsewhere", func(p *Packing) { p.moves[3].from++ }},
		{"no sum", func(p *Packing) { p.sums = nil }},
	} {
		p, err := packGzip(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.verify(c, "gzip"); err != nil {
			t.Fatalf("verify: %v", err)
		}
		test.spoil(p)
		if err := p.verify(c, "gzip"); err == nil {
			t.Errorf("verify although %s gave no error", test.name)
		}
	}
}

func TestPackUnknownEncoding(t *testing.T) {
	if _, err := Pack(NewTemplate(shape(t, "simple"), 0, 1, source(1)), "br"); err == nil {
		t.Error("Pack(br) gave no error")
	}
}

func TestPackEmptyTemplate(t *testing.T) {
	for _, encoding := range encodings {
		p, err := Pack(&Template{}, encoding)
		if err != nil {
			t.Errorf("Pack(nothing, %s): %v", encoding, err)
			continue
		}
		if got, err := Decompress(encoding, nil, p.Bytes, 0); err != nil || len(got) > 0 {
			t.Errorf("Decompress(Pack(nothing, %s)): %d bytes, %v", encoding, len(got), err)
		}
	}
}

// Sequences of every length and distance that zstd and snappy have other forms for.
func TestPackingsOfOddTexts(t *testing.T) {
	r := source(6)
	noise := make([]byte, 400_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	for _, test := range []struct {
		name  string
		parts [][]byte
	}{
		{"a run", [][]byte{bytes.Repeat([]byte{1}, 300_000)}},
		{"noise", [][]byte{noise}},
		{"matches far away", [][]byte{noise[:65_000], noise[:70_000], noise[:100], noise[:300_000]}},
		{"many short ones", shuffled(r, noise[:4000], 5, 30_000)},
		{"many of all lengths", shuffled(r, noise[:4000], 700, 2_000)},
	} {
		tmpl := &Template{Bytes: slices.Concat(test.parts...)}
		tmpl.SpanIDs = []Hole{{At: 0}, {At: uint32(len(tmpl.Bytes) - 8), Sequence: 1}}
		for _, encoding := range encodings {
			if _, err := Pack(tmpl, encoding); err != nil { // which verifies
				t.Errorf("Pack(%s, %s): %v", test.name, encoding, err)
			}
		}
	}
}

// shuffled returns parts of b of up to that length.
func shuffled(r *rand.Rand, b []byte, length, times int) [][]byte {
	var all [][]byte
	for range times {
		n := 1 + r.IntN(length)
		at := r.IntN(len(b) - n)
		all = append(all, b[at:at+n])
	}
	return all
}

func BenchmarkFill(b *testing.B) {
	for _, name := range []string{"simple", "odigos-docs"} {
		tmpl := NewTemplate(shape(b, name), 0, 1000, source(1))
		plain := filled(tmpl, source(4))
		for _, encoding := range encodings {
			p, err := Pack(tmpl, encoding)
			if err != nil {
				b.Fatal(err)
			}
			dst := bytes.Clone(p.Bytes)
			b.Run(name+"/"+encoding, func(b *testing.B) {
				for b.Loop() {
					p.Fill(dst, plain)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/span")
			})
		}
	}
}

func BenchmarkDecompress(b *testing.B) {
	for _, name := range []string{"simple", "odigos-docs"} {
		plain := batch(b, name, 20, 100)
		for _, encoding := range encodings {
			src := compressed(b, encoding, plain)
			dst := make([]byte, 0, 2*len(plain))
			b.Run(name+"/"+encoding, func(b *testing.B) {
				b.SetBytes(int64(len(plain)))
				for b.Loop() {
					if _, err := Decompress(encoding, dst, src, 1<<30); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		src, dst := compressed(b, "gzip", plain), make([]byte, len(plain))
		r, _ := kgzip.NewReader(bytes.NewReader(src))
		b.Run(name+"/gzip of the library", func(b *testing.B) {
			b.SetBytes(int64(len(plain)))
			for b.Loop() {
				_ = r.Reset(bytes.NewReader(src))
				if _, err := io.ReadFull(r, dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
