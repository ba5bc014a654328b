package otlp

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// A Packing is a Template that was compressed beforehand in such a way that its holes
// stay at fixed places: a request is patched and stays compressed.
type Packing struct {
	// Bytes are the compressed template. They are never patched themselves: their copies
	// are.
	Bytes []byte

	moves  []move
	sums   []sum
	table  *crc32.Table
	masked bool // as snappy's framing has its sums
}

// A move is a run of bytes that the plain and the compressed template have in common.
type move struct{ to, from, size uint32 }

// A sum is the place of a checksum, little endian, of the plain bytes in [from, end).
type sum struct{ at, from, end uint32 }

// Pack compresses a template with gzip, zstd or snappy (framed). What it gives out was
// decompressed and compared once, with every byte of every hole changed.
func Pack(t *Template, encoding string) (*Packing, error) {
	pack, ok := map[string]func(*cast) (*Packing, error){
		"gzip": packGzip, "zstd": packZstd, "snappy": packSnappy,
	}[encoding]
	if !ok {
		return nil, fmt.Errorf("pack with %q: want gzip, zstd or snappy", encoding)
	}
	const attempts = 4 // with other bytes in the holes
	var err error
	for attempt := range uint64(attempts) {
		c := newCast(t, attempt)
		var p *Packing
		if p, err = pack(c); err != nil {
			break
		}
		if err = p.verify(c, encoding); err == nil {
			return p, nil
		}
	}
	return nil, fmt.Errorf("pack %d spans with %s: %w", t.Spans, encoding, err)
}

// Fill makes dst, a copy of Bytes, say what plain says: a copy of the template whose holes
// are filled. Holes of the template that have the sequence and the kind, or the time, in
// common must have the same content. It allocates nothing.
func (p *Packing) Fill(dst, plain []byte) {
	for _, m := range p.moves {
		copy(dst[m.to:m.to+m.size], plain[m.from:])
	}
	for _, s := range p.sums {
		v := crc32.Checksum(plain[s.from:s.end], p.table)
		if p.masked {
			v = snappyMask(v)
		}
		binary.LittleEndian.PutUint32(dst[s.at:], v)
	}
}

// verify holds a filled copy, none of whose hole bytes are what they were while the
// template was compressed, against what a decoder of others makes of it.
func (p *Packing) verify(c *cast, encoding string) error {
	plain, dst := bytes.Clone(c.bytes), bytes.Clone(p.Bytes)
	for _, h := range c.holes {
		for i := h.from; i < h.end; i++ {
			plain[i] = ^plain[i]
		}
	}
	p.Fill(dst, plain)
	r, err := standardReader(encoding, dst)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	got := bytes.NewBuffer(make([]byte, 0, len(plain)+bytes.MinRead))
	if _, err := got.ReadFrom(r); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if !bytes.Equal(got.Bytes(), plain) {
		return fmt.Errorf("verify: %d bytes came out that are not the %d packed", got.Len(),
			len(plain))
	}
	return nil
}

func standardReader(encoding string, b []byte) (io.Reader, error) {
	switch r := bytes.NewReader(b); encoding {
	case "gzip":
		return gzip.NewReader(r)
	case "zstd":
		return zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	default:
		return s2.NewReader(r), nil
	}
}
