package otlp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/s2"
)

// ErrTooLong says that a message would be longer than its receiver accepts.
var ErrTooLong = errors.New("the message is longer than is accepted")

// Decompress appends to dst what a whole message says once its encoding (gzip, zstd,
// snappy in its framed form) is undone. It stops with ErrTooLong when that is more than
// limit bytes, and never allocates much more than a few times what has been received or
// what has been decoded by then. With an error it returns dst as it was.
func Decompress(encoding string, dst, src []byte, limit int) ([]byte, error) {
	undo, ok := map[string]func(dst, src []byte, limit int) ([]byte, error){
		"gzip": gunzip, "zstd": unzstd, "snappy": unsnappy,
	}[encoding]
	if !ok {
		return dst, fmt.Errorf("decompress: unknown encoding %q", encoding)
	}
	out, err := undo(dst, src, limit)
	switch {
	case errors.Is(err, ErrTooLong):
		return dst, ErrTooLong
	case err != nil:
		return dst, fmt.Errorf("decompress %s: %w", encoding, err)
	}
	return out, nil
}

var inflaters = sync.Pool{New: func() any { return new(inflater) }}

// usualRatio is how many times as long as its compressed form a message usually is at
// most: so much room is made before it is decompressed.
const usualRatio = 8

// gunzip undoes gzip (RFC 1952), of any number of members.
func gunzip(dst, src []byte, limit int) ([]byte, error) {
	d := inflaters.Get().(*inflater)
	defer func() {
		d.in, d.out = nil, nil // holds on to nothing of the message
		inflaters.Put(d)
	}()
	limit += len(dst)
	if n := len(src); n > 4 {
		size := int(binary.LittleEndian.Uint32(src[n-4:])) // of the last member
		dst = slices.Grow(dst, min(size, usualRatio*n, limit-len(dst))+2*slack)
	}
	for more := true; more; more = len(src) > 0 {
		n, err := gzipHeaderSize(src)
		if err != nil {
			return nil, err
		}
		src = src[n:]
		from := len(dst)
		if dst, n, err = d.inflate(dst, src, limit); err != nil {
			return nil, err
		}
		if src = src[n:]; len(src) < 8 {
			return nil, errEarly
		}
		if crc32.ChecksumIEEE(dst[from:]) != binary.LittleEndian.Uint32(src) ||
			uint32(len(dst)-from) != binary.LittleEndian.Uint32(src[4:]) {
			return nil, errSum
		}
		src = src[8:]
	}
	return dst, nil
}

var (
	errSum    = errors.New("the checksum or the length is another")
	errHeader = errors.New("not a header")
)

// gzipHeaderSize is the length of the header of a member.
func gzipHeaderSize(src []byte) (int, error) {
	const (
		sum, extra, name, comment = 1 << 1, 1 << 2, 1 << 3, 1 << 4
	)
	if len(src) < 10 || src[0] != 0x1f || src[1] != 0x8b || src[2] != 8 {
		return 0, errHeader
	}
	flags, at := src[3], 10
	if flags&extra != 0 {
		if len(src) < at+2 {
			return 0, errHeader
		}
		at += 2 + int(binary.LittleEndian.Uint16(src[at:]))
	}
	for _, text := range []byte{name, comment} {
		if flags&text == 0 {
			continue
		}
		n := slices.Index(src[min(at, len(src)):], 0)
		if n < 0 {
			return 0, errHeader
		}
		at += n + 1
	}
	if flags&sum != 0 {
		if len(src) < at+2 ||
			uint16(crc32.ChecksumIEEE(src[:at])) != binary.LittleEndian.Uint16(src[at:]) {
			return 0, errHeader
		}
		at += 2
	}
	if at > len(src) {
		return 0, errHeader
	}
	return at, nil
}

// unzstd undoes zstd (RFC 8878) as a stream: doing it at once is not faster, and believes
// a frame that says how long it is.
func unzstd(dst, src []byte, limit int) ([]byte, error) {
	open, _ := Decompressor("zstd")
	r, err := open(bytes.NewReader(src))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	from := len(dst)
	if cap(dst)-from < 2*len(src) {
		dst = slices.Grow(dst, min(usualRatio*len(src), limit)+1)
	}
	for {
		if len(dst) == cap(dst) {
			dst = slices.Grow(dst, len(dst)-from+1)
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst)-from > limit:
			return nil, ErrTooLong
		case errors.Is(err, io.EOF):
			return dst, nil
		case err != nil:
			return nil, err
		}
	}
}

// unsnappy undoes snappy in its framed form, a chunk at a time.
func unsnappy(dst, src []byte, limit int) ([]byte, error) {
	limit += len(dst)
	for first := true; len(src) > 0; first = false {
		if len(src) < 4 {
			return nil, errEarly
		}
		size := int(src[1]) | int(src[2])<<8 | int(src[3])<<16
		if len(src) < 4+size {
			return nil, errEarly
		}
		kind, chunk := src[0], src[4:4+size]
		src = src[4+size:]
		switch {
		case kind == snappyMagic[0]:
			if string(chunk) != snappyMagic[4:] {
				return nil, errHeader
			}
		case first:
			return nil, errHeader
		case kind == snappyBlock || kind == snappyPlain:
			var err error
			if dst, err = unsnappyChunk(dst, chunk, kind == snappyBlock, limit); err != nil {
				return nil, err
			}
		case kind < 0x80:
			return nil, fmt.Errorf("unknown chunk %#x", kind) // the others may be skipped
		}
	}
	return dst, nil
}

// unsnappyChunk appends what a chunk says, of at most limit bytes together with dst.
func unsnappyChunk(dst, chunk []byte, block bool, limit int) ([]byte, error) {
	if len(chunk) < 4 {
		return nil, errEarly
	}
	sum, chunk := binary.LittleEndian.Uint32(chunk), chunk[4:]
	size, err := len(chunk), error(nil)
	if block {
		if size, err = s2.DecodedLen(chunk); err != nil {
			return nil, err
		}
	}
	switch {
	case size > snappyChunk:
		return nil, s2.ErrCorrupt
	case size > limit-len(dst):
		return nil, ErrTooLong
	}
	at := len(dst)
	dst = slices.Grow(dst, size)[:at+size]
	if !block {
		copy(dst[at:], chunk)
	} else if _, err := s2.Decode(dst[at:at+size:at+size], chunk); err != nil {
		return nil, err
	}
	if snappySum(dst[at:]) != sum {
		return nil, errSum
	}
	return dst, nil
}

// snappySum is the checksum of plain bytes as snappy's framing has it.
func snappySum(b []byte) uint32 { return snappyMask(crc32.Checksum(b, castagnoli)) }

func snappyMask(sum uint32) uint32 { return (sum>>15 | sum<<17) + 0xa282ead8 }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
